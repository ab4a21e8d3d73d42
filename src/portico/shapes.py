"""JSON values: how to read them, and how to tell them apart so that a type checker understands."""

from typing import Any, TypeGuard

import msgspec

Json = dict[str, Any]


class NotJson(ValueError):
    """What cannot be read as JSON: malformed, nested without end, or not UTF-8."""


def decode(content: bytes | str) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise NotJson(str(problem)) from problem


def decode_or_text(text: str) -> Any:
    try:
        return decode(text)
    except NotJson:
        return text


def is_record(value: object) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
