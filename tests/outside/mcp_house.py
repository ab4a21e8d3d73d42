"""A whole gateway on a real socket, in a thread of its own, with an account that has a history, and a person."""

import asyncio
import json
import socket
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request

from portico import clock as clocks
from portico.app import Portico, build
from portico.clock import Clock
from portico.faces.server import Server, configure
from portico.gateway.bootstrap import make_first_token
from portico.gateway.people import NewPerson, add_person
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.vault.passwords import Passwords
from tests.gateways import QUICK, Client, connect_account, migrate_ahead
from tests.outside.asking import answer_to
from tests.stage import MASTER_KEY
from tests.wire import until

START_SECONDS = 20.0
PERSON, PASSWORD = "ada", "a password for tests"
Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class House:
    """Where it stands, who may come in, and the world that its OpenAI is."""

    url: str
    token: str
    account_id: str
    world: World
    portico: Portico
    loop: asyncio.AbstractEventLoop

    def do(self, doing: Coroutine[Any, Any, T]) -> T:
        """Something in the gateway's own thread, past its faces."""
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(START_SECONDS)

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """One request to the admin API over the socket."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with answer_to(Request(self.url + path, content, headers, method=verb), START_SECONDS) as answer:
            return json.load(answer)

    def server(self, name: str = "tests", **config: Any) -> Json:
        """A new MCP server of the account, as its creation answers."""
        return self.ask("POST", f"/integrated-account/{self.account_id}/mcp", {"name": name, "config": config})

    def status(self, url: str, token: str = "") -> int:
        """What an MCP server answers to whoever lists its tools with this token."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        content = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
        try:
            with answer_to(Request(url, content, headers, method="POST"), START_SECONDS) as answer:
                return int(answer.status)
        except HTTPError as problem:
            return problem.code


@contextmanager
def opened(
    folder: Path, *, is_empty: bool = False, clock: Clock = clocks.now, world: World | None = None, **changes: Any
) -> Generator[House]:
    """`changes` are settings. An empty house has neither an account nor a person, only a token."""
    world = world or World(pace=0.0)
    with running(world) as sandbox_url, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            data_dir=folder, master_key=MASTER_KEY, public_url=url, vendor_base_urls=(f"openai={sandbox_url}/v1",),
            **changes,
        )  # fmt: skip
        thread = _Thread(settings, listener, is_empty, clock)
        thread.start()
        try:
            yield thread.house(url, world)
        finally:
            thread.end()


@dataclass
class _Thread:
    settings: Settings
    listener: socket.socket
    is_empty: bool
    clock: Clock
    loop: asyncio.AbstractEventLoop | None = None
    server: Server | None = None
    portico: Portico | None = None
    known: tuple[str, str] = ("", "")
    problem: BaseException | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def house(self, url: str, world: World) -> House:
        assert self.ready.wait(START_SECONDS), "the gateway did not start in time"
        assert self.portico is not None, self.problem
        assert self.loop is not None, self.problem
        assert self.problem is None, self.problem
        return House(url, *self.known, world, self.portico, self.loop)

    def end(self) -> None:
        if self.server is not None:
            self.server.should_exit = True
        if self.thread is not None:
            self.thread.join(START_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as problem:
            self.problem = problem
        self.ready.set()

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        migrate_ahead(self.settings)
        self.portico = await build(self.settings, passwords=Passwords(QUICK), clock=self.clock)
        self.server = Server(configure(self.portico, "127.0.0.1", 0))
        announcing = asyncio.create_task(self._announce(self.server, self.portico))
        await self.server.serve(sockets=[self.listener])
        await announcing

    async def _announce(self, server: Server, portico: Portico) -> None:
        await until(lambda: server.started, START_SECONDS)
        token = await make_first_token(portico.parts, "outside")
        if self.is_empty:
            self.known = token, ""
            self.ready.set()
            return
        keys = {"api_key": "sk-proj-demo", "admin_key": "sk-admin-demo"}
        account = await connect_account(Client(portico, token), "larkfield", **keys)
        await add_person(portico.parts, NewPerson(name=PERSON, password=PASSWORD, role="owner"))
        self.known = token, account["id"]
        self.ready.set()
