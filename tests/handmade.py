"""A vendor written out by hand on a real socket: a test decides byte by byte, and moment by moment, what it does."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PATIENCE_SECONDS = 5.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


class Talk:
    """One connection, with the head of its request read."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self._reader, self._writer = reader, writer
        self.head = head.decode("latin-1")

    async def read(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._reader.readexactly(size)

    async def read_until(self, end: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._reader.readuntil(end)

    async def read_chunks(self, size: int) -> bytes:
        """So many bytes of a body that comes in chunks."""
        got = b""
        while len(got) < size:
            length = int(await self.read_until(b"\r\n"), 16)
            got += (await self.read(length + 2))[:-2]
        return got

    async def say(self, *parts: bytes) -> None:
        self._writer.write(b"".join(parts))
        await self._writer.drain()

    async def hang_up(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """Break the connection off without a farewell."""
        held = self._writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def is_left(self) -> None:
        """Returns when the other side has closed the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                while await self._reader.read(65536):
                    pass
            except ConnectionError:
                return


Script = Callable[[Talk], Awaitable[None]]


@dataclass
class Vendor:
    """`base_url` must be planted as an account's; `left` counts the conversations that the other side broke off."""

    base_url: str
    script: Script | None = None
    talks: list[Talk] = field(default_factory=list[Talk])
    problems: list[Exception] = field(default_factory=list[Exception])
    left: int = 0

    def perform(self, script: Script) -> None:
        self.script = script
        self.talks.clear()
        self.left = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            talk = Talk(reader, writer, await reader.readuntil(b"\r\n\r\n"))
            self.talks.append(talk)
            assert self.script is not None
            await self.script(talk)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left += 1
        except Exception as problem:
            self.problems.append(problem)
        finally:
            writer.close()


@asynccontextmanager
async def handmade() -> AsyncGenerator[Vendor]:
    vendor = Vendor("")
    server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0, limit=1 << 24)
    vendor.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield vendor
    finally:
        server.close()
    assert vendor.problems == []
