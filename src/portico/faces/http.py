"""What the faces share: a request's token, query and body; errors as JSON; answers written out, whole or streamed."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from portico import errors
from portico.errors import ClientLeft
from portico.faces.exchange import EXCHANGE, Exchange
from portico.faces.insight import insight
from portico.faces.leaving import is_leaving
from portico.gateway.lookup import Lookup
from portico.gateway.record import Entry, Recorder
from portico.log import logger
from portico.model.account import AccountId
from portico.model.call import Answer, Body, Call, Face
from portico.model.caller import Caller
from portico.shapes import NotJson, decode
from portico.store.ids import new_id

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# Bodies up to this size are taken in whole; larger ones flow through.
AT_ONCE_BYTES = 262_144
MOST_PARAMETERS = 1000
JSON = b"application/json"
_ENDS_OF_EVENTS = (b"\n\n", b"\r\r", b"\r\n\r\n")
_encoder = msgspec.json.Encoder()
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_log = logger("faces")


class Aborted(Exception):
    """The vendor's answer broke off after its head had gone out: the connection must not end as if all were well."""


class Incoming:
    """One request as it came: raw path, headers by lower-case name, body at once or as a stream."""

    __slots__ = (
        "_all_read", "_receive", "exchange", "headers", "path", "query", "request_id", "scope", "trace_id", "verb",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.verb: str = scope["method"]
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = raw.partition(b"?")[0].decode("ascii", "replace")
        self.query: str = scope["query_string"].decode("latin-1")
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.request_id = new_id()
        self._receive = receive
        # The trace that this request is part of (W3C trace context); empty where it is part of none.
        self.trace_id = _trace_id(self.headers[b"traceparent"]) if b"traceparent" in self.headers else ""
        self.exchange: Exchange | None = scope.get(EXCHANGE)
        # From the start, not from the first read: who waits for the client to leave must never take its body away.
        self._all_read = asyncio.Event() if self.exchange is None and self.has_body else None

    def header(self, name: str) -> str:
        value = self.headers.get(name.encode())
        return value.decode("latin-1") if value else ""

    def pairs(self) -> list[tuple[str, str]]:
        return pairs_of(self.query)

    @property
    def client(self) -> str:
        """What the client calls itself."""
        return self.header("user-agent")[:200]

    @property
    def content_length(self) -> int | None:
        text = self.headers.get(b"content-length", b"")
        return int(text) if text.isdigit() else None

    @property
    def has_body(self) -> bool:
        return bool(self.content_length) or b"transfer-encoding" in self.headers

    def token(self) -> str:
        scheme, _, token = self.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise errors.NotAuthenticated
        return token.strip()

    async def caller(self, lookup: Lookup) -> Caller:
        return await lookup.caller(self.token())

    async def body(self, limit_bytes: int) -> bytes:
        """The whole body; TooLarge as soon as it is clear that it is larger than the limit."""
        self.refuse_encoded()
        if (self.content_length or 0) > limit_bytes:
            raise errors.TooLarge(f"The body may have at most {limit_bytes} bytes.")
        parts: list[bytes] = []
        total, more = 0, True
        while more:
            piece, more = await self.piece()
            parts.append(piece)
            total += len(piece)
            if total > limit_bytes:
                raise errors.TooLarge(f"The body may have at most {limit_bytes} bytes.")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def refuse_encoded(self) -> None:
        """Where a body is read or passed on under headers of our own, which could not say how to open it."""
        if b"content-encoding" in self.headers and self.header("content-encoding").strip().lower() != "identity":
            raise errors.BodyEncoded(headers={"accept-encoding": "identity"})

    async def piece(self) -> tuple[bytes, bool]:
        """The next piece of the body, and whether more will come."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        more: bool = message.get("more_body", False)
        if not more and self._all_read is not None:
            self._all_read.set()
        return message.get("body", b""), more

    async def stream(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            piece, more = await self.piece()
            if piece:
                yield piece

    async def wait_for_leaving(self) -> None:
        """Returns when the client is gone. Only one may listen at a time, so a body in flight is waited for first."""
        if self._all_read is not None:
            await self._all_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


def pairs_of(query: str) -> list[tuple[str, str]]:
    """Names and values, in the order in which they were sent."""
    if not query:
        return []
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise errors.InvalidArguments(
            [errors.Failure("", "the query has too many parameters", f"{MOST_PARAMETERS} at most")]
        ) from None


def _trace_id(header: bytes) -> str:
    found = _TRACE.fullmatch(header.decode("latin-1").strip())
    return found[1] if found and found[1].strip("0") else ""


async def while_connected(incoming: Incoming, work: Awaitable[None]) -> None:
    """Do the work, but drop it (and the vendor's call with it) as soon as the client has gone."""
    task = asyncio.current_task()
    left = False

    def leave() -> None:
        nonlocal left
        if task is not None:
            left = True
            task.cancel()

    with _watching(incoming, leave):
        try:
            await work
        except asyncio.CancelledError as problem:
            if is_leaving(problem):
                raise errors.Stopping from None
            if not left:
                raise


class _watching:
    """Calls `leave` when the client goes. Our own server says so; of any other one a task has to ask."""

    __slots__ = ("_exchange", "_incoming", "_leave", "_watcher")

    def __init__(self, incoming: Incoming, leave: Callable[[], None]) -> None:
        self._incoming, self._exchange, self._leave = incoming, incoming.exchange, leave
        self._watcher: asyncio.Future[None] | None = None

    def __enter__(self) -> None:
        if self._exchange is not None:
            self._exchange.watch(self._leave)
        else:
            self._watcher = asyncio.ensure_future(self._incoming.wait_for_leaving())
            self._watcher.add_done_callback(self._has_left)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._exchange is not None:
            self._exchange.unwatch()
        elif self._watcher is not None:
            self._watcher.remove_done_callback(self._has_left)
            self._watcher.cancel()

    def _has_left(self, done: "asyncio.Future[None]") -> None:
        if not done.cancelled():
            self._leave()


async def write_answer(send: Send, answer: Answer, extra: Iterable[tuple[str, str]] = ()) -> None:
    """The answer's own bytes: at once, or piece by piece as they arrive."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*answer.headers, *extra)]
    if answer.stream is None:
        content = answer.content or b""
        if answer.status not in {204, 304} and answer.header("content-length") is None:
            headers.append((b"content-length", str(len(content)).encode()))
        await write_whole(send, answer.status, headers, content)
        return
    before = last = b""
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        async for piece in answer.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            before, last = last, piece
    except (errors.Refusal, asyncio.CancelledError) as problem:
        if isinstance(problem, asyncio.CancelledError) and not is_leaving(problem):
            raise
        # After half an event nothing can be said any more: whatever came would be read as its other half.
        is_between_events = (before + last)[-4:].endswith(_ENDS_OF_EVENTS) or not last
        if is_between_events and (answer.header("content-type") or "").startswith("text/event-stream"):
            told = problem if isinstance(problem, errors.Refusal) else errors.Stopping()
            await send({"type": "http.response.body", "body": _last_event(told), "more_body": True})
        raise Aborted from problem
    except Exception as problem:
        _log.exception("an answer broke off")
        raise Aborted from problem
    finally:
        await answer.stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- an async generator
    await send({"type": "http.response.body", "body": b""})


def _last_event(problem: errors.Refusal) -> bytes:
    told = {"message": problem.sentence, "type": "portico_error", "param": None, "code": problem.code}
    return b"data: " + _encoder.encode({"error": told}) + b"\n\n"


async def write_whole(send: Send, status: int, headers: Headers, content: bytes) -> None:
    """Head and body: in one go on our own server, in two steps elsewhere."""
    if isinstance(send, Exchange) and send.write(status, headers, content):
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def write_json(send: Send, status: int, value: Any, extra: Iterable[tuple[str, str]] = ()) -> None:
    content = value if isinstance(value, bytes) else _encoder.encode(value)
    headers: Headers = [(b"content-type", JSON), (b"content-length", str(len(content)).encode())]
    headers += [(name.encode("latin-1"), text.encode("latin-1")) for name, text in extra]
    await write_whole(send, status, headers, content)


async def write_tagged(send: Send, value: Any, known: str, extra: Iterable[tuple[str, str]] = ()) -> None:
    """A 200 with an ETag made of the body, or a 304 for whoever names that tag in If-None-Match.

    What is seen depends on the token, so nobody in between may keep it.
    """
    content = _encoder.encode(value)
    tag = f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
    headers = (*extra, ("etag", tag), ("cache-control", "private, no-cache"), ("vary", "authorization"))
    if not is_known(tag, known):
        await write_json(send, 200, content, headers)
        return
    raw = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers]
    await send({"type": "http.response.start", "status": 304, "headers": raw})
    await send({"type": "http.response.body", "body": b""})


def is_known(tag: str, known: str) -> bool:
    """Whether If-None-Match names this tag; a weak one counts, and so does `*`."""
    named = [each.strip().removeprefix("W/") for each in known.split(",")]
    return tag in named or "*" in named


def describe(problem: BaseException, request_id: str) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
    """Status, body and headers of an error. What was not meant to be told is logged once and not told."""
    if not isinstance(problem, errors.Refusal):
        _log.error("unexpected failure", request_id=request_id, exc_info=problem)
        problem = errors.Refusal(f"Something inside Portico went wrong; its log has the details under {request_id}.")
    status = problem.vendor_status if isinstance(problem, errors.VendorFailure) else problem.status
    body: dict[str, Any] = {
        "statusCode": status,
        "error": phrase(status),
        "message": problem.sentence,
        "code": problem.code,
        "request_id": request_id,
        **problem.facts,
    }
    headers = [*problem.headers.items(), ("x-portico-request-id", request_id)]
    if isinstance(problem, errors.NotAuthenticated) and "www-authenticate" not in problem.headers:
        headers.append(("www-authenticate", "Bearer"))
    if isinstance(problem, errors.InvalidArguments):
        body["details"] = {"failures": [_failure(each) for each in problem.failures]}
    if isinstance(problem, errors.VendorFailure):
        body |= {"truto_is_remote_error": True, "raw_response": _raw(problem.raw)}
        headers += problem.vendor_headers
    else:
        headers.append(("x-gateway-error", problem.code))
    if found := insight(problem):
        body["truto_error_insight"] = found
    return status, body, headers


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Status"


def _failure(failure: errors.Failure) -> dict[str, str]:
    shown = {"path": failure.path, "problem": failure.problem, "allowed": failure.allowed}
    return {name: value for name, value in shown.items() if value or name == "path"}


def _raw(content: bytes) -> Any:
    """The vendor's own body: JSON as JSON, anything else as text."""
    try:
        return msgspec.Raw(content) if content and decode(content) is not None else None
    except NotJson:
        return content.decode("utf-8", "replace")


def begin(recorder: Recorder, caller: Caller, incoming: Incoming, face: Face, path: str = "") -> Entry:
    """The request's row in the log, open from the moment on that its caller is known. A path may not hold secrets."""
    call = Call(
        account_id=AccountId(""),
        face=face,
        request_id=incoming.request_id,
        client=incoming.client,
        trace_id=incoming.trace_id,
    )
    entry = recorder.open(caller, call, is_held=True)
    entry.came(incoming.verb, path)
    return entry


def account_of(caller: Caller, account_id: str) -> AccountId:
    """The account that is meant: the one in the request, or an account token's own."""
    if account_id:
        return AccountId(account_id)
    if caller.account_id is not None:
        return caller.account_id
    raise errors.InvalidArguments(
        [errors.Failure("integrated_account_id", "is required", "the id of an account", "query")]
    )


async def take_body(incoming: Incoming) -> Body | None:
    """The request's body: small ones whole, larger ones as they flow."""
    if not incoming.has_body:
        return None
    length = incoming.content_length
    content_type = incoming.header("content-type")
    if length is not None and length > AT_ONCE_BYTES:
        return Body(content=incoming.stream(), content_type=content_type, size_bytes=length)
    content, more = await incoming.piece()
    if more:
        head, total = [content], len(content)
        while more and total <= AT_ONCE_BYTES:
            piece, more = await incoming.piece()
            head.append(piece)
            total += len(piece)
        content = b"".join(head)
    if len(content) > AT_ONCE_BYTES:
        flowing = _chained(content, incoming.stream() if more else None)
        return Body(content=flowing, content_type=content_type, size_bytes=length)
    return Body(content=content, content_type=content_type, size_bytes=len(content))


async def _chained(head: bytes, rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    yield head
    if rest is not None:
        async for piece in rest:
            yield piece
