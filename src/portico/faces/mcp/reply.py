"""The answer to one call: JSON where it comes soon, a stream of events where it takes long or reports its progress."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from portico.errors import Stopping
from portico.faces.http import Send, write_whole
from portico.faces.leaving import is_leaving
from portico.faces.mcp import wire
from portico.faces.mcp.wire import Message, ProtocolFault
from portico.shapes import Json

PRIVATE = (("cache-control", "no-store"), ("referrer-policy", "no-referrer"))
# Most answers are there before this; only what takes longer is worth a stream.
PATIENCE_SECONDS = 2.0
# Shorter than the idle limits of the usual proxies and clients.
HEARTBEAT_SECONDS = 5.0
_JSON_HEADERS = [*((name.encode(), value.encode()) for name, value in PRIVATE), (b"content-type", b"application/json")]
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"referrer-policy", b"no-referrer"),
]


async def write(send: Send, status: int, content: bytes, extra: Iterable[tuple[str, str]] = ()) -> None:
    headers = [*(_JSON_HEADERS if content else _JSON_HEADERS[:-1])]
    headers += [(name.encode(), text.encode()) for name, text in extra]
    length = (b"content-length", str(len(content)).encode())
    await write_whole(send, status, [*headers, length], content)


class Reply:
    """Give `report` to the work; `answer` then writes whatever comes of it."""

    def __init__(self, send: Send, message: Message, *, takes_stream: bool) -> None:
        self._send, self._message, self.takes_stream = send, message, takes_stream
        self._token: Any = message.meta.get("progressToken")
        self._waiting: list[bytes] = []
        self._news: asyncio.Event | None = None
        self._streaming: asyncio.Task[None] | None = None
        self._last = -1.0
        self._is_over = False

    def report(self, done: float, of: float | None = None, words: str = "") -> None:
        """Passed on where the client asked to hear of progress; values that do not rise are left out."""
        if self._token is None or not self.takes_stream or done <= self._last:
            return
        self._last = done
        told: Json = {"progressToken": self._token, "progress": done}
        told |= {} if of is None else {"total": of}
        told |= {"message": words} if words else {}
        self._push(wire.notification("notifications/progress", told))
        self._open()

    def ask(self, identity: str, method: str, params: Json) -> None:
        """A request of ours to the client, on this stream; its answer comes in a request of the client's own."""
        self._push(wire.request(identity, method, params))
        self._open()

    def tell(self, method: str, params: Json) -> None:
        """A notification of ours, where the stream is open already."""
        if self._streaming is not None:
            self._push(wire.notification(method, params))

    async def answer(self, work: Awaitable[Any], encode: Callable[[Any], bytes]) -> None:
        """Raises ProtocolFault only while nothing was written yet."""
        timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._open) if self.takes_stream else None
        try:
            content = encode(await work)
        except ProtocolFault as problem:
            if self._streaming is None:
                raise
            content = wire.fault(self._message, problem)
        except BaseException as problem:
            if self._streaming is None:
                raise
            if not is_leaving(problem):
                self._streaming.cancel()
                raise
            content = wire.fault(self._message, ProtocolFault(wire.INTERNAL, Stopping().sentence))
        finally:
            if timer is not None:
                timer.cancel()
        if self._streaming is None:
            await write(self._send, 200, content)
            return
        self._push(content)
        self._is_over = True
        await self._streaming

    def _open(self) -> None:
        if self._streaming is None:
            self._news = asyncio.Event()
            self._streaming = asyncio.get_running_loop().create_task(self._stream(self._news))

    def _push(self, content: bytes) -> None:
        self._waiting.append(wire.event(content))
        if self._news is not None:
            self._news.set()

    async def _stream(self, news: asyncio.Event) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS})
        waited = PATIENCE_SECONDS
        while True:
            if not self._waiting and not self._is_over:
                self._heartbeat(waited)
            content, self._waiting = b"".join(self._waiting), []
            is_over = self._is_over
            news.clear()
            await self._send({"type": "http.response.body", "body": content, "more_body": not is_over})
            if is_over:
                return
            waited += await self._pause(news)

    async def _pause(self, news: asyncio.Event) -> float:
        if not self._waiting:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await news.wait()
            except TimeoutError:
                return HEARTBEAT_SECONDS
        return 0.0

    def _heartbeat(self, waited: float) -> None:
        """A sign of life: as progress in seconds for who asked and hears nothing better, else as a comment."""
        if self._token is None or self._last >= 0:
            self._waiting.append(b": still at it\n\n")
            return
        told = {"progressToken": self._token, "progress": waited, "message": f"Waiting for the vendor ({waited:.0f} s)"}
        self._waiting.append(wire.event(wire.notification("notifications/progress", told)))
