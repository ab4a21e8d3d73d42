"""Checks the rows of an eval against its item schema: the part of JSON Schema that such schemas use."""

from collections.abc import Callable
from typing import Any

from portico.sandbox.shapes import Json, is_list, is_record, record

TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": is_record,
    "array": is_list,
    "null": lambda value: value is None,
}


def misfit(value: Any, schema: Json, path: str = "item") -> str | None:
    """What is wrong with a value, in a few words, or None. Where the schema says nothing, nothing is looked at."""
    if not schema:
        return None
    kinds: object = schema.get("type")
    allowed = [str(kind) for kind in (kinds if is_list(kinds) else [kinds] if kinds is not None else [])]
    if allowed and not any(kind in TYPES and TYPES[kind](value) for kind in allowed):
        return f"'{path}' is not of the type {' or '.join(allowed)}"
    if is_list(schema.get("enum")) and value not in schema["enum"]:
        return f"'{path}' is none of the values that its schema lists"
    if is_record(value):
        return _object(value, schema, path)
    if is_list(value):
        found = (misfit(item, record(schema.get("items")), f"{path}[{place}]") for place, item in enumerate(value))
        return next((problem for problem in found if problem is not None), None)
    return None


def _object(value: Json, schema: Json, path: str) -> str | None:
    properties, needed = record(schema.get("properties")), schema.get("required")
    for name in needed if is_list(needed) else []:
        if name not in value:
            return f"'{path}' has no '{name}'"
    if schema.get("additionalProperties") is False and (more := [name for name in value if name not in properties]):
        return f"'{path}' has '{more[0]}', which its schema does not know"
    found = (misfit(item, record(properties.get(name)), f"{path}.{name}") for name, item in value.items())
    return next((problem for problem in found if problem is not None), None)
