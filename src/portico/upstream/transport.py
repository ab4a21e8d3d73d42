"""Sends one request to a vendor and hands back its answer as it arrives. The only user of the HTTP client.

Never follows a redirect, keeps no cookies, undoes no compression, reads no proxy settings, repeats nothing that could
act twice, and connects to private addresses only for hosts that the operator vouches for.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

import aiohttp
from aiohttp.client_proto import ResponseHandler
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from portico import errors
from portico.upstream import head
from portico.upstream.deadline import Deadline
from portico.upstream.egress import any_socket, public_socket
from portico.upstream.pool import KEEP_ALIVE_SECONDS, MOST_FREE, Key, Pool
from portico.upstream.problems import translated
from portico.upstream.wire import HIGHEST_STATUS, LOWEST_STATUS, Gone, Reply, Wire

ByteStream = AsyncIterator[bytes]
CONNECTIONS = 1000
READ_BUFFER_BYTES = 262_144
_SAFE_VERBS = frozenset({"GET", "HEAD"})
_BODILESS_VERBS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class UpstreamRequest(Struct, frozen=True, kw_only=True):
    """A request ready to go. The URL is encoded already; `is_trusted`: the operator vouches for the host."""

    verb: str
    url: str
    headers: list[tuple[str, str]]
    content: bytes | ByteStream | None = None
    size_bytes: int | None = None
    is_trusted: bool = False


class Deadlines(Struct, frozen=True, kw_only=True):
    connect_seconds: float = 5.0
    answer_seconds: float = 600.0
    idle_seconds: float = 300.0


class UpstreamResponse(Protocol):
    """A vendor's answer: its head is here, its body is still on the way. Must be released or read to the end."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> list[tuple[str, str]]: ...

    def header(self, name: str) -> str: ...

    async def read(self, limit_bytes: int) -> bytes: ...

    def stream(self) -> ByteStream: ...

    def release(self) -> None: ...


class Transport(Protocol):
    async def send(self, request: UpstreamRequest) -> UpstreamResponse: ...

    async def close(self) -> None: ...


class _Response:
    """What came over a wire of our own."""

    __slots__ = ("_reply", "header", "headers", "status")

    def __init__(self, reply: Reply) -> None:
        self._reply, self.status, self.headers = reply, reply.status, reply.headers
        self.header = reply.header

    async def read(self, limit_bytes: int) -> bytes:
        try:
            with translated():
                return await read_whole(self.header("content-length"), self._reply.piece, limit_bytes)
        except BaseException:
            self.release()
            raise

    async def stream(self) -> ByteStream:
        try:
            with translated():
                while piece := await self._reply.piece():
                    yield piece
        finally:
            self.release()

    def release(self) -> None:
        self._reply.release()


class _SessionResponse:
    """What came through the client's session."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response, self.status = response, response.status
        self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers]

    def header(self, name: str) -> str:
        return self._response.headers.get(name, "")

    async def read(self, limit_bytes: int) -> bytes:
        try:
            with translated():
                return await read_whole(self.header("content-length"), self._response.content.readany, limit_bytes)
        except BaseException:
            self.release()
            raise

    async def stream(self) -> ByteStream:
        try:
            with translated():
                async for part in self._response.content.iter_any():
                    yield part
        finally:
            self.release()

    def release(self) -> None:
        """Give the connection back if the body has been read whole, else close it: nobody will read the rest."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


async def read_whole(length: str, piece: Callable[[], Awaitable[bytes]], limit_bytes: int) -> bytes:
    """The whole body, or VendorTooLarge as soon as it is clear that it is larger than the limit."""
    if length.isdigit() and int(length) > limit_bytes:
        raise errors.VendorTooLarge
    parts: list[bytes] = []
    total = 0
    while part := await piece():
        parts.append(part)
        total += len(part)
        if total > limit_bytes:
            raise errors.VendorTooLarge
    return parts[0] if len(parts) == 1 else b"".join(parts)


class _Outgoing:
    """A body on its way out. While its pieces go, the wait for an answer has not begun; why it broke off is kept."""

    def __init__(self, content: ByteStream, seconds: float) -> None:
        self.pieces = self._pieces(content)
        self.deadline = asyncio.timeout(seconds)
        self.problem: Exception | None = None
        self.is_answered = False
        self._seconds = seconds

    async def _pieces(self, source: ByteStream) -> ByteStream:
        try:
            async for piece in source:
                if not self.is_answered and not self.deadline.expired():
                    self.deadline.reschedule(asyncio.get_running_loop().time() + self._seconds)
                yield piece
        except Exception as problem:
            self.problem = problem
            raise


class AiohttpTransport:
    """One pool of connections for hosts on the internet, one for those that the operator vouches for.

    The client makes the connections. A request that is at hand whole is then talked over one without the client, at a
    third of the cost of its session; one whose body still flows in needs the session, which writes and reads at once.
    """

    def __init__(self, deadlines: Deadlines, user_agent: str, trust: ssl.SSLContext | None = None) -> None:
        """`trust`: whose certificates count; the system's authorities where it is None."""
        self._deadlines = deadlines
        self._user_agent = user_agent
        self._trust = trust or True
        self._connectors: dict[bool, aiohttp.TCPConnector] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._places: dict[str, aiohttp.ClientRequest] = {}
        self._pool = Pool()
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=deadlines.connect_seconds, sock_read=deadlines.idle_seconds
        )

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        if request.content is None or isinstance(request.content, bytes):
            response = await self._ask(request, request.content or b"")
        else:
            response = await self._stream_up(request, request.content)
        if not LOWEST_STATUS <= response.status <= HIGHEST_STATUS:
            response.release()
            raise errors.VendorProtocol(f"The vendor answered with the status {response.status}, which means nothing.")
        return response

    @property
    def connections(self) -> int:
        """How many are open, idle ones with them."""
        return sum(used + kept for used, kept in map(_held, self._connectors.values()))

    @property
    def idle_connections(self) -> int:
        """How many wait for their next request: here, and with the client for bodies that flow in."""
        return len(self._pool) + sum(kept for _, kept in map(_held, self._connectors.values()))

    async def close(self) -> None:
        self._pool.close()
        for session in self._sessions.values():
            await session.close()
        for connector in self._connectors.values():
            await connector.close()

    async def _ask(self, request: UpstreamRequest, content: bytes) -> _Response:
        origin, target = head.split(request.url)
        with translated():
            place = self._place(origin)
            written = head.write(request.verb, target, self._fields(request, place, content)) + content
            try:
                return await self._exchange(request, origin, place, written)
            except (Gone, aiohttp.ClientOSError) as problem:
                # A kept connection may have been closed meanwhile. Asking again is safe where asking changes nothing.
                if request.verb not in _SAFE_VERBS or isinstance(problem, aiohttp.ClientConnectorError):
                    raise
                return await self._exchange(request, origin, place, written)

    async def _exchange(
        self, request: UpstreamRequest, origin: str, place: aiohttp.ClientRequest, written: bytes
    ) -> _Response:
        key = (origin, request.is_trusted)
        # What may not be asked twice goes over no connection that the vendor has given up already.
        wire = self._pool.take(key, is_certain=request.verb not in _SAFE_VERBS) or await self._connect(key, place)
        limits = self._deadlines
        reply = wire.ask(written, limits.answer_seconds, limits.idle_seconds, head_alone=request.verb == "HEAD")
        try:
            await reply.head()
        except BaseException:
            reply.release()
            raise
        return _Response(reply)

    async def _connect(self, key: Key, place: aiohttp.ClientRequest) -> Wire:
        connector = self._connector(is_trusted=key[1])
        try:
            with Deadline(self._deadlines.answer_seconds):
                connection = await connector.connect(place, [], self._timeout)
        except TimeoutError:
            raise errors.VendorConnectTimeout from None
        before, socket = connection.protocol, connection.transport
        if before is None or socket is None or before.should_close:
            connection.close()  # it has said something unasked, which would be read as the answer to this request
            raise errors.VendorProtocol

        def closed(wire: Wire) -> None:
            self._pool.forget(key, wire)
            before.connection_lost(None)  # the client counts its connections
            connection.close()

        wire = Wire(socket, partial(self._pool.put, key), closed)
        socket.set_protocol(wire)
        return wire

    async def _stream_up(self, request: UpstreamRequest, content: ByteStream) -> _SessionResponse:
        outgoing = _Outgoing(content, self._deadlines.answer_seconds)
        try:
            with translated():
                async with outgoing.deadline:
                    return await self._through_session(request, outgoing.pieces)
        except errors.Refusal:
            if outgoing.problem is not None:
                raise outgoing.problem from None
            raise
        finally:
            outgoing.is_answered = True

    async def _through_session(self, request: UpstreamRequest, data: ByteStream) -> _SessionResponse:
        headers = CIMultiDict(request.headers)
        headers.setdefault("User-Agent", self._user_agent)
        if request.size_bytes is not None:
            headers["Content-Length"] = str(request.size_bytes)
        response = await self._session(is_trusted=request.is_trusted).request(
            request.verb, URL(request.url, encoded=True), headers=headers, data=data, allow_redirects=False
        )
        return _SessionResponse(response)

    def _fields(self, request: UpstreamRequest, place: aiohttp.ClientRequest, content: bytes) -> list[tuple[str, str]]:
        fields = [("Host", place.headers["Host"]), *request.headers]
        for name, _ in request.headers:
            if name.lower() == "user-agent":
                break
        else:
            fields.append(("User-Agent", self._user_agent))
        if content or request.verb not in _BODILESS_VERBS:
            fields.append(("Content-Length", str(len(content))))
        return fields

    def _place(self, origin: str) -> aiohttp.ClientRequest:
        """What the pool wants to know of a request in order to find it a connection."""
        place = self._places.get(origin)
        if place is None:
            loop = asyncio.get_running_loop()
            place = self._places[origin] = aiohttp.ClientRequest("GET", URL(origin, encoded=True), loop=loop)
        return place

    def _connector(self, *, is_trusted: bool) -> aiohttp.TCPConnector:
        if is_trusted not in self._connectors:
            connector = aiohttp.TCPConnector(
                limit=CONNECTIONS + MOST_FREE,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=any_socket if is_trusted else public_socket,
                ssl=self._trust,
            )
            factory: partial[ResponseHandler] = partial(_Handler, loop=asyncio.get_running_loop())
            connector._factory = factory  # pyright: ignore[reportPrivateUsage] -- there is no public hook
            self._connectors[is_trusted] = connector
        return self._connectors[is_trusted]

    def _session(self, *, is_trusted: bool) -> aiohttp.ClientSession:
        if is_trusted not in self._sessions:
            session = aiohttp.ClientSession(
                connector=self._connector(is_trusted=is_trusted),
                connector_owner=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=_OWN_HEADERS,
                read_bufsize=READ_BUFFER_BYTES,
                timeout=self._timeout,
            )
            # The client repeats a DELETE when a kept connection turns out to be closed; that could act twice.
            session._retry_connection = False  # pyright: ignore[reportPrivateUsage] -- there is no public switch
            self._sessions[is_trusted] = session
        return self._sessions[is_trusted]


def _held(connector: aiohttp.TCPConnector) -> tuple[int, int]:
    """(in use, kept) as the client counts them and does not tell. To it, what waits in our own pool is in use."""
    inside: Mapping[str, Any] = vars(connector)
    # Those that the vendor has closed meanwhile stay there until somebody looks.
    kept = sum(protocol.is_connected() for free in inside["_conns"].values() for protocol, _ in free)
    return len(inside["_acquired"]), kept


class _Handler(ResponseHandler):
    """Tells whoever reads a body what went wrong with the connection; the client's own lets them wait in vain."""

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        payload = self._payload
        super().set_exception(exc, *((exc_cause,) if exc_cause else ()))
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(exc)
