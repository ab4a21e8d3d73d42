"""Methods of one record: get, create, update, delete and whatever else a resource has."""

from typing import Any

import msgspec
from msgspec import Struct

from portico.catalog.schema import compile_check
from portico.errors import Failure, InvalidArguments, NotFound
from portico.model.call import Answer
from portico.shapes import Json
from portico.unified import grammar
from portico.unified.filters import Rules
from portico.unified.grammar import Method
from portico.unified.models import Resource
from portico.unified.plan import Plan
from portico.unified.records import Mapped, Mapper
from portico.unified.request import Way, chosen, items_of

_REMOTE = "remote_data"


class Done(Struct, frozen=True, kw_only=True):
    """What became of a write: its record, or the request that it would have been."""

    mapped: Mapped
    answer: Answer


async def read(way: Way, plan: Plan, resource: Resource) -> Mapped:
    value = await chosen(way, plan)
    Rules.of(resource, value).read(way.ask.query)
    method = grammar.read(value)
    scope = await _honoured(way, plan, method)
    if not method.resource:
        return await _from_records(way, plan, resource, method, scope)
    answer = await way.send(method.resource, method.method or "get", await _with_id(way, plan, method, scope))
    mapper = Mapper(way=way, plan=plan, method=method, resource=resource, scope=scope)
    return await _only(mapper, items_of(answer), way)


async def _honoured(way: Way, plan: Plan, method: Method) -> Json:
    """The scope; InvalidArguments with what the mapping refuses."""
    scope = await way.scope(plan, method)
    if failures := await way.refuse(plan, method, scope):
        raise InvalidArguments(failures)
    return scope


async def _from_records(way: Way, plan: Plan, resource: Resource, method: Method, scope: Json) -> Mapped:
    mapper = Mapper(way=way, plan=plan, method=method, resource=resource, scope=scope)
    found = await mapper.map([msgspec.Raw(msgspec.json.encode(each)) for each in method.records])
    for each in found:
        if each.id == way.ask.id:
            return each
    raise NotFound(f"There is no {plan.resource} {way.ask.id!r}.")


async def write(way: Way, plan: Plan, resource: Resource) -> Done:
    value = await chosen(way, plan)
    Rules.of(resource, value).read(way.ask.query)
    check_body(value, resource, way.ask.body)
    method = grammar.read(value)
    scope = await _honoured(way, plan, method)
    arguments = await _with_id(way, plan, method, scope)
    answer = await way.send(method.resource, method.method or plan.method, arguments, key=way.ask.idempotency_key)
    if answer.is_preview:
        return Done(mapped=Mapped(record={}), answer=answer)
    mapper = Mapper(way=way, plan=plan, method=method, resource=resource, scope=scope)
    return Done(mapped=await _only(mapper, items_of(answer), way), answer=answer)


async def _with_id(way: Way, plan: Plan, method: Method, scope: Json) -> Json:
    """The arguments, with the record's id where the vendor's operation is about one and no mapping says which."""
    arguments = await way.arguments(plan, method, scope)
    operation = way.connected.view.find(method.resource, method.method or plan.method)
    if operation.identity and way.ask.id and not {"id", operation.identity} & arguments.keys():
        arguments[operation.identity] = way.ask.id
    return arguments


async def _only(mapper: Mapper, items: list[msgspec.Raw], way: Way) -> Mapped:
    found = await mapper.map(items[:1] or [msgspec.Raw(b"null")])
    if not found:
        raise NotFound(f"There is no {mapper.plan.resource} {way.ask.id!r}.")
    return found[0]


def check_body(value: Json, resource: Resource, body: Json) -> None:
    """InvalidArguments names what is missing, of the wrong kind, or not taken by this vendor."""
    schema = body_schema(value, resource)
    if body.get(_REMOTE):
        # What is needed may be among the vendor's own fields; whether it is, the vendor's operation says.
        schema = {name: each for name, each in schema.items() if name != "required"}
    given = {name: each for name, each in body.items() if name != _REMOTE}
    known: Json = schema["properties"]
    allowed = ", ".join([*known, _REMOTE])
    failures = [Failure(name, "is not taken here", allowed) for name in given if name not in known]
    failures += compile_check(schema)(given) if not failures else []
    if failures:
        raise InvalidArguments(failures)


def body_schema(value: Json, resource: Resource) -> Json:
    """What a write takes: the model's fields that the mapping names, with what the mapping says about them."""
    said: Json = value.get("request_body_schema") or {}
    properties: Any = said.get("properties") or {}
    known = {name: {**resource.body.get(name, {}), **each} for name, each in properties.items()}
    return {"type": "object", **said, "properties": known}
