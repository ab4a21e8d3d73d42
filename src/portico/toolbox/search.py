"""Find a tool by words, the user's or the API's. BM25 over names, sentences, aliases, tags and arguments. Pure."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable

from portico.model.offered import Offered

_WORD = re.compile(r"[a-z0-9]+")
_SATURATION, _LENGTH_WEIGHT = 1.2, 0.6
_STOP_WORDS = frozenset(
    _WORD.findall(
        """
        a an and any are as at be been by can do does for from get give has have how i in into is it its let list
        me my of on or our please show so that the their them then there these this to want was we what which who
        will with you your
        """
    )
)
# What somebody says who wants to see, make, change or delete; a tool that does so counts a little more.
_INTENTS = {
    "list": "list all every show which",
    "get": "get one single details look",
    "create": "create make add new start",
    "update": "update change edit rename set modify",
    "delete": "delete remove drop",
}
_METHODS = {word: method for method, words in _INTENTS.items() for word in words.split()}
_INTENT_WEIGHT, _NAME_WEIGHT = 1.3, 0.5
# How much a word counts by where it stands.
_WEIGHTS = {"name": 3, "alias": 3, "title": 2, "says": 1, "tags": 1, "arguments": 1}


class Index:
    """Built once for a set of operations; a search takes well under a millisecond."""

    def __init__(self, operations: Iterable[Offered]) -> None:
        self._names: list[str] = []
        self._counts: list[Counter[str]] = []
        self._tags: list[frozenset[str]] = []
        self._methods: list[str] = []
        self._named: list[frozenset[str]] = []
        for operation in operations:
            self._names.append(operation.tool.name)
            self._counts.append(_count(operation))
            self._tags.append(frozenset(operation.tags))
            self._methods.append(operation.method)
            self._named.append(frozenset(words(_name(operation))))
        self._lengths = [sum(each.values()) for each in self._counts]
        self._mean = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0
        self._postings: dict[str, list[int]] = {}
        for number, counts in enumerate(self._counts):
            for word in counts:
                self._postings.setdefault(word, []).append(number)

    def search(self, query: str, *, tag: str = "", among: Collection[str] | None = None, count: int = 8) -> list[str]:
        """Tool names, best first; exact names win."""
        scores: dict[int, float] = {}
        asked = set(words(query))
        for word in asked:
            postings = self._postings.get(word, ())
            rarity = math.log(1 + (len(self._names) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number in postings:
                scores[number] = scores.get(number, 0.0) + rarity * self._weight(number, word)
        wanted = query.strip().lower()
        meant = {_METHODS[word] for word in _WORD.findall(wanted) if word in _METHODS}
        found = [
            (
                score * self._favour(number, asked, meant) + (1000.0 if self._names[number] == wanted else 0.0),
                -number,
            )
            for number, score in scores.items()
            if (not tag or tag in self._tags[number]) and (among is None or self._names[number] in among)
        ]
        found.sort(reverse=True)
        return [self._names[-number] for _, number in found[:count]]

    def _favour(self, number: int, asked: set[str], meant: set[str]) -> float:
        """More for a tool whose whole name was said, and for one that does what is meant."""
        named = self._named[number]
        share = len(named & asked) / len(named) if named else 0.0
        return (1 + _NAME_WEIGHT * share) * (_INTENT_WEIGHT if self._methods[number] in meant else 1.0)

    def _weight(self, number: int, word: str) -> float:
        count = self._counts[number][word]
        length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * self._lengths[number] / self._mean
        return count * (_SATURATION + 1) / (count + _SATURATION * length)


def words(text: str) -> list[str]:
    """Lower-case stems without the words that stand everywhere."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def stem(word: str) -> str:
    """Good enough for one small vocabulary: plural, -ing and -ed endings off."""
    if len(word) <= 3 or word.isdigit():
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ations", "ation", "ings", "ing", "ers", "er", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return _undouble(word[: -len(ending)])
    return word.removesuffix("e") if len(word) > 4 else word


def _undouble(word: str) -> str:
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word.removesuffix("e")


def _name(operation: Offered) -> str:
    return operation.tool.name.replace("_", " ").replace(operation.integration, " ")


def _count(operation: Offered) -> Counter[str]:
    texts = {
        "name": _name(operation),
        "alias": operation.alias,
        "title": operation.title,
        "says": operation.says,
        "tags": " ".join(operation.tags),
        "arguments": " ".join(each.name.replace("_", " ") for each in operation.parameters if each.shown == "always"),
    }
    counts: Counter[str] = Counter()
    for field, text in texts.items():
        for word in words(text):
            counts[word] += _WEIGHTS[field]
    return counts
