"""The load generator: `python -m bench.load` reads one order after the other, a line each, and answers in a line.

It is used where wrk is missing, for programs so slow that every request must be waited for, and for streams.
"""

import asyncio
import sys
import time
from typing import cast

import httptools
import uvloop

from bench.asked import Order, Outcome, encode, read_order

SILENCE_SECONDS = 60.0
KEPT_BYTES = 1_000_000
_PIECE = bytes(262_144)


class Round:
    """What all connections of one round share."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.written = order.request.written(order.upload_bytes)
        self.until = time.perf_counter() + order.seconds
        self.milliseconds: list[float] = []
        self.failed = self.events = self.received = 0
        self.first: tuple[int, bytes] = (0, b"")

    def is_over(self, sent: int) -> bool:
        return time.perf_counter() >= self.until if self.order.seconds else sent >= self.order.count

    def outcome(self, seconds: float) -> Outcome:
        times = sorted(self.milliseconds)
        return Outcome(
            answers=len(times),
            failed=self.failed,
            seconds=seconds,
            events=self.events,
            received_bytes=self.received,
            p50=times[len(times) // 2] if times else 0.0,
            p99=times[len(times) * 99 // 100] if times else 0.0,
            first_status=self.first[0],
            first_body=self.first[1],
        )


class Connection(asyncio.Protocol):
    """Sends, waits for the whole answer, sends again. `over` is done when the last answer has come."""

    def __init__(self, round_: Round, over: "asyncio.Future[None]") -> None:
        self._round, self._over = round_, over
        self._transport: asyncio.Transport | None = None
        self._sent = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._uploading: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own are none by name
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._over.done():
            self._round.failed += 1
            self._over.set_result(None)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        round_ = self._round
        if not self._first_byte:
            self._first_byte = time.perf_counter()
        round_.received += len(body)
        if round_.order.kind == "streams":
            round_.events += body.count(b"data: {")
        if not round_.milliseconds and len(self._body) < KEPT_BYTES:
            self._body += body

    def on_message_complete(self) -> None:
        round_, now = self._round, time.perf_counter()
        status: int = self._parser.get_status_code()
        if not round_.milliseconds:
            round_.first = status, self._body
        round_.failed += status >= 300
        is_first_byte = round_.order.kind in {"first bytes", "streams"}
        round_.milliseconds.append(((self._first_byte if is_first_byte else now) - self._started) * 1000)
        if round_.is_over(self._sent):
            self._over.set_result(None)
        elif self._parser.should_keep_alive():
            self._send()
        else:
            round_.failed += 1
            self._over.set_result(None)

    def _send(self) -> None:
        if self._transport is None:
            return
        self._parser = httptools.HttpResponseParser(self)
        self._started, self._first_byte, self._body = time.perf_counter(), 0.0, b""
        self._sent += 1
        self._transport.write(self._round.written)
        if self._round.order.upload_bytes:
            self._uploading = asyncio.ensure_future(self._upload(self._round.order.upload_bytes))

    async def _upload(self, left: int) -> None:
        while left and self._transport is not None:
            piece = _PIECE if left >= len(_PIECE) else _PIECE[:left]
            left -= len(piece)
            self._transport.write(piece)
            await self._writable.wait()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def carry_out(order: Order) -> Outcome:
    loop = asyncio.get_running_loop()
    round_, started = Round(order), time.perf_counter()
    opened: list[Connection] = []
    waits: list[asyncio.Future[None]] = []
    for _ in range(order.connections):
        over: asyncio.Future[None] = loop.create_future()
        connection = Connection(round_, over)
        await loop.create_connection(lambda made=connection: made, "127.0.0.1", order.request.port)
        opened.append(connection)
        waits.append(over)
    _, unanswered = await asyncio.wait(waits, timeout=order.seconds + order.count * 0.05 + SILENCE_SECONDS)
    round_.failed += len(unanswered)
    seconds = time.perf_counter() - started
    for connection in opened:
        connection.close()
    return round_.outcome(seconds)


async def main() -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        sys.stdout.buffer.write(encode(await carry_out(read_order(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
