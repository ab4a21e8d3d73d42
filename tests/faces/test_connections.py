"""Clients on real connections to our own server: that they leave is noticed, and answers come whole, in their order."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from uvicorn.server import ServerState

from portico.faces.server import DeadlineProtocol, configure
from portico.store.requests import RequestFilter
from tests.handmade import CHUNKED, EVENTS, HEAD, Script, Talk, Vendor, chunk, handmade
from tests.stage import Stage, open_stage, plant
from tests.wire import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
FIRST = b'data: {"n":1}\n\n'
SHORT = HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class House:
    stage: Stage
    vendor: Vendor
    port: int
    account: str = ""

    async def ready(self, script: Script) -> None:
        self.vendor.perform(script)
        self.account = await plant(self.stage, self.vendor.base_url)

    def asks(
        self,
        verb: str = "GET",
        body: bytes = b"",
        *,
        length: int | None = None,
        version: str = "1.1",
        address: str = "",
    ) -> bytes:
        """A request, to passthrough unless told otherwise, as it goes over the wire."""
        path = address or f"/passthrough/{self.account}/v1/models"
        lines = [f"{verb} {path} HTTP/{version}", "host: portico.test"]
        lines.append(f"authorization: Bearer {self.stage.client.token}")
        if body or length:
            lines.append(f"content-length: {length or len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    @asynccontextmanager
    async def line(self) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def statuses(self) -> list[int]:
        parts = self.stage.gateway.parts
        await parts.recorder.flush()
        caller = await parts.lookup.caller(self.stage.client.token or "")
        rows = await parts.requests.page(caller.environment_id, "~", 1000, RequestFilter(account_id=(self.account,)))
        return [row.status for row in rows]

    async def logs(self, *statuses: int) -> None:
        for _ in range(100):
            if await self.statuses() == list(statuses):
                return
            await asyncio.sleep(0.02)
        assert await self.statuses() == list(statuses)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    async with handmade() as vendor, open_stage(tmp_path_factory.mktemp("s"), base_urls=[vendor.base_url]) as stage:
        config = configure(stage.gateway, "127.0.0.1", 0)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        server = await asyncio.get_running_loop().create_server(
            lambda: DeadlineProtocol(config, state, {}), "127.0.0.1", 0, family=socket.AF_INET
        )
        yield House(stage, vendor, server.sockets[0].getsockname()[1])
        server.close()


@contextmanager
def heard(name: str) -> Generator[list[str]]:
    """What a logger says, wherever else it goes."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    known = logging.getLogger(name)
    level = known.level
    known.addHandler(handler)
    known.setLevel(logging.WARNING)
    try:
        yield said
    finally:
        known.removeHandler(handler)
        known.setLevel(level)


async def silent(talk: Talk) -> None:
    await talk.is_left()


async def begun(talk: Talk) -> None:
    await talk.say(EVENTS, CHUNKED, chunk(FIRST))
    await talk.is_left()


async def prompt(talk: Talk) -> None:
    await talk.say(SHORT)


@pytest.mark.parametrize("script", [silent, begun], ids=["before the answer", "in the middle of it"])
async def test_who_leaves_takes_the_call_along(house: House, script: Script) -> None:
    ended = asyncio.Event()

    async def counted(talk: Talk) -> None:
        await script(talk)
        ended.set()

    await house.ready(counted)
    before = len(house.vendor.talks)
    async with house.line() as (reader, writer):
        writer.write(house.asks("POST", b"{}"))
        await until(lambda: len(house.vendor.talks) == before + 1)
        if script is begun:
            await reader.readuntil(FIRST)
    await asyncio.wait_for(ended.wait(), 2)
    await house.logs(499)


async def test_who_leaves_in_the_middle_of_an_upload_takes_the_call_along(house: House) -> None:
    ended = asyncio.Event()

    async def counted(talk: Talk) -> None:
        await talk.is_left()
        ended.set()

    await house.ready(counted)
    before = len(house.vendor.talks)
    async with house.line() as (_, writer):
        writer.write(house.asks("POST", b"a" * 300_000, length=900_000))
        await until(lambda: len(house.vendor.talks) == before + 1)
    await asyncio.wait_for(ended.wait(), 2)
    await house.logs(499)


async def test_who_leaves_after_an_upload_takes_the_call_along(house: House) -> None:
    """The last of it comes in one large piece, of which the server stops reading."""
    ended = asyncio.Event()

    async def counted(talk: Talk) -> None:
        await talk.read(300_000)
        ended.set()
        await talk.is_left()
        ended.set()

    await house.ready(counted)
    before = len(house.vendor.talks)
    async with house.line() as (_, writer):
        writer.write(house.asks("POST", b"a" * 200_000, length=300_000))
        await until(lambda: len(house.vendor.talks) == before + 1)
        writer.write(b"a" * 100_000)
        await asyncio.wait_for(ended.wait(), 2)
        ended.clear()
    await asyncio.wait_for(ended.wait(), 2)
    await house.logs(499)


async def test_who_leaves_a_request_that_waited_behind_another_takes_it_along(house: House) -> None:
    turns = iter([prompt, silent])
    ended = asyncio.Event()

    async def in_turn(talk: Talk) -> None:
        script = next(turns)
        await script(talk)
        if script is silent:
            ended.set()

    await house.ready(in_turn)
    async with house.line() as (reader, writer):
        writer.write(house.asks("POST", b"{}") + house.asks("POST", b"{}"))
        await reader.readuntil(b"\r\n\r\n{}")
        await until(lambda: len(house.vendor.talks) == 2)
    await asyncio.wait_for(ended.wait(), 2)
    await house.logs(499, 200)


@pytest.mark.parametrize("behind", [1, 2])
async def test_who_leaves_with_requests_behind_an_open_one_is_no_mistake_of_ours(house: House, behind: int) -> None:
    ended = asyncio.Event()

    async def counted(talk: Talk) -> None:
        await talk.is_left()
        ended.set()

    await house.ready(counted)
    before = len(house.vendor.talks)
    with heard("uvicorn.error") as said:
        async with house.line() as (_, writer):
            writer.write(house.asks("POST", b"{}") * (1 + behind))
            await until(lambda: len(house.vendor.talks) == before + 1)
        await asyncio.wait_for(ended.wait(), 2)
        await house.logs(499)
    assert said == []


async def test_answers_come_whole_one_after_another_on_one_connection(house: House) -> None:
    await house.ready(prompt)
    async with house.line() as (reader, writer):
        writer.write(house.asks() * 3)
        for _ in range(3):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200 ok\r\n")
            assert (head.count(b"\r\ndate: "), head.count(b"\r\ncontent-length: 2\r\n")) == (1, 1)
            assert b"connection:" not in head
            assert await reader.readexactly(2) == b"{}"
    await house.logs(200, 200, 200)


async def test_a_client_of_before_connections_were_kept_has_its_own_closed(house: House) -> None:
    await house.ready(prompt)
    async with house.line() as (reader, writer):
        writer.write(house.asks(version="1.0"))
        answer = await asyncio.wait_for(reader.read(), 2)
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.endswith(b"\r\n\r\n{}")
    await house.logs(200)


async def test_a_head_alone_has_the_length_and_no_body(house: House) -> None:
    async def measured(talk: Talk) -> None:
        await talk.say(HEAD + b"content-length: 77\r\n\r\n")

    await house.ready(measured)
    async with house.line() as (reader, writer):
        writer.write(house.asks("HEAD"))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b"\r\ncontent-length: 77\r\n" in head
        house.vendor.perform(prompt)
        writer.write(house.asks())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "path",
    [
        "/proxy/users", "/proxy/users/user-1", "/unified/user-directory/users", "/unified/user-directory/users/user-1",
        "/unified/meta", "/integrated-account",
    ],
)  # fmt: skip
async def test_a_head_of_ours_is_that_of_its_get_alone(house: House, path: str) -> None:
    listed = b'{"object":"list","data":[{"id":"user-1","name":"A B"}],"has_more":false,"id":"user-1","name":"A B"}'

    async def told(talk: Talk) -> None:
        await talk.say(HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(listed) + listed)

    await house.ready(told)
    query = f"?integrated_account_id={house.account}&limit=1" if "meta" not in path and path[1] != "i" else ""
    async with house.line() as (reader, writer):
        heads: list[dict[bytes, bytes]] = []
        for verb in ("HEAD", "GET", "HEAD"):
            writer.write(house.asks(verb, address=path + query))
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).lower()
            assert head.startswith(b"http/1.1 200 ok\r\n"), head
            heads.append(dict(line.split(b": ", 1) for line in head.splitlines()[1:-1]))
            if verb == "GET":
                await reader.readexactly(int(heads[-1][b"content-length"]))
    first, got, last = ({name: head[name] for name in (b"content-type", b"content-length")} for head in heads)
    assert first == got == last
