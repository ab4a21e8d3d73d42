"""A batch at work: its requests one after another, all pages of each list, and what each of them could not do."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from portico.errors import FailedDependency, Failure, InvalidArguments, Refusal, TooLarge, VendorGarbled
from portico.faces.batch.placeholders import filled, is_true
from portico.faces.batch.plan import Following, Wanted, needed
from portico.faces.http import describe
from portico.faces.unified import Options, Target, read_ask
from portico.gateway.ask import fetch
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.model.call import Body, Call
from portico.model.caller import Caller
from portico.shapes import Json, NotJson, decode, is_list, is_record
from portico.unified.run import Unified

MOST_CALLS, MOST_RECORDS, AT_ONCE = 1000, 20_000, 6
_READING = frozenset({"list", "get"})
_encoder = msgspec.json.Encoder(decimal_format="number")


class Batch:
    """One batch of one caller for one account."""

    def __init__(self, caller: Caller, connected: Connected, parts: Parts, request_id: str, args: Json) -> None:
        self._caller, self._connected, self._parts, self._request_id = caller, connected, parts, request_id
        self._args = args
        self._unified = Unified(parts.mappings)
        self._found: dict[str, list[Any]] = {}
        self._errors: dict[str, list[Json]] = {}
        self._calls: Counter[str] = Counter()

    async def run(self, wanted: Sequence[Wanted]) -> Json:
        keys: Json = {each.key: True for each in wanted}
        for each in wanted:
            self._found.setdefault(each.key, [])
            self._errors.setdefault(each.key, [])
            empty = sorted(name for name in needed(each, keys) if self._errors[name] and not self._found[name])
            if empty:
                self._note(each, FailedDependency(f"This was not asked for: {', '.join(empty)} failed."))
                continue
            await self._go_through(each, keys)
        shown = {each.key for each in wanted if each.persist}
        result = {key: records for key, records in self._found.items() if key in shown}
        return {"result": msgspec.Raw(_encoder.encode(result)), "errors": self._errors}

    async def _go_through(self, each: Wanted, keys: Json) -> None:
        scopes = self._scopes(each, keys)
        if not self._only_reads(each):
            for scope in scopes:
                await self._attempt(each, scope)
            return
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(scope: Json) -> None:
            async with gate:
                await self._attempt(each, scope)

        await asyncio.gather(*(one(scope) for scope in scopes))

    def _scopes(self, each: Wanted, keys: Json) -> list[Json]:
        """What the placeholders of each of its turns see."""
        scope: Json = {"args": self._args, "resources": dict(self._found)}
        if not each.loop_on:
            return [scope]
        key = each.loop_key(keys)
        items: Any = self._found[key] if key else filled(each.loop_on, scope)
        if not is_list(items):
            self._note(each, InvalidArguments([Failure(f"{each.key}.loop_on", "stands for no list")]))
            return []
        turns: list[Any] = items
        return [
            scope | {"item": item, "resources": scope["resources"] | ({key: item} if key else {})} for item in turns
        ]

    async def _attempt(self, each: Wanted, scope: Json) -> None:
        try:
            await self._ask(each, scope, Following(id=each.id), each.query)
        except Refusal as problem:
            self._note(each, problem)

    async def _ask(self, each: Wanted, scope: Json, following: Following, query: Any) -> None:
        identity, asked = filled(following.id, scope), filled(query, scope)
        if not is_record(asked):
            raise InvalidArguments([Failure(f"{each.key}.query", "stands for no object")])
        asking = {name: value for name, value in asked.items() if value is not None}
        body = filled(each.body, scope)
        send = self._unified_pages if each.is_unified else self._proxy_pages
        records = await send(each, "" if identity is None else str(identity), asking, body)
        self._found[each.key] += records
        if len(self._found[each.key]) > MOST_RECORDS:
            raise TooLarge(f"{each.key} has more than {MOST_RECORDS} records; narrow what is asked for.")
        if each.recurse is None:
            return
        for record in records:
            deeper = scope | {"item": record, "resources": scope["resources"] | {each.key: record}}
            if is_true(filled(each.recurse.condition, deeper)):
                again = each.recurse.config
                await self._ask(each, deeper, again if again.id else Following(id=each.id), again.query)

    async def _proxy_pages(self, each: Wanted, identity: str, query: Json, body: Any) -> list[Any]:
        method = each.named_method
        call = Call(
            account_id=self._connected.account.id,
            face="proxy",
            resource=each.resource,
            method=method,
            arguments=query | ({"id": identity} if identity else {}),
            body=_json_body(body) if body is not None and method not in _READING else None,
            request_id=self._request_id,
        )
        records: list[Any] = []
        while True:
            self._count(each)
            answer = await fetch(self._caller, call, self._parts)
            if answer.page is None:
                return [*records, *_records(answer.content or b"null", method)]
            is_raw = each.response_format == "raw"
            records += [decode(answer.content)] if is_raw and answer.content else decode(answer.page.items)
            if answer.page.next_cursor is None or len(records) > MOST_RECORDS:
                return records
            call = structs.replace(call, arguments={**call.arguments, "next_cursor": answer.page.next_cursor})

    async def _unified_pages(self, each: Wanted, identity: str, query: Json, body: Any) -> list[Any]:
        model, _, resource = each.resource.partition("/")
        method = each.named_method
        hides = is_true(query.pop("truto_ignore_remote_data", False)) and each.response_format != "raw"
        target = Target(model=model, resource=resource, method=method, id=identity)
        ask = structs.replace(
            read_ask(target, Options(with_remote_data=not hides), query, body if is_record(body) else {}),
            account_id=self._connected.account.id,
            request_id=self._request_id,
        )
        records: list[Any] = []
        while True:
            self._count(each)
            result = await self._unified.run(self._caller, ask, self._parts)
            found: list[Any] = result.value["result"] if result.is_list else [result.value]
            is_raw = each.response_format == "raw"
            records += [_as_json(one).get("remote_data") if is_raw else _as_json(one) for one in found]
            cursor = result.value["next_cursor"] if result.is_list else None
            if cursor is None or len(records) > MOST_RECORDS:
                return records
            ask = structs.replace(ask, next_cursor=cursor)

    def _only_reads(self, each: Wanted) -> bool:
        if each.is_unified:
            return each.named_method in _READING
        view = self._connected.view
        has_it = view.has(each.resource, each.named_method)
        return has_it and view.find(each.resource, each.named_method).effect == "read"

    def _count(self, each: Wanted) -> None:
        self._calls["all"] += 1
        if self._calls["all"] > MOST_CALLS:
            raise TooLarge(f"A batch makes at most {MOST_CALLS} requests, and {each.key} wants more.")

    def _note(self, each: Wanted, problem: Refusal) -> None:
        self._errors.setdefault(each.key, []).append(describe(problem, self._request_id)[1])


def _json_body(value: Any) -> Body:
    content = msgspec.json.encode(value)
    return Body(content=content, content_type="application/json", size_bytes=len(content))


def _records(content: bytes, method: str) -> list[Any]:
    try:
        value: Any = decode(content)
    except NotJson as problem:
        raise VendorGarbled("A batch holds JSON only; ask for files and streams with the Proxy API.") from problem
    return value if method == "list" and is_list(value) else [value]


def _as_json(record: Any) -> Any:
    """With the vendor's own record, which came along as it was written, as the value that it is."""
    return msgspec.json.decode(_encoder.encode(record))
