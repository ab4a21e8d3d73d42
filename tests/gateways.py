"""A gateway in the test's own process, and a small client that speaks ASGI to it without a socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import msgspec
from argon2 import PasswordHasher
from starlette import routing

from portico import clock as clocks
from portico.app import Portico, build
from portico.clock import Clock, Pause
from portico.gateway.bootstrap import make_first_token
from portico.gateway.tracing import Tracing
from portico.settings import Settings
from portico.store.engines import open_database
from portico.store.migrate import migrate
from portico.upstream.transport import Transport
from portico.vault.passwords import Passwords


@dataclass(frozen=True)
class Got:
    """An answer, read whole."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.content)

    @property
    def sentence(self) -> str:
        return str(self.json["message"])


@dataclass
class Client:
    """Requests with one token. `token` None sends no Authorization at all."""

    gateway: Portico
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **query: Any) -> Got:
        return await self.send("GET", path, query=query)

    async def post(self, path: str, json: Any = None, **query: Any) -> Got:
        return await self.send("POST", path, json=json, query=query)

    async def patch(self, path: str, json: Any = None, **query: Any) -> Got:
        return await self.send("PATCH", path, json=json, query=query)

    async def delete(self, path: str, **query: Any) -> Got:
        return await self.send("DELETE", path, query=query)

    async def send(
        self,
        verb: str,
        path: str,
        *,
        json: Any = None,
        content: bytes = b"",
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Got:
        """`query` values may be lists; None leaves a parameter out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        sent = {"host": "portico.test", **self.headers, **(headers or {})}
        if self.token is not None:
            sent.setdefault("authorization", f"Bearer {self.token}")
        if json is not None:
            content = msgspec.json.encode(json)
            sent.setdefault("content-type", "application/json")
        if content:
            sent.setdefault("content-length", str(len(content)))
        return await exchange(self.gateway, verb, path, urlencode(given, doseq=True), sent, content)

    def as_holder_of(self, token: str | None) -> "Client":
        return Client(self.gateway, token, dict(self.headers))


async def exchange(
    application: Any, verb: str, path: str, query: str, headers: Mapping[str, str], content: bytes
) -> Got:
    """One request and its whole answer over ASGI. The path is sent as it is, percent signs and all."""
    raw = path.partition("?")
    scope = {
        "type": "http",
        "method": verb,
        "path": raw[0],
        "raw_path": raw[0].encode(),
        "query_string": (raw[2] or query).encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("portico.test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": content, "more_body": False}]
    sent: list[dict[str, Any]] = []
    never = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Got(start["status"], {name.decode(): value.decode("latin-1") for name, value in start["headers"]}, body)


# All gateways of a process have the same two hundred addresses: the pattern of each is made once.
routing.compile_path = cache(routing.compile_path)
# Signing in costs time on purpose; in tests nobody is kept out by it.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def open_gateway(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    clock: Clock = clocks.now,
    transport: Transport | None = None,
    pause: Pause = clocks.pause,
    tracing: Tracing | None = None,
) -> Portico:
    migrate_ahead(settings)
    quick = Passwords(QUICK)
    portico = await build(settings, clock=clock, transport=transport, pause=pause, passwords=quick, tracing=tracing)
    stack.push_async_callback(portico.stop)
    await portico.start()
    return portico


def migrate_ahead(settings: Settings) -> None:
    """A new gateway on SQLite begins with a copy of a migrated file: the migrations have tests of their own."""
    own = settings.data_dir / "portico.db"
    if not settings.database_url and not own.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        own.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    async def make(path: Path) -> None:
        database = await open_database(f"sqlite:///{path}", path.parent)
        await migrate(database)
        await database.close()

    with TemporaryDirectory(prefix="portico-migrated-") as folder:
        path = Path(folder) / "migrated.db"
        # In a thread of its own: the caller's has a running loop already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(make(path))).result()
        return path.read_bytes()


@asynccontextmanager
async def open_client(portico: Portico) -> AsyncGenerator[Client]:
    yield Client(portico, await make_first_token(portico.parts, "tests"))


async def connect_account(client: Client, tenant: str = "acme", **context: str) -> dict[str, Any]:
    """A connected account whose keys open the sandbox organization named after the tenant."""
    keys = context or {"api_key": f"sk-proj-{tenant}", "admin_key": f"sk-admin-{tenant}"}
    made = await client.post("/integrated-account", {"tenant_id": tenant, "integration": "openai", "context": keys})
    assert made.status == 201, made.content
    assert made.json["status"] == "active", made.json["last_error"]
    return made.json


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
