"""Sends one request to a vendor and hands back its answer as it arrives. The only user of the HTTP client.

Never follows a redirect, keeps no cookies, undoes no compression, reads no proxy settings, repeats nothing that could
act twice, and connects to private addresses only for hosts that the operator vouches for.
"""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Protocol

import aiohttp
from aiohttp import http_exceptions
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from portico import errors
from portico.upstream.egress import AddressRefused, any_socket, public_socket

ByteStream = AsyncIterator[bytes]
KEEP_ALIVE_SECONDS = 15
CONNECTIONS = 1000
READ_BUFFER_BYTES = 262_144
_LOWEST_STATUS, _HIGHEST_STATUS = 200, 599
_SAFE_VERBS = frozenset({"GET", "HEAD"})
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
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self._raw_headers = response.raw_headers

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._raw_headers]

    def header(self, name: str) -> str:
        return self._response.headers.get(name, "")

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body, or VendorTooLarge as soon as it is clear that it is larger than the limit."""
        length = self._response.content_length
        if length is not None and length > limit_bytes:
            self.release()
            raise errors.VendorTooLarge
        with _translated():
            if length is not None:
                return await self._response.read()
            parts: list[bytes] = []
            total = 0
            async for part in self._response.content.iter_any():
                parts.append(part)
                total += len(part)
                if total > limit_bytes:
                    self.release()
                    raise errors.VendorTooLarge
            return b"".join(parts)

    async def stream(self) -> ByteStream:
        try:
            with _translated():
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


class _Outgoing:
    """A body on its way out. While its pieces go, the wait for an answer has not begun; why it broke off is kept."""

    def __init__(self, content: bytes | ByteStream | None, seconds: float) -> None:
        self.content = content if content is None or isinstance(content, bytes) else self._pieces(content)
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
    """One pool of connections for hosts on the internet, one for those that the operator vouches for."""

    def __init__(self, deadlines: Deadlines, user_agent: str) -> None:
        self._deadlines = deadlines
        self._user_agent = user_agent
        self._sessions: dict[tuple[bool, bool], aiohttp.ClientSession] = {}
        self._connectors: dict[bool, aiohttp.TCPConnector] = {}

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        session = self._session(is_trusted=request.is_trusted, is_safe=request.verb in _SAFE_VERBS)
        headers = CIMultiDict(request.headers)
        if "User-Agent" not in headers:
            headers["User-Agent"] = self._user_agent
        if request.size_bytes is not None and not isinstance(request.content, bytes):
            headers["Content-Length"] = str(request.size_bytes)
        outgoing = _Outgoing(request.content, self._deadlines.answer_seconds)
        try:
            with _translated():
                async with outgoing.deadline:
                    response = await session.request(
                        request.verb,
                        URL(request.url, encoded=True),
                        headers=headers,
                        data=outgoing.content,
                        allow_redirects=False,
                    )
        except errors.Refusal:
            if outgoing.problem is not None:
                raise outgoing.problem from None
            raise
        finally:
            outgoing.is_answered = True
        if not _LOWEST_STATUS <= response.status <= _HIGHEST_STATUS:
            response.close()
            raise errors.VendorProtocol(f"The vendor answered with the status {response.status}, which means nothing.")
        return _Response(response)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        for connector in self._connectors.values():
            await connector.close()

    def _session(self, *, is_trusted: bool, is_safe: bool) -> aiohttp.ClientSession:
        key = (is_trusted, is_safe)
        if key not in self._sessions:
            self._sessions[key] = self._open_session(is_trusted=is_trusted, is_safe=is_safe)
        return self._sessions[key]

    def _open_session(self, *, is_trusted: bool, is_safe: bool) -> aiohttp.ClientSession:
        if is_trusted not in self._connectors:
            self._connectors[is_trusted] = aiohttp.TCPConnector(
                limit=CONNECTIONS,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=any_socket if is_trusted else public_socket,
            )
        session = aiohttp.ClientSession(
            connector=self._connectors[is_trusted],
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=_OWN_HEADERS,
            read_bufsize=READ_BUFFER_BYTES,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._deadlines.connect_seconds, sock_read=self._deadlines.idle_seconds
            ),
        )
        # The client repeats a DELETE when a kept connection turns out to be closed; that could act twice.
        session._retry_connection = is_safe  # pyright: ignore[reportPrivateUsage] -- there is no public switch
        return session


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
    (http_exceptions.BadHttpMessage, errors.VendorProtocol),
    (aiohttp.ServerDisconnectedError, errors.VendorInterrupted),
    (aiohttp.ClientPayloadError, errors.VendorInterrupted),
    (aiohttp.ClientResponseError, errors.VendorProtocol),
    (aiohttp.ClientOSError, errors.VendorInterrupted),
    (aiohttp.ClientError, errors.VendorProtocol),
    (ConnectionError, errors.VendorInterrupted),
)


def _translate(problem: BaseException) -> errors.Refusal | None:
    if isinstance(problem, aiohttp.ClientConnectorError) and isinstance(problem.os_error, AddressRefused):
        return errors.ForbiddenAddress("That host resolves to a private address, which is never called with a key.")
    if isinstance(problem, ValueError):
        return errors.VendorUnreachable("The request cannot be sent: its address or one of its headers is not HTTP.")
    return next((fact() for kind, fact in _TRANSLATIONS if isinstance(problem, kind)), None)
