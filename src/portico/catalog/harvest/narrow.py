"""Reading values of unknown shape: each function hands back the kind asked for, or an empty one.

The inputs are other people's files, so a wrong kind is a missing fact here and never a crash.
"""

from collections.abc import Iterable
from datetime import date
from typing import TypeAlias, cast

JsonObject: TypeAlias = dict[str, object]
Scalar: TypeAlias = str | int | float | bool


def as_object(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def as_objects(value: object) -> list[JsonObject]:
    return [as_object(entry) for entry in as_list(value)]


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def as_texts(value: object) -> tuple[str, ...]:
    return tuple(entry for entry in as_list(value) if isinstance(entry, str))


def as_scalars(value: object) -> tuple[Scalar, ...]:
    told = (as_json(entry) for entry in as_list(value))
    return tuple(entry for entry in told if isinstance(entry, str | int | float | bool))


def as_json(value: object) -> object:
    """The value, a date as text: YAML reads an unquoted date as one, JSON has none."""
    return value.isoformat() if isinstance(value, date) else value


def without_repeats(values: Iterable[Scalar]) -> tuple[Scalar, ...]:
    """The values in their first order; True and 1 stay two values."""
    return tuple({(type(value), value): value for value in values}.values())


def compact(entries: JsonObject) -> JsonObject:
    """Only the entries that say something: no None, no False, no empty text or collection."""
    return {
        key: value
        for key, value in entries.items()
        if value is not None and value is not False and value not in ("", [], {}, ())
    }
