"""`POST /mcp/{token}`: one stateless address for every MCP client, old or new."""

from collections.abc import Awaitable
from urllib.parse import unquote, urlsplit

from msgspec import UNSET

from portico.errors import NotFound, Refusal, VerbNotAllowed
from portico.faces.address import address_of
from portico.faces.http import Incoming, Send, begin, describe, while_connected, write_json
from portico.faces.local_pages import is_local
from portico.faces.mcp import eras, wire
from portico.faces.mcp.bearers import Bearers
from portico.faces.mcp.calls import Circumstances, Tools, call, name_call
from portico.faces.mcp.elicit import SESSION, Elicitation, Needed
from portico.faces.mcp.reply import PRIVATE, Reply, write
from portico.faces.mcp.running import Place, Running
from portico.faces.mcp.served import Served, call_result, initialize_result, serve
from portico.faces.mcp.wire import HEADER_MISMATCH, INTERNAL, UNKNOWN_METHOD, Message, ProtocolFault
from portico.gateway.parts import Parts
from portico.gateway.record import Entry
from portico.gateway.remembered import Remembered
from portico.log import logger
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from portico.model.server import McpServer
from portico.toolbox.confirm import InputNeeded
from portico.toolbox.fit import clean
from portico.toolbox.results import ToolResult
from portico.vault import tokens

PREFIX = "/mcp/"
MOST_BODY_BYTES = 33_554_432
# With a handshake, and without.
_METHODS = (
    ("initialize", "ping", "tools/list", "tools/call"),
    ("server/discover", "tools/list", "tools/call"),
)
_REMEMBER_SECONDS = 30.0
_MOST_REMEMBERED = 10_000
_MOST_CLIENT_CHARACTERS = 200
# Word for word the same for every address that leads nowhere, so that nothing can be learnt from it.
_NOTHING = (
    b'{"statusCode":404,"error":"Not Found","message":"There is no MCP server at this address.","code":"not_found"}'
)
_log = logger("mcp")


class ForeignOrigin(Refusal):
    """The Host or Origin header names a place that this server does not answer to."""

    status = 403
    code = "foreign_origin"


class NoServer(NotFound):
    """There is no MCP server at this address."""


class McpFace:
    """Finds the server behind an address, checks who calls, and answers in the client's era."""

    def __init__(self, parts: Parts, tools: Tools) -> None:
        self._parts, self._tools, self._bearers = parts, tools, Bearers(parts, tools)
        self._served: Remembered[bytes, Served] = Remembered(_MOST_REMEMBERED, _REMEMBER_SECONDS)
        self._digests = tokens.Digests(parts.keyring.pepper)
        self._running, self._elicitation = Running(), Elicitation(parts)
        public = urlsplit(parts.settings.public_url)
        self._hosts = {"localhost", "127.0.0.1", "[::1]", public.hostname or ""}
        self._origin = f"{public.scheme}://{public.netloc}"
        for topic in ("servers", "accounts", "integrations"):
            parts.changes.listen(topic, self._served.forget)

    async def face(self, incoming: Incoming, send: Send, parts: Parts) -> None:
        """What is wrong before a message was read is told like every other refusal, but never cached."""
        try:
            self._check_origin(incoming)
            served = await self._find(unquote(incoming.path.removeprefix(PREFIX).removesuffix("/")))
            caller = await self._caller(served.server, incoming)
            if incoming.verb != "POST":
                raise VerbNotAllowed(
                    "An MCP server takes POST alone; there are no sessions and no standing streams.",
                    headers={"allow": "POST"},
                )
            content = await incoming.body(MOST_BODY_BYTES)
        except NoServer:
            await write(send, 404, _NOTHING)
            return
        except Refusal as problem:
            status, body, headers = describe(problem, incoming.request_id)
            await write_json(send, status, body, [*headers, *PRIVATE])
            return
        await while_connected(incoming, self._answer(served, caller, incoming, content, send))

    async def _answer(self, served: Served, caller: Caller, incoming: Incoming, content: bytes, send: Send) -> None:
        message: Message | None = None
        is_modern = eras.is_modern(incoming.headers)
        try:
            message = wire.read(content, takes_bare=b"mcp-protocol-version" not in incoming.headers)
            if message.is_answer or not message.is_request:
                eras.check_notification(incoming.headers)
                await self._take(served, caller, incoming, message)
                await write(send, 202, b"")
                return
            eras.check_repeated(incoming.scope["headers"])
            if is_modern:
                eras.check_modern(message, incoming.headers)
            else:
                eras.check_handshake(message, incoming.headers)
            if message.method == "tools/call":
                await self._call(served, caller, incoming, message, send)
            else:
                told = wire.success(message, _told(served, message, is_modern=is_modern))
                is_new = message.method == "initialize" and not is_modern
                session = self._elicitation.session(served, message) if is_new else ""
                await write(send, 200, told, [(SESSION, session)] if session else ())
        except ProtocolFault as problem:
            is_told_by_status = is_modern or message is None or problem.code == HEADER_MISMATCH
            status = problem.status if is_told_by_status else 200
            await write(send, status, wire.fault(message, problem))

    async def _take(self, served: Served, caller: Caller, incoming: Incoming, message: Message) -> None:
        """What needs no answer: an end to a call, or what people said to a question of ours. In the newer era neither
        comes by itself."""
        if eras.is_modern(incoming.headers):
            return
        if message.is_answer:
            await self._elicitation.answered(served, caller, message)
        elif message.method == "notifications/cancelled":
            self._running.end(self._place(served, caller, incoming), message)

    async def _call(self, served: Served, caller: Caller, incoming: Incoming, message: Message, send: Send) -> None:
        version = eras.version_of(incoming.headers)
        reply = Reply(send, message, takes_stream="text/event-stream" in incoming.header("accept"))

        def encode(result: ToolResult | Needed) -> bytes:
            if isinstance(result, Needed):
                return wire.success(message, self._elicitation.input_required(served, caller, result))
            return wire.success(message, call_result(served, result, version))

        with begin(self._parts.recorder, caller, incoming, "mcp") as entry:
            circumstances = Circumstances(
                client=_client(message, incoming),
                entry=entry,
                report=reply.report,
                asking=self._elicitation.asking(served, caller, incoming, message, reply),
            )
            name_call(served, message, circumstances)
            self._bearers.check_scope(served, caller, incoming, message)
            work = _guarded(call(served, caller, message, self._tools, circumstances), entry)
            if not eras.is_modern(incoming.headers):
                work = self._running.run(self._place(served, caller, incoming), message, work)
            await reply.answer(work, encode)

    def _place(self, served: Served, caller: Caller, incoming: Incoming) -> Place:
        """As nearly as can be said whose calls these are, where nobody has a session."""
        address = address_of(incoming, self._parts.settings)
        return served.server.id, caller.token_id, address, incoming.header("user-agent")

    async def _find(self, token: str) -> Served:
        """Unknown, expired, revoked, foreign and malformed addresses are one and the same NoServer."""
        digest = self._digests.of(token)
        served = self._served.peek(digest)
        if served is None:
            if not tokens.is_well_formed(token):
                raise NoServer
            served = await self._served.get(digest, lambda: self._load(digest))
        expires_at = served.server.expires_at
        if expires_at is not None and expires_at <= self._parts.clock():
            raise NoServer
        return served

    async def _load(self, digest: bytes) -> Served:
        server = await self._parts.operators.server_by_digest(digest)
        if server is None:
            raise NoServer
        try:
            connected = await self._parts.lookup.connected(server.environment_id, server.account_id)
        except NotFound:
            raise NoServer from None
        return serve(server, connected, self._tools.offer(connected, server.config))

    async def _caller(self, server: McpServer, incoming: Incoming) -> Caller:
        """The address is the credential; where the server asks for more, a bearer token must come with it."""
        if server.config.require_api_token_auth:
            return await self._bearers.caller(server, incoming)
        return Caller(
            environment_id=server.environment_id,
            token_id=f"server:{server.id}",
            name=server.name,
            scopes=ACCOUNT_TOKEN_SCOPES,
            account_id=server.account_id,
        )

    def _check_origin(self, incoming: Incoming) -> None:
        """A web page may not speak to us through its visitor's browser, whatever name it gave our address."""
        host = incoming.header("host").strip().lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self._parts.settings.public_url and name not in self._hosts:
            raise ForeignOrigin(
                f"This server is not called {clean(host[:100])!r}; PORTICO_PUBLIC_URL says what it is called."
            )
        origin = incoming.header("origin").strip()
        if origin and origin != self._origin and not is_local(origin):
            raise ForeignOrigin("Web pages from elsewhere may not call this server.")


def _told(served: Served, message: Message, *, is_modern: bool) -> bytes:
    """The result of everything but a call: nothing of it needs to wait for anybody."""
    match message.method:
        case "tools/list":
            if message.arguments.get("cursor") is not None:
                raise ProtocolFault(wire.INVALID_PARAMS, "The list has one page; there is no cursor to go on from.")
            return served.modern_list if is_modern else served.legacy_list
        case "server/discover" if is_modern:
            return served.discover
        case "initialize" if not is_modern:
            return initialize_result(served, eras.negotiated(message))
        case "ping" if not is_modern:
            return b"{}"
        case method:
            named = clean(method[:100]) if method is not UNSET else ""
            there = ", ".join(_METHODS[is_modern])
            raise ProtocolFault(UNKNOWN_METHOD, f"There is no method {named!r} here; there are {there}.")


def _client(message: Message, incoming: Incoming) -> str:
    """What the client calls itself, for the log; nothing is decided by it."""
    told = eras.client_of(message) or incoming.header("user-agent")
    return clean(told)[:_MOST_CLIENT_CHARACTERS]


async def _guarded(work: Awaitable[ToolResult], entry: Entry) -> ToolResult | Needed:
    """Whatever goes wrong inside stays inside: the client hears that it was us, and under which id to look."""
    request_id = entry.call.request_id
    try:
        return await work
    except InputNeeded as needed:
        return Needed(approval=needed.approval, ask=needed.ask)
    except ProtocolFault as problem:
        entry.refuse(problem.status, "protocol_fault", problem.sentence)
        raise
    except Refusal as problem:
        raise ProtocolFault(wire.INVALID_PARAMS, problem.sentence) from problem
    except Exception as problem:
        _log.error("unexpected failure", request_id=request_id, exc_info=problem)
        raise ProtocolFault(
            INTERNAL, f"Something inside Portico went wrong; its log has the details under {request_id}."
        ) from problem
