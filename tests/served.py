"""A gateway that listens on a real socket, in a thread of its own, over a sandbox that does the same."""

import asyncio
import json
import socket
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portico.app import Portico, build
from portico.faces.server import Server, configure
from portico.gateway.bootstrap import make_first_token
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.vault.passwords import Passwords
from tests.gateways import QUICK, Client, Got, connect_account, migrate_ahead
from tests.stage import ADMIN_KEY, MASTER_KEY, PROJECT_KEY
from tests.wire import until

START_SECONDS = 20.0


@dataclass(frozen=True)
class Served:
    """Where the gateway and its sandbox listen, and who may come in."""

    url: str
    token: str
    account_id: str
    sandbox_url: str
    world: World

    @property
    def passthrough(self) -> str:
        """What an official SDK gets as its base URL."""
        return f"{self.url}/passthrough/{self.account_id}"

    @property
    def direct(self) -> str:
        return f"{self.sandbox_url}/v1"


def asked(house: Served, verb: str, path: str, body: Any = None) -> Got:
    """One request of ours with the house's token, over the socket like everybody's."""
    content = b"" if body is None else json.dumps(body).encode()
    sent = {"authorization": f"Bearer {house.token}"} | ({"content-type": "application/json"} if content else {})
    return exchanged(house.url, verb, path, sent, content)


def exchanged(url: str, verb: str, path: str, headers: Mapping[str, str], content: bytes = b"") -> Got:
    """One exchange in which nothing is sent but what is said here, a Host and the body's length."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=START_SECONDS)
    try:
        connection.putrequest(verb, urlsplit(url).path + path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if content:
            connection.putheader("content-length", str(len(content)))
        connection.endheaders(content or None)
        answer = connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@contextmanager
def served(folder: Path, **changes: Any) -> Generator[Served]:
    """`changes` are settings. The account's keys are those of the stage."""
    world = World(pace=0.0)
    with running(world) as sandbox_url, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            data_dir=folder,
            master_key=MASTER_KEY,
            public_url=url,
            vendor_base_urls=(f"openai={sandbox_url}/v1",),
            **changes,
        )
        house = _House(settings, listener)
        thread = threading.Thread(target=house.run, daemon=True)
        thread.start()
        try:
            token, account_id = house.opened()
            yield Served(url, token, account_id, sandbox_url, world)
        finally:
            house.close()
            thread.join(START_SECONDS)


@dataclass
class _House:
    """The gateway's own thread and event loop."""

    settings: Settings
    listener: socket.socket
    _server: Server | None = None
    _known: tuple[str, str] = ("", "")
    _problem: BaseException | None = None
    _ready: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as problem:
            self._problem = problem
        self._ready.set()

    def opened(self) -> tuple[str, str]:
        """(token, account), once the gateway answers."""
        assert self._ready.wait(START_SECONDS), "the gateway did not start in time"
        assert self._problem is None, self._problem
        return self._known

    def close(self) -> None:
        if self._server is not None:
            self._server.should_exit = True

    async def _serve(self) -> None:
        migrate_ahead(self.settings)
        portico = await build(self.settings, passwords=Passwords(QUICK))
        self._server = Server(configure(portico, "127.0.0.1", 0))
        announcing = asyncio.create_task(self._announce(self._server, portico))
        await self._server.serve(sockets=[self.listener])
        await announcing

    async def _announce(self, server: Server, portico: Portico) -> None:
        await until(lambda: server.started, START_SECONDS)
        token = await make_first_token(portico.parts, "outside")
        account = await connect_account(Client(portico, token), "stage", api_key=PROJECT_KEY, admin_key=ADMIN_KEY)
        self._known = token, account["id"]
        self._ready.set()
