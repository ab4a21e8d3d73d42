"""An integration's methods as texts, one for each thing that is said of them, and changed texts as an override. Pure.

`description` says what a method does; `query_schema` and `body_schema` hold the JSON Schema of its arguments, and
`response_schema` that of its answer.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from portico.catalog.answers import answer_schema
from portico.catalog.find import View
from portico.errors import Failure
from portico.model.documentation import TextType
from portico.model.operation import Operation, Parameter
from portico.shapes import Json, NotJson, decode, is_record

DESCRIPTION: Final = "description"
QUERY: Final = "query_schema"
BODY: Final = "body_schema"
RESPONSE: Final = "response_schema"
# Texts that change a tool; the rest is for whoever reads them.
TELLING = frozenset({DESCRIPTION, QUERY, BODY})
LONGEST_DESCRIPTION = 4000
_IN_BODY = frozenset({"body", "upload"})
_SCHEMAS = frozenset({QUERY, BODY, RESPONSE})
_encoder = msgspec.json.Encoder()


class Text(NamedTuple):
    """What a definition says of one method."""

    resource: str
    method: str
    type: TextType
    content: str


def texts_of(view: View) -> Sequence[Text]:
    """Made once for each view."""
    if view not in _texts:
        _texts[view] = tuple(_made_texts(view))
    return _texts[view]


_texts: WeakKeyDictionary[View, Sequence[Text]] = WeakKeyDictionary()


def encoded(schema: Json) -> str:
    return _encoder.encode(schema).decode()


def _made_texts(view: View) -> Iterator[Text]:
    for operation in view.operations:
        contents: dict[TextType, str] = {
            DESCRIPTION: operation.says,
            QUERY: _schema([each for each in operation.parameters if each.place not in _IN_BODY]),
            BODY: _schema([each for each in operation.parameters if each.place in _IN_BODY]),
            RESPONSE: _response(operation),
        }
        for kind, content in contents.items():
            if content:
                yield Text(operation.resource, operation.method, kind, content)


def check(view: View, text: Text) -> list[Failure]:
    """Why the text cannot stand there."""
    if text.resource and text.resource not in view.resources:
        return [Failure("resource", f"is {text.resource!r}", "a resource of the integration; /capabilities lists them")]
    if text.method and not view.has(text.resource, text.method):
        return [Failure("method", f"is {text.method!r}", ", ".join(view.resources.get(text.resource, ())))]
    if text.type in _SCHEMAS and not text.method:
        return [Failure("method", f"is required for a {text.type}")]
    if text.type == DESCRIPTION and text.method and not 1 <= len(text.content.strip()) <= LONGEST_DESCRIPTION:
        return [Failure("content", "has the wrong length", f"1 to {LONGEST_DESCRIPTION} characters")]
    return _check_schema(view.find(text.resource, text.method), text) if text.type in _SCHEMAS else []


def change_of(view: View, texts: list[Text]) -> Json:
    """The texts as an override of the integration; what the view does not have is left out."""
    resources: dict[str, dict[str, Json]] = {}
    for text in texts:
        if text.type not in TELLING or not view.has(text.resource, text.method):
            continue
        change = resources.setdefault(text.resource, {}).setdefault(text.method, {})
        if text.type == DESCRIPTION:
            change["says"] = text.content
        else:
            told = _properties(view.find(text.resource, text.method), text)
            change["parameters"] = {**change.get("parameters", {}), **told}
    return {"resources": resources} if resources else {}


def _schema(parameters: list[Parameter]) -> str:
    if not parameters:
        return ""
    schema: Json = {"type": "object", "properties": {each.name: each.schema for each in parameters}}
    if required := [each.name for each in parameters if each.required]:
        schema["required"] = required
    return encoded(schema)


def _response(operation: Operation) -> str:
    schema = answer_schema(operation)
    return encoded(schema) if schema else ""


def _check_schema(operation: Operation, text: Text) -> list[Failure]:
    try:
        schema: Any = decode(text.content.encode())
    except NotJson:
        schema = None
    properties: Any = schema.get("properties", {}) if is_record(schema) else None
    if not is_record(properties) or not all(is_record(each) for each in properties.values()):
        return [Failure("content", "is no JSON Schema of an object", '{"type": "object", "properties": {…}} as JSON')]
    if text.type == RESPONSE:
        return []
    known = [each.name for each in operation.parameters if (each.place in _IN_BODY) == (text.type == BODY)]
    return [
        Failure(f"content.properties.{name}", "is no argument of that method there", ", ".join(known) or "none")
        for name in properties
        if _own_name(operation, name) not in known
    ]


def _own_name(operation: Operation, name: str) -> str:
    """Tools call the id of the item itself `id`, whatever the address calls it."""
    return operation.identity if name == "id" and operation.identity else name


def _properties(operation: Operation, text: Text) -> Json:
    schema: Any = decode(text.content.encode())
    properties: Json = schema.get("properties", {})
    required: Any = schema.get("required", [])
    known = {each.name for each in operation.parameters}
    own = {_own_name(operation, name): (name in required, each) for name, each in properties.items()}
    return {
        name: {"schema": each, **({"required": True} if is_required else {})}
        for name, (is_required, each) in own.items()
        if name in known
    }
