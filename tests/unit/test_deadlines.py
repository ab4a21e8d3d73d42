"""How long a connection may keep the server waiting, with the clock in the test's hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from uvicorn.server import ServerState

from portico.faces.server import (
    BODY_LOOK_SECONDS,
    HEAD_SECONDS,
    SLOWEST_BODY_BYTES_PER_SECOND,
    DeadlineProtocol,
    configure,
)

GET = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 9000000\r\n\r\n"
ENOUGH = b"x" * int(SLOWEST_BODY_BYTES_PER_SECOND * BODY_LOOK_SECONDS)


@dataclass
class Timer:
    at: float
    call: Callable[..., Any]
    args: tuple[Any, ...]
    is_off: bool = False

    def cancel(self) -> None:
        self.is_off = True


class Done:
    """A task that there is nothing to wait for in."""

    def add_done_callback(self, _call: Callable[..., Any]) -> None:
        """It never ends."""


@dataclass
class Loop:
    """As much of an event loop as a connection asks for."""

    now: float = 0.0
    timers: list[Timer] = field(default_factory=list[Timer])

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> Timer:
        self.timers.append(Timer(self.now + seconds, call, args))
        return self.timers[-1]

    def create_task(self, work: Any) -> Any:
        work.close()
        return Done()

    def until(self, moment: float) -> None:
        while due := [each for each in self.timers if not each.is_off and each.at <= moment]:
            first = min(due, key=lambda each: each.at)
            self.timers.remove(first)
            self.now = first.at
            first.call(*first.args)
        self.now = moment


@dataclass
class Socket:
    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, _name: str, otherwise: Any = None) -> Any:
        return otherwise

    def pause_reading(self) -> None:
        """The vendor is slower than the client."""

    def resume_reading(self) -> None:
        """And has caught up."""


async def _application(_scope: Any, _receive: Any, _send: Any) -> None:
    """Is never run here."""


@dataclass
class Line:
    loop: Loop = field(default_factory=Loop)
    socket: Socket = field(default_factory=Socket)

    def __post_init__(self) -> None:
        config = configure(_application, "127.0.0.1", 0)
        config.load()
        loop: Any = self.loop
        self.protocol = DeadlineProtocol(config, ServerState(), {}, loop)
        self.protocol.connection_made(self.socket)  # pyright: ignore[reportArgumentType] -- enough of one

    def is_open_at(self, moment: float) -> bool:
        self.loop.until(moment)
        return not self.socket.is_closed


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: he"])
def test_a_head_that_does_not_end_is_waited_for_so_long(line: Line, begun: bytes) -> None:
    if begun:
        line.protocol.data_received(begun)
    assert line.is_open_at(HEAD_SECONDS - 0.1)
    assert not line.is_open_at(HEAD_SECONDS)


def test_dripping_does_not_buy_time(line: Line) -> None:
    for moment, letter in enumerate(b"GET / HTTP"):
        line.loop.until(moment)
        line.protocol.data_received(bytes([letter]))
    assert not line.is_open_at(HEAD_SECONDS)


def test_a_connection_that_waits_for_nothing_stays_open(line: Line) -> None:
    line.protocol.data_received(GET)
    assert line.is_open_at(HEAD_SECONDS * 20)


@pytest.mark.parametrize("begins", [0.5, HEAD_SECONDS - 0.5, HEAD_SECONDS * 3 + 0.5])
def test_the_head_of_a_later_request_has_all_of_its_time_and_no_more(line: Line, begins: float) -> None:
    line.protocol.data_received(GET)
    line.loop.until(begins)
    line.protocol.data_received(b"GET / HT")
    assert line.is_open_at(begins + HEAD_SECONDS - 0.1)
    assert not line.is_open_at(begins + HEAD_SECONDS + 0.1)


def test_a_body_that_only_trickles_ends_the_connection(line: Line) -> None:
    line.protocol.data_received(POST)
    line.protocol.data_received(ENOUGH[:-1])
    assert line.is_open_at(BODY_LOOK_SECONDS - 0.1)
    assert not line.is_open_at(BODY_LOOK_SECONDS)


def test_a_body_that_flows_is_looked_at_again_and_again(line: Line) -> None:
    line.protocol.data_received(POST)
    for looks in range(1, 5):
        line.protocol.data_received(ENOUGH)
        assert line.is_open_at(BODY_LOOK_SECONDS * looks)
    assert not line.is_open_at(BODY_LOOK_SECONDS * 5)


def test_a_body_that_we_do_not_read_is_not_slow(line: Line) -> None:
    line.protocol.data_received(POST)
    line.protocol.flow.pause_reading()
    assert line.is_open_at(BODY_LOOK_SECONDS * 3)


def test_nothing_is_looked_at_once_the_connection_is_lost(line: Line) -> None:
    line.protocol.connection_lost(None)
    assert all(each.is_off for each in line.loop.timers)
