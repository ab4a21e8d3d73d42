"""Typed routes for the admin API: what a route takes and answers is declared once, checked, and told in OpenAPI."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from starlette.routing import Route

from portico.catalog.schema import Check, compile_check
from portico.clock import is_sayable
from portico.errors import Failure, InvalidArguments, NotAllowed, NotFound, Refusal
from portico.faces.http import Incoming, Receive, Send, while_connected, write_answer, write_json, write_tagged
from portico.faces.http import Scope as AsgiScope
from portico.faces.json_body import read_json
from portico.faces.query import read_query
from portico.faces.trail import NEXT, Trail, closed, opened
from portico.gateway.idempotency import Claim, Fingerprint, Kept
from portico.gateway.parts import Parts
from portico.model.account import EnvironmentId
from portico.model.call import Answer
from portico.model.caller import Caller, Scope
from portico.shapes import is_list, is_record
from portico.store import replays

B = TypeVar("B", bound=Struct)
MOST_BODY_BYTES = 2_097_152
MOST_LEVELS = 100
MOST_PER_PAGE = 5000
_LAST = "~"  # sorts after every id
_NO_MOMENT = ("is no moment", "for example 2030-01-31T12:00:00Z")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Asked(Struct, frozen=True, kw_only=True):
    """One admin request, checked: who asks, for what, with which values."""

    parts: Parts
    caller: Caller
    path: dict[str, str]
    query: Any
    body: Any
    request_id: str

    @property
    def environment_id(self) -> EnvironmentId:
        return self.caller.environment_id


Handler = Callable[[Asked], Awaitable[Any]]


class Endpoint(Struct, frozen=True, kw_only=True):
    """One route. `returns` is a type that msgspec can encode; `scope` None: any valid token of the environment.

    `also`: other content types that the handler may answer, as an Answer.
    `media`: the handler gives a stream of bytes, of this content type; `returns` is then one line of it.
    `tagged`: the answer has an ETag, and whoever holds the same one is told so with a 304.
    `is_dropped`: the work is dropped as soon as the client has gone.
    """

    verb: str
    path: str
    name: str
    summary: str
    handler: Handler
    returns: Any
    scope: Scope | None
    tag: str
    description: str = ""
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    status: int = 200
    account_token: bool = False
    media: str = ""
    also: tuple[str, ...] = ()
    tagged: bool = False
    is_dropped: bool = False


class NoQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of routes that take none."""


class Paging(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every list takes. Cursors go back exactly as they came."""

    limit: int = 100
    next_cursor: str = ""


FIELDS = "fields"


class Selecting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`fields`: only these of what is answered."""

    fields: tuple[str, ...] = ()


class Served:
    """An endpoint as an ASGI application; whatever it refuses is raised, and told by whoever called it."""

    def __init__(self, endpoint: Endpoint, parts: Parts) -> None:
        self._endpoint, self._parts = endpoint, parts

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoint
        incoming: Incoming = scope["portico.incoming"]
        caller = await incoming.caller(self._parts.lookup)
        admit(caller, endpoint)
        content = await incoming.body(MOST_BODY_BYTES) if incoming.has_body else b""
        kind, pairs, trail = endpoint.query or NoQuery, incoming.pairs(), None
        if NEXT in kind.__struct_fields__:
            trail, pairs = opened(pairs)
        asked = Asked(
            parts=self._parts,
            caller=caller,
            path=scope["path_params"],
            query=read_query(pairs, kind),
            body=read_body(content, endpoint.body, incoming.header("content-type")) if endpoint.body else None,
            request_id=incoming.request_id,
        )
        key = incoming.header("idempotency-key")
        if key and endpoint.verb != "GET":
            fingerprint = Fingerprint(incoming.verb, incoming.path, incoming.query)
            work = self._once(asked, key, fingerprint, content, send)
        else:
            work = self._at_once(asked, incoming, send, trail)
        await (while_connected(incoming, work) if endpoint.is_dropped else work)

    async def _at_once(self, asked: Asked, incoming: Incoming, send: Send, trail: Trail | None) -> None:
        endpoint = self._endpoint
        value = await endpoint.handler(asked)
        value = closed(value, trail) if trail else value
        if endpoint.media:
            headers = [("content-type", endpoint.media), ("x-portico-request-id", incoming.request_id)]
            answer = Answer(status=endpoint.status, headers=headers, stream=value)
            await while_connected(incoming, write_answer(send, answer))
            return
        told = (("x-portico-request-id", incoming.request_id),)
        if isinstance(value, Answer):
            await write_answer(send, value, told)
            return
        if endpoint.tagged:
            await write_tagged(send, value, incoming.header("if-none-match"), told)
            return
        await write_json(send, endpoint.status, value, told)

    async def _once(self, asked: Asked, key: str, fingerprint: Fingerprint, content: bytes, send: Send) -> None:
        fingerprint.add(content)
        claimed = await self._parts.idempotency.claim(asked.caller, _place(asked.caller), key, fingerprint)
        headers = [("x-portico-request-id", asked.request_id)]
        if isinstance(claimed, Kept):
            await write_json(send, claimed.status, claimed.content, [*headers, ("idempotent-replayed", "true")])
            return
        encoded = await self._settle(asked, claimed)
        await write_json(send, self._endpoint.status, encoded, headers)

    async def _settle(self, asked: Asked, claim: Claim) -> bytes:
        try:
            encoded = msgspec.json.encode(await self._endpoint.handler(asked))
        except Refusal:
            await asyncio.shield(claim.give_back())  # it was refused whole: nothing was done under this key
            raise
        except BaseException:
            await asyncio.shield(claim.mark_unknown())
            raise
        await asyncio.shield(claim.keep(Kept(status=self._endpoint.status, headers=[], content=encoded)))
        return encoded


def _place(caller: Caller) -> str:
    """Whose keys these are. Never shared: an answer may hold a token that only its maker is to see."""
    return replays.acts(caller.account_id or "", caller.token_id)


def routes(endpoints: Sequence[Endpoint], parts: Parts) -> list[Route]:
    return [Route(each.path, Served(each, parts), methods=[each.verb], name=each.name) for each in endpoints]


def admit(caller: Caller, endpoint: Endpoint) -> None:
    if caller.account_id is not None and not endpoint.account_token:
        raise NotAllowed("An account token may call vendors and read its own account, nothing else.")
    if endpoint.scope is not None and not caller.may(endpoint.scope):
        raise NotAllowed(
            f"This address needs the scope {endpoint.scope!r}, which the token {caller.name!r} does not have."
        )


@cache
def _body_check(kind: type[Struct]) -> Check:
    """Made when the first body is refused: most never need one."""
    return compile_check(msgspec.json.schema(kind))


def read_body(content: bytes, kind: type[B], content_type: str = "") -> B:
    """The body as its type; InvalidArguments with every failure there is, not only the first."""
    value = read_json(content, content_type)
    if _is_deeper(value, MOST_LEVELS):
        raise InvalidArguments([Failure("", f"the body is nested deeper than {MOST_LEVELS} levels")])
    try:
        body = msgspec.convert(value, kind)
    except msgspec.ValidationError as problem:
        found = _body_check(kind)(value) or [unfit(problem)]
        raise InvalidArguments(found) from None
    given = ((name, getattr(body, name)) for name in kind.__struct_fields__)
    if beyond := [name for name, each in given if isinstance(each, datetime) and not is_sayable(each)]:
        raise InvalidArguments([Failure(name, *_NO_MOMENT) for name in beyond])
    return body


def _is_deeper(value: Any, levels: int) -> bool:
    inner = list(value.values()) if is_record(value) else value if is_list(value) else []
    return any(_is_deeper(each, levels - 1) for each in inner) if levels else bool(inner)


def unfit(problem: msgspec.ValidationError) -> Failure:
    """The one thing that msgspec says, by its place."""
    sentence, _, place = str(problem).partition(" - at `$")
    if "RFC3339" in sentence:
        return Failure(place.strip("`").lstrip("."), *_NO_MOMENT)
    return Failure(place.strip("`").lstrip("."), sentence[:1].lower() + sentence[1:])


def position(query: Paging) -> tuple[str, int]:
    """(the id that the page comes before, how many rows) of a list request."""
    return cursor_of(query), count_of(query)


def cursor_of(query: Paging) -> str:
    """The id that a page comes before."""
    if query.next_cursor and not _ID.fullmatch(query.next_cursor):
        raise bad_cursor()
    return query.next_cursor or _LAST


def count_of(query: Paging) -> int:
    """How many rows a page is to have at most."""
    if not 1 <= query.limit <= MOST_PER_PAGE:
        raise InvalidArguments([Failure("limit", f"is {query.limit}", f"1 to {MOST_PER_PAGE}")])
    return query.limit


def bad_cursor() -> InvalidArguments:
    words = "is not a cursor of ours; send back next_cursor exactly as it was received"
    return InvalidArguments([Failure("next_cursor", words)])


def page(
    rows: Sequence[Any], query: Paging, show: Callable[[Any], Any], cursor: Callable[[Any], str]
) -> dict[str, Any]:
    """Rows in the envelope of all lists. One row more than the limit tells that there is a next page."""
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {
        "result": [show(row) for row in shown],
        "next_cursor": cursor(shown[-1]) if more else None,
        "prev_cursor": None,
        "result_count": len(shown),
        "limit": query.limit,
    }


def selected(shown: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Only the fields that are asked for; all of them where none is. The id is always there."""
    if odd := [name for name in fields if name not in shown]:
        raise InvalidArguments([Failure(FIELDS, f"has no field {name!r}", ", ".join(shown)) for name in odd])
    return {name: value for name, value in shown.items() if name in fields or name == "id"} if fields else shown


def missing(noun: str, identity: str) -> NotFound:
    return NotFound(f"There is no {noun} {identity!r}.")
