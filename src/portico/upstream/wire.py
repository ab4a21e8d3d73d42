"""One connection to a vendor, with as little around it as can be: the bytes of a request go out, an answer comes back.

How a connection is made, and to where, is decided in `transport`. Here it is only talked on, one request at a time.
"""

import asyncio
import re
import select
from collections import deque
from collections.abc import Callable

import httptools

MOST_HEADERS = 128
MOST_FIELD_BYTES = 8190
MOST_HEAD_BYTES = 131_072
LOWEST_STATUS, HIGHEST_STATUS = 200, 599
# Beyond this the vendor is made to wait until somebody has read.
MOST_BUFFERED_BYTES = 524_288
_ends_a_line = re.compile(rb"[\0\r\n]").search


class Garbled(Exception):
    """What the vendor says is not HTTP."""


class Gone(Exception):
    """The vendor has closed the connection before its answer was whole."""


class Reply:
    """One answer as it comes in: first its head, then pieces of its body, until it is whole or a problem ends it."""

    __slots__ = (
        "_pieces", "_waiter", "_wire", "buffered", "can_end_with_the_connection", "fields", "has_head", "headers",
        "is_whole", "problem", "status",
    )  # fmt: skip

    def __init__(self, wire: "Wire") -> None:
        self._wire = wire
        self._pieces: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.fields: dict[str, str] = {}
        self.has_head = self.is_whole = self.can_end_with_the_connection = False
        self.problem: Exception | None = None
        self.buffered = 0

    def header(self, name: str) -> str:
        """By its name, however that is spelled; the first of several."""
        return self.fields.get(name.lower(), "")

    async def head(self) -> None:
        """Returns when status and headers are there."""
        while not self.has_head or isinstance(self.problem, Garbled):
            if self.problem is not None:
                raise self.problem
            await self._wait()

    async def piece(self) -> bytes:
        """What has come of the body since the last look; empty when there is no more."""
        while not self._pieces:
            if self.problem is not None:
                raise self.problem
            if self.is_whole:
                return b""
            await self._wait()
        pieces = self._pieces
        content = pieces.popleft() if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered = 0
        self._wire.go_on()
        return content

    def release(self) -> None:
        """Nobody wants the rest."""
        if not self.is_whole:
            self._wire.close()

    def feed(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.buffered += len(piece)

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


class Wire(asyncio.Protocol):
    """`on_free`: it can take the next request; `on_close`: it never will again."""

    def __init__(
        self, transport: asyncio.Transport, on_free: Callable[["Wire"], None], on_close: Callable[["Wire"], None]
    ) -> None:
        self._transport, self._on_free, self._on_close = transport, on_free, on_close
        self._file: int = transport.get_extra_info("socket").fileno()
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        # What vendors' servers get wrong in practice, and nothing that could end a message in two places.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._reply: Reply | None = None
        self._is_interim = self._is_paused = self._keeps_alive = self._head_alone = False
        self._head_bytes = 0
        self._idle_seconds = self._due = self._looks_at = 0.0
        self._look: asyncio.TimerHandle | None = None
        self.is_open = True

    def ask(self, written: bytes, answer_seconds: float, idle_seconds: float, *, head_alone: bool = False) -> Reply:
        """Send a request. Its head must come within the first time, each piece of its body within the second.

        `head_alone`: the answer has no body, whatever it says of one. The parser waits for it all the same, so that the
        connection is of no use afterwards, unless the answer said that there is none.
        """
        self._reply = reply = Reply(self)
        self._head_bytes = 0
        self._head_alone, self._keeps_alive = head_alone, False
        self._idle_seconds = idle_seconds
        self._expect(answer_seconds)
        self._transport.write(written)
        return reply

    def rest(self, seconds: float) -> None:
        """Kept for the next request, so long."""
        self._expect(seconds)

    def go_on(self) -> None:
        if self._is_paused and self.is_open:
            self._is_paused = False
            self._transport.resume_reading()
            self._expect(self._idle_seconds)

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            if self._look is not None:
                self._look.cancel()
            self._on_close(self)
            self._transport.close()

    @property
    def has_been_left(self) -> bool:
        """Whether the other side has closed it, or said something unasked, of which the loop has not heard yet."""
        look = select.poll()
        look.register(self._file, select.POLLIN)
        return bool(look.poll(0))

    # What the connection tells.

    def data_received(self, data: bytes) -> None:
        reply = self._reply
        if reply is None:
            self.close()  # unasked: it would be read as the answer to the next request
            return
        if reply.has_head:
            self._expect(self._idle_seconds)
        else:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
            if not reply.has_head and self._head_bytes > MOST_HEAD_BYTES:
                raise Garbled("The head of the answer does not end.")
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, Garbled) as problem:
            self._end(Garbled(str(problem)))
            return
        if reply.is_whole:
            self._finish(reply)
        elif reply.buffered > MOST_BUFFERED_BYTES and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        reply.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        reply = self._reply
        if reply is not None and exc is None and reply.has_head and reply.can_end_with_the_connection:
            reply.is_whole = True
        self._end(Gone(str(exc or "closed")))

    def _finish(self, reply: Reply) -> None:
        self._reply = None
        if self._keeps_alive and self.is_open:
            self._on_free(self)
        else:
            self.close()

    def _end(self, problem: Exception) -> None:
        reply, self._reply = self._reply, None
        self.close()
        if reply is not None:
            if not reply.is_whole or isinstance(problem, Garbled):
                reply.problem = problem
            reply.wake()

    def _expect(self, seconds: float) -> None:
        """Something must happen within this time. One timer looks now and then; most calls only note the time."""
        self._due = due = self._loop.time() + seconds
        if self._look is None or due < self._looks_at:
            if self._look is not None:
                self._look.cancel()
            self._looks_at = due
            self._look = self._loop.call_at(due, self._look_at_it)

    def _look_at_it(self) -> None:
        self._look = None
        if not self.is_open:
            return
        if self._is_paused:  # it is we who are slow
            self._due = self._loop.time() + self._idle_seconds
        if self._due > self._loop.time():
            self._looks_at = self._due
            self._look = self._loop.call_at(self._due, self._look_at_it)
        else:
            self._end(TimeoutError())

    # What the parser tells.

    def on_message_begin(self) -> None:
        if self._reply is not None and self._reply.is_whole:
            raise Garbled("More came than was asked for.")

    def on_header(self, name: bytes, value: bytes) -> None:
        reply = self._reply
        if reply is None or reply.has_head:
            return  # after the body, where nobody looks
        if len(reply.headers) >= MOST_HEADERS or len(name) + len(value) > MOST_FIELD_BYTES:
            raise Garbled("The head of the answer is too large.")
        if _ends_a_line(value):
            raise Garbled("A header of the answer holds what none may.")
        field = name.decode("latin-1")
        text = value.decode("latin-1")
        reply.headers.append((field, text))
        reply.fields.setdefault(field.lower(), text)

    def on_headers_complete(self) -> None:
        reply = self._reply
        if reply is None:
            return
        reply.status = status = self._parser.get_status_code()
        self._is_interim = 100 <= status < 200
        if self._is_interim:
            reply.headers, reply.fields = [], {}
            return
        reply.has_head = True
        fields = reply.fields
        is_chunked = fields.get("transfer-encoding", "").lower().endswith("chunked")
        reply.can_end_with_the_connection = not is_chunked and "content-length" not in fields
        if self._head_alone:
            reply.is_whole = True
        self._expect(self._idle_seconds)

    def on_body(self, body: bytes) -> None:
        if self._reply is not None and not self._head_alone:
            self._reply.feed(body)

    def on_message_complete(self) -> None:
        if self._is_interim:
            self._is_interim = False
        elif self._reply is not None:
            self._reply.is_whole = True
            # What answers nonsense is not asked again; the parser has forgotten once the next message begins.
            is_sane = LOWEST_STATUS <= self._reply.status <= HIGHEST_STATUS
            self._keeps_alive = is_sane and self._parser.should_keep_alive()
