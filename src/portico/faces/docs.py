"""/openapi.json, and /docs: the same as a page that reads without a script or anything from elsewhere."""

from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from portico.shapes import is_list

Json = dict[str, Any]
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}summary code{font-weight:600}
table{border-collapse:collapse;width:100%;margin:.5rem 0}td,th{text-align:left;vertical-align:top;padding:.25rem .5rem;
border-bottom:1px solid var(--line)}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{background:var(--soft);padding:.6rem;border-radius:.4rem;overflow:auto}
.verb{display:inline-block;min-width:4.5rem}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def routes(document: Callable[[], Json]) -> list[Route]:
    """Neither is made before somebody reads it: a gateway that starts has better things to do."""
    encoded = cache(lambda: msgspec.json.encode(document()))
    html = cache(lambda: page(document()))

    async def openapi(_request: Request) -> Response:
        return Response(encoded(), media_type="application/json")

    async def docs(_request: Request) -> Response:
        return HTMLResponse(html(), headers={"content-security-policy": _POLICY, "x-content-type-options": "nosniff"})

    return [Route("/openapi.json", openapi), Route("/docs", docs)]


def page(document: Json) -> str:
    groups: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(verb, path, operation, document))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(blocks)}" for tag, blocks in groups.items())
    title = f"{document['info']['title']} {document['info']['version']}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>"
        f"<p>{escape(document['info']['summary'])} Send <code>Authorization: Bearer &lt;API token&gt;</code> with "
        f"every request. The same as data: <a href=/openapi.json>/openapi.json</a>.</p>{body}</html>"
    )


def _operation(verb: str, path: str, operation: Json, document: Json) -> str:
    parts = [f"<p>{escape(operation['description'])}</p>" if operation.get("description") else ""]
    if operation.get("parameters"):
        rows = "".join(_parameter_row(each) for each in operation["parameters"])
        parts.append(f"<table><tr><th>Parameter<th>In<th>Type<th>Meaning</tr>{rows}</table>")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if content.get("schema"):
        parts.append(f"<p>Body:</p>{_fields(content['schema'], document)}")
    return (
        f"<details id='{escape(operation['operationId'])}'><summary><code><span class=verb>{verb.upper()}</span>"
        f"{escape(path)}</code> {escape(operation['summary'])}</summary>{''.join(parts)}</details>"
    )


def _parameter_row(parameter: Json) -> str:
    required = " (required)" if parameter.get("required") else ""
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code>{required}<td>{escape(parameter['in'])}"
        f"<td>{escape(_kind(parameter['schema']))}<td>{escape(parameter.get('description', ''))}</tr>"
    )


def _fields(schema: Json, document: Json) -> str:
    resolved = document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
    required = set(resolved.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code>{' (required)' if name in required else ''}<td>{escape(_kind(each))}</tr>"
        for name, each in resolved.get("properties", {}).items()
    )
    words = f"<p>{escape(resolved['description'])}</p>" if resolved.get("description") else ""
    return f"{words}<table><tr><th>Field<th>Type</tr>{rows}</table>"


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    kind = schema.get("type", "any")
    return " or ".join(kind) if is_list(kind) else str(kind)
