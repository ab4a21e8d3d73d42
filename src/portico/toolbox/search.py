"""Find a tool by words, the user's or the API's: BM25 over all that is written of it, and what is meant. Pure."""

import math
import re
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from portico.catalog.find import View
from portico.model.offered import Offered
from portico.model.operation import Operation
from portico.toolbox import intents
from portico.toolbox.words import Spelling, spelt, stem, words

_SATURATION, _LENGTH_WEIGHT = 0.8, 0.45
_INTENT_WEIGHT, _READS_WEIGHT, _VERB_WEIGHT = 0.55, 1.35, 1.3
_NAME_WEIGHT, _SYNONYM_WEIGHT, _INTENT_WORD_WEIGHT, _PATH_WEIGHT = 0.5, 0.9, 0.6, 25.0
_LONGEST_PHRASE = 4
# Nobody says in more than this what a tool should do; what stands behind it would only cost time.
_LONGEST_QUERY = 1000
# How much a word counts by where it stands.
_WEIGHTS = {
    "name": 4.5,
    "title": 3.0,
    "says": 1.6,
    "alias": 1.4,
    "arguments": 1.2,
    "path": 1.1,
    "tags": 0.5,
    "rare": 0.4,
}
_SCAFFOLD = frozenset(words("all single by id"))
_HOST, _VERSION = re.compile(r"\w+://[^/]*"), re.compile(r"v\d+")
_ANY = "*"


class _Entry(NamedTuple):
    """An operation as the index sees it: its words by where they stand and by weight, its name's, its path's parts."""

    operation: Offered
    texts: Mapping[str, str]
    counts: Mapping[str, float]
    named: frozenset[str]
    path: tuple[str, ...]


class Index:
    """Built once for a set of operations; a search takes about a millisecond.

    `synonyms`: words of the API, and what people say instead.
    """

    def __init__(self, operations: Iterable[Offered], synonyms: Mapping[str, Sequence[str]] | None = None) -> None:
        phrases = [(meaning, phrase) for meaning, said in (synonyms or {}).items() for phrase in said]
        self._meanings: dict[tuple[str, ...], list[str]] = {}
        for meaning, phrase in phrases:
            self._meanings.setdefault(_stems(phrase), []).extend(words(meaning))
        self._entries = [_entry(operation) for operation in operations]
        self._places = {entry.operation.tool.name: number for number, entry in enumerate(self._entries)}
        spelt_out = [phrase for _, phrase in phrases] + [text for each in self._entries for text in each.texts.values()]
        self._spelling = Spelling(intents.KNOWN.union(*(spelt(text) for text in spelt_out)))
        self._postings = _postings(self._entries)
        self._parts: dict[str, list[int]] = {}
        for number, entry in enumerate(self._entries):
            for part in dict.fromkeys(entry.path):
                self._parts.setdefault(part, []).append(number)
        self._parts.pop(_ANY, None)
        self._rarity = {word: self._rare(len(postings)) for word, postings in self._postings.items()}
        self._whole_names = [sum(self._rarity[word] for word in entry.named) or 1.0 for entry in self._entries]

    def search(self, query: str, *, tag: str = "", among: Collection[str] | None = None, count: int = 8) -> list[str]:
        """Tool names, best first; exact names win."""
        query = query[:_LONGEST_QUERY]
        mended = " ".join(self._spelling.mend(word) for word in spelt(query))
        asked = self._asked(mended)
        scores = self._said(asked)
        aim = intents.meant(query, mended)
        for number, score in scores.items():
            scores[number] = score * self._favour(number, asked, aim)
        self._add_paths(scores, query)
        exact = self._places.get(query.strip().lower())
        if exact is not None:
            scores[exact] = math.inf
        found = sorted((-score, number) for number, score in scores.items() if self._fits(number, tag, among))
        return [self._entries[number].operation.tool.name for _, number in found[:count]]

    def _asked(self, query: str) -> dict[str, float]:
        """The query's words by their weight: its own, and what its phrases stand for."""
        asked = {each: _INTENT_WORD_WEIGHT if each in intents.BARE else 1.0 for each in words(query)}
        stems = _stems(query)
        for start in range(len(stems)):
            for end in range(start + 1, min(len(stems), start + _LONGEST_PHRASE) + 1):
                for word in self._meanings.get(stems[start:end], ()):
                    asked.setdefault(word, _SYNONYM_WEIGHT)
        return asked

    def _said(self, asked: Mapping[str, float]) -> dict[int, float]:
        scores: dict[int, float] = {}
        for word, weight in asked.items():
            for number, stands in self._postings.get(word, ()):
                scores[number] = scores.get(number, 0.0) + weight * self._rarity[word] * stands
        return scores

    def _rare(self, holders: int) -> float:
        return math.log(1 + (len(self._entries) - holders + 0.5) / (holders + 0.5))

    def _favour(self, number: int, asked: Mapping[str, float], aim: intents.Meant) -> float:
        """More for a tool whose whole name was said, and for one that does what is meant."""
        operation, named = self._entries[number].operation, self._entries[number].named
        share = sum(self._rarity[word] for word in named & asked.keys()) / self._whole_names[number]
        favour = 1 + _NAME_WEIGHT * share
        favour *= 1 + _INTENT_WEIGHT * aim.methods.get(operation.method, 0.0)
        if aim.reads and operation.effect == "read":
            favour *= _READS_WEIGHT
        if aim.verb and isinstance(operation, Operation) and operation.verb == aim.verb:
            favour *= _VERB_WEIGHT
        return favour

    def _add_paths(self, scores: dict[int, float], query: str) -> None:
        """More for the operations whose path was written out, or a part of it; most for the whole."""
        for asked in (_segments(word) for word in query.split() if "/" in word):
            known = [self._parts[part] for part in asked if part in self._parts]
            for number in min(known, key=len, default=()):
                path = self._entries[number].path
                if _holds(path, asked):
                    scores[number] = scores.get(number, 0.0) + _PATH_WEIGHT * len(asked) / len(path)

    def _fits(self, number: int, tag: str, among: Collection[str] | None) -> bool:
        operation = self._entries[number].operation
        return (not tag or tag in operation.tags) and (among is None or operation.tool.name in among)


_made: weakref.WeakKeyDictionary[View, Index] = weakref.WeakKeyDictionary()


def index_of(view: View) -> Index:
    """The index of everything that a view offers, made when it is first searched."""
    if view not in _made:
        _made[view] = Index(view.offered, view.integration.synonyms)
    return _made[view]


def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in spelt(text))


def _segments(path: str) -> tuple[str, ...]:
    """A path's parts, as they may be compared: without host, version and query, any name of a placeholder alike."""
    parts = [part for part in _HOST.sub("", path.lower(), count=1).partition("?")[0].split("/") if part]
    return tuple(_ANY if part.startswith(("{", ":", "<")) else part for part in parts if not _VERSION.fullmatch(part))


def _holds(path: Sequence[str], asked: Sequence[str]) -> bool:
    """`asked` stands somewhere in `path`; for one of its parts may stand an id."""
    return any(
        all(part in (_ANY, said) for part, said in zip(path[start:], asked, strict=False))
        for start in range(len(path) - len(asked) + 1)
    )


def _texts(operation: Offered) -> dict[str, str]:
    """What is known of an operation in words, by where it stands. Names of other tools say nothing about this one."""
    others = re.compile(rf"\w*_{operation.integration}_\w*|\b{operation.integration}_\w*")
    shown = [each for each in operation.parameters if each.shown == "always"]
    rare = [each for each in operation.parameters if each.shown != "always"]
    return {
        "name": operation.tool.name.replace("_", " ").replace(operation.integration, " "),
        "alias": operation.alias,
        "title": operation.title,
        "says": others.sub(" ", operation.says),
        "tags": " ".join(operation.tags),
        "arguments": " ".join(each.name for each in shown),
        "rare": " ".join(each.name for each in rare),
        "path": operation.path if isinstance(operation, Operation) else "",
    }


def _entry(operation: Offered) -> _Entry:
    texts = _texts(operation)
    counts: dict[str, float] = {}
    for field, text in texts.items():
        for word in words(text):
            counts[word] = counts.get(word, 0.0) + _WEIGHTS[field]
    return _Entry(operation, texts, counts, frozenset(words(texts["name"])) - _SCAFFOLD, _segments(texts["path"]))


def _postings(entries: Sequence[_Entry]) -> dict[str, list[tuple[int, float]]]:
    """Where each word stands, and how much it says there: the more in a row, the less each, and less in long texts."""
    lengths = [sum(entry.counts.values()) for entry in entries]
    mean = sum(lengths) / len(lengths) if lengths else 1.0
    found: dict[str, list[tuple[int, float]]] = {}
    for number, entry in enumerate(entries):
        length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * lengths[number] / mean
        for word, count in entry.counts.items():
            found.setdefault(word, []).append((number, count * (_SATURATION + 1) / (count + _SATURATION * length)))
    return found
