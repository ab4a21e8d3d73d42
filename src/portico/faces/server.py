"""The web server: uvicorn with deadlines for slow heads and bodies, quiet about answers cut short on purpose."""

import asyncio
import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from math import ceil
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from portico.faces import leaving
from portico.faces.exchange import EXCHANGE, Exchange
from portico.faces.http import Aborted

HEAD_SECONDS = 10.0
BODY_LOOK_SECONDS = 20.0
SLOWEST_BODY_BYTES_PER_SECOND = 256
KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 20.0
LAST_WORDS_SECONDS = 3
# A worker that has just begun says nothing until it has read all its code, which takes long on a busy machine.
WORKER_START_SECONDS = 60
SAME_SIGNAL_SECONDS = 2.0
# So many new objects are looked through at once for those that hold each other; the rest goes by itself.
GARBAGE_OBJECTS = 10_000
# What a connection may be waiting for.
NOTHING, HEAD, BODY = range(3)


class DeadlineProtocol(HttpToolsProtocol):
    """Closes connections whose head takes longer than ten seconds, or whose body only trickles.

    One timer looks at a connection now and then; what a request costs is to note when its head or body began.
    """

    _look: asyncio.TimerHandle | None = None
    _waits_for = NOTHING
    _since = 0.0
    _body_bytes = 0
    # Requests behind which others came on the same connection before they were answered: uvicorn knows the last alone.
    _earlier: tuple[Any, ...] = ()
    exchange: Exchange | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- as uvicorn has it
        super().connection_made(transport)
        self._wait_for(HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        super().connection_lost(exc)
        for cycle in self._earlier:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        if self.exchange is not None:
            self.exchange.left()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for(HEAD)

    def on_headers_complete(self) -> None:
        self._wait_for(BODY)
        before: Any = self.cycle  # None at first
        super().on_headers_complete()
        if before is not None and not before.response_complete:
            self._earlier = (*(each for each in self._earlier if not each.response_complete), before)
        scope: dict[str, Any] = self.scope  # pyright: ignore[reportAssignmentType] -- ASGI lets servers add to it
        scope[EXCHANGE] = Exchange(self.cycle, self)
        if getattr(self.server_state, "is_draining", False):
            self.cycle.keep_alive = False  # its client comes back by way of the balancer

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._waits_for = NOTHING
        super().on_message_complete()
        if not self.pipeline:  # a large body has stopped the reading, and nobody would hear that the client leaves
            self.flow.resume_reading()

    def _wait_for(self, what: int) -> None:
        self._waits_for, self._since, self._body_bytes = what, self.loop.time(), 0
        if self._look is None:
            self._look = self.loop.call_later(HEAD_SECONDS, self._look_at_it)

    def _look_at_it(self) -> None:
        self._look = None
        if self._waits_for == NOTHING:
            return  # the next request sets a timer again
        patience = HEAD_SECONDS if self._waits_for == HEAD else BODY_LOOK_SECONDS
        left = self._since + patience - self.loop.time()
        if left <= 0:
            if self._waits_for == HEAD or self._is_trickling():
                self.transport.close()
                return
            self._since, self._body_bytes, left = self.loop.time(), 0, BODY_LOOK_SECONDS
        self._look = self.loop.call_later(min(left, HEAD_SECONDS), self._look_at_it)

    def _is_trickling(self) -> bool:
        # While the vendor is slower than the client we have stopped reading ourselves; that is not the client's fault.
        return not self.flow.read_paused and self._body_bytes < SLOWEST_BODY_BYTES_PER_SECOND * BODY_LOOK_SECONDS


class _State(ServerState):
    is_draining = False


class Server(uvicorn.Server):
    """Ends with exit code 0 when it is told to stop, after what was under way has been answered.

    At SIGTERM it first calls `on_drain` and goes on serving for `drain_seconds`, but ends each connection with its next
    answer; a second signal ends that. What is then still under way has `grace_seconds`, and is ended with a reason.
    `has_process`: the process is there for this server alone.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        drain_seconds: float = 0.0,
        grace_seconds: float = GRACE_SECONDS,
        on_drain: Callable[[], None] | None = None,
        has_process: bool = False,
    ) -> None:
        super().__init__(config)
        self._has_process = has_process
        self.server_state = self._state = _State()
        self._drain_seconds, self._grace_seconds, self._on_drain = drain_seconds, grace_seconds, on_drain
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told_at = 0.0

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._has_process:
            # What was made at the start stays: to look through it again and again would cost a tenth of each call.
            gc.collect()
            gc.freeze()
            gc.set_threshold(GARBAGE_OBJECTS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        patience = asyncio.get_running_loop().call_later(self._grace_seconds, self._end_what_is_left)
        # What was told that it is over has a moment to say so; then it is cut off.
        self.config.timeout_graceful_shutdown = ceil(self._grace_seconds) + LAST_WORDS_SECONDS
        try:
            await super().shutdown(sockets)
        finally:
            patience.cancel()

    def _end_what_is_left(self) -> None:
        leaving.end(self.server_state.tasks)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if sig == signal.SIGTERM and self._loop is not None and self.started and not self._told_at:
            self._told_at = now
            self._state.is_draining = True
            if self._on_drain is not None:
                self._on_drain()
            if self._drain_seconds > 0:
                self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, self._end)
                return
        elif sig == signal.SIGTERM and self._told_at and now - self._told_at < SAME_SIGNAL_SECONDS:
            return  # told twice: by our supervisor, and by who told all processes of the group
        super().handle_exit(sig, frame)

    def _end(self) -> None:
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _CutShort(logging.Filter):
    """An answer that broke off is told by breaking off; it stands in the request log and is no error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return not (kind is not None and issubclass(kind, Aborted))


def configure(application: Any, host: str, port: int, *, workers: int = 1, is_factory: bool = False) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_CutShort())
    return uvicorn.Config(
        application,
        factory=is_factory,
        host=host,
        port=port,
        workers=workers,
        http=DeadlineProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,  # so that its words go through our handler, which redacts
        log_level="warning",
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=WORKER_START_SECONDS,
        timeout_graceful_shutdown=ceil(GRACE_SECONDS) + LAST_WORDS_SECONDS,
    )
