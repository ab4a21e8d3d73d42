"""What Portico serves, as OpenAPI 3.1: made from the typed endpoints and a few descriptions of the hot faces."""

from collections.abc import Sequence
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from portico.faces.endpoint import FIELDS, Endpoint

Json = dict[str, Any]
REF = "#/components/schemas/{name}"


class Insight(Struct, frozen=True, kw_only=True):
    """One thing that a program can act on."""

    description: str
    value: Any


class Failed(Struct, frozen=True, kw_only=True, rename={"status_code": "statusCode"}):
    """How every refusal looks."""

    status_code: int
    error: str
    message: str
    code: str
    request_id: str
    details: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    truto_is_remote_error: bool | msgspec.UnsetType = msgspec.UNSET
    raw_response: Any | msgspec.UnsetType = msgspec.UNSET
    truto_error_insight: dict[str, Insight] | msgspec.UnsetType = msgspec.UNSET


# Which refusals a route can answer with, and when.
_STATUSES = {
    "400": "The request is not as this address takes it; details.failures says where.",
    "401": "No valid API token.",
    "403": "The token lacks the scope.",
    "404": "Nothing there that the token can see.",
    "409": "It stands against something that exists or happens at the same time.",
    "413": "The body is too large.",
    "422": "The Idempotency-Key was used for another request.",
    "431": "Too many or too large header fields.",
    "503": "The database cannot be reached just now.",
}


def document(endpoints: Sequence[Endpoint], extra_paths: Json, version: str, url: str) -> Json:
    kinds = [
        kind
        for each in endpoints
        for kind in (each.query, each.body, _row_kind(each.returns), each.returns)
        if _is_struct(kind)
    ]
    unique = list(dict.fromkeys([*kinds, Failed]))
    schemas, components = msgspec.json.schema_components(unique, ref_template=REF)
    named = dict(zip(unique, schemas, strict=True))
    paths: Json = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.verb.lower()] = _operation(each, named, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Portico",
            "version": version,
            "summary": "A front door to other people's APIs.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url or "/"}],
        "security": [{"token": []}],
        "paths": paths | {path: paths.get(path, {}) | verbs for path, verbs in extra_paths.items()},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "An API token."}},
            "responses": {code: _failed(words) for code, words in _STATUSES.items()},
        },
    }


def _operation(endpoint: Endpoint, named: dict[Any, Json], components: Json) -> Json:
    described: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint, named, components)],
        "responses": {str(endpoint.status): _success(endpoint, named)},
    }
    if endpoint.scope:
        described["description"] = f"{endpoint.description} Needs the scope `{endpoint.scope}`.".strip()
    elif endpoint.description:
        described["description"] = endpoint.description
    if endpoint.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": named[endpoint.body]}}}
    if endpoint.verb != "GET":
        described["parameters"].append(_IDEMPOTENCY)
    if endpoint.tagged:
        described["parameters"].append(_IF_NONE_MATCH)
        described["responses"]["200"]["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
        described["responses"]["304"] = {"description": "It is still what that tag stands for."}
    for code in _STATUSES:
        described["responses"].setdefault(code, {"$ref": f"#/components/responses/{code}"})
    return described


_IDEMPOTENCY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeat a request safely: the first answer is kept and given again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}

_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an earlier answer: a 304 says that nothing has changed since.",
    "schema": {"type": "string"},
}


def _path_parameters(path: str) -> list[Json]:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ]


def _query_parameters(endpoint: Endpoint, named: dict[Any, Json], components: Json) -> list[Json]:
    if endpoint.query is None:
        return []
    schema = components[named[endpoint.query]["$ref"].rpartition("/")[2]]
    parameters: list[Json] = []
    for name, each in schema.get("properties", {}).items():
        parameter: Json = {"name": name, "in": "query", "required": False, "schema": _one_or_several(each, components)}
        if name in {"created_at", "updated_at", "integration", "log_type_filter"} and each.get("type") != "array":
            parameter |= {"style": "deepObject", "explode": True}
        parameters.append(parameter)
    return parameters


def _one_or_several(schema: Json, components: Json) -> Json:
    """A filter that takes several takes one, too, without making a list of it; what has parts is by its first."""
    if "$ref" in schema:
        parts: Json = components[schema["$ref"].rpartition("/")[2]]["properties"]
        first = _one_or_several(next(iter(parts.values())), components)
        return {"anyOf": [*first.get("anyOf", [first]), {"$ref": schema["$ref"]}]}
    several = [each for each in schema.get("anyOf", [schema]) if each.get("type") == "array" and each.get("items")]
    if not several:
        return schema
    kinds = schema.get("anyOf", [{name: each for name, each in schema.items() if name != "default"}])
    items = [each["items"] for each in several if each["items"] not in kinds]
    return {"anyOf": [*items, *kinds]}


def _success(endpoint: Endpoint, named: dict[Any, Json]) -> Json:
    schema: Json
    if endpoint.query and FIELDS in endpoint.query.__struct_fields__:
        # Whoever asks for some fields gets no others, and none is there for sure.
        some: Json = {"type": "object", "description": "Those of `fields`.", "required": ["id"]}
        named = {kind: {"anyOf": [each, some]} for kind, each in named.items()}
    if get_origin(endpoint.returns) is list:
        schema = {
            "type": "object",
            "required": ["result", "next_cursor", "prev_cursor", "result_count"],
            "properties": {
                "result": {"type": "array", "items": named[_row_kind(endpoint.returns)]},
                "next_cursor": {"type": ["string", "null"]},
                "prev_cursor": {"type": ["string", "null"]},
                "result_count": {"type": "integer"},
                "limit": {"type": "integer"},
            },
        }
    else:
        schema = named.get(endpoint.returns, {"type": "object"})
    content = {endpoint.media or "application/json": {"schema": schema}}
    content |= {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in endpoint.also}
    return {"description": endpoint.summary, "content": content}


def _failed(words: str) -> Json:
    return {"description": words, "content": {"application/json": {"schema": {"$ref": REF.format(name="Failed")}}}}


def _row_kind(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is list else None


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)
