"""One request to the Unified API, and the way to the vendor for every call that it takes."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import Failure, MappingFailed, NotAllowed, Refusal, VendorFailure, VendorGarbled
from portico.gateway.ask import fetch
from portico.gateway.lookup import Connected
from portico.gateway.mappings import Fenced
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.call import Answer, Call, HeaderPairs, Patience
from portico.model.caller import Caller
from portico.shapes import Json, is_list, is_record
from portico.unified import grammar
from portico.unified.grammar import Method, Step
from portico.unified.models import DEFAULT_LIMIT
from portico.unified.plan import Plan

MOST_STEP_PAGES = 50
MOST_EACH = 100
EACH_AT_ONCE = 6
_STEP_PAGE_ITEMS = 100
_raws = msgspec.json.Decoder(list[msgspec.Raw])
# What the vendor says about one body, or about a connection, is not about the answer that is made of several.
_NOT_PASSED = ("content-", "x-portico", "cache-control", "etag", "vary", "location")


class Ask(Struct, frozen=True, kw_only=True):
    """What somebody wants. `query` holds filters, `remote` and `remote_query` what goes to the vendor as it is."""

    account_id: AccountId
    model: str
    resource: str
    method: str
    id: str = ""
    query: Json = {}
    body: Json = {}
    limit: int = DEFAULT_LIMIT
    next_cursor: str = ""
    remote_query: Json = {}
    with_remote_data: bool = True
    is_complete: bool = False
    idempotency_key: str | None = None
    patience: Patience = Patience()
    dry_run: bool = False
    request_id: str = ""
    trace_id: str = ""
    client: str = ""


Kept = dict[bytes, Answer | VendorFailure]


class Way:
    """The calls of one request, all for the same caller and account."""

    def __init__(self, caller: Caller, ask: Ask, connected: Connected, parts: Parts, fence: Fenced) -> None:
        self.caller, self.ask, self.connected, self.parts, self.fence = caller, ask, connected, parts, fence
        self.headers: HeaderPairs = []
        self.urls: list[str] = []
        self.kept: Kept | None = None

    def alone(self, ask: Ask) -> "Way":
        """The way of one record among others."""
        way = Way(self.caller, ask, self.connected, self.parts, self.fence)
        way.kept = self.kept
        return way

    async def send(self, resource: str, method: str, arguments: Json, *, key: str | None = None) -> Answer:
        call = Call(
            account_id=self.ask.account_id,
            face="unified",
            resource=resource,
            method=method,
            arguments=arguments,
            idempotency_key=key,
            patience=self.ask.patience,
            dry_run=self.ask.dry_run and self.connected.view.find(resource, method).effect != "read",
            request_id=self.ask.request_id,
            client=self.ask.client,
            trace_id=self.ask.trace_id,
        )
        try:
            answer = await self._fetch(call)
        except VendorFailure as problem:
            self.headers = passed_on(problem.vendor_headers)
            raise
        self.headers = passed_on(answer.headers)
        self.urls.append(answer.request_url)
        return answer

    async def _fetch(self, call: Call) -> Answer:
        """Where answers and refusals are kept, the same question is asked once, and nothing is changed."""
        if self.kept is None:
            return await fetch(self.caller, call, self.parts)
        if self.connected.view.find(call.resource, call.method).effect != "read":
            raise NotAllowed(f"A trial only reads, and {call.resource}.{call.method} changes something.")
        key = msgspec.json.encode((call.resource, call.method, call.arguments), order="sorted")
        if key not in self.kept:
            try:
                self.kept[key] = await fetch(self.caller, call, self.parts)
            except VendorFailure as problem:
                self.kept[key] = problem
        told = self.kept[key]
        if isinstance(told, VendorFailure):
            raise told
        return told

    async def evaluate(self, tree: Any, scope: Json, plan: Plan) -> Any:
        return (await self.fence.run(tree, scope, "response", [b"null"], plan.tenant))[0] if tree else None

    async def scope(self, plan: Plan, method: Method) -> Json:
        """What the expressions of a method see, with the answers of the calls before it."""
        scope = first_scope(self.ask, self.connected) | {"facts": method.facts}
        alone = {name: step for name, step in method.before.items() if not step.for_each}
        found = await asyncio.gather(*(self._step(step, scope, plan) for step in alone.values()))
        before: Json = dict(zip(alone, found, strict=True))
        for name, step in method.before.items():
            if step.for_each:
                before[name] = await self._steps(step, scope | {"before": before}, plan)
        return scope | {"before": before}

    async def refuse(self, plan: Plan, method: Method, scope: Json) -> list[Failure]:
        """What the mapping says cannot be honoured."""
        told: Any = await self.evaluate(method.refuse_expression, scope, plan)
        each_told: list[Any] = (
            list(told.values()) if is_record(method.refuse_expression) and is_record(told) else [told]
        )
        found = [each for one in each_told for each in (one if is_list(one) else [one]) if each is not None]
        if not all(is_record(each) and each.get("problem") for each in found):
            raise MappingFailed(
                f"The refuse_expression of {plan.place} must give a list of {{name, problem, allowed}}."
            )
        told_as = ("name", "problem", "allowed")
        words = [[str(each.get(word) or "") for word in told_as] for each in found]
        return [Failure(path, problem, allowed) for path, problem, allowed in words]

    async def arguments(self, plan: Plan, method: Method, scope: Json) -> Json:
        """The vendor's arguments. What the caller wrote in the vendor's own words comes last."""
        mapped: Json = {}
        for tree in (method.query_mapping, method.request_body_mapping):
            made = await self.evaluate(tree, scope, plan)
            if made is not None and not is_record(made):
                raise MappingFailed(f"The mapping of {plan.place} must give an object of arguments.")
            mapped |= {name: value for name, value in (made or {}).items() if value is not None}
        remote: Any = self.ask.body.get("remote_data")
        return mapped | (remote if is_record(remote) else {}) | self.ask.remote_query

    async def _steps(self, step: Step, scope: Json, plan: Plan) -> list[Json] | None:
        """One step for each of several things; null where there are too many and it need not be."""
        if step.run_if and not await self.evaluate(step.run_if, scope, plan):
            return None
        given: Any = await self.evaluate(step.for_each, scope, plan)
        if given is None:
            return None
        members: list[Any] = given if is_list(given) else [given]
        if len(members) > MOST_EACH:
            if step.is_optional:
                return None
            raise MappingFailed(f"{plan.place} would ask the vendor for more than {MOST_EACH} things one by one.")
        gate = asyncio.Semaphore(EACH_AT_ONCE)

        async def one(member: Any) -> Json:
            async with gate:
                return {"each": member, "answer": await self._answer(step, scope | {"each": member}, plan)}

        return list(await asyncio.gather(*(one(each) for each in members)))

    async def _step(self, step: Step, scope: Json, plan: Plan) -> Any:
        if step.run_if and not await self.evaluate(step.run_if, scope, plan):
            return None
        return await self._answer(step, scope, plan)

    async def _answer(self, step: Step, scope: Json, plan: Plan) -> Any:
        arguments: Any = await self.evaluate(step.query_mapping, scope, plan) or {}
        if not is_record(arguments):
            raise MappingFailed(f"The steps before {plan.place} must map their queries to an object.")
        try:
            return await self._step_pages(step, arguments) if step.all_pages else await self._step_once(step, arguments)
        except Refusal:
            if step.is_optional:
                return None
            raise

    async def _step_once(self, step: Step, arguments: Json) -> Any:
        answer = await self.send(step.resource, step.method, arguments)
        return msgspec.Raw(answer.page.items if answer.page else answer.content or b"null")

    async def _step_pages(self, step: Step, arguments: Json) -> Any:
        operation = self.connected.view.find(step.resource, step.method)
        asking: Json = {"limit": _STEP_PAGE_ITEMS} if operation.page and operation.page.limit else {}
        asking |= arguments
        found: list[msgspec.Raw] = []
        for _ in range(MOST_STEP_PAGES):
            answer = await self.send(step.resource, step.method, asking)
            found += items_of(answer)
            if answer.page is None or answer.page.next_cursor is None:
                return found
            asking["next_cursor"] = answer.page.next_cursor
        raise MappingFailed(f"{operation.title or operation.key} has more than {MOST_STEP_PAGES} pages.")


def first_scope(ask: Ask, connected: Connected) -> Json:
    context = connected.account.context
    return {"query": ask.query, "body": ask.body, "id": ask.id or None, "context": context, "before": {}}


async def chosen(way: Way, plan: Plan) -> Json:
    """The method's mapping with the variant merged in that fits the request; the first that does."""
    variants: Mapping[str, Json] = plan.value.get("variants") or {}
    if not variants:
        return plan.value
    scope = first_scope(way.ask, way.connected)
    fits = await way.evaluate({name: each.get("run_if") or "true" for name, each in variants.items()}, scope, plan)
    for name, change in variants.items():
        if fits.get(name):
            return grammar.fork(plan.value, {word: each for word, each in change.items() if word != "run_if"})
    return plan.value


def items_of(answer: Answer) -> list[msgspec.Raw]:
    """The records of a list; what comes as one object is a list of one."""
    content = answer.page.items if answer.page else answer.content or b"[]"
    try:
        return _raws.decode(content) if content.lstrip()[:1] == b"[" else [msgspec.Raw(content)]
    except msgspec.MsgspecError as problem:
        raise VendorGarbled from problem


def passed_on(headers: HeaderPairs) -> HeaderPairs:
    return [(name, value) for name, value in headers if not name.lower().startswith(_NOT_PASSED)]
