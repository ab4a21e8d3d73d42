"""JSON values cut to a size: the longest texts and lists first, and what was left out is said. Pure."""

from typing import Any

import msgspec
from msgspec import Struct

from portico.shapes import is_list, is_record

_encoder = msgspec.json.Encoder()
SHORTEST_KEPT = 200
_SHORTEST_TEXT = 12
_REMARK = len("… (100 more characters)")  # a text that is not longer than this beside what is kept of it stays whole


def written(value: Any) -> bytes:
    return _encoder.encode(value)


def size_of(value: Any) -> int:
    return len(written(value))


class Cut(Struct, frozen=True):
    """A place where something was shortened: what stands there, and how much of it was kept."""

    path: str
    whole: str | list[Any]
    kept: int

    @property
    def sentence(self) -> str:
        return f"{self.path}[{self.kept}:{len(self.whole)}]" if is_list(self.whole) else self.path


def longest_note(limit: int) -> int:
    """How much of an answer of that size may tell which places were shortened."""
    return min(limit // 10, 300)


def room_in(limit: int) -> int:
    """What an answer of that size can hold beside the words that something was cut, and the cursor that goes on."""
    return max(limit - 200 - longest_note(limit), SHORTEST_KEPT)


def fit_value(value: Any, limit: int) -> tuple[Any, list[str]]:
    """The value with its longest texts and lists shortened until it fits, and the places where that was done.

    What was shortened leaves room for a note that says so.
    """
    if size_of(value) <= limit:
        return value, []
    shown, cuts = shorten(value, room_in(limit))
    return shown, [each.sentence for each in cuts]


def shorten(value: Any, room: int, path: str = "") -> tuple[Any, list[Cut]]:
    longest = room
    while longest > _SHORTEST_TEXT:
        cuts: list[Cut] = []
        shown = _shortened(value, longest, path, cuts)
        if size_of(shown) <= room:
            return shown, cuts
        longest //= 2
    text = _encoder.encode(value).decode()
    kept = head(text, room)
    return {"cut": kept}, [Cut(f"{path}.cut".lstrip("."), text, len(kept))]


def head(text: str, room: int) -> str:
    """Its beginning, so long that it fits when it is written as JSON once more."""
    length = room
    while size_of(text[:length]) > room - 10:
        length = length * 3 // 4
    return text[:length]


def _shortened(value: Any, longest: int, path: str, cuts: list[Cut]) -> Any:
    if isinstance(value, str) and len(value) > longest + _REMARK:
        cuts.append(Cut(path or "text", value, longest))
        return f"{value[:longest]}… ({len(value) - longest} more characters)"
    if is_list(value):
        kept = _first_that_fit(value, longest * 4)
        shown = [_shortened(each, longest, f"{path}[{number}]", cuts) for number, each in enumerate(kept)]
        if len(kept) < len(value):
            cuts.append(Cut(path, value, len(kept)))
        return shown
    if is_record(value):
        return {str(key): _shortened(each, longest, f"{path}.{key}".lstrip("."), cuts) for key, each in value.items()}
    return value


def _first_that_fit(values: list[Any], room: int) -> list[Any]:
    kept: list[Any] = []
    for each in values:
        room -= min(size_of(each), room // 2 + 1) + 1
        if room < 0 and kept:
            break
        kept.append(each)
    return kept
