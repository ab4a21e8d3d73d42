"""The two ways to run a flow: one blocks, one awaits. All I/O of this client is here."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import httpx2

from portico_client.errors import NotConnected, TimedOut, error_of
from portico_client.listing import AsyncListing, Listing, Pages
from portico_client.retry import Retry
from portico_client.stream import AsyncStream, Stream, Streamed
from portico_client.wire import Answer, Call, Flow, Send

T = TypeVar("T")
# A vendor that thinks for minutes before its first byte is nothing unusual.
DEFAULT_TIMEOUT = httpx2.Timeout(300.0, connect=10.0)


class Blocking:
    """Marks a client whose calls return when they are done."""


class Awaiting:
    """Marks a client whose calls are awaited."""


Mode = TypeVar("Mode")


@dataclass(frozen=True)
class Target:
    """Where the gateway is, who asks, and how patiently."""

    url: str
    token: str
    timeout: float | None
    retry: Retry | None

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "user-agent": "portico-client"}

    def request(self, call: Call) -> dict[str, Any]:
        """The arguments of the HTTP library's own request."""
        wanted = call.timeout if call.timeout is not None else self.timeout
        form: dict[str, Any] = {"data": call.sent_fields(), "files": dict(call.files)} if call.files else {}
        return {
            "method": call.verb,
            "url": self.url + call.path,
            "params": list(call.query) or None,
            "content": call.sent_content(),
            "headers": self.headers | call.sent_headers(),
            "timeout": DEFAULT_TIMEOUT if wanted is None else httpx2.Timeout(wanted, connect=min(wanted, 10.0)),
            **form,
        }


class Driver(Generic[Mode]):
    """What resources know of either: where it goes, and that it runs flows."""

    is_async: ClassVar[bool] = False

    def __init__(self, target: Target) -> None:
        self.target = target

    def run(self, flow: Flow[Any]) -> Any:
        raise NotImplementedError

    def listing(self, pages: Pages[Any]) -> Any:
        raise NotImplementedError

    def stream(self, streamed: Streamed) -> Any:
        raise NotImplementedError


class BlockingDriver(Driver[Blocking]):
    def __init__(
        self, target: Target, transport: httpx2.BaseTransport | None, pause: Callable[[float], None] | None = None
    ) -> None:
        super().__init__(target)
        self._http = httpx2.Client(transport=transport, follow_redirects=False)
        self._pause = pause or time.sleep

    def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Send):
                    try:
                        answer = self.send(step.call)
                    except NotConnected as lost:
                        step = flow.throw(lost)
                        continue
                    step = flow.send(answer)
                else:
                    self._pause(step.seconds)
                    step = next(flow)
        except StopIteration as end:
            return end.value

    def send(self, call: Call) -> Answer:
        with _told(call):
            response = self._http.request(**self.target.request(call))
            return _answer(response)

    @contextmanager
    def opened(self, call: Call) -> Generator[httpx2.Response]:
        """The answer before its body; an error status is raised."""
        wanted = self.target.request(call)
        with _told(call), self._http.stream(wanted.pop("method"), wanted.pop("url"), **wanted) as response:
            if response.status_code >= 400:
                response.read()
                raise error_of(*_parts(response))
            yield response

    def listing(self, pages: Pages[T]) -> Listing[T]:
        return Listing(self.run, pages)

    def stream(self, streamed: Streamed) -> Stream:
        return Stream(self.opened, streamed)

    def close(self) -> None:
        self._http.close()


class AwaitingDriver(Driver[Awaiting]):
    is_async = True

    def __init__(
        self,
        target: Target,
        transport: httpx2.AsyncBaseTransport | None,
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(target)
        self._http = httpx2.AsyncClient(transport=transport, follow_redirects=False)
        self._pause = pause or asyncio.sleep

    async def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Send):
                    try:
                        answer = await self.send(step.call)
                    except NotConnected as lost:
                        step = flow.throw(lost)
                        continue
                    step = flow.send(answer)
                else:
                    await self._pause(step.seconds)
                    step = next(flow)
        except StopIteration as end:
            return end.value

    async def send(self, call: Call) -> Answer:
        with _told(call):
            response = await self._http.request(**self.target.request(call))
            return _answer(response)

    @asynccontextmanager
    async def opened(self, call: Call) -> AsyncGenerator[httpx2.Response]:
        wanted = self.target.request(call)
        with _told(call):
            async with self._http.stream(wanted.pop("method"), wanted.pop("url"), **wanted) as response:
                if response.status_code >= 400:
                    await response.aread()
                    raise error_of(*_parts(response))
                yield response

    def listing(self, pages: Pages[T]) -> AsyncListing[T]:
        return AsyncListing(self.run, pages)

    def stream(self, streamed: Streamed) -> AsyncStream:
        return AsyncStream(self.opened, streamed)

    async def close(self) -> None:
        await self._http.aclose()


@contextmanager
def _told(call: Call) -> Generator[None]:
    """The HTTP library's troubles as ours. The address is named, what was sent is not."""
    try:
        yield
    except httpx2.TimeoutException as problem:
        raise TimedOut(f"{call.verb} {call.path}: no answer in time ({type(problem).__name__}).") from problem
    except httpx2.HTTPError as problem:
        raise NotConnected(f"{call.verb} {call.path}: {str(problem) or type(problem).__name__}.") from problem


def _answer(response: httpx2.Response) -> Answer:
    return Answer(*_parts(response))


def _parts(response: httpx2.Response) -> tuple[int, dict[str, str], bytes]:
    return response.status_code, dict(response.headers), response.content
