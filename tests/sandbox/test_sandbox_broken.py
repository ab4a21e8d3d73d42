"""The server that breaks HTTP: what each behaviour puts on the wire."""

import asyncio
import re
import ssl
import zlib
from collections.abc import AsyncIterator

import pytest

from portico.sandbox.broken import BEHAVIOURS, start_broken

PATIENCE_SECONDS = 5.0
# Seconds after which an answer that has not ended is taken to be endless.
ENOUGH_SECONDS = 0.15


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = await start_broken(tempo=0.01)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def heard(port: int, path: str, seconds: float = PATIENCE_SECONDS) -> tuple[bytes, bool]:
    """All that comes back, and whether the server closed in time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    got = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while chunk := await reader.read(65536):
                got += chunk
        return bytes(got), True
    except TimeoutError:
        return bytes(got), False
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("behaviour", "pattern"),
    [
        ("close-at-once", rb""),
        ("garbage-status", rb"HELLO THERE\r\n\r\n"),
        ("length-and-chunked", rb".*content-length: 2\r\ntransfer-encoding: chunked\r\n.*"),
        ("two-lengths", rb".*content-length: 2\r\ncontent-length: 30\r\n.*"),
        ("nul-in-header", rb".*\r\nx-odd: a\x00b\r\n.*"),
        ("folded-header", rb".*\r\nx-folded: one\r\n two\r\n.*"),
        ("long-line", rb".*\r\nx-long: a{9216}\r\n.*"),
        ("many-headers", rb".*(x-header-\d+: value\r\n){500}.*"),
        ("close-in-headers", rb".*\r\ncontent-le"),
        ("close-in-body", rb".*content-length: 1000\r\n\r\n.{30}"),
        ("close-in-chunk", rb".*chunked\r\n\r\n1e\r\n.{10}"),
        ("bad-chunk-size", rb".*\r\n\r\nzz\r\n.*"),
        ("bytes-after-body", rb".*content-length: 30\r\n\r\n.{30}and more"),
        ("body-on-204", rb"HTTP/1.1 204 .*\r\n\r\n.{30}"),
        ("status-999", rb"HTTP/1.1 999 .*"),
        ("redirect-elsewhere", rb"HTTP/1.1 307 .*location: http://elsewhere.example/.*"),
        ("no-tls", rb"HTTP/1.1 400 .*"),
        ("one-byte-a-second", rb"HTTP/1.1 200 .*\r\n\r\n.{30}"),
        ("unknown", rb"HTTP/1.1 404 .*close-at-once: closes.*"),
    ],
)
async def test_behaviour_is_seen_on_the_wire(port: int, behaviour: str, pattern: bytes) -> None:
    got, is_closed = await heard(port, f"/v1/{behaviour}/models?x=1")
    assert is_closed
    assert re.fullmatch(pattern, got, re.DOTALL), got[:300]


@pytest.mark.parametrize(
    ("behaviour", "pattern"),
    [
        ("dripping-header", rb".*x-drip: a{3,}"),
        ("endless-continue", rb"(HTTP/1.1 100 Continue\r\n\r\n){3,}"),
        ("stall-after-headers", rb".*content-length: 30\r\n\r\n"),
    ],
)
async def test_endless_behaviour_does_not_end(port: int, behaviour: str, pattern: bytes) -> None:
    got, is_closed = await heard(port, f"/v1/{behaviour}/models", ENOUGH_SECONDS)
    assert not is_closed
    assert re.fullmatch(pattern, got, re.DOTALL), got[:300]


async def test_truncated_gzip_is_not_whole(port: int) -> None:
    got, _ = await heard(port, "/v1/truncated-gzip/models")
    head, _, body = got.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert unpacker.decompress(body)
    assert not unpacker.eof


async def test_bomb_is_small_and_opens_to_a_gigabyte(port: int) -> None:
    got, is_closed = await heard(port, "/v1/gzip-bomb/models", 20)
    assert is_closed
    body = got.partition(b"\r\n\r\n")[2]
    assert len(body) < 2 * 1024 * 1024
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    size, pending = 0, body
    while pending and size < 8 * 1024 * 1024:
        size += len(unpacker.decompress(pending, 1024 * 1024))
        pending = unpacker.unconsumed_tail
    assert size == 8 * 1024 * 1024
    # The trailer tells the length of all.
    assert int.from_bytes(body[-4:], "little") == 1024**3


async def test_tls_gets_a_plain_answer(port: int) -> None:
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())


def test_every_behaviour_is_described() -> None:
    assert len(BEHAVIOURS) == 23
    assert all(what for what, _ in BEHAVIOURS.values())
