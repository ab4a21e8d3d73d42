"""What can go wrong on the way to a vendor and back, in our own words: by what it was, not by where it was noticed."""

import asyncio
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp import http_exceptions

from portico import errors
from portico.upstream.egress import AddressRefused
from portico.upstream.wire import Garbled, Gone


class translated:
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
    (Garbled, errors.VendorProtocol),
    (Gone, errors.VendorInterrupted),
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
