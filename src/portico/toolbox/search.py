"""Find a tool by words, the user's or the API's. BM25 over names, sentences, aliases, tags and arguments. Pure."""

import math
import re
import weakref
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from portico.catalog.find import View
from portico.model.offered import Offered

_WORD = re.compile(r"[a-z0-9]+")
_SATURATION, _LENGTH_WEIGHT = 0.8, 0.4
_STOP_WORDS = frozenset(
    _WORD.findall(
        """
        a an and any are as at be been by can do does for from get give has have how i in into is it its let list
        me my of on or our please show so that the their them then there these this to want was we what which who
        will with you your
        """
    )
)
# What somebody says who wants to see, make, change or end something; a tool that does so counts a little more.
_INTENTS = {
    "list": "list all every everybody everything show which who how many still open overview",
    "get": "get one single details look status far finished done whose",
    "create": "create make add new start build put invite ask give turn write draw set teach clone open upload",
    "update": "update change edit rename set modify let cap stop raise lower call promote keep give allow",
    "delete": "delete remove drop throw away kick revoke rid erase take back left leave",
    "cancel": "cancel stop abort halt end",
    "pause": "pause halt interrupt",
    "resume": "resume continue go on again",
    "content": "download fetch text back read bytes",
    "search": "search find look passages",
    "activate": "activate switch on enable",
    "deactivate": "deactivate switch off disable",
}
_METHODS = {
    word: frozenset(method for method, said in _INTENTS.items() if word in said.split())
    for words_of_one in _INTENTS.values()
    for word in words_of_one.split()
}
_INTENT_WEIGHT, _NAME_WEIGHT, _SYNONYM_WEIGHT = 1.5, 0.5, 0.9
_LONGEST_PHRASE = 4
# How much a word counts by where it stands.
_WEIGHTS = {"name": 5, "alias": 3, "title": 2, "says": 2, "tags": 1, "arguments": 1}


class Index:
    """Built once for a set of operations; a search takes well under a millisecond.

    `synonyms`: words of the API, and what people say instead.
    """

    def __init__(self, operations: Iterable[Offered], synonyms: Mapping[str, Sequence[str]] | None = None) -> None:
        self._meanings: dict[tuple[str, ...], list[str]] = {}
        for meaning, phrases in (synonyms or {}).items():
            for phrase in phrases:
                self._meanings.setdefault(_stems(phrase), []).extend(words(meaning))
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
        wanted = query.strip().lower()
        asked = self._asked(wanted)
        scores: dict[int, float] = {}
        for word, weight in asked.items():
            postings = self._postings.get(word, ())
            rarity = math.log(1 + (len(self._names) - len(postings) + 0.5) / (len(postings) + 0.5))
            for number in postings:
                scores[number] = scores.get(number, 0.0) + weight * rarity * self._weight(number, word)
        meant = set[str]().union(*(_METHODS.get(word, ()) for word in _WORD.findall(wanted)))
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

    def _asked(self, query: str) -> dict[str, float]:
        """The query's words by their weight: its own, and what its phrases stand for."""
        asked = dict.fromkeys(words(query), 1.0)
        stems = _stems(query)
        for start in range(len(stems)):
            for end in range(start + 1, min(len(stems), start + _LONGEST_PHRASE) + 1):
                for word in self._meanings.get(stems[start:end], ()):
                    asked.setdefault(word, _SYNONYM_WEIGHT)
        return asked

    def _favour(self, number: int, asked: Mapping[str, float], meant: set[str]) -> float:
        """More for a tool whose whole name was said, and for one that does what is meant."""
        named = self._named[number]
        share = len(named & asked.keys()) / len(named) if named else 0.0
        return (1 + _NAME_WEIGHT * share) * (_INTENT_WEIGHT if self._methods[number] in meant else 1.0)

    def _weight(self, number: int, word: str) -> float:
        count = self._counts[number][word]
        length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * self._lengths[number] / self._mean
        return count * (_SATURATION + 1) / (count + _SATURATION * length)


_made: weakref.WeakKeyDictionary[View, Index] = weakref.WeakKeyDictionary()


def index_of(view: View) -> Index:
    """The index of everything that a view offers, made when it is first searched."""
    if view not in _made:
        _made[view] = Index(view.offered, view.integration.synonyms)
    return _made[view]


def words(text: str) -> list[str]:
    """Lower-case stems without the words that stand everywhere."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in _WORD.findall(text.lower()))


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
