"""Vendors that cannot be reached at all: no such name, nobody there, no answer, no certificate to trust."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from tests.faults.certificates import server_context
from tests.faults.conftest import DEADLINE_SECONDS
from tests.faults.faulty import PLACES, Faulty, is_refusal
from tests.handmade import handmade
from tests.stage import open_stage, plant

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNREACHABLE: dict[str, tuple[int, str]] = {
    "no such name": (502, "upstream_unreachable"),
    "nobody there": (502, "upstream_unreachable"),
    "a port that is none": (502, "upstream_unreachable"),
    "a full queue": (504, "upstream_connect_timeout"),
    "an unknown certificate": (502, "upstream_tls"),
    "no TLS at all": (502, "upstream_tls"),
    "a private address": (400, "forbidden_address"),
}


def full_queue(stack: AsyncExitStack) -> int:
    """A port whose queue of connections is full, so that the next one is never made."""
    listener = socket.socket()
    stack.callback(listener.close)
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(4):
        waiting = socket.socket()
        stack.callback(waiting.close)
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    return int(listener.getsockname()[1])


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unreachable(broken: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Faulty]:
    folder = tmp_path_factory.mktemp("stage")
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(handmade())
        secure = await asyncio.start_server(vendor.serve, "127.0.0.1", 0, ssl=server_context(folder))
        stack.callback(secure.close)
        urls = {
            "no such name": "http://nowhere.invalid/v1",
            "nobody there": f"http://127.0.0.1:{closed_port()}/v1",
            "a port that is none": "http://127.0.0.1:99999/v1",
            "a full queue": f"http://127.0.0.1:{full_queue(stack)}/v1",
            "an unknown certificate": f"https://localhost:{secure.sockets[0].getsockname()[1]}/v1",
            "no TLS at all": broken["no-tls"].replace("http:", "https:"),
        }
        deadlines: dict[str, Any] = {
            f"{what}_timeout_seconds": DEADLINE_SECONDS for what in ("connect", "answer", "idle")
        }
        # The answer may take longer than the connection, so that each runs out by itself.
        deadlines["answer_timeout_seconds"] = 10 * DEADLINE_SECONDS
        stage = await stack.enter_async_context(open_stage(folder, base_urls=list(urls.values()), **deadlines))
        urls["a private address"] = f"{vendor.base_url}/not/allowed"
        yield Faulty(stage, vendor, {name: await plant(stage, url) for name, url in urls.items()})
        assert vendor.talks == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", UNREACHABLE)
async def test_a_vendor_out_of_reach_is_told_by_what_is_in_the_way(unreachable: Faulty, what: str, place: str) -> None:
    told = await unreachable.ask(place, what)
    assert is_refusal(told, place, *UNREACHABLE[what]), told
    assert (await unreachable.logged(unreachable.accounts[what]))[0] == UNREACHABLE[what]


@pytest.mark.parametrize("what", UNREACHABLE)
async def test_what_never_left_leaves_its_idempotency_key_free(unreachable: Faulty, what: str) -> None:
    for _ in range(2):
        exchange = unreachable.exchange("custom", unreachable.accounts[what], "POST", idempotency_key=f"key of {what}")
        status, headers = await exchange.head()
        await exchange.ended()
        assert (status, headers["x-gateway-error"]) == UNREACHABLE[what]
