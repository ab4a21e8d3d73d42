"""A receiver of webhooks on a real socket: answers each path as it is told, hangs where it is told, keeps what came."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

LONGEST_SECONDS = 45.0
REASONS = {200: "OK", 204: "No Content", 302: "Found", 410: "Gone", 429: "Too Many Requests"}


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def event(self) -> str:
        return self.json["event"]


@dataclass
class Receiver:
    """`answers` per path are used up in turn, then all is well. A path in `hanging` answers once it is let go, all
    others after `pause_seconds`.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list[Received])
    answers: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    hanging: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    pause_seconds: float = 0.0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, path: str, *statuses: int, **headers: str) -> None:
        self.answers[path] = list(statuses)
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}

    def hang(self, path: str) -> None:
        self.hanging[path] = asyncio.Event()

    def let_go(self) -> None:
        for event in self.hanging.values():
            event.set()

    def at(self, path: str) -> list[Received]:
        return [each for each in self.received if each.path == path]

    def events(self, path: str) -> list[str]:
        """In the order of their ids: messages may overtake each other on their way."""
        return [each.event for each in sorted(self.at(path), key=lambda received: received.json["id"])]

    async def wait_for(self, path: str, count: int) -> None:
        """Until so many messages came to a path. Only where they never come does the bound matter."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while len(self.at(path)) < count:
                self._news.clear()
                await self._news.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(path, headers, body))
            self._news.set()
            if path in self.hanging:
                await self.hanging[path].wait()
            elif self.pause_seconds:
                await asyncio.sleep(self.pause_seconds)
            queue = self.answers.get(path, [])
            status = queue.pop(0) if queue else 204
            extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            head_out = f"HTTP/1.1 {status} {REASONS.get(status, 'So It Is')}\r\n{extra}content-length: 0\r\n"
            writer.write(f"{head_out}connection: close\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender left; what it sent counts all the same
        finally:
            writer.close()


@asynccontextmanager
async def listening() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    receiver.url = f"http://{host}:{port}"
    try:
        yield receiver
    finally:
        receiver.let_go()
        server.close()
        await server.wait_closed()
