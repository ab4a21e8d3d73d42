"""/docs: the OpenAPI document as a page that reads without a script, without signing in, and on a phone."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from starlette.routing import Route

from portico.faces.web.page import Page, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit
from portico.shapes import Json, is_list


def routes(site: Site, document: Callable[[], Json]) -> list[Route]:
    groups = cache(lambda: _groups(document()))

    async def show(_visit: Visit) -> Reply:
        return Page(template="api.html", values={"groups": groups()})

    # Anybody may read it: there is no cookie to look at, and none is set.
    return [site.route("/docs", get=show, bearer=lambda _incoming: "")]


def _groups(document: Json) -> list[Json]:
    """What can be asked for, by what it is about."""
    found: dict[str, list[Json]] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            found.setdefault(operation["tags"][0], []).append(_operation(verb, path, operation, document))
    return [{"name": tag, "id": f"about-{_slug(tag)}", "operations": operations} for tag, operations in found.items()]


def _operation(verb: str, path: str, operation: Json, document: Json) -> Json:
    body = _schema_in(operation.get("requestBody", {}))
    answers: Json = operation.get("responses", {})
    good = next((code for code in answers if code.startswith("2")), "")
    return {
        "id": operation["operationId"],
        "verb": verb.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": [_parameter(each) for each in operation.get("parameters", ())],
        "body": _fields(body, document) if body else None,
        "answer": _answer(_schema_in(answers.get(good, {})), document),
    }


def _schema_in(described: Json) -> Json:
    return described.get("content", {}).get("application/json", {}).get("schema", {})


def _parameter(parameter: Json) -> Json:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "is_required": bool(parameter.get("required")),
        "kind": _kind(parameter["schema"]),
        "meaning": parameter.get("description", ""),
    }


def _answer(schema: Json, document: Json) -> Json | None:
    """The fields of what comes back; of a list, those of its rows."""
    rows: Json = schema.get("properties", {}).get("result", {}).get("items", {})
    found = _fields(rows or schema, document)
    return {**found, "is_list": bool(rows)} if found["rows"] else None


def _fields(schema: Json, document: Json) -> Json:
    resolved: Json = document["components"]["schemas"].get(_name_of(schema), schema)
    required = set(resolved.get("required", ()))
    rows = [
        {"name": name, "is_required": name in required, "kind": _kind(each)}
        for name, each in resolved.get("properties", {}).items()
    ]
    return {"words": resolved.get("description", ""), "rows": rows}


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _name_of(schema)).lower()
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    kind: Any = schema.get("type", "any")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return " or ".join(kind) if is_list(kind) else str(kind)


def _name_of(schema: Json) -> str:
    return schema.get("$ref", "").rpartition("/")[2]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
