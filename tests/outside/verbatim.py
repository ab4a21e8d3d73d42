"""HTTP by hand, for comparing bytes: a client that sends what it is given, a vendor that keeps what it hears and says
what it was told to say. Neither mends or understands more than where a message ends.
"""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from urllib.parse import urlsplit

from tests.outside.threaded import answering

PATIENCE_SECONDS = 10.0

Pairs = list[tuple[bytes, bytes]]
_EMPTY_LIST = (
    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{"object":"list","data":[]}'
)


@dataclass(frozen=True)
class Message:
    """`first` is the request line or the status line; `left_over`, what came after the message had ended."""

    first: bytes
    headers: Pairs
    content: bytes
    left_over: bytes = b""

    @property
    def words(self) -> list[bytes]:
        return self.first.split(b" ", 2)

    def named(self, *without: bytes) -> dict[bytes, list[bytes]]:
        """Values by name, in their order, but for these names."""
        found: dict[bytes, list[bytes]] = {}
        for name, value in self.headers:
            found.setdefault(name.lower(), []).append(value)
        return {name: values for name, values in found.items() if name not in without}


@dataclass
class Vendor:
    """Hears what carries the mark and answers it with `answer`, after which it may hang up; whatever else is asked gets
    an empty list."""

    mark: bytes
    url: str = ""
    answer: bytes = b""
    hangs_up: bool = False
    heard: list[Message] = field(default_factory=list[Message])

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming:
            try:
                while self._answer(connection, incoming):
                    pass
            except ConnectionError:
                return

    def _answer(self, connection: socket.socket, incoming: BufferedReader) -> bool:
        """Whether the connection stays."""
        first, headers = _head(incoming)
        if not first:
            return False
        message = Message(first, headers, _body(incoming, headers, is_request=True))
        named = message.named()
        if self.mark not in named:
            connection.sendall(_EMPTY_LIST)
            return True
        self.heard.append(message)
        connection.sendall(self.answer)
        return not self.hangs_up and named.get(b"connection") != [b"close"]


@contextmanager
def vendor(mark: bytes) -> Generator[Vendor]:
    made = Vendor(mark)
    with answering(made.serve, PATIENCE_SECONDS) as made.url:
        yield made


def exchanged(url: str, written: bytes) -> Message:
    """The final answer to a request that asks for the connection to be closed after it."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), PATIENCE_SECONDS) as connection:
        connection.sendall(written)
        with connection.makefile("rb") as incoming:
            while True:
                first, headers = _head(incoming)
                if not first.split(b" ")[1].startswith(b"1"):
                    break
            has_body = not written.startswith(b"HEAD ") and first.split(b" ")[1] not in {b"204", b"304"}
            content = _body(incoming, headers, is_request=False) if has_body else b""
            return Message(first, headers, content, incoming.read())


def _head(incoming: BufferedReader) -> tuple[bytes, Pairs]:
    first = incoming.readline().rstrip(b"\r\n")
    headers: Pairs = []
    while line := incoming.readline().rstrip(b"\r\n"):
        name, _, value = line.partition(b":")
        headers.append((name, value.strip(b" \t")))
    return first, headers


def _body(incoming: BufferedReader, headers: Pairs, *, is_request: bool) -> bytes:
    fields = {name.lower(): value for name, value in headers}
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        content = b""
        while size := int(incoming.readline().partition(b";")[0], 16):
            content += incoming.read(size)
            incoming.readline()
        while incoming.readline().rstrip(b"\r\n"):
            pass
        return content
    if b"content-length" in fields:
        return incoming.read(int(fields[b"content-length"]))
    return b"" if is_request else incoming.read()
