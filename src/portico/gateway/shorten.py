"""JSON values cut to a size: the longest texts and lists first, and what was left out is said. Pure."""

from typing import Any

import msgspec

from portico.shapes import is_list, is_record

_encoder = msgspec.json.Encoder()
SHORTEST_KEPT = 200
NOTE_ROOM = 600


def size_of(value: Any) -> int:
    return len(_encoder.encode(value))


def fit_value(value: Any, limit: int) -> tuple[Any, list[str]]:
    """The value with its longest texts and lists shortened until it fits, and the places where that was done.

    What was shortened leaves room for a note that says so.
    """
    if size_of(value) <= limit:
        return value, []
    longest = room = max(limit - NOTE_ROOM, SHORTEST_KEPT)
    while longest > SHORTEST_KEPT // 4:
        cut: list[str] = []
        shown = _shortened(value, longest, "", cut)
        if size_of(shown) <= room:
            return shown, cut
        longest //= 2
    return {"cut": _head(_encoder.encode(value).decode(), room)}, ["everything"]


def _head(text: str, room: int) -> str:
    """Its beginning, so long that it fits when it is written as JSON once more."""
    length = room
    while size_of(text[:length]) > room - 10:
        length = length * 3 // 4
    return text[:length]


def _shortened(value: Any, longest: int, path: str, cut: list[str]) -> Any:
    if isinstance(value, str) and len(value) > longest:
        cut.append(path or "text")
        return f"{value[:longest]}… ({len(value) - longest} more characters)"
    if is_list(value):
        kept = _first_that_fit(value, longest * 4)
        if len(kept) < len(value):
            cut.append(f"{path}[{len(kept)}:{len(value)}]")
        return [_shortened(each, longest, f"{path}[]", cut) for each in kept]
    if is_record(value):
        return {str(key): _shortened(each, longest, f"{path}.{key}".lstrip("."), cut) for key, each in value.items()}
    return value


def _first_that_fit(values: list[Any], room: int) -> list[Any]:
    kept: list[Any] = []
    for each in values:
        room -= min(size_of(each), room // 2 + 1) + 1
        if room < 0 and kept:
            break
        kept.append(each)
    return kept
