"""One request on our own server, known more closely than ASGI tells: when its client leaves, and how a whole answer is
written in one go. On any other server everything goes the usual way."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Protocol

_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}
# Where our server leaves it in a request's scope.
EXCHANGE = "portico.exchange"
_BODILESS = frozenset({204, 304})
Headers = Sequence[tuple[bytes, bytes]]


class Cycle(Protocol):
    """What the server keeps of a request and its answer."""

    transport: Any
    flow: Any
    message_event: Any
    default_headers: list[tuple[bytes, bytes]]
    scope: Any
    disconnected: bool
    keep_alive: bool
    response_started: bool
    response_complete: bool
    waiting_for_100_continue: bool
    on_response: Callable[..., None]

    def send(self, message: Any) -> Awaitable[None]: ...


class Connection(Protocol):
    """Where a request came in. It tells the exchange that is going on when it is lost."""

    exchange: "Exchange | None"


class Exchange:
    """Stands where ASGI's `send` does."""

    __slots__ = ("_connection", "_cycle", "_leave")

    def __init__(self, cycle: Cycle, connection: Connection) -> None:
        self._cycle, self._connection = cycle, connection
        self._leave: Callable[[], None] | None = None

    def __call__(self, message: dict[str, Any]) -> Awaitable[None]:
        return self._cycle.send(message)

    def watch(self, leave: Callable[[], None]) -> None:
        """Have `leave` called as soon as the client has gone, which may have happened already."""
        self._leave, self._connection.exchange = leave, self
        if self._cycle.disconnected or self._cycle.transport.is_closing():
            self._cycle.disconnected = True  # the server itself hears of it once what it has written is gone
            leave()

    def unwatch(self) -> None:
        self._leave = self._connection.exchange = None

    def left(self) -> None:
        """The connection is gone."""
        if self._leave is not None and not self._cycle.response_complete:
            self._leave()

    def write(self, status: int, headers: Headers, content: bytes) -> bool:
        """The whole answer at once; False where that cannot be done and nothing has been written."""
        cycle = self._cycle
        if cycle.disconnected or cycle.response_started or cycle.flow.write_paused or status not in _LINES:
            return False
        if not cycle.keep_alive or cycle.scope["method"] == "HEAD":
            return False
        lines = [_LINES[status]]
        length = None
        for name, value in (*cycle.default_headers, *headers):
            lines.append(name + b": " + value + b"\r\n")
            if name == b"content-length":
                length = value
            elif name in (b"connection", b"transfer-encoding"):
                return False
        if length != str(len(content)).encode() and not (length is None and status in _BODILESS and not content):
            return False
        lines.append(b"\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
            return False  # the server says what is wrong with it
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(head + content)
        cycle.message_event.set()
        cycle.on_response()
        return True
