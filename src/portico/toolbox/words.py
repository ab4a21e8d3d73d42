"""Words as the search compares them: without their endings, and with their slips mended. Pure."""

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"[a-z0-9]+")
_STOP_WORDS = frozenset(
    _WORD.findall(
        """
        a about again all am an and any are as at be because been being but by can could did do does doesn doing don
        dont for from get give got had has hasn have having he her here him his how i if in into is isn it its just let
        like list ll m may me more much must my need no not now of on one only or other our out over please s shall she
        should show so some such t than that the their them then there these they this those to too up us very want
        was we were what when where which while who whom whose why will with won would yes yet you your
        """
    )
)
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "er", "ed", "es", "s")
_SHORTEST_MENDED, _LONGEST_MENDED, _SHORTEST_PART, _ONE_SLIP_UP_TO = 5, 24, 3, 7


def words(text: str) -> list[str]:
    """Lower-case stems without the words that stand everywhere."""
    return [stem(word) for word in spelt(text) if word not in _STOP_WORDS]


def spelt(text: str) -> list[str]:
    """All words as they were written, in lower case."""
    return _WORD.findall(text.lower())


def stem(word: str) -> str:
    """Good enough for one small vocabulary: plural, -ing and -ed endings off."""
    if len(word) <= 3 or word.isdigit():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return _undouble(word[: -len(ending)])
    return word.removesuffix("e") if len(word) > 4 else word


def _undouble(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word.removesuffix("e")


class Spelling:
    """The words that are known, and which of them somebody meant who wrote one that is not."""

    def __init__(self, known: Iterable[str]) -> None:
        self._parts = frozenset(known) - _STOP_WORDS
        self._known = self._parts | _STOP_WORDS
        self._stems = frozenset(stem(word) for word in self._known)
        self._by_pair: dict[str, list[str]] = {}
        for word in sorted(self._known):
            if len(word) >= _SHORTEST_MENDED - 1:
                for pair in _pairs(word):
                    self._by_pair.setdefault(pair, []).append(word)

    def mend(self, word: str) -> str:
        """The word, or the known one that differs from it by a slip, or the known two that were run together."""
        if word in self._known or stem(word) in self._stems or not _SHORTEST_MENDED <= len(word) <= _LONGEST_MENDED:
            return word
        return self._parted(word) or self._nearest(word) or word

    def _parted(self, word: str) -> str:
        for end in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1):
            if {word[:end], word[end:]} <= self._parts:
                return f"{word[:end]} {word[end:]}"
        return ""

    def _nearest(self, word: str) -> str:
        pairs = _pairs(word)
        shared = Counter(known for pair in pairs for known in self._by_pair.get(pair, ()))
        allowed = 1 if len(word) <= _ONE_SLIP_UP_TO else 2
        near = [
            (slips, -count, known)
            for known, count in shared.items()
            if count * 2 >= len(pairs) - 1 and known[0] == word[0] and abs(len(known) - len(word)) <= allowed
            if (slips := _slips(word, known)) <= allowed
        ]
        return min(near)[2] if near else ""


def _pairs(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[place : place + 2] for place in range(len(padded) - 1))


def _slips(left: str, right: str) -> int:
    """How many letters are wrong, missing, too many or in the wrong order."""
    before: list[int] = []
    last = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        line = [row]
        for column, other in enumerate(right, 1):
            cost = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]
