"""Sort a call's arguments into path, query, headers, body and uploads, and say what is missing. Pure.

Arguments come as text (from a URL) or as JSON values (from an agent); what the catalog does not know is passed on,
because the vendor may know it: nothing that the vendor accepts is refused here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import Failure, InvalidArguments
from portico.gateway import brackets
from portico.model.call import Body, Call, Upload
from portico.model.operation import Operation, Parameter
from portico.shapes import NotJson, decode, decode_or_text, is_list, is_record

Pairs = list[tuple[str, str]]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BRACKETS = re.compile(r"^([^\[\]]+)(\[.*\])$")


class Sorted(Struct, frozen=True, kw_only=True):
    """Where everything goes. `body` is sent as it came; `fields` is the body to be written where none came."""

    path: dict[str, str]
    query: Pairs
    headers: Pairs
    fields: dict[str, Any] | None
    body: Body | None
    uploads: Mapping[str, Sequence[Upload]]


def sort(operation: Operation, call: Call, arguments: Mapping[str, Any] | None = None) -> Sorted:
    """Raises InvalidArguments with one failure for each argument that is missing or cannot be sent.

    `arguments`: the call's, put in the vendor's words.
    """
    given = dict(call.arguments if arguments is None else arguments)
    body, taken = _take_path_from_body(operation, call, given)
    given.update(taken)
    path, failures = _path(operation, given)
    query, headers, fields = _spread(operation, given, operation.spelled) if given else ([], [], {})
    failures += _missing(operation, call, query, headers, fields)
    if body is not None and fields:
        body, more = _merged(body, fields)
        failures += more
    if failures:
        raise InvalidArguments(failures)
    return Sorted(
        path=path,
        query=query,
        headers=headers,
        fields=fields if body is None and (fields or _writes_json(operation)) else None,
        body=body,
        uploads=call.uploads,
    )


def _writes_json(operation: Operation) -> bool:
    return operation.body == "json" and any(each.place == "body" for each in operation.required)


def _take_path_from_body(operation: Operation, call: Call, given: dict[str, Any]) -> tuple[Body | None, dict[str, Any]]:
    """Parents and ids may travel in a JSON body; only then is the body opened and written anew."""
    body = call.body
    if body is None:
        return None, {}
    wanted = [
        name for name in operation.path_parameters if name not in given and not _stands_for(operation, name, given)
    ]
    if not wanted or not isinstance(body.content, bytes) or "json" not in body.content_type:
        return body, {}
    try:
        content: Any = decode(body.content) if body.content else {}
    except NotJson as problem:
        raise InvalidArguments([Failure("", f"the body is not valid JSON: {problem}")]) from None
    if not is_record(content):
        return body, {}
    fields: dict[str, Any] = content
    identity = operation.identity
    taken = {name: fields.pop(name) for name in wanted if name in fields}
    if identity in wanted and identity not in taken and "id" in fields:
        taken[identity] = fields.pop("id")
    if not taken:
        return body, {}
    left = msgspec.json.encode(fields) if fields or operation.body != "none" else b""
    return Body(content=left, content_type=body.content_type, size_bytes=len(left)), taken


def _merged(body: Body, fields: dict[str, Any]) -> tuple[Body, list[Failure]]:
    """Values for the body that came in the query join a JSON body; what the body says itself wins."""
    failures = [Failure(name, "belongs in the body") for name in fields]
    if not isinstance(body.content, bytes) or "json" not in body.content_type:
        return body, failures
    try:
        content: Any = decode(body.content) if body.content else {}
    except NotJson:
        return body, failures
    if not is_record(content):
        return body, failures
    joined = msgspec.json.encode(fields | content)
    return Body(content=joined, content_type=body.content_type, size_bytes=len(joined)), []


def _stands_for(operation: Operation, name: str, given: Mapping[str, Any]) -> bool:
    return name == operation.identity and "id" in given


def _path(operation: Operation, given: dict[str, Any]) -> tuple[dict[str, str], list[Failure]]:
    values: dict[str, str] = {}
    failures: list[Failure] = []
    for name in operation.path_parameters:
        value = given.pop(name, None)
        if value is None and name == operation.identity:
            value = given.pop("id", None)
        failure = _check_path_value(name, value)
        if failure:
            failures.append(failure)
        else:
            values[name] = _text(value)
    return values, failures


def _check_path_value(name: str, value: Any) -> Failure | None:
    if value is None or value == "":
        return Failure(name, "is required: it is part of the address", missing="query")
    if isinstance(value, list | dict):
        return Failure(name, "must be a single value")
    text = _text(value)
    if text in {".", ".."} or _CONTROL.search(text):
        return Failure(name, "cannot be part of an address")
    return None


def _spread(
    operation: Operation, given: Mapping[str, Any], known: Mapping[str, Parameter]
) -> tuple[Pairs, Pairs, dict[str, Any]]:
    query: Pairs = []
    headers: Pairs = []
    fields: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    body_by_default = operation.verb != "GET" and operation.method == "list"
    nested: list[tuple[str, Any]] = []
    for name, value in given.items():
        plain = name.removesuffix("[]")
        parameter = known.get(name) or known.get(plain)
        owner = parameter or known.get(brackets.stem(name))
        in_body = owner.place in {"body", "upload"} if owner else body_by_default
        place = parameter.place if parameter else ("body" if in_body else "query")
        if in_body and parameter is None and brackets.is_nested(name):
            nested.append((name, value))
        elif place in {"body", "upload"}:
            listed = [value] if name != plain and not is_list(value) else value
            _set(fields, parameter.on_the_wire if parameter else plain, _typed(listed, parameter))
            constants |= parameter.also if parameter else {}
        elif place == "header":
            headers.append((parameter.on_the_wire if parameter else name, _text(value)))
        else:
            query += _query_pairs(name, value, parameter)
    for name, value in brackets.nest(nested).items():
        owner = known.get(name)
        _set(fields, owner.on_the_wire if owner else name, brackets.typed(value, owner.schema if owner else {}))
    for place_of, constant in constants.items():
        _set(fields, place_of, constant, as_default=True)
    return query, headers, fields


def _query_pairs(name: str, value: Any, parameter: Parameter | None) -> Pairs:
    if is_record(value):
        inner: dict[str, Any] = value
        return [pair for key, item in inner.items() for pair in _query_pairs(f"{name}[{key}]", item, None)]
    if parameter is not None and parameter.is_array:
        items: list[Any] = value if is_list(value) else [value]
        if isinstance(value, str):
            items = [part for part in value.split(",") if part]
        return [(parameter.on_the_wire, _text(item)) for item in items]
    if is_list(value):
        spelled: list[Any] = value
        return [(name, _text(item)) for item in spelled]
    bracket = _BRACKETS.match(name)
    wire = parameter.on_the_wire if parameter and not bracket else name
    return [(wire, _text(value))]


def _set(fields: dict[str, Any], wire_name: str, value: Any, *, as_default: bool = False) -> None:
    """`reasoning.effort` lands inside `reasoning`: a flat argument in the vendor's nested body. Parts are joined."""
    *outer, last = wire_name.split(".")
    place = fields
    for name in outer:
        inner = place.get(name)
        if not is_record(inner):
            inner = place[name] = {}
        place = inner
    present = place.get(last)
    if is_record(present) and is_record(value):
        place[last] = value | present
    elif not as_default or last not in place:
        place[last] = value


def _typed(value: Any, parameter: Parameter | None) -> Any:
    """Text from a URL as the JSON that a body needs; JSON stays what it is."""
    if parameter is not None and is_list(value):
        items: Any = parameter.schema.get("items") or {}
        return [brackets.typed(each, items) if isinstance(each, str) else each for each in value]
    if parameter is None or not isinstance(value, str):
        return value
    kind: Any = parameter.schema.get("type", "string")
    kinds: list[Any] = kind if is_list(kind) else [kind]
    if "string" in kinds:
        return value
    if parameter.is_array:
        items = decode_or_text(value) if value.startswith("[") else value.split(",")
        return brackets.typed(items, parameter.schema)
    return decode_or_text(value)


def _missing(
    operation: Operation, call: Call, query: Pairs, headers: Pairs, fields: Mapping[str, Any]
) -> list[Failure]:
    if not operation.required:
        return []
    sent = {name for name, _ in query}
    sent |= {name.removesuffix("[]").partition("[")[0] for name in sent}
    sent |= {name for name, _ in headers}
    files = {*call.uploads, *fields}
    failures: list[Failure] = []
    for each in operation.required:
        if (each.place in {"query", "header"} and not {each.name, each.on_the_wire} & sent) or (
            each.place == "body" and call.body is None and each.on_the_wire.partition(".")[0] not in fields
        ):
            missing = "body" if each.place == "body" else "query" if each.place == "query" else ""
            failures.append(Failure(each.name, "is required", missing=missing))
        elif each.place == "upload" and call.body is None and not {each.name, each.on_the_wire} & files:
            failures.append(Failure(each.name, "is required: a file", missing="body"))
    return failures


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else str(value)
