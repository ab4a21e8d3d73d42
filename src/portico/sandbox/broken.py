"""A server that breaks HTTP itself, on a port of its own: `/v1/<behaviour>/anything` misbehaves as its name says.

Faults that still are HTTP belong to the emulator (faults.py). Every behaviour is in BEHAVIOURS, so tests can list them.
"""

import asyncio
import gzip
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

LONGEST_HEAD = 64 * 1024
LONG_LINE_BYTES = 9 * 1024
HEADER_COUNT = 500
BOMB_MEGABYTES = 1024
MEGABYTE = 1024 * 1024
# Between the pieces of what never ends; `tempo` shortens it for tests.
PAUSE_SECONDS = 1.0

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BODY = b'{"object": "list", "data": []}'
CLOSE = b"connection: close\r\n\r\n"

Pieces = AsyncIterator[bytes]
Behaviour = Callable[[float], Pieces]


def at_once(*pieces: bytes) -> Behaviour:
    """Send this and close."""

    async def send(tempo: float) -> Pieces:
        yield b"".join(pieces)

    return send


def then_silence(*pieces: bytes) -> Behaviour:
    """Send this and say nothing more, with the connection open."""

    async def send(tempo: float) -> Pieces:
        yield b"".join(pieces)
        while True:
            await asyncio.sleep(PAUSE_SECONDS * tempo)
            yield b""

    return send


def for_ever(beginning: bytes, piece: bytes) -> Behaviour:
    async def send(tempo: float) -> Pieces:
        yield beginning
        while True:
            yield piece
            await asyncio.sleep(PAUSE_SECONDS * tempo)

    return send


def length(size: int) -> bytes:
    return b"content-length: %d\r\n" % size


async def byte_by_byte(tempo: float) -> Pieces:
    yield OK + length(len(BODY)) + b"\r\n"
    for place in range(len(BODY)):
        await asyncio.sleep(PAUSE_SECONDS * tempo)
        yield BODY[place : place + 1]


async def bomb(tempo: float) -> Pieces:
    """A gigabyte of zeros in a megabyte of gzip, made on the way: one block, flushed, fits any number of times."""
    zeros = bytes(MEGABYTE)
    press = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = press.compress(zeros) + press.flush(zlib.Z_FULL_FLUSH)
    yield OK + b"content-encoding: gzip\r\n" + CLOSE + b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    check = 0
    for _ in range(BOMB_MEGABYTES):
        check = zlib.crc32(zeros, check)
        yield block
    yield press.flush(zlib.Z_FINISH) + struct.pack("<II", check, BOMB_MEGABYTES * MEGABYTE & 0xFFFFFFFF)


MANY_HEADERS = b"".join(b"x-header-%d: value\r\n" % number for number in range(HEADER_COUNT))
SQUEEZED = gzip.compress(BODY * 100)
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"

# name -> (what it does, how)
BEHAVIOURS: dict[str, tuple[str, Behaviour]] = {
    "close-at-once": ("closes without a word", at_once()),
    "garbage-status": ("answers something that is not HTTP", at_once(b"HELLO THERE\r\n\r\n")),
    "length-and-chunked": (
        "says both content-length and chunked",
        at_once(OK, length(2), b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
    ),
    "two-lengths": ("says two different lengths", at_once(OK, length(2), length(30), b"\r\n", BODY)),
    "nul-in-header": ("puts a NUL into a header", at_once(OK, b"x-odd: a\x00b\r\n", length(30), b"\r\n", BODY)),
    "folded-header": (
        "continues a header on the next line",
        at_once(OK, b"x-folded: one\r\n two\r\n", length(30), b"\r\n", BODY),
    ),
    "long-line": (
        "sends a header line of more than 8 KB",
        at_once(OK, b"x-long: ", b"a" * LONG_LINE_BYTES, b"\r\n", length(30), b"\r\n", BODY),
    ),
    "many-headers": ("sends 500 headers", at_once(OK, MANY_HEADERS, length(30), b"\r\n", BODY)),
    "dripping-header": ("sends a header byte by byte and never ends it", for_ever(OK + b"x-drip: ", b"a")),
    "endless-continue": ("sends interim answers and no real one", for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    "close-in-headers": ("closes in the middle of its headers", at_once(OK, b"content-le")),
    "close-in-body": ("closes before the announced length", at_once(OK, length(1000), b"\r\n", BODY)),
    "close-in-chunk": ("closes in the middle of a chunk", at_once(CHUNKED, b"1e\r\n", BODY[:10])),
    "bad-chunk-size": ("sends a chunk size that is no number", at_once(CHUNKED, b"zz\r\n", BODY, b"\r\n0\r\n\r\n")),
    "bytes-after-body": ("goes on after the end", at_once(OK, length(30), b"\r\n", BODY, b"and more")),
    "body-on-204": ("sends a body where there is none", at_once(b"HTTP/1.1 204 No Content\r\n\r\n", BODY)),
    "status-999": ("answers a status that does not exist", at_once(b"HTTP/1.1 999 What\r\n", length(0), b"\r\n")),
    "truncated-gzip": (
        "sends half of its gzip",
        at_once(OK, b"content-encoding: gzip\r\n", length(len(SQUEEZED) // 2), b"\r\n", SQUEEZED[: len(SQUEEZED) // 2]),
    ),
    "gzip-bomb": ("sends a gigabyte of zeros as one megabyte", bomb),
    "stall-after-headers": ("says nothing after its headers", then_silence(OK, length(30), b"\r\n")),
    "one-byte-a-second": ("sends its body very slowly", byte_by_byte),
    "redirect-elsewhere": (
        "sends the caller to another host",
        at_once(
            b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://elsewhere.example/v1/models\r\n", length(0), b"\r\n"
        ),
    ),
    "no-tls": (
        "speaks plain HTTP, also to those who begin with TLS",
        at_once(b"HTTP/1.1 400 Bad Request\r\n", length(0), CLOSE),
    ),
}


async def start_broken(host: str = "127.0.0.1", port: int = 0, tempo: float = 1.0) -> asyncio.Server:
    """Listen; the caller closes the server. A tempo of 0.1 makes everything slow ten times quicker."""
    return await asyncio.start_server(handler(tempo), host, port, limit=LONGEST_HEAD)


async def serve_broken(host: str = "127.0.0.1", port: int = 8702) -> None:
    server = await start_broken(host, port)
    async with server:
        await server.serve_forever()


def handler(tempo: float) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for piece in (await _behaviour(reader))(tempo):
                if writer.is_closing() or reader.at_eof():
                    break
                writer.write(piece)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            # The other side had enough; that is what this server is for.
            pass
        finally:
            writer.close()

    return handle


async def _behaviour(reader: asyncio.StreamReader) -> Behaviour:
    """Read the head of the request, and find what its path asks for."""
    first = await reader.readexactly(1)
    if not first.isalpha():
        return BEHAVIOURS["no-tls"][1]
    head = first + await reader.readuntil(b"\r\n\r\n")
    parts = head.split(b" ", 2)[1].decode("latin-1").split("/")
    name = parts[2].partition("?")[0] if len(parts) > 2 else ""
    unknown = b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\n"
    listed = "\n".join(f"{known}: {what}" for known, (what, _) in BEHAVIOURS.items()).encode()
    return BEHAVIOURS.get(name, ("", at_once(unknown, length(len(listed)), CLOSE, listed)))[1]
