"""JSON as the sandbox handles it: loose dictionaries, with guards that tell the type checker what was found."""

from typing import Any, TypeGuard

Json = dict[str, Any]


def is_record(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def records(value: object) -> list[Json]:
    """The objects in a list; whatever else the value is or holds counts as nothing."""
    return [item for item in value if is_record(item)] if is_list(value) else []


def record(value: object) -> Json:
    return value if is_record(value) else {}


def without_nothing(value: Json) -> Json:
    """Leave out the fields that are None: OpenAI omits some fields where it sends null for others."""
    return {name: item for name, item in value.items() if item is not None}
