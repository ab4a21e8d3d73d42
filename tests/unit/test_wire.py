"""One connection to a vendor: what it gives back, when it is used again, and that nobody else's answer is touched."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from portico.upstream.pool import Pool
from portico.upstream.wire import MOST_BUFFERED_BYTES, MOST_HEAD_BYTES, Garbled, Gone, Reply, Wire

OK = b"HTTP/1.1 200 OK\r\n"
SHORT = OK + b"content-length: 2\r\n\r\nhi"


@dataclass
class Line:
    """A wire with its other end in the test's hand."""

    wire: Wire
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    free: list[Wire] = field(default_factory=list[Wire])
    closed: list[Wire] = field(default_factory=list[Wire])

    def ask(self, answer_seconds: float = 5.0, idle_seconds: float = 5.0, *, head_alone: bool = False) -> Reply:
        return self.wire.ask(b"GET / HTTP/1.1\r\n\r\n", answer_seconds, idle_seconds, head_alone=head_alone)

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.01)


@pytest.fixture
async def line() -> AsyncGenerator[Line]:
    arrived: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()

    async def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set_result((reader, writer))

    server = await asyncio.start_server(arrive, "127.0.0.1", 0)
    free, closed = list[Wire](), list[Wire]()
    made = list[Wire]()

    class Plug(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            made.append(Wire(transport, free.append, closed.append))
            transport.set_protocol(made[0])

    await asyncio.get_running_loop().create_connection(Plug, *server.sockets[0].getsockname()[:2])
    yield Line(made[0], *await arrived, free, closed)
    made[0].close()
    (await arrived)[1].close()
    server.close()


async def whole_of(line: Line) -> None:
    """One exchange, after which the wire is free."""
    reply = line.ask()
    await line.say(SHORT)
    await whole(reply)


async def whole(reply: Reply) -> bytes:
    content = b""
    while piece := await reply.piece():
        content += piece
    return content


async def test_what_may_not_be_asked_twice_goes_over_no_wire_that_has_been_left(line: Line) -> None:
    """Also where the farewell has come and the loop, busy with others, has not heard of it yet."""
    pool, key = Pool(), ("http://a.example", False)
    await whole_of(line)
    pool.put(key, line.wire)
    held = line.writer.get_extra_info("socket")
    assert pool.take(key, is_certain=True) is line.wire
    pool.put(key, line.wire)
    held.shutdown(socket.SHUT_RDWR)  # from here on nothing is waited for, so that the loop cannot look
    assert (pool.take(key, is_certain=True), len(pool), line.wire.is_open) == (None, 0, False)


async def test_what_may_be_asked_twice_takes_any_wire(line: Line) -> None:
    pool, key = Pool(), ("http://a.example", False)
    await whole_of(line)
    pool.put(key, line.wire)
    line.writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    assert pool.take(key, is_certain=False) is line.wire


async def test_a_status_that_means_nothing_ends_the_wire(line: Line) -> None:
    reply = line.ask()
    await line.say(b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n")
    await reply.head()
    assert (reply.status, line.free, line.closed) == (999, [], [line.wire])


async def test_a_wire_is_free_as_soon_as_its_answer_is_whole(line: Line) -> None:
    for number in range(3):
        reply = line.ask()
        await line.say(SHORT)
        await reply.head()
        assert (reply.status, reply.header("content-length"), await whole(reply)) == (200, "2", b"hi")
        assert len(line.free) == number + 1


async def test_a_header_is_found_however_either_side_spells_it(line: Line) -> None:
    reply = line.ask()
    await line.say(OK + b"X-Request-ID: one\r\nx-request-id: two\r\ncontent-length: 0\r\n\r\n")
    await reply.head()
    assert [reply.header(name) for name in ("x-request-id", "X-Request-Id", "nothing")] == ["one", "one", ""]
    assert reply.headers[:2] == [("X-Request-ID", "one"), ("x-request-id", "two")]


async def test_who_drops_a_whole_answer_does_not_close_the_next_one(line: Line) -> None:
    first = line.ask()
    await line.say(SHORT)
    await first.head()
    second = line.ask()
    first.release()
    await line.say(SHORT)
    await second.head()
    assert await whole(second) == b"hi"
    assert line.closed == []


async def test_who_drops_half_an_answer_closes_the_connection(line: Line) -> None:
    reply = line.ask()
    await line.say(OK + b"content-length: 9\r\n\r\nhal")
    await reply.head()
    reply.release()
    assert (line.closed, line.free) == ([line.wire], [])


@pytest.mark.parametrize("unasked", [b"HTTP/1.1 200 OK\r\n\r\n", b"x"])
async def test_what_comes_unasked_is_never_taken_for_an_answer(line: Line, unasked: bytes) -> None:
    await line.say(unasked)
    assert line.closed == [line.wire]


@pytest.mark.parametrize(
    "after", [b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"rubbish", b"HTTP/1.1 500 No\r\n"]
)
async def test_a_second_answer_behind_the_first_spoils_it(line: Line, after: bytes) -> None:
    reply = line.ask()
    await line.say(SHORT + after)
    with pytest.raises(Garbled):
        await reply.head()
    assert (line.closed, line.free) == ([line.wire], [])


async def test_a_connection_that_is_to_be_closed_is_not_kept(line: Line) -> None:
    reply = line.ask()
    await line.say(OK + b"connection: close\r\ncontent-length: 2\r\n\r\nhi")
    await reply.head()
    assert await whole(reply) == b"hi"
    assert (line.closed, line.free) == ([line.wire], [])


async def test_a_body_without_a_length_ends_with_the_connection(line: Line) -> None:
    reply = line.ask()
    await line.say(OK + b"\r\n", b"one ", b"two")
    line.writer.close()
    await reply.head()
    assert await whole(reply) == b"one two"


@pytest.mark.parametrize("head", [b"content-length: 9\r\n", b"transfer-encoding: chunked\r\n"])
async def test_a_body_with_a_length_does_not(line: Line, head: bytes) -> None:
    reply = line.ask()
    await line.say(OK + head + b"\r\n", b"3\r\nabc")
    line.writer.close()
    await reply.head()
    with pytest.raises(Gone):
        await whole(reply)


async def test_chunks_and_what_follows_them(line: Line) -> None:
    reply = line.ask()
    await line.say(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"2\r\nde\r\n0\r\nX-After: 1\r\n\r\n")
    await reply.head()
    assert await whole(reply) == b"abcde"
    assert reply.header("x-after") == ""
    assert line.free == [line.wire]


@pytest.mark.parametrize(
    ("about", "is_kept"),
    [(b"content-length: 9\r\n", False), (b"transfer-encoding: chunked\r\n", False), (b"content-length: 0\r\n", True)],
)
async def test_a_head_alone_has_no_body_whatever_it_says(line: Line, about: bytes, is_kept: bool) -> None:
    reply = line.ask(head_alone=True)
    await line.say(OK + about + b"\r\n")
    await reply.head()
    assert (reply.status, await whole(reply)) == (200, b"")
    assert (line.free, line.closed) == (([line.wire], []) if is_kept else ([], [line.wire]))


async def test_interim_answers_are_passed_over(line: Line) -> None:
    reply = line.ask()
    await line.say(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", SHORT)
    await reply.head()
    assert (reply.status, reply.header("link"), await whole(reply)) == (200, "", b"hi")


async def test_a_head_that_does_not_come_is_waited_for_so_long(line: Line) -> None:
    with pytest.raises(TimeoutError):
        await line.ask(answer_seconds=0.05).head()
    assert line.closed == [line.wire]


async def test_a_body_that_stands_still_is_waited_for_so_long(line: Line) -> None:
    reply = line.ask(idle_seconds=0.05)
    await line.say(OK + b"content-length: 9\r\n\r\nhal")
    await reply.head()
    assert await reply.piece() == b"hal"
    with pytest.raises(TimeoutError):
        await reply.piece()


async def test_who_does_not_read_makes_the_vendor_wait(line: Line) -> None:
    size = 64 * MOST_BUFFERED_BYTES
    reply = line.ask(idle_seconds=0.1)
    sending = asyncio.create_task(line.say(OK + b"content-length: %d\r\n\r\n" % size, b"x" * size))
    await reply.head()
    await asyncio.sleep(0.3)  # longer than a vendor may be silent: here it is not the vendor who is slow
    assert not sending.done()
    assert reply.buffered < 4 * MOST_BUFFERED_BYTES
    assert len(await whole(reply)) == size
    await sending
    assert line.free == [line.wire]


async def test_a_wire_that_nobody_needs_ends_by_itself(line: Line) -> None:
    line.wire.rest(0.02)
    await asyncio.sleep(0.1)
    assert line.closed == [line.wire]


@pytest.mark.parametrize(
    "head",
    [
        b"x: " + b"y" * 9000 + b"\r\n",
        b"x: y\r\n" * 200,
        b"x: a\0b\r\n",
        b"content-length: 1\r\ncontent-length: 2\r\n",
        b"content-length: 1\r\ntransfer-encoding: chunked\r\n",
        b"bad name: 1\r\n",
        b"connection: upgrade\r\nupgrade: h2c\r\n",
    ],
    ids=["long", "many", "nul", "two lengths", "length and chunks", "name", "nothing"],
)
async def test_a_head_that_is_none(line: Line, head: bytes) -> None:
    reply = line.ask()
    await line.say((b"HTTP/1.1 101 No\r\n" if b"upgrade" in head else OK) + head + b"\r\n")
    with pytest.raises(Garbled):
        await reply.head()


async def test_a_head_that_never_ends(line: Line) -> None:
    reply = line.ask()
    await line.say(OK + b"x: ")
    line.writer.write(b"a" * 2 * MOST_HEAD_BYTES)
    with pytest.raises(Garbled):
        await reply.head()
    assert line.closed == [line.wire]
