"""A whole answer in one go, and everything that has to go the usual way."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from portico.faces.exchange import Exchange

LENGTH = (b"content-length", b"2")


@dataclass
class Pipe:
    written: bytes = b""
    is_gone: bool = False
    write_paused: bool = False

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_gone

    def set(self) -> None:
        """The server wakes whoever waits for more of the request."""


@dataclass
class Cycle:
    """As much of the server's own as an exchange looks at."""

    transport: Any = field(default_factory=Pipe)
    scope: dict[str, Any] = field(default_factory=lambda: {"method": "GET"})
    default_headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(b"date", b"today")])
    disconnected: bool = False
    keep_alive: bool = True
    response_started: bool = False
    response_complete: bool = False
    waiting_for_100_continue: bool = False
    ended: int = 0

    @property
    def flow(self) -> Any:
        return self.transport

    @property
    def message_event(self) -> Any:
        return self.transport

    def on_response(self) -> None:
        self.ended += 1

    async def send(self, message: Any) -> None:
        raise AssertionError(message)


@dataclass
class Connection:
    exchange: Exchange | None = None


def test_a_whole_answer_is_written_at_once() -> None:
    cycle = Cycle()
    assert Exchange(cycle, Connection()).write(200, [LENGTH], b"hi")
    assert cycle.transport.written == b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\nhi"
    assert (cycle.response_started, cycle.response_complete, cycle.ended) == (True, True, 1)


@pytest.mark.parametrize(
    ("changed", "status", "headers", "content"),
    [
        ({"scope": {"method": "HEAD"}}, 200, [LENGTH], b"hi"),
        ({"keep_alive": False}, 200, [LENGTH], b"hi"),
        ({"disconnected": True}, 200, [LENGTH], b"hi"),
        ({"response_started": True}, 200, [LENGTH], b"hi"),
        ({"transport": Pipe(write_paused=True)}, 200, [LENGTH], b"hi"),
        ({}, 200, [(b"content-length", b"3")], b"hi"),
        ({}, 200, [], b"hi"),
        ({}, 200, [LENGTH, (b"connection", b"close")], b"hi"),
        ({}, 200, [LENGTH, (b"transfer-encoding", b"chunked")], b"hi"),
        ({}, 200, [LENGTH, (b"x", b"a\r\nset-cookie: b")], b"hi"),
        ({}, 200, [LENGTH, (b"x\n", b"a")], b"hi"),
        ({}, 200, [LENGTH, (b"x", b"a\0b")], b"hi"),
        ({}, 204, [], b"hi"),
        ({}, 799, [LENGTH], b"hi"),
    ],
)
def test_what_is_not_plain_goes_the_usual_way_unwritten(
    changed: dict[str, Any], status: int, headers: list[tuple[bytes, bytes]], content: bytes
) -> None:
    cycle = Cycle(**changed)
    assert not Exchange(cycle, Connection()).write(status, headers, content)
    assert (cycle.transport.written, cycle.response_complete, cycle.ended) == (b"", False, 0)


def test_an_answer_without_a_body_needs_no_length() -> None:
    cycle = Cycle()
    assert Exchange(cycle, Connection()).write(204, [], b"")
    assert cycle.transport.written == b"HTTP/1.1 204 No Content\r\ndate: today\r\n\r\n"


def test_who_watches_hears_of_leaving_once_the_connection_is_lost_and_no_longer_than_that() -> None:
    heard = list[str]()
    cycle, connection = Cycle(), Connection()
    exchange = Exchange(cycle, connection)
    exchange.left()
    exchange.watch(lambda: heard.append("left"))
    assert (heard, connection.exchange) == ([], exchange)
    exchange.left()
    assert heard == ["left"]
    exchange.unwatch()
    exchange.left()
    assert (heard, connection.exchange) == (["left"], None)


def test_a_client_that_left_before_anybody_watched_has_left() -> None:
    heard = list[str]()
    Exchange(Cycle(transport=Pipe(is_gone=True)), Connection()).watch(lambda: heard.append("left"))
    assert heard == ["left"]


def test_a_client_that_goes_with_its_answer_has_not_left() -> None:
    heard = list[str]()
    cycle = Cycle()
    exchange = Exchange(cycle, Connection())
    exchange.watch(lambda: heard.append("left"))
    exchange.write(200, [LENGTH], b"hi")
    exchange.left()
    assert heard == []
