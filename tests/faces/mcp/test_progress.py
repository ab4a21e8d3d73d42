"""Calls that take long: an answer as a stream, progress while it lasts, and an end when the client hangs up."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from portico.app import Portico
from portico.catalog.find import View
from portico.errors import NotFound, Refusal
from portico.faces.front import Front
from portico.faces.mcp import reply
from portico.faces.mcp.endpoint import McpFace
from portico.gateway.lookup import Connected
from portico.model.caller import Caller
from portico.model.server import ServerConfig
from portico.sandbox.faults import Fault, FaultRule
from portico.sandbox.state import World
from portico.settings import Settings
from portico.toolbox import results
from portico.toolbox.offer import Offer
from portico.toolbox.progress import Report
from portico.toolbox.results import ToolResult
from portico.toolbox.run import ToolCall
from portico.toolbox.search import Index
from portico.toolbox.tools import Tool
from portico.upstream.transport import AiohttpTransport, Deadlines, UpstreamRequest, UpstreamResponse
from tests.faces.mcp.speaker import HOST, NEW, OLD, Json, Line, Maker, Speaker, events, path_of
from tests.gateways import connect_account, open_client, open_gateway
from tests.wire import until

TOKEN: Json = {"progressToken": "t-1"}
Working = Callable[[Callable[[Report | None], Awaitable[ToolResult]]], Awaitable[Speaker]]
Work = Callable[[Report | None], Awaitable[ToolResult]]


class OneTool:
    """A toolbox with one tool, which does what the test wants."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def offer(self, connected: Connected, config: ServerConfig) -> Offer:
        schema: Json = {"type": "object", "properties": {}}
        return Offer(
            operations=(),
            tools=(Tool(name="work", title="", description="Works.", input_schema=schema, annotations={}),),
        )

    def find(self, connected: Connected, name: str) -> Any:
        raise NotFound

    def index(self, view: View) -> Index:
        return Index(())

    async def run(self, caller: Caller, asked: ToolCall) -> ToolResult:
        return await self._work(asked.report)


@pytest.fixture
def working(gateway: Portico, maker: Maker) -> Working:
    """A server whose one tool does this work."""

    async def make(work: Work) -> Speaker:
        front: Any = Front(gateway.parts, {"mcp": McpFace(gateway.parts, OneTool(work)).face}, [], gateway)
        return Speaker(front, path_of(await maker.made()))

    return make


def asked(speaker: Speaker, **meta: Any) -> tuple[bytes, dict[str, str]]:
    message, headers = speaker.message(
        "tools/call", {"name": "work", "arguments": {}, **({"_meta": meta} if meta else {})}
    )
    return msgspec.json.encode(message), headers


async def three_steps(report: Report | None) -> ToolResult:
    assert report is not None
    for done in (0, 50, 50, 20, 100):
        report(done, 100, f"{done} of 100")
        await asyncio.sleep(0)
    return results.of_value({"done": True})


@pytest.mark.parametrize("version", [OLD, NEW, ""])
async def test_progress_is_told_as_it_is_made_and_only_upwards(working: Working, version: str) -> None:
    speaker = (await working(three_steps)).speaking(version)
    content, headers = asked(speaker, **TOKEN)
    got = await speaker.send(content, headers=headers)
    assert (got.status, got.headers["content-type"]) == (200, "text/event-stream")
    assert (got.headers["cache-control"], got.headers["x-accel-buffering"]) == ("no-store, no-transform", "no")
    *told, last = events(got.content)
    assert [each["method"] for each in told] == ["notifications/progress"] * 3
    assert [each["params"] for each in told] == [
        {"progressToken": "t-1", "progress": done, "total": 100, "message": f"{done} of 100"} for done in (0, 50, 100)
    ]
    assert last["result"]["structuredContent"] == {"done": True}
    assert last["id"] == 1


async def test_who_does_not_ask_for_progress_gets_plain_json(working: Working) -> None:
    speaker = await working(three_steps)
    got = await speaker.send(asked(speaker)[0])
    assert (got.headers["content-type"], got.json["result"]["isError"]) == ("application/json", False)


async def test_who_does_not_take_streams_gets_plain_json(working: Working) -> None:
    speaker = await working(three_steps)
    got = await speaker.send(asked(speaker, **TOKEN)[0], headers={"accept": "application/json"})
    assert (got.headers["content-type"], got.json["result"]["isError"]) == ("application/json", False)


async def test_quick_answer_is_json_though_progress_was_asked_for(speaker: Speaker) -> None:
    message, _ = speaker.message("tools/call", {"name": "list_all_openai_models", "arguments": {}, "_meta": TOKEN})
    got = await speaker.send(msgspec.json.encode(message))
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize("wants_progress", [True, False])
async def test_slow_answer_becomes_a_stream_with_signs_of_life(
    working: Working, monkeypatch: pytest.MonkeyPatch, wants_progress: bool
) -> None:
    monkeypatch.setattr(reply, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(reply, "HEARTBEAT_SECONDS", 0.01)
    is_free = asyncio.Event()

    async def wait(_report: Report | None) -> ToolResult:
        await is_free.wait()
        return results.of_value({"done": True})

    speaker = await working(wait)
    content, headers = asked(speaker, **(TOKEN if wants_progress else {}))
    line = Line(speaker, content, headers)
    await line.until(4)
    is_free.set()
    await line.task
    told = events(line.content)
    assert told[-1]["result"]["structuredContent"] == {"done": True}
    progress = [each["params"]["progress"] for each in told[:-1]]
    assert len(progress) >= 2 if wants_progress else not progress
    assert progress == sorted(set(progress))
    assert (b": still at it\n\n" in line.content) != wants_progress
    assert line.sent[-1]["more_body"] is False


@pytest.mark.parametrize("problem", [ValueError("secret"), Refusal("No.")])
async def test_fault_after_the_stream_began_ends_it_with_an_error(working: Working, problem: Exception) -> None:
    async def break_down(report: Report | None) -> ToolResult:
        assert report is not None
        report(1)
        await asyncio.sleep(0)
        raise problem

    speaker = await working(break_down)
    content, headers = asked(speaker, **TOKEN)
    got = await speaker.send(content, headers=headers)
    last = events(got.content)[-1]
    assert last["error"]["code"] == (-32602 if isinstance(problem, Refusal) else -32603)
    assert b"secret" not in got.content


@pytest.mark.parametrize("version", [OLD, NEW])
async def test_fault_of_ours_is_told_without_its_reason(working: Working, version: str) -> None:
    async def break_down(_report: Report | None) -> ToolResult:
        raise ValueError("secret")

    speaker = (await working(break_down)).speaking(version)
    content, headers = asked(speaker)
    got = await speaker.send(content, headers=headers)
    assert got.status == (500 if version == NEW else 200)
    assert got.json["error"]["code"] == -32603
    assert got.json["error"]["message"].startswith(
        "Something inside Portico went wrong; its log has the details under "
    )
    assert b"secret" not in got.content


class Watched:
    """The real way to the vendor, which tells when a request set out and when it was dropped."""

    def __init__(self) -> None:
        self._real = AiohttpTransport(Deadlines(), "tests")
        self.set_out, self.dropped = asyncio.Event(), asyncio.Event()
        self.count = 0

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        if "/vector_stores" in request.url:
            self.count += 1
            self.set_out.set()
        try:
            return await self._real.send(request)
        except asyncio.CancelledError:
            self.dropped.set()
            raise

    async def close(self) -> None:
        await self._real.close()


@pytest.fixture
async def watched(settings: Settings, sandbox_url: str) -> AsyncGenerator[tuple[Watched, Speaker]]:
    transport = Watched()
    wanted = replace(settings, public_url=f"https://{HOST}", vendor_base_urls=(f"openai={sandbox_url}/v1",))
    async with AsyncExitStack() as stack:
        gateway = await open_gateway(stack, wanted, transport=transport)
        client = await stack.enter_async_context(open_client(gateway))
        yield transport, await Maker(client, (await connect_account(client))["id"]).server()


@pytest.mark.parametrize("is_streaming", [True, False])
@pytest.mark.parametrize("version", [OLD, NEW])
async def test_hanging_up_drops_the_vendors_call(
    watched: tuple[Watched, Speaker], world: World, monkeypatch: pytest.MonkeyPatch, version: str, is_streaming: bool
) -> None:
    """Also when the answer is a stream already. The request is in the log, as one that its client left."""
    monkeypatch.setattr(reply, "PATIENCE_SECONDS", 0.01 if is_streaming else 60)
    transport, server = watched
    world.faults.append(FaultRule(Fault("delay", "60"), path="/v1/vector_stores"))
    speaker = server.speaking(version)
    call = {"name": "list_all_openai_vector_stores", "arguments": {}, "_meta": TOKEN}
    message, headers = speaker.message("tools/call", call)
    line = Line(speaker, msgspec.json.encode(message), headers)
    async with asyncio.timeout(5):
        await transport.set_out.wait()
        if is_streaming:
            await line.until(2)
        assert not transport.dropped.is_set()
        line.hang_up()
        await transport.dropped.wait()
        await line.task


def cancelled(number: Any) -> bytes:
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}
    return msgspec.json.encode(message)


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_cancelled_notification_of_the_older_era_drops_the_vendors_call(
    watched: tuple[Watched, Speaker], world: World, monkeypatch: pytest.MonkeyPatch, is_streaming: bool
) -> None:
    monkeypatch.setattr(reply, "PATIENCE_SECONDS", 0.01 if is_streaming else 60)
    transport, server = watched
    world.faults.append(FaultRule(Fault("delay", "60"), path="/v1/vector_stores"))
    message, headers = server.message("tools/call", {"name": "list_all_openai_vector_stores", "_meta": TOKEN})
    line = Line(server, msgspec.json.encode(message), headers)
    async with asyncio.timeout(5):
        await transport.set_out.wait()
        if is_streaming:
            await line.until(2)
        assert (await server.send(cancelled(1))).status == 202
        await transport.dropped.wait()
        await line.task
    told = events(line.content)[-1] if is_streaming else msgspec.json.decode(line.content)
    assert told["error"] == {"code": -32800, "message": "The client cancelled this call."}


@pytest.mark.parametrize("other", ["another id", "another program", "another era", "two that could be meant"])
async def test_cancelled_notification_ends_nobody_elses_call(
    watched: tuple[Watched, Speaker], world: World, other: str
) -> None:
    """Without sessions another client's request may bear the same id: in doubt, hanging up is what ends a call."""
    transport, server = watched
    world.faults.append(FaultRule(Fault("delay", "0.2"), path="/v1/vector_stores"))
    message, headers = server.message("tools/call", {"name": "list_all_openai_vector_stores", "arguments": {}})
    count = 2 if other.startswith("two") else 1
    lines = [Line(server, msgspec.json.encode(message), headers) for _ in range(count)]
    speaker = server.sending(user_agent="another/1") if other == "another program" else server
    speaker = server.speaking(NEW) if other == "another era" else speaker
    async with asyncio.timeout(5):
        await until(lambda: transport.count == count)
        assert (await speaker.send(cancelled("1" if other == "another id" else 1))).status == 202
        await asyncio.gather(*(line.task for line in lines))
    assert not transport.dropped.is_set()
    assert all(msgspec.json.decode(line.content)["result"]["isError"] is False for line in lines)
