"""`POST /mcp/{token}`: one stateless address for every MCP client, old or new."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from msgspec import UNSET

from portico.errors import NotAuthenticated, NotFound, Refusal, VerbNotAllowed
from portico.faces.http import Incoming, Send, describe, while_connected, write_json
from portico.faces.mcp import eras, wire
from portico.faces.mcp.calls import call
from portico.faces.mcp.served import Served, call_result, initialize_result, serve
from portico.faces.mcp.wire import INTERNAL, UNKNOWN_METHOD, Message, ProtocolFault
from portico.gateway.parts import Parts
from portico.log import logger
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from portico.toolbox.results import ToolResult
from portico.toolbox.run import Toolbox
from portico.vault import tokens

PREFIX = "/mcp/"
MOST_BODY_BYTES = 33_554_432
_REMEMBER_SECONDS = 30.0
_MOST_REMEMBERED = 10_000
# A call that takes longer than this, and whose client wants to hear of progress, is answered as a stream.
_PATIENCE_SECONDS = 2.0
_PROGRESS_SECONDS = 5.0
_PRIVATE = (("cache-control", "no-store"), ("referrer-policy", "no-referrer"))
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"referrer-policy", b"no-referrer"),
]
_log = logger("mcp")


class McpFace:
    """Finds the server behind an address, checks who calls, and answers in the client's era."""

    def __init__(self, parts: Parts, toolbox: Toolbox) -> None:
        self._parts, self._toolbox = parts, toolbox
        self._served: dict[bytes, tuple[float, Served]] = {}
        public = urlsplit(parts.settings.public_url)
        self._hosts = {"localhost", "127.0.0.1", "[::1]", public.hostname or ""}
        self._origin = f"{public.scheme}://{public.netloc}"
        for topic in ("servers", "accounts", "integrations"):
            parts.changes.listen(topic, self._served.clear)

    async def face(self, incoming: Incoming, send: Send, parts: Parts) -> None:
        """What is wrong before a message was read is told like every other refusal, but never cached."""
        try:
            self._check_origin(incoming)
            served = await self._find(unquote(incoming.path.removeprefix(PREFIX)))
            if incoming.verb != "POST":
                raise VerbNotAllowed(
                    "An MCP server takes POST alone; there are no sessions and no standing streams.",
                    headers={"allow": "POST"},
                )
            caller = await self._caller(served, incoming)
            content = await incoming.body(MOST_BODY_BYTES)
        except Refusal as problem:
            status, body, headers = describe(problem, incoming.request_id)
            await write_json(send, status, body, [*headers, *_PRIVATE])
            return
        await while_connected(incoming, self._answer(served, caller, incoming, content, send))

    async def _answer(self, served: Served, caller: Caller, incoming: Incoming, content: bytes, send: Send) -> None:
        message: Message | None = None
        try:
            message = wire.read(content)
            if message is None or not message.is_request:
                eras.check_notification(incoming.headers)
                await _write(send, 202, b"")
                return
            is_modern = eras.is_modern(incoming.headers)
            if is_modern:
                eras.check_repeated(incoming.scope["headers"])
                eras.check_modern(message, incoming.headers)
            await self._dispatch(served, caller, incoming, message, send, is_modern=is_modern)
        except ProtocolFault as problem:
            is_modern = eras.is_modern(incoming.headers)
            status = problem.status if is_modern or message is None else 200
            await _write(send, status, wire.fault(message, problem))

    async def _dispatch(
        self, served: Served, caller: Caller, incoming: Incoming, message: Message, send: Send, *, is_modern: bool
    ) -> None:
        method = message.method
        if method == "tools/call":
            await self._call(served, caller, incoming, message, send, is_modern=is_modern)
        elif method == "tools/list":
            _check_cursor(message)
            result = served.modern_list if is_modern else served.legacy_list
            await _write(send, 200, wire.success(message, result))
        elif is_modern and method == "server/discover":
            await _write(send, 200, wire.success(message, served.discover))
        elif not is_modern and method == "initialize":
            await _write(send, 200, wire.success(message, initialize_result(served, eras.negotiated(message))))
        elif not is_modern and method == "ping":
            await _write(send, 200, wire.success(message, b"{}"))
        else:
            raise ProtocolFault(UNKNOWN_METHOD, f"There is no method {method if method is not UNSET else ''!r} here.")

    async def _call(
        self, served: Served, caller: Caller, incoming: Incoming, message: Message, send: Send, *, is_modern: bool
    ) -> None:
        version = eras.MODERN_VERSIONS[0] if is_modern else eras.version_of(incoming.headers)
        client = incoming.header("user-agent")[:200]
        work = _guarded(call(served, caller, message, self._toolbox, incoming.request_id, client), incoming.request_id)
        token = message.meta.get("progressToken")
        if token is None or "text/event-stream" not in incoming.header("accept"):
            await _write(send, 200, wire.success(message, call_result(served, await work, version)))
            return
        task = asyncio.ensure_future(work)
        try:
            await _with_progress(
                task, token, send, lambda result: wire.success(message, call_result(served, result, version)), message
            )
        finally:
            task.cancel()

    async def _find(self, token: str) -> Served:
        """Unknown, expired, revoked and malformed addresses are one and the same 404."""
        if not tokens.is_well_formed(token):
            raise _nothing()
        digest = tokens.digest(token, self._parts.keyring.pepper)
        remembered = self._served.get(digest)
        if remembered is None or remembered[0] <= time.monotonic():
            remembered = (time.monotonic() + _REMEMBER_SECONDS, await self._load(digest))
            if len(self._served) >= _MOST_REMEMBERED:
                self._served.clear()
            self._served[digest] = remembered
        served = remembered[1]
        expires_at = served.server.expires_at
        if expires_at is not None and expires_at <= self._parts.clock():
            raise _nothing()
        return served

    async def _load(self, digest: bytes) -> Served:
        server = await self._parts.operators.server_by_digest(digest)
        if server is None:
            raise _nothing()
        return serve(server, await self._parts.lookup.connected(server.environment_id, server.account_id))

    async def _caller(self, served: Served, incoming: Incoming) -> Caller:
        """The address is the credential; where the server asks for more, an API token of the same environment."""
        server = served.server
        if server.config.require_api_token_auth:
            bearer = await incoming.caller(self._parts.lookup)
            if bearer.environment_id != server.environment_id or bearer.account_id not in {None, server.account_id}:
                raise NotAuthenticated("The API token is not valid for this server.")
            return bearer
        return Caller(
            environment_id=server.environment_id,
            token_id=f"server:{server.id}",
            name=server.name,
            scopes=ACCOUNT_TOKEN_SCOPES,
            account_id=server.account_id,
        )

    def _check_origin(self, incoming: Incoming) -> None:
        """A web page may not speak to us through its visitor's browser, whatever name it gave our address."""
        host = incoming.header("host").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self._parts.settings.public_url and name not in self._hosts:
            raise ForeignOrigin(f"This server is not called {host!r}.")
        origin = incoming.header("origin")
        if origin and origin != self._origin and urlsplit(origin).hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ForeignOrigin("Web pages from elsewhere may not call this server.")


class ForeignOrigin(Refusal):
    """The Host or Origin header names a place that this server does not answer to."""

    status = 403
    code = "foreign_origin"


def _nothing() -> NotFound:
    return NotFound("There is no MCP server at this address.")


async def _guarded(work: Awaitable[ToolResult], request_id: str) -> ToolResult:
    """Whatever goes wrong inside stays inside: the client hears that it was us, and under which id to look."""
    try:
        return await work
    except (ProtocolFault, asyncio.CancelledError):
        raise
    except Refusal as problem:
        raise ProtocolFault(wire.INVALID_PARAMS, problem.sentence) from problem
    except Exception as problem:
        _log.error("unexpected failure", request_id=request_id, exc_info=problem)
        raise ProtocolFault(
            INTERNAL, f"Something inside Portico went wrong; its log has the details under {request_id}."
        ) from problem


async def _with_progress(
    task: "asyncio.Future[ToolResult]",
    token: object,
    send: Send,
    encode: Callable[[ToolResult], bytes],
    message: Message,
) -> None:
    """A quick answer goes out as JSON; a slow one as a stream that says every few seconds that it is still at it."""
    await asyncio.wait({task}, timeout=_PATIENCE_SECONDS)
    if task.done():
        await _write(send, 200, encode(task.result()))
        return
    await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
    waited = _PATIENCE_SECONDS
    while not task.done():
        words = {"progressToken": token, "progress": waited, "message": f"Waiting for the vendor ({waited:.0f} s)"}
        await _push(send, wire.notification("notifications/progress", words))
        await asyncio.wait({task}, timeout=_PROGRESS_SECONDS)
        waited += _PROGRESS_SECONDS
    try:
        content = encode(task.result())
    except ProtocolFault as problem:
        content = wire.fault(message, problem)
    await _push(send, content)
    await send({"type": "http.response.body", "body": b""})


async def _push(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": wire.event(content), "more_body": True})


def _check_cursor(message: Message) -> None:
    if message.arguments.get("cursor") is not None:
        raise ProtocolFault(wire.INVALID_PARAMS, "The list has one page; there is no cursor to go on from.")


async def _write(send: Send, status: int, content: bytes) -> None:
    headers = [(name.encode(), value.encode()) for name, value in _PRIVATE]
    headers.append((b"content-length", str(len(content)).encode()))
    if content:
        headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
