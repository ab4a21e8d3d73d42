"""What flows: pieces go on as they come, in both directions, and a client that leaves takes its call along."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from portico.store.requests import RequestFilter
from tests.handmade import CHUNKED, EVENTS, HEAD, Script, Talk, Vendor, chunk, handmade
from tests.stage import Stage, open_stage, plant
from tests.wire import Exchange, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = ("proxy", "custom", "passthrough")
LEAVINGS = 50


class Line:
    """A gateway and, at the end of the line, a vendor written out by hand."""

    def __init__(self, stage: Stage, vendor: Vendor) -> None:
        self.stage, self.vendor = stage, vendor
        self.account = ""

    async def opened(self, place: str, script: Script, verb: str = "POST", **more: Any) -> Exchange:
        """A call through a face, on an account of its own."""
        self.vendor.perform(script)
        self.account = await plant(self.stage, self.vendor.base_url)
        return self.again(place, verb, **more)

    def again(self, place: str, verb: str = "POST", **more: Any) -> Exchange:
        body = more.pop("body", b"{}")
        headers = {"host": "portico.test", "authorization": f"Bearer {self.stage.client.token}"}
        if body:
            headers |= {"content-type": "application/json", "content-length": str(len(body))}
        headers |= more.pop("headers", {})
        return Exchange(self.stage.gateway, verb, target(place, self.account, **more), headers, body=body)

    async def statuses(self) -> list[int]:
        """What the request log says of the account's calls."""
        parts = self.stage.gateway.parts
        await parts.recorder.flush()
        caller = await parts.lookup.caller(self.stage.client.token or "")
        rows = await parts.requests.page(caller.environment_id, "~", 1000, RequestFilter(account_id=(self.account,)))
        return [row.status for row in rows]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vendor() -> AsyncGenerator[Vendor]:
    async with handmade() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Line]:
    async with open_stage(tmp_path_factory.mktemp("stage"), base_urls=[vendor.base_url]) as stage:
        yield Line(stage, vendor)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def quick(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Line]:
    """With a gateway that waits a quarter of a second for an answer to begin, and as long for it to go on."""
    seconds: dict[str, Any] = {"answer_timeout_seconds": 0.25, "idle_timeout_seconds": 0.25}
    async with open_stage(tmp_path_factory.mktemp("stage"), base_urls=[vendor.base_url], **seconds) as stage:
        yield Line(stage, vendor)


def target(place: str, account: str, *, resource: str = "chat_completions", path: str = "") -> str:
    """The same call through each face."""
    path = path or resource.replace("_", "/")
    if place == "proxy":
        return f"/proxy/{resource}?integrated_account_id={account}"
    if place == "custom":
        return f"/custom/{path}?integrated_account_id={account}"
    return f"/passthrough/{account}/{path}"


def saying(*steps: bytes | asyncio.Event) -> Script:
    """Says its pieces in order; before going on past an event, waits until the test has set it."""

    async def script(talk: Talk) -> None:
        for step in steps:
            if isinstance(step, bytes):
                await talk.say(step)
            else:
                await asyncio.wait_for(step.wait(), 5)

    return script


@pytest.mark.parametrize("place", PLACES)
async def test_every_event_goes_on_as_soon_as_it_comes(line: Line, place: str) -> None:
    heard = [asyncio.Event() for _ in range(3)]
    events = [b'data: {"n":1}\n\n', b": a comment\r\n\r\n", b"event: done\ndata: [DONE]\n\n"]
    steps = [
        EVENTS + CHUNKED,
        heard[0],
        chunk(events[0]),
        heard[1],
        chunk(events[1]),
        heard[2],
        chunk(events[2]),
        b"0\r\n\r\n",
    ]
    exchange = await line.opened(place, saying(*steps))
    for number, event in enumerate(events):
        heard[number].set()
        if number == 0:
            status, headers = await exchange.head()
            assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert await exchange.piece() == event
    assert await exchange.rest() == (b"", False)


@pytest.mark.parametrize(
    ("status", "scopes"), [("403 Forbidden", ["api.files.write"]), ("200 OK", None)], ids=["refused", "not refused"]
)
async def test_the_scopes_that_a_streamed_refusal_names_are_kept(line: Line, status: str, scopes: Any) -> None:
    told = b'{"error":{"message":"You may not. Missing scopes: api.files.write."}}'
    kind = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n".encode()
    heard = asyncio.Event()
    exchange = await line.opened("passthrough", saying(kind + CHUNKED, chunk(told), heard, b"0\r\n\r\n"))
    assert (await exchange.head())[0] == int(status[:3])
    assert await exchange.piece() == told
    heard.set()
    assert await exchange.rest() == (b"", False)
    noted: Any = (await line.stage.client.get(f"/integrated-account/{line.account}")).json["last_forbidden_error"]
    assert (noted and noted["missing_scopes"]) == scopes


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sized", [True, False], ids=["of known length", "of unknown length"])
async def test_a_download_begins_before_it_is_complete(line: Line, place: str, sized: bool) -> None:
    first, second = b"a" * 200_000, b"b" * 100_000
    heard = asyncio.Event()
    kind = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n"
    if sized:
        steps = [kind + b"content-length: 300000\r\n\r\n", first, heard, second]
    else:
        steps = [kind + CHUNKED, chunk(first), heard, chunk(second), b"0\r\n\r\n"]
    exchange = await line.opened(place, saying(*steps), resource="speech", path="audio/speech")
    status, headers = await exchange.head()
    assert (status, headers["content-type"]) == (200, "audio/mpeg")
    assert headers.get("content-length") == ("300000" if sized else None)
    got = b""
    while len(got) < len(first):
        got += await exchange.piece() or b""
    assert got == first
    heard.set()
    assert await exchange.rest() == (second, False)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("sized", [True, False], ids=["of known length", "of unknown length"])
async def test_an_upload_reaches_the_vendor_while_it_comes(line: Line, place: str, sized: bool) -> None:
    first, second = b"a" * 300_000, b"b" * 300_000
    arrived = asyncio.Event()

    async def script(talk: Talk) -> None:
        assert ("Content-Length: 600000" in talk.head) is sized
        read = talk.read if sized else talk.read_chunks
        assert await read(300_000) == first
        arrived.set()
        assert await read(300_000) == second
        await talk.say(HEAD, b"content-length: 2\r\n\r\n{}")

    headers = {"content-type": "application/octet-stream"}
    headers |= {"content-length": "600000"} if sized else {"transfer-encoding": "chunked"}
    exchange = await line.opened(place, script, resource="files", body=None, headers=headers)
    exchange.send(first)
    await asyncio.wait_for(arrived.wait(), 5)
    exchange.send(second)
    exchange.end()
    assert (await exchange.head())[0] == 200
    assert await exchange.rest() == (b"{}", False)


async def test_the_wait_for_an_answer_begins_when_the_last_byte_has_gone(quick: Line) -> None:
    async def script(talk: Talk) -> None:
        await talk.read(8 * 40_000)
        await talk.say(HEAD, b"content-length: 2\r\n\r\n{}")

    headers = {"content-type": "application/octet-stream", "content-length": str(8 * 40_000)}
    exchange = await quick.opened("proxy", script, resource="files", body=None, headers=headers)
    for _ in range(8):  # takes longer than the answer may, in pieces that each take less
        exchange.send(b"x" * 40_000)
        await asyncio.sleep(0.06)
    exchange.end()
    assert (await exchange.head())[0] == 200


@pytest.mark.parametrize("place", PLACES)
async def test_a_vendor_that_has_heard_enough_is_answered_for(line: Line, place: str) -> None:
    refusal = b'{"error":{"message":"No."}}'
    head = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(refusal)
    headers = {"content-type": "application/octet-stream", "content-length": "900000"}
    exchange = await line.opened(place, saying(head + refusal), resource="files", body=None, headers=headers)
    exchange.send(b"a" * 300_000)
    assert (await exchange.head())[0] == 401


async def silent(talk: Talk) -> None:
    await talk.is_left()


async def begun(talk: Talk) -> None:
    await talk.say(EVENTS, CHUNKED, chunk(b'data: {"n":1}\n\n'))
    await talk.is_left()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("script", [silent, begun], ids=["before the answer", "in the middle of it"])
async def test_a_client_that_leaves_takes_its_call_along(line: Line, place: str, script: Script) -> None:
    ended = 0

    async def counted(talk: Talk) -> None:
        nonlocal ended
        await script(talk)
        ended += 1

    exchanges = [await line.opened(place, counted)]
    exchanges += [line.again(place) for _ in range(LEAVINGS - 1)]
    await until(lambda: len(line.vendor.talks) == LEAVINGS)
    if script is begun:
        for exchange in exchanges:
            await exchange.head()
    for exchange in exchanges:
        exchange.leave()
    await until(lambda: ended == LEAVINGS, 1.0)
    for exchange in exchanges:
        await exchange.ended()
    assert await line.statuses() == [499] * LEAVINGS


@pytest.mark.parametrize("place", PLACES)
async def test_a_client_that_leaves_in_the_middle_of_its_upload_takes_its_call_along(line: Line, place: str) -> None:
    headers = {"content-type": "application/octet-stream", "content-length": "900000"}
    exchange = await line.opened(place, silent, resource="files", body=None, headers=headers)
    exchange.send(b"a" * 300_000)
    await until(lambda: len(line.vendor.talks) == 1)
    exchange.leave()
    assert await exchange.rest() == (b"", False)
    assert await line.statuses() == [499]


@pytest.mark.parametrize("place", PLACES)
async def test_a_vendor_that_falls_silent_in_its_events_ends_them_with_an_error(quick: Line, place: str) -> None:
    exchange = await quick.opened(place, begun)
    assert (await exchange.head())[0] == 200
    assert await exchange.piece() == b'data: {"n":1}\n\n'
    rest, was_cut = await exchange.rest()
    assert rest == (
        b'data: {"error":{"message":"The vendor did not answer in time.","type":"portico_error",'
        b'"param":null,"code":"upstream_timeout"}}\n\n'
    )
    assert was_cut
    assert await quick.statuses() == [504]
