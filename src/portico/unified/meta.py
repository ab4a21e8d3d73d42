"""What a unified method takes and gives for one vendor or one account, and how: its mapping as it counts. Pure."""

from typing import Any

from portico.catalog.find import View, group_of
from portico.shapes import Json
from portico.unified import grammar, models, single
from portico.unified.filters import Rules
from portico.unified.grammar import Method, members
from portico.unified.models import Filter, Model, Resource
from portico.unified.plan import Layers, Plan

_MOMENT: Json = {"type": "string", "format": "date-time"}
_TYPES: dict[str, Json] = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "moment": _MOMENT,
    "range": {"type": "object", "properties": dict.fromkeys(("gt", "gte", "lt", "lte"), _MOMENT)},
}


def offered(layers: dict[str, Layers]) -> list[Json]:
    """One row for every resource of every model that is mapped, as capabilities list them."""
    rows: list[Json] = []
    for name, each in layers.items():
        model = models.find(name)
        mapped = {resource: methods for resource, methods in each.resources().items() if resource in model.resources}
        rows += [_row(model, resource, methods, each) for resource, methods in mapped.items()]
    return rows


def _row(model: Model, resource: str, methods: tuple[str, ...], layers: Layers) -> Json:
    changed = [level for level, each in layers.levels if resource in each]
    return {
        "model": model.model,
        "model_label": model.label,
        "resource": resource,
        "description": model.resource(resource).says,
        "docs_url": f"/unified/meta/{model.model}",
        "methods": list(methods),
        "env_overridden": "environment" in changed,
        "account_overridden": "account" in changed,
    }


def passing(rows: list[Json], resource: str, methods: list[str]) -> list[Json]:
    """Rows of one resource, with the methods that are asked for by name or by group: read, write, custom."""
    found = [row for row in rows if not resource or row["resource"] == resource]
    if not methods:
        return found
    kept = (
        {**row, "methods": [each for each in row["methods"] if {each, group_of(each)} & {*methods}]} for row in found
    )
    return [row for row in kept if row["methods"]]


def model_shown(model: Model, layers: Layers | None) -> Json:
    """A model as it is for everybody; with a vendor's mappings also what that vendor has of it."""
    mapped = layers.resources() if layers else {}
    resources = {name: _resource_shown(model.resource(name)) for name in model.resources}
    if layers is not None:
        resources = {
            name: {**each, "methods": list(mapped[name])} for name, each in resources.items() if name in mapped
        }
    return {"model": model.model, "label": model.label, "description": model.says, "resources": resources}


def _resource_shown(resource: Resource) -> Json:
    return {
        "description": resource.says,
        "schema": resource.schema(),
        "query_schema": _object({name: _filter(each) for name, each in resource.filters.items()}),
        "sort_by": list(resource.sort),
        "request_body_schema": _object(resource.body),
        "methods": list(resource.methods),
    }


def method_shown(plan: Plan, view: View) -> Json:
    """One method with everything merged that counts."""
    resource = models.find(plan.model).resource(plan.resource)
    method = grammar.read(plan.value)
    record = resource.schema()
    writes = plan.method not in {"list", "get"}
    return {
        "model": plan.model,
        "resource": plan.resource,
        "method": plan.method,
        "integration": view.integration.name,
        "description": method.says or resource.says,
        "documentation_link": view.integration.documentation or None,
        "schema": record,
        "query_schema": query_schema(resource, plan.value, plan.method),
        "request_body_schema": single.body_schema(plan.value, resource) if writes else None,
        "response_schema": _response(record, plan.method),
        "query_mapping": method.query_mapping or None,
        "request_body_mapping": method.request_body_mapping or None,
        "response_mapping": method.response_mapping or None,
        "default_query": {"limit": models.DEFAULT_LIMIT} if plan.method == "list" else {},
        "default_body": {},
        "calls": [*_calls(method), *_forks(plan)],
        "levels": list(plan.levels),
        "mapping": plan.value,
    }


def query_schema(resource: Resource, value: Json, method: str) -> Json:
    """What a method takes in its query, as JSON Schema; `x-applied-by` says who sees to a filter."""
    rules = Rules.of(resource, value)
    properties: Json = {name: {**_filter(each), "x-applied-by": rules.by[name]} for name, each in rules.known.items()}
    if rules.sort:
        directions = [word for each in rules.sort for word in (each, f"-{each}")]
        properties["sort_by"] = {"type": "string", "enum": directions, "x-applied-by": "portico"}
    if method == "list":
        properties["limit"] = {"type": "integer", "minimum": 1, "maximum": models.MOST_ITEMS}
        properties["next_cursor"] = properties["prev_cursor"] = {"type": "string"}
    return _object(properties) | ({"required": list(rules.required)} if rules.required else {})


def _filter(told: Filter) -> Json:
    enum = {"enum": list(told.enum)} if told.enum else {}
    schema = (
        {"type": "array", "items": {"type": "string", **enum}}
        if told.type == "array"
        else {**_TYPES[told.type], **enum}
    )
    return {**schema, "description": told.description} if told.description else schema


def _calls(method: Method) -> list[Json]:
    """The vendor's operations that a method needs."""
    before = [
        {"resource": each.resource, "method": each.method, "before": name} for name, each in method.before.items()
    ]
    return [*before, {"resource": method.resource, "method": method.method}] if method.resource else [*before]


def _forks(plan: Plan) -> list[Json]:
    """The vendor's operations in the method's place for some requests (a variant), or beside it (a source)."""
    found: list[Json] = []
    for kind in grammar.FORKS:
        for name, change in members(plan.value.get(kind)):
            if change.get("resource"):
                method = change.get("method") or plan.value.get("method") or plan.method
                found.append({"resource": change["resource"], "method": method, kind.removesuffix("s"): name})
    return found


def _response(record: Json, method: str) -> Json:
    if method == "list":
        cursor: Json = {"type": ["string", "null"]}
        return _object(
            {
                "result": {"type": "array", "items": record},
                "next_cursor": cursor,
                "prev_cursor": cursor,
                "result_count": {"type": "integer"},
                "is_partial_response": {"type": "boolean"},
            }
        )
    return record if method in models.STANDARD else _object({"result": {"type": "object"}})


def _object(properties: dict[str, Any]) -> Json:
    return {"type": "object", "properties": properties}
