"""Answers cut to a stated size: what was left out is said, and how to get it. Pure."""

import re
from typing import Any

from portico.gateway.shorten import NOTE_ROOM, SHORTEST_KEPT, fit_value, size_of
from portico.shapes import Json, is_list, is_record

# Characters that could steer a terminal or hide text from a reader: control, bidirectional, invisible, tags. The two
# zero-width joiners stay, because words of some scripts are written with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)


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
    """As many of a list's items as fit, and whether some had to stay out.

    A page that was cut has no cursor: it would lead past the items that were left out.
    """
    items: list[Any] = page["result"]
    if size_of(page) <= limit:
        return page, False
    kept: list[Any] = []
    room = max(limit - NOTE_ROOM, SHORTEST_KEPT)
    for item in items:
        size = size_of(item) + 1
        if size > room and kept:
            break
        if size > room:
            item = fit_value(item, room)[0]
            size = size_of(item)
        kept.append(item)
        room -= size
    return {**page, "result": kept, "next_cursor": None, "result_count": len(kept)}, True


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
