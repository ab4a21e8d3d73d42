"""Checks of a request's body, declared field by field; a failed check answers OpenAI's 400 with the field and a code.

A check is a function (value, path) -> value. Plain types stand for the simplest ones: `{"name": str, "n": int}`.
Text from forms is read as a number or boolean where one is expected.
"""

from collections.abc import Callable, Mapping
from typing import Any

from portico.sandbox.refusals import Refusal, invalid, missing
from portico.sandbox.shapes import Json, is_list, is_record
from portico.sandbox.values import FormText

Check = Callable[[Any, str], Any]
Checks = Mapping[str, Check | type]


def fields(
    body: object,
    required: Checks | None = None,
    optional: Checks | None = None,
    *,
    path: str = "",
    is_open: bool = False,
) -> Json:
    """Check an object: what is required is there, what is there is known (unless `is_open`) and of the right kind.

    Optional fields may be null and are then left out of the answer, as are absent ones.
    """
    if not is_record(body):
        raise wrong_type(path or "body", "an object", body)
    needed, allowed = required or {}, optional or {}
    for name in needed:
        if body.get(name) is None:
            raise missing(_inside(path, name))
    checked: Json = {}
    for name, value in body.items():
        check = needed.get(name) or allowed.get(name)
        if check is None and not is_open:
            place = _inside(path, name)
            raise invalid(f"Unknown parameter: '{place}'.", place, "unknown_parameter")
        if value is not None:
            checked[name] = _run(check, value, _inside(path, name))
    return checked


def text(*, longest: int | None = None, shortest: int = 0) -> Check:
    def check(value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        if longest is not None and len(value) > longest:
            raise invalid(f"'{path}' may be {longest} characters long at most.", path, "string_above_max_length")
        if len(value) < shortest:
            raise invalid(f"'{path}' must be {shortest} characters long at least.", path, "string_below_min_length")
        return str(value)

    return check


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    def check(value: Any, path: str) -> int:
        read = _from_form(value, int)
        if isinstance(read, bool) or not isinstance(read, int):
            raise wrong_type(path, "an integer", value)
        return int(_bounded(read, path, minimum, maximum, "integer"))

    return check


def number(minimum: float | None = None, maximum: float | None = None) -> Check:
    def check(value: Any, path: str) -> float:
        read = _from_form(value, float)
        if isinstance(read, bool) or not isinstance(read, int | float):
            raise wrong_type(path, "a number", value)
        return _bounded(read, path, minimum, maximum, "decimal")

    return check


def boolean(value: Any, path: str) -> bool:
    if isinstance(value, FormText) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise wrong_type(path, "a boolean", value)
    return value


def one_of(*allowed: str) -> Check:
    def check(value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        if value not in allowed:
            raise invalid(f"'{path}' must be one of {', '.join(allowed)}, not '{value}'.", path)
        return str(value)

    return check


def array(of: Check | type | None = None, *, longest: int | None = None, shortest: int = 0) -> Check:
    def check(value: Any, path: str) -> list[Any]:
        read: object = [value] if isinstance(value, FormText) else value
        if not is_list(read):
            raise wrong_type(path, "an array", value)
        if longest is not None and len(read) > longest:
            raise invalid(f"'{path}' may hold {longest} items at most.", path, "array_above_max_length")
        if len(read) < shortest:
            raise invalid(f"'{path}' must hold {shortest} items at least.", path, "array_below_min_length")
        return [_run(of, item, f"{path}[{place}]") for place, item in enumerate(read)]

    return check


def record(required: Checks | None = None, optional: Checks | None = None, *, is_open: bool = False) -> Check:
    """A nested object; with nothing declared, any object."""

    def check(value: Any, path: str) -> Json:
        anything = is_open or (required is None and optional is None)
        return fields(value, required, optional, path=path, is_open=anything)

    return check


def by_type(checks: Mapping[str, Check]) -> Check:
    """An object whose `type` says which check is for it."""

    def check(value: Any, path: str) -> Json:
        kind = fields(value, {"type": one_of(*checks)}, path=path, is_open=True)["type"]
        return checks[kind](value, path)

    return check


def either(*checks: Check | type) -> Check:
    """Whatever one of the checks accepts; the last one's refusal if none does."""

    def check(value: Any, path: str) -> Any:
        refused: Refusal | None = None
        for candidate in checks:
            try:
                return _run(candidate, value, path)
            except Refusal as refusal:
                refused = refusal
        if refused is None:
            return value
        raise refused

    return check


def anything(value: Any, path: str) -> Any:
    return value


def metadata(value: Any, path: str) -> dict[str, str]:
    """OpenAI's metadata: at most 16 pairs of text, keys up to 64 and values up to 512 characters."""
    if not is_record(value):
        raise wrong_type(path, "an object", value)
    if len(value) > 16:
        raise invalid(f"'{path}' may hold 16 pairs at most.", path, "object_above_max_properties")
    for name, item in value.items():
        text(longest=64)(name, path)
        text(longest=512)(item, f"{path}.{name}")
    return dict(value)


def wrong_type(path: str, expected: str, value: object) -> Refusal:
    return invalid(f"'{path}' must be {expected}, not {_call(value)}.", path, "invalid_type")


PLAIN: dict[type, Check] = {
    str: text(),
    int: integer(),
    float: number(),
    bool: boolean,
    list: array(),
    dict: record(),
}


def _run(check: Check | type | None, value: Any, path: str) -> Any:
    if check is None:
        return value
    if isinstance(check, type):
        return PLAIN[check](value, path)
    return check(value, path)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _from_form(value: Any, read: Callable[[str], float]) -> Any:
    if not isinstance(value, FormText):
        return value
    try:
        return read(value)
    except ValueError:
        return value


def _bounded(value: float, path: str, minimum: float | None, maximum: float | None, noun: str) -> float:
    if minimum is not None and value < minimum:
        raise invalid(f"'{path}' must be at least {minimum}, not {value}.", path, f"{noun}_below_min_value")
    if maximum is not None and value > maximum:
        raise invalid(f"'{path}' must be at most {maximum}, not {value}.", path, f"{noun}_above_max_value")
    return value


def _call(value: object) -> str:
    """What a JSON value is called in a sentence."""
    if isinstance(value, bool):
        return "a boolean"
    names = {str: "a string", int: "an integer", float: "a number", list: "an array", dict: "an object"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "null")
