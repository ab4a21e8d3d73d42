"""What of an object is small enough, and public enough, to travel in an event. Pure."""

from typing import Any

import msgspec

from portico.log import HIDDEN, redact
from portico.shapes import Json, is_list, is_record

LONGEST_TEXT = 300
# Standard Webhooks asks for bodies below 20 kB; the rest of the body is about 300 bytes.
MOST_BYTES = 18_000


def small(value: Json, secrets: tuple[str, ...] = ()) -> Json:
    """Plain values of an object and of the records right inside it; long texts, lists and secrets stay out."""
    return _plain(_without(value, secrets), deep=True)


def fit(payload: Json) -> Json:
    """The payload, without what would make it too large for a webhook; `is_shortened` says that something is gone."""
    if len(msgspec.json.encode(payload)) <= MOST_BYTES:
        return payload
    kept: Json = {"is_shortened": True}
    room = MOST_BYTES - len(msgspec.json.encode(kept))
    for name, value in payload.items():
        shortened = _shortened(value)
        size = len(msgspec.json.encode({name: shortened}))
        if size <= room:
            kept[name] = shortened
            room -= size
    return kept


def hidden(value: Any, name: str = "") -> Any:
    """A vendor's data with everything that looks like a secret taken out, also by the name that it goes under."""
    return redact(value, name)


def _plain(value: Json, *, deep: bool) -> Json:
    kept: Json = {}
    for name, each in value.items():
        if deep and is_record(each):
            if inner := _plain(each, deep=False):
                kept[name] = inner
        elif each is None or isinstance(each, bool | int | float | str):
            shown = redact(each, name)
            if shown != HIDDEN and not (isinstance(shown, str) and len(shown) > LONGEST_TEXT):
                kept[name] = shown
    return kept


def _without(value: Json, secrets: tuple[str, ...]) -> Json:
    names = {each.partition(".")[0] for each in secrets}
    return {name: each for name, each in value.items() if name not in names}


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return value[:LONGEST_TEXT]
    if is_record(value):
        return _plain(value, deep=True)
    return None if is_list(value) else value
