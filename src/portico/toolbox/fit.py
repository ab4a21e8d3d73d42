"""Answers cut to a stated size: what was left out is said, and how to get it. Pure."""

import re
from typing import Any

import msgspec

from portico.shapes import Json, is_list, is_record

_encoder = msgspec.json.Encoder()
# Characters that could steer a terminal or hide text from a reader: control, bidirectional, zero-width.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
SHORTEST_KEPT = 200
_NOTE_ROOM = 600


def size_of(value: Any) -> int:
    return len(_encoder.encode(value))


def clean(value: Any) -> Any:
    """The value without characters that are there only to mislead."""
    if isinstance(value, str):
        return _UNSEEN.sub("", value) if _UNSEEN.search(value) else value
    if is_list(value):
        return [clean(each) for each in value]
    if is_record(value):
        return {str(key): clean(each) for key, each in value.items()}
    return value


def fit_page(page: Json, limit: int) -> tuple[Json, bool]:
    """As many of a list's items as fit, and whether some had to stay out."""
    items: list[Any] = page["result"]
    if size_of(page) <= limit:
        return page, False
    kept: list[Any] = []
    room = limit - _NOTE_ROOM
    for item in items:
        size = size_of(item) + 1
        if size > room and kept:
            break
        if size > room:
            item = fit_value(item, max(room, SHORTEST_KEPT))[0]
            size = size_of(item)
        kept.append(item)
        room -= size
    return {**page, "result": kept, "result_count": len(kept)}, True


def fit_value(value: Any, limit: int) -> tuple[Any, list[str]]:
    """The value with its longest texts and lists shortened until it fits, and the places where that was done."""
    cut: list[str] = []
    longest = limit
    while size_of(value) > limit and longest > SHORTEST_KEPT:
        longest = max(longest // 2, SHORTEST_KEPT)
        cut = []
        value = _shortened(value, longest, "", cut)
    if size_of(value) > limit:
        text = _encoder.encode(value).decode()
        return {"cut": text[: max(limit - _NOTE_ROOM, SHORTEST_KEPT)]}, ["everything"]
    return value, cut


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


def select(value: Any, fields: list[str]) -> Any:
    """Only these fields (`id`, `amount.value`) of an object, or of each item of a list."""
    if is_list(value):
        return [select(each, fields) for each in value]
    if not is_record(value):
        return value
    picked: Json = {}
    for field in fields:
        _pick(value, field.split("."), picked)
    return picked


def _pick(source: Json, path: list[str], target: Json) -> None:
    name, rest = path[0], path[1:]
    if name not in source:
        return
    inner = source[name]
    if not rest:
        target[name] = inner
    elif is_record(inner):
        place = target.setdefault(name, {})
        if is_record(place):
            _pick(inner, rest, place)
    elif is_list(inner):
        known: list[Any] = target.get(name) or [{} for _ in inner]
        for item, place in zip(inner, known, strict=False):
            if is_record(item):
                _pick(item, rest, place)
        target[name] = known
