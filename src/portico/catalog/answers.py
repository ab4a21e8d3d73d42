"""What an operation answers, as JSON Schema: facts of the vendor's SDK, read when somebody first asks for one.

The vendor may say more than is listed: its schemas leave fields and values open that are not known.
"""

import re
from functools import cache
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

    operations: dict[str, Json]
    shapes: dict[str, Json] = msgspec.field(name="$defs")


def vendor_schema(operation: Operation) -> Json | None:
    """What the vendor answers; None where that is no JSON, or nothing is known of it."""
    answers = _answers(operation.integration)
    found = answers.operations.get(f"{operation.verb} {_PARAMETER.sub('{}', operation.path)}") if answers else None
    return _whole(found, answers.shapes) if found is not None and answers is not None else None


def answer_schema(operation: Operation) -> Json | None:
    """What the Proxy API answers: pages with our cursors, what has no shape of its own in `result`."""
    answers = _answers(operation.integration)
    if answers is None or operation.returns not in {"value", "page"}:
        return None
    found = answers.operations.get(f"{operation.verb} {_PARAMETER.sub('{}', operation.path)}")
    if found is None:
        return None
    if operation.page is not None:
        items = _at(found, operation.page.items, answers.shapes)
        return _whole(_page(items), answers.shapes) if items is not None else None
    if operation.method == "list":
        is_array = _resolved(found, answers.shapes).get("type") == "array"
        return _whole(_page(found if is_array else {"type": "array", "items": found}), answers.shapes)
    if operation.method not in _STANDARD:
        found = {"type": "object", "properties": {"result": found}, "required": ["result"]}
    return _whole(found, answers.shapes)


def has_answer_schema(operation: Operation) -> bool:
    return answer_schema(operation) is not None


@cache
def _answers(integration: str) -> Answers | None:
    path = _INTEGRATIONS / integration / FILE
    if not integration.isidentifier() or not path.is_file():
        return None
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
