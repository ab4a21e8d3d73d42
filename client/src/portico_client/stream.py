"""Answers that arrive piece by piece: events as the vendor sends them, or bytes. Leaving the block ends the call."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from portico_client.errors import NotConnected
from portico_client.wire import Call, is_record

_END = "[DONE]"


@dataclass(frozen=True)
class Streamed:
    """The call whose answer is streamed."""

    call: Call


class StreamFailed(NotConnected):
    """The answer broke off; the last event says why."""

    def __init__(self, event: Any) -> None:
        self.event = event
        super().__init__(str(event.get("message") or "The answer broke off."))


class Stream:
    """`with … as stream: for event in stream` or `stream.iter_bytes()`."""

    def __init__(self, opened: Callable[[Call], AbstractContextManager[httpx2.Response]], streamed: Streamed) -> None:
        self._context = opened(streamed.call)
        self._response: httpx2.Response | None = None

    def __enter__(self) -> Self:
        self._response = self._context.__enter__()
        return self

    def __exit__(self, *problem: Any) -> bool | None:
        return self._context.__exit__(*problem)

    @property
    def content_type(self) -> str:
        return _kind(_open(self._response))

    def __iter__(self) -> Iterator[Any]:
        for event in httpx2.EventSource(_open(self._response)):
            if event.data == _END:
                return
            yield _read(event.data)

    def iter_bytes(self) -> Iterator[bytes]:
        yield from _open(self._response).iter_bytes()


class AsyncStream:
    """`async with … as stream: async for event in stream` or `stream.iter_bytes()`."""

    def __init__(
        self, opened: Callable[[Call], AbstractAsyncContextManager[httpx2.Response]], streamed: Streamed
    ) -> None:
        self._context = opened(streamed.call)
        self._response: httpx2.Response | None = None

    async def __aenter__(self) -> Self:
        self._response = await self._context.__aenter__()
        return self

    async def __aexit__(self, *problem: Any) -> bool | None:
        return await self._context.__aexit__(*problem)

    @property
    def content_type(self) -> str:
        return _kind(_open(self._response))

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for event in httpx2.EventSource(_open(self._response)):
            if event.data == _END:
                return
            yield _read(event.data)

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        async for piece in _open(self._response).aiter_bytes():
            yield piece


def _open(response: httpx2.Response | None) -> httpx2.Response:
    if response is None:
        raise RuntimeError("enter the stream first: with client.proxy.stream(…) as stream")
    return response


def _kind(response: httpx2.Response) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def _read(data: str) -> Any:
    """An event's data as JSON; the gateway's last word, where the vendor broke off, is raised."""
    event: Any = json.loads(data)
    problem: Any = event.get("error") if is_record(event) else None
    if is_record(problem) and problem.get("type") == "portico_error":
        raise StreamFailed(problem)
    return event
