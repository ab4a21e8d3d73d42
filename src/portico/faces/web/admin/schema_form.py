"""A form from a tool's input schema, and back from what was sent to its arguments. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from portico.errors import Failure
from portico.shapes import Json, is_list

PREFIX = "argument."
Kind = Literal["text", "number", "choice", "lines", "json"]
_UNSET = ("", "Left out")
AS_PEOPLE_SAY = "Such as 7 days ago, 2026-11-01 or start of month."


class Field(Struct, frozen=True, kw_only=True):
    """One argument as a field. `name` is the form's, `argument` the tool's."""

    argument: str
    kind: Kind
    hint: str = ""
    required: bool = False
    options: list[tuple[str, str]] = []
    value: str = ""

    @property
    def name(self) -> str:
        return PREFIX + self.argument


def fields(schema: Json, form: Mapping[str, str], times: Sequence[str] = ()) -> list[Field]:
    """Required ones first, else in the schema's order, filled with what the form says. `times` names arguments that are
    moments, which people may say as they like."""
    required: Sequence[str] = schema.get("required", ())
    properties: dict[str, Json] = schema["properties"]
    found = [
        Field(
            argument=name,
            kind=kind_of(each),
            hint=_hint(each, is_time=name in times),
            required=name in required,
            options=_options(each),
            value=form.get(PREFIX + name, ""),
        )
        for name, each in properties.items()
    ]
    return sorted(found, key=lambda each: not each.required)


def arguments(schema: Json, form: Mapping[str, str]) -> tuple[Json, list[Failure]]:
    """What was filled in, each as its schema wants it; what is empty is left out."""
    given: Json = {}
    failures: list[Failure] = []
    properties: dict[str, Json] = schema["properties"]
    for name, each in properties.items():
        text = form.get(PREFIX + name, "")
        if text.strip():
            try:
                given[name] = _value(each, text)
            except _Unreadable as problem:
                failures.append(Failure(name, f"is {text[:60]!r}", str(problem)))
    return given, failures


def kind_of(schema: Json) -> Kind:
    kinds = _kinds(schema)
    if "enum" in schema or kinds == ["boolean"]:
        return "choice"
    if kinds in (["integer"], ["number"]):
        return "number"
    if kinds == ["array"]:
        items: Json = schema.get("items") or {}
        return "lines" if _kinds(items) in (["string"], ["integer"], ["number"]) else "json"
    return "text" if kinds == ["string"] else "json"


class _Unreadable(Exception):
    """What would have been right."""


def _value(schema: Json, text: str) -> Any:
    kind = kind_of(schema)
    if kind == "choice":
        return _chosen(schema, text.strip())
    if kind == "number":
        return _number(_kinds(schema)[0], text.strip())
    if kind == "lines":
        items = _kinds(schema["items"])[0]
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return [line if items == "string" else _number(items, line) for line in lines]
    return text.replace("\r\n", "\n") if kind == "text" else _json(schema, text)


def _chosen(schema: Json, text: str) -> Any:
    allowed: list[Any] = schema.get("enum") or [True, False]
    for each in allowed:
        if _shown(each) == text:
            return each
    raise _Unreadable(", ".join(map(_shown, allowed)))


def _number(kind: str, text: str) -> int | float:
    try:
        return int(text) if kind == "integer" else msgspec.json.decode(text, type=int | float)
    except (ValueError, msgspec.DecodeError):
        raise _Unreadable("a whole number" if kind == "integer" else "a number") from None


def _json(schema: Json, text: str) -> Any:
    """JSON; where the schema takes text as well, anything else is that text."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as problem:
        if not _kinds(schema) or "string" in _kinds(schema):
            return text.replace("\r\n", "\n")
        raise _Unreadable(f"JSON ({problem})") from None


def _kinds(schema: Json) -> list[str]:
    said: Any = schema.get("type")
    return [str(each) for each in said] if is_list(said) else [said] if isinstance(said, str) else []


def _options(schema: Json) -> list[tuple[str, str]]:
    if kind_of(schema) != "choice":
        return []
    allowed: list[Any] = schema.get("enum") or [True, False]
    return [_UNSET, *((_shown(each), _shown(each)) for each in allowed)]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _hint(schema: Json, *, is_time: bool) -> str:
    how = {"lines": "One a line.", "json": "As JSON."}.get(kind_of(schema), AS_PEOPLE_SAY if is_time else "")
    said = str(schema.get("description", "")).strip()
    return f"{said}. {how}" if said and how and said[-1] not in ".!?" else f"{said} {how}".strip()
