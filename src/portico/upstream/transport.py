"""Sends one request to a vendor and hands back its answer as it arrives. The only user of the HTTP client.

Never follows a redirect, keeps no cookies, undoes no compression, reads no proxy settings, repeats nothing that could
act twice, and connects to private addresses only for hosts that the operator vouches for.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Protocol

import aiohttp
from aiohttp import http_exceptions
from aiohttp.client_proto import ResponseHandler
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from portico import errors
from portico.upstream import head
from portico.upstream.deadline import Deadline
from portico.upstream.egress import AddressRefused, any_socket, public_socket

ByteStream = AsyncIterator[bytes]
_RawHeaders = Sequence[tuple[bytes, bytes]]
KEEP_ALIVE_SECONDS = 15
CONNECTIONS = 1000
READ_BUFFER_BYTES = 262_144
_LOWEST_STATUS, _HIGHEST_STATUS = 200, 599
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


class _Owner(Protocol):
    """What holds the connection of an answer."""

    def release(self) -> object: ...

    def close(self) -> object: ...


class _Response:
    __slots__ = ("_content", "_headers", "_owner", "_raw_headers", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str], raw: _RawHeaders, content: aiohttp.StreamReader, owner: _Owner
    ) -> None:
        self.status = status
        self._headers, self._raw_headers = headers, raw
        self._content, self._owner = content, owner

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._raw_headers]

    def header(self, name: str) -> str:
        return self._headers.get(name, "")

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body, or VendorTooLarge as soon as it is clear that it is larger than the limit."""
        try:
            with _translated():
                return await self._read(limit_bytes)
        except BaseException:
            self.release()
            raise

    async def _read(self, limit_bytes: int) -> bytes:
        length = self.header("content-length")
        if length.isdigit() and int(length) > limit_bytes:
            raise errors.VendorTooLarge
        parts: list[bytes] = []
        total = 0
        while not self._content.at_eof():
            part = await self._content.readany()
            parts.append(part)
            total += len(part)
            if total > limit_bytes:
                raise errors.VendorTooLarge
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def stream(self) -> ByteStream:
        try:
            with _translated():
                async for part in self._content.iter_any():
                    yield part
        finally:
            self.release()

    def close(self) -> None:
        self._owner.close()

    def release(self) -> None:
        """Give the connection back if the body has been read whole, else close it: nobody will read the rest."""
        if self._content.at_eof():
            self._owner.release()
        else:
            self._owner.close()


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

    A request that is at hand whole goes straight onto a connection of the pool, at half the cost of the client's
    session; one whose body still flows in needs a session, which writes and reads at once.
    """

    def __init__(self, deadlines: Deadlines, user_agent: str, trust: ssl.SSLContext | None = None) -> None:
        """`trust`: whose certificates count; the system's authorities where it is None."""
        self._deadlines = deadlines
        self._user_agent = user_agent
        self._trust = trust or True
        self._connectors: dict[bool, aiohttp.TCPConnector] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._places: dict[str, aiohttp.ClientRequest] = {}
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=deadlines.connect_seconds, sock_read=deadlines.idle_seconds
        )

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        if request.content is None or isinstance(request.content, bytes):
            response = await self._ask(request, request.content or b"")
        else:
            response = await self._stream_up(request, request.content)
        if not _LOWEST_STATUS <= response.status <= _HIGHEST_STATUS:
            response.close()
            raise errors.VendorProtocol(f"The vendor answered with the status {response.status}, which means nothing.")
        return response

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        for connector in self._connectors.values():
            await connector.close()

    async def _ask(self, request: UpstreamRequest, content: bytes) -> _Response:
        origin, target = head.split(request.url)
        with _translated(), Deadline(self._deadlines.answer_seconds):
            place = self._place(origin)
            written = head.write(request.verb, target, self._fields(request, place, content)) + content
            try:
                return await self._exchange(request, place, written)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as problem:
                # A kept connection may have been closed meanwhile. Asking again is safe where asking changes nothing.
                if request.verb not in _SAFE_VERBS or isinstance(problem, aiohttp.ClientConnectorError):
                    raise
                return await self._exchange(request, place, written)

    async def _exchange(self, request: UpstreamRequest, place: aiohttp.ClientRequest, written: bytes) -> _Response:
        connection = await self._connect(request, place)
        try:
            protocol, socket = connection.protocol, connection.transport
            if protocol is None or socket is None:
                raise aiohttp.ServerDisconnectedError
            protocol.set_response_params(
                skip_payload=request.verb == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=self._deadlines.idle_seconds,
                read_bufsize=READ_BUFFER_BYTES,
            )
            socket.write(written)
            message, content = await protocol.read()
            while 100 <= message.code < 200 and message.code != 101:
                message, content = await protocol.read()
        except BaseException:
            connection.close()
            raise
        content.on_eof(connection.release)
        return _Response(message.code, message.headers, message.raw_headers, content, connection)

    async def _connect(self, request: UpstreamRequest, place: aiohttp.ClientRequest) -> aiohttp.connector.Connection:
        connector = self._connector(is_trusted=request.is_trusted)
        for _ in range(CONNECTIONS):
            try:
                connection = await connector.connect(place, [], self._timeout)
            except TimeoutError:
                raise errors.VendorConnectTimeout from None
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()  # it has said something unasked, which would be read as the answer to this request
        raise errors.VendorProtocol

    async def _stream_up(self, request: UpstreamRequest, content: ByteStream) -> _Response:
        headers = CIMultiDict(request.headers)
        headers.setdefault("User-Agent", self._user_agent)
        if request.size_bytes is not None:
            headers["Content-Length"] = str(request.size_bytes)
        outgoing = _Outgoing(content, self._deadlines.answer_seconds)
        try:
            with _translated():
                async with outgoing.deadline:
                    response = await self._session(is_trusted=request.is_trusted).request(
                        request.verb,
                        URL(request.url, encoded=True),
                        headers=headers,
                        data=outgoing.pieces,
                        allow_redirects=False,
                    )
        except errors.Refusal:
            if outgoing.problem is not None:
                raise outgoing.problem from None
            raise
        finally:
            outgoing.is_answered = True
        return _Response(response.status, response.headers, response.raw_headers, response.content, response)

    def _fields(self, request: UpstreamRequest, place: aiohttp.ClientRequest, content: bytes) -> list[tuple[str, str]]:
        fields = [("Host", place.headers["Host"]), *request.headers]
        if not any(name.lower() == "user-agent" for name, _ in request.headers):
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
                limit=CONNECTIONS,
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


class _Handler(ResponseHandler):
    """Tells whoever reads a body what went wrong with the connection; the client's own lets them wait in vain."""

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        payload = self._payload
        super().set_exception(exc, *((exc_cause,) if exc_cause else ()))
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(exc)


class _translated:
    """Turns the client's exceptions into ours, by what went wrong rather than by where."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is not None and (found := _translate(problem)) is not None:
            raise found from problem


_TRANSLATIONS: tuple[tuple[Any, type[errors.Refusal]], ...] = (
    (aiohttp.ClientConnectorCertificateError, errors.VendorInsecure),
    (aiohttp.ClientSSLError, errors.VendorInsecure),
    (aiohttp.ConnectionTimeoutError, errors.VendorConnectTimeout),
    (asyncio.TimeoutError, errors.VendorTimeout),
    (aiohttp.ClientConnectorError, errors.VendorUnreachable),
    (http_exceptions.HttpProcessingError, errors.VendorProtocol),
    (aiohttp.ServerDisconnectedError, errors.VendorInterrupted),
    (aiohttp.ClientPayloadError, errors.VendorInterrupted),
    (aiohttp.ClientResponseError, errors.VendorProtocol),
    (aiohttp.ClientOSError, errors.VendorInterrupted),
    (aiohttp.ClientError, errors.VendorProtocol),
    (aiohttp.EofStream, errors.VendorInterrupted),
    (OSError, errors.VendorInterrupted),
)


def _translate(problem: BaseException) -> errors.Refusal | None:
    if isinstance(problem, aiohttp.ClientConnectorError) and isinstance(problem.os_error, AddressRefused):
        return errors.ForbiddenAddress("That host resolves to a private address, which is never called with a key.")
    # First what the client has a name for: an unknown certificate, too, is a ValueError.
    if found := next((fact() for kind, fact in _TRANSLATIONS if isinstance(problem, kind)), None):
        return found
    if isinstance(problem, ValueError):
        return errors.VendorUnreachable("The request cannot be sent: its address or one of its headers is not HTTP.")
    return None
