"""What an operation answers, as JSON Schema: facts of the vendor's SDK, read when somebody first asks for one.

The vendor may say more than is listed: its schemas leave fields and values open that are not known.
"""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from portico.model.operation import Operation
from portico.shapes import Json, is_list, is_record

FILE = "answers.json"
_INTEGRATIONS = Path(__file__).parent.parent / "integrations"
_STANDARD = frozenset({"list", "get", "create", "update", "delete"})
_PARAMETER = re.compile(r"\{[^}]*\}")
_REFERENCE = "#/$defs/"
_CURSOR: Json = {"type": ["string", "null"]}


class Answers(Struct, frozen=True, kw_only=True):
    """One vendor's file: by call, and the shapes that they share."""

    operations: dict[str, Json] = {}
    shapes: dict[str, Json] = msgspec.field(name="$defs", default_factory=dict[str, Json])

    def of(self, call: str) -> Json | None:
        return self.operations.get(call)


def vendor_schema(operation: Operation) -> Json | None:
    """What the vendor answers; None where that is no JSON, or nothing is known of it."""
    answers = _answers(operation.integration)
    found = answers.of(_call_of(operation))
    return None if found is None else _whole(found, answers.shapes)


def answer_schema(operation: Operation) -> Json | None:
    """What the Proxy API answers: pages with our cursors, what has no shape of its own in `result`. Not to be changed:
    whoever asks gets the same one."""
    if operation.returns not in {"value", "page"}:
        return None
    items = operation.page.items if operation.page else None
    return _answer(operation.integration, _call_of(operation), operation.method, items)


def has_answer_schema(operation: Operation) -> bool:
    return answer_schema(operation) is not None


def _call_of(operation: Operation) -> str:
    return f"{operation.verb} {_PARAMETER.sub('{}', operation.path)}"


@lru_cache(2048)
def _answer(integration: str, call: str, method: str, items: str | None) -> Json | None:
    """Put together once: a list of all tools asks for hundreds of them. `items`: where a page has its items."""
    answers = _answers(integration)
    found, shapes = answers.of(call), answers.shapes
    if found is None:
        return None
    if items is not None:
        listed = _at(found, items, shapes)
        return None if listed is None else _whole(_page(listed), shapes)
    if method == "list":
        is_array = _resolved(found, shapes).get("type") == "array"
        return _whole(_page(found if is_array else {"type": "array", "items": found}), shapes)
    if method not in _STANDARD:
        found = {"type": "object", "properties": {"result": found}, "required": ["result"]}
    return _whole(found, shapes)


@cache
def _answers(integration: str) -> Answers:
    path = _INTEGRATIONS / integration / FILE
    if not integration.isidentifier() or not path.is_file():
        return Answers()
    return msgspec.json.decode(path.read_bytes(), type=Answers)


def _page(items: Json) -> Json:
    return {
        "type": "object",
        "properties": {
            "result": items,
            "next_cursor": _CURSOR,
            "prev_cursor": _CURSOR,
            "result_count": {"type": "integer"},
        },
        "required": ["result", "next_cursor", "prev_cursor", "result_count"],
    }


def _at(schema: Json, place: str, shapes: dict[str, Json]) -> Json | None:
    """The schema of a field, by its dotted place."""
    for name in place.split("."):
        fields: Any = _resolved(schema, shapes).get("properties")
        if not is_record(fields) or name not in fields:
            return None
        schema = fields[name]
    return schema


def _resolved(schema: Json, shapes: dict[str, Json]) -> Json:
    reference = schema.get("$ref")
    return shapes[reference.removeprefix(_REFERENCE)] if isinstance(reference, str) else schema


def _whole(schema: Json, shapes: dict[str, Json]) -> Json:
    """A schema that stands for itself: with the shapes that it leads to, and no others."""
    used: dict[str, Json] = {}
    _gather(schema, shapes, used)
    return {**schema, "$defs": dict(sorted(used.items()))} if used else schema


def _gather(value: Any, shapes: dict[str, Json], used: dict[str, Json]) -> None:
    if is_list(value):
        for each in value:
            _gather(each, shapes, used)
    elif is_record(value):
        reference = value.get("$ref")
        name = reference.removeprefix(_REFERENCE) if isinstance(reference, str) else ""
        if name in shapes and name not in used:
            used[name] = shapes[name]
            _gather(shapes[name], shapes, used)
        for each in value.values():
            _gather(each, shapes, used)
