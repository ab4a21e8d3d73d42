"""Picks the values at a few places out of a JSON text as it passes by, piece by piece, and keeps nothing else of it.

Exact where a search for words would not be: it knows what is a key, what is text, and how deep it is. Pure.
"""

import re
from collections.abc import Iterable

MOST_PICKED_BYTES = 16_384
_BACKSLASH = ord("\\")
_NEAR = re.compile(rb'["{}\[\],:]')  # where a key may be one of those wanted
_FAR = re.compile(rb'["{}\[\]]')  # below that only the depth matters

Place = tuple[str, ...]


class Picker:
    """`found` holds the values' own bytes, by place. A value that stands there twice is the last one's."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = frozenset(places)
        self._deepest = max((len(each) for each in self._places), default=0)
        self._depth = 0
        self._objects: list[bool] = []  # for each open bracket that is near: whether it is an object's
        self._keys: list[str] = []
        self._in_text = self._is_escaped = self._wants_key = False
        self._key: bytearray | None = None
        self._place: Place = ()
        self._picked: bytearray | None = None
        self._picked_depth = 0
        self.found: dict[Place, bytes] = {}

    def feed(self, piece: bytes) -> None:
        at = 0
        while at < len(piece):
            at = self._text(piece, at) if self._in_text else self._outside(piece, at)

    def _text(self, piece: bytes, at: int) -> int:
        """Where the text that we are in ends, or the piece does."""
        start = at
        if self._is_escaped:
            self._is_escaped, at = False, at + 1
        while (end := piece.find(b'"', at)) >= 0:
            if not _is_escaped(piece, at, end):
                self._take(piece, start, end + 1)
                self._end_text()
                return end + 1
            at = end + 1
        self._is_escaped = _is_escaped(piece, at, len(piece))
        self._take(piece, start, len(piece))
        return len(piece)

    def _end_text(self) -> None:
        self._in_text = False
        if self._key is not None:
            self._keys[-1] = self._key[:-1].decode("utf-8", "replace")
            self._key = None
            self._wants_key = False

    def _outside(self, piece: bytes, at: int) -> int:
        match = (_NEAR if self._depth <= self._deepest else _FAR).search(piece, at)
        if match is None:
            self._take(piece, at, len(piece))
            return len(piece)
        sign = match[0]
        is_end = self._depth == self._picked_depth and sign in b",}]"
        if self._picked is not None and is_end:
            self._take(piece, at, match.start())
            self._settle()
        else:
            self._take(piece, at, match.end())
        self._step(sign)
        return match.end()

    def _step(self, sign: bytes) -> None:
        if sign == b'"':
            self._in_text = True
            self._key = bytearray() if self._wants_key else None
        elif sign in b"{[":
            self._depth += 1
            if self._depth <= self._deepest:
                self._objects.append(sign == b"{")
                self._keys.append("")
            self._wants_key = sign == b"{" and self._depth <= self._deepest
        elif sign in b"}]":
            if self._depth <= self._deepest and self._objects:
                self._objects.pop()
                self._keys.pop()
            self._depth -= 1
            self._wants_key = False
        elif sign == b",":
            self._wants_key = self._depth <= self._deepest and bool(self._objects) and self._objects[-1]
        elif sign == b":":
            self._begin()

    def _begin(self) -> None:
        place = tuple(self._keys)
        if self._picked is None and len(place) == self._depth and place in self._places:
            self._place, self._picked, self._picked_depth = place, bytearray(), self._depth

    def _take(self, piece: bytes, start: int, end: int) -> None:
        if self._key is not None:
            self._key += piece[start:end]
        if self._picked is not None:
            self._picked += piece[start:end]
            if len(self._picked) > MOST_PICKED_BYTES:
                self._picked = None

    def _settle(self) -> None:
        if self._picked is not None:
            self.found[self._place] = bytes(self._picked).strip()
        self._picked = None


def _is_escaped(piece: bytes, start: int, at: int) -> bool:
    """Whether what stands there follows an odd number of backslashes, of which none stands before the start."""
    first = at
    while first > start and piece[first - 1] == _BACKSLASH:
        first -= 1
    return (at - first) % 2 == 1
