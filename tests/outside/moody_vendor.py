"""A vendor with moods: the sandbox behind it, faults by its header, and what is no HTTP at all, all on one address.

Whoever calls with a key is met in the mood that was set for the owner of that key, so that many can call at once and
each knows what it is in for.
"""

import asyncio
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from urllib.parse import urlsplit

from portico.sandbox.broken import BEHAVIOURS
from tests.outside.moods import SAYS_FAREWELL, TELLS_THE_KEY

TEMPO = 0.004
PATIENCE_SECONDS = 30.0
_PIECE = 65_536
_KEY = re.compile(rb"\r\nauthorization: bearer (sk-(?:proj|admin)-([^\r]+))", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Moody:
    """`moods` and `asked` by the owner of the key; `url` is what accounts get as their base URL."""

    sandbox: tuple[str, int]
    url: str = ""
    moods: dict[str, str] = field(default_factory=dict[str, str])
    asked: Counter[str] = field(default_factory=Counter[str])
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])
    _heard: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def connections(self) -> int:
        return len(self._open)

    def wait_for(self, owner: str, more_than: int) -> bool:
        """Returns once more requests than that came with the owner's keys; whether they did in time."""
        with self._heard:
            return self._heard.wait_for(lambda: self.asked[owner] > more_than, PATIENCE_SECONDS)

    def hang_up(self) -> None:
        """On everybody who keeps a connection."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(PATIENCE_SECONDS)

    def end(self, over: asyncio.Event) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(over.set)

    async def _hang_up(self) -> None:
        for writer in list(self._open):
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            there, back = await asyncio.open_connection(*self.sandbox)
            passing = asyncio.ensure_future(_pass_on(there, writer))
            try:
                await self._answer(reader, writer, back)
            finally:
                passing.cancel()
                back.close()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side had enough
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        """Request by request: on to the sandbox, until one is met in a mood that no connection survives."""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            mood = self._meet(head)
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            if mood in BEHAVIOURS:
                return await self._misbehave(mood, reader, writer)
            if mood == TELLS_THE_KEY:
                writer.write(_telling(head))
                continue
            fault = f"x-sandbox-fault: {mood}\r\n\r\n".encode() if mood else b"\r\n"
            back.write(head[:-2] + fault + body)

    async def _misbehave(self, mood: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        says_farewell = mood in SAYS_FAREWELL
        async for piece in BEHAVIOURS[mood][1](TEMPO):
            if writer.is_closing() or reader.at_eof():
                return
            writer.write(piece.replace(b"\r\n", b"\r\nconnection: close\r\n", 1) if says_farewell else piece)
            says_farewell = False
            await writer.drain()

    def _meet(self, head: bytes) -> str:
        found = _KEY.search(head)
        owner = found[2].decode() if found else ""
        with self._heard:
            self.asked[owner] += 1
            self._heard.notify_all()
        return self.moods.get(owner, "")

    async def listen(self, started: "SimpleQueue[asyncio.Event]") -> None:
        server, over = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 20), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started.put(over)
        await over.wait()
        server.close()


def _telling(head: bytes) -> bytes:
    found = _KEY.search(head)
    said = b'{"error": {"message": "Something is wrong with %s."}}' % (found[1] if found else b"nothing")
    kind = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(said)
    return b"HTTP/1.1 500 Oh\r\n" + kind + said


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Bytes as they come, and the way in which they end: a farewell, or none."""
    try:
        while piece := await source.read(_PIECE):
            target.write(piece)
            await target.drain()
    except ConnectionError:
        held = target.get_extra_info("socket")
        with suppress(OSError):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        target.transport.abort()
    else:
        target.close()


@contextmanager
def moody(sandbox_url: str) -> Generator[Moody]:
    """In a thread of its own."""
    place = urlsplit(sandbox_url)
    vendor, started = Moody((place.hostname or "", place.port or 0)), SimpleQueue[asyncio.Event]()
    thread = threading.Thread(target=lambda: asyncio.run(vendor.listen(started)), daemon=True)
    thread.start()
    over = started.get(timeout=PATIENCE_SECONDS)
    try:
        yield vendor
    finally:
        vendor.end(over)
        thread.join(PATIENCE_SECONDS)
