"""A vendor on a raw socket that takes bodies of any size and gives them, and holds none: it counts and hashes."""

import hashlib
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from typing import cast

from tests.outside.threaded import answering

BLOCK_BYTES = 1 << 20

PATIENCE_SECONDS = 60.0
# Nothing was taken for so long: nothing more will be, until somebody reads on.
STANDSTILL_SECONDS = 0.3
_FILLING = bytes(range(256)) * (BLOCK_BYTES // 256)
_LIST = b'{"object": "list", "data": [], "has_more": false}'
MADE = b'{"id": "file-1", "object": "file"}'
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
_DOWNLOAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n%s\r\n\r\n"


def blocks(size: int) -> Iterator[bytes]:
    """So many bytes, no block like another."""
    for number in range(-(-size // BLOCK_BYTES)):
        yield (number.to_bytes(8, "big") + _FILLING[8:])[: size - number * BLOCK_BYTES]


class Counted:
    """How much went by, and what it was."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.size = 0
        self._sum = hashlib.sha256()
        for piece in pieces:
            self.size += len(piece)
            self._sum.update(piece)

    def told(self) -> tuple[int, str]:
        return self.size, self._sum.hexdigest()


@dataclass
class Sink:
    """`bodies` are (bytes, SHA-256) of what was taken, of a form its last part.

    While it `rests` it reads no body. `is_stuck`: what it sends is not taken, or is sent.
    """

    url: str = ""
    bodies: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    may_read: threading.Event = field(default_factory=threading.Event)
    is_stuck: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb", BLOCK_BYTES) as made:
            incoming = cast("BufferedReader", made)
            while line := incoming.readline():
                self._answer(connection, incoming, line.split()[0], line.split()[1].decode())

    def _answer(self, connection: socket.socket, incoming: BufferedReader, verb: bytes, target: str) -> None:
        headers = dict(_headers(incoming))
        if verb == b"GET":
            self._give(connection, target)
            return
        self.may_read.wait(PATIENCE_SECONDS)
        pieces = _in_chunks(incoming) if "transfer-encoding" in headers else _pieces(incoming, headers)
        boundary = headers["content-type"].partition("boundary=")[2].encode()
        self.bodies.append(Counted(_of_last_part(pieces, boundary) if boundary else pieces).told())
        connection.sendall(_ANSWER % (len(MADE), MADE))

    def _give(self, connection: socket.socket, target: str) -> None:
        """`/files/sized-{bytes}/content` with its length, `/files/chunked-{bytes}/content` without; else a list."""
        how, _, size = target.split("/")[3].partition("-") if target.endswith("/content") else ("", "", "")
        if not size:
            connection.sendall(_ANSWER % (len(_LIST), _LIST))
            return
        is_chunked = how == "chunked"
        framing = b"transfer-encoding: chunked" if is_chunked else b"content-length: " + size.encode()
        connection.sendall(_DOWNLOAD % framing)
        for block in blocks(int(size)):
            send_until_stuck(connection, b"%x\r\n%s\r\n" % (len(block), block) if is_chunked else block, self.is_stuck)
        connection.sendall(b"0\r\n\r\n" if is_chunked else b"")
        self.is_stuck.set()


@contextmanager
def sink() -> Generator[Sink]:
    vendor = Sink()
    vendor.may_read.set()
    with answering(vendor.serve, PATIENCE_SECONDS) as vendor.url:
        yield vendor


def send_until_stuck(connection: socket.socket, content: bytes, is_stuck: threading.Event) -> None:
    """Send it whole. When nothing is taken for a while, that is told, and waited for."""
    left = memoryview(content)
    while left:
        connection.settimeout(PATIENCE_SECONDS if is_stuck.is_set() else STANDSTILL_SECONDS)
        try:
            left = left[connection.send(left) :]
        except TimeoutError:
            if is_stuck.is_set():
                raise
            is_stuck.set()
    connection.settimeout(PATIENCE_SECONDS)


def _headers(incoming: BufferedReader) -> Iterator[tuple[str, str]]:
    while line := incoming.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        yield name.lower(), value.strip()


def _pieces(incoming: BufferedReader, headers: dict[str, str]) -> Iterator[bytes]:
    left = int(headers["content-length"])
    while left:
        piece = incoming.read1(min(left, BLOCK_BYTES))
        assert piece, "the body ended early"
        left -= len(piece)
        yield piece


def _in_chunks(incoming: BufferedReader) -> Iterator[bytes]:
    while size := int(incoming.readline(), 16):
        yield incoming.read(size)
        incoming.readline()
    incoming.readline()


def _of_last_part(pieces: Iterator[bytes], boundary: bytes) -> Iterator[bytes]:
    """The content of the last part, which must be the one with a filename."""
    end = b"\r\n--" + boundary + b"--\r\n"
    held, is_inside = b"", False
    for piece in pieces:
        held += piece
        if not is_inside:
            _, found, content = held.partition(b"filename=")
            content = content.partition(b"\r\n\r\n")[2]
            is_inside, held = bool(found and content), content or held
        if is_inside and len(held) > len(end):
            yield held[: -len(end)]
            held = held[-len(end) :]
    assert held == end, "the form does not end as it should"
