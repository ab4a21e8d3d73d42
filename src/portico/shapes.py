"""JSON values, and how to tell them apart so that a type checker understands."""

from typing import Any, TypeGuard

Json = dict[str, Any]


def is_record(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
