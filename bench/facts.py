"""What the other MCP servers are built from: Portico's tools, where each one goes, and an OpenAPI document of them."""

import json
from pathlib import Path
from typing import Any

import portico
from bench.contestant import Place
from portico.catalog.load import load_folder
from portico.model.operation import Operation

_CATALOG = Path(portico.__file__ or "").parent / "integrations" / "openai" / "catalog"
Json = dict[str, Any]


def write_facts(place: Place) -> Path:
    """A file for programs that cannot import Portico. Tools that are made of several operations are left out of
    the addresses, for nothing but Portico can run them; they stay in the list."""
    operations = {each.tool.name: each for each in load_folder(_CATALOG).operations}
    tools = [(tool, operations[str(tool["name"])]) for tool in place.tools if tool["name"] in operations]
    facts: Json = {
        "vendor": place.vendor_url,
        "key": place.key,
        "tools": place.tools,
        "operations": {each.tool.name: {"verb": each.verb, "path": each.path} for _, each in tools},
        "openapi": _openapi(place, tools),
    }
    path = place.folder / "facts.json"
    path.write_text(json.dumps(facts))
    return path


def _openapi(place: Place, tools: list[tuple[Json, Operation]]) -> Json:
    paths: Json = {}
    for tool, operation in tools:
        paths.setdefault(operation.path, {})[operation.verb.lower()] = _operation(tool, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "OpenAI", "version": "1"},
        "servers": [{"url": place.vendor_url}],
        "paths": paths,
    }


def _operation(tool: Json, operation: Operation) -> Json:
    parameters = [
        {"name": each.on_the_wire, "in": each.place, "required": each.required, "schema": each.schema}
        for each in operation.parameters
        if each.place in {"path", "query", "header"}
    ]
    fields = {each.on_the_wire: each.schema for each in operation.parameters if each.place == "body"}
    described: Json = {
        "operationId": tool["name"],
        "description": tool["description"],
        "parameters": parameters,
        "responses": {"200": {"description": "What was asked for", "content": {"application/json": {"schema": {}}}}},
    }
    if fields:
        required = [each.on_the_wire for each in operation.parameters if each.place == "body" and each.required]
        schema = {"type": "object", "properties": fields, "required": required}
        described["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return described
