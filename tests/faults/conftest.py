"""A gateway with short deadlines between a test and vendors that misbehave."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from queue import SimpleQueue

import pytest
import pytest_asyncio

from portico.sandbox.broken import BEHAVIOURS, start_broken
from tests.faults.faulty import Faulty
from tests.handmade import handmade
from tests.stage import open_stage, plant

DEADLINE_SECONDS = 0.4
# The behaviours that take their time still take less than the deadline for the next byte.
TEMPO = 0.004


@pytest.fixture(scope="session")
def broken() -> Generator[dict[str, str]]:
    """Behaviour → base URL. In a thread of its own, so that what keeps it busy does not keep the gateway waiting."""
    started: SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = SimpleQueue()

    async def serve() -> None:
        server, over = await start_broken(tempo=TEMPO), asyncio.Event()
        started.put((asyncio.get_running_loop(), over, server.sockets[0].getsockname()[1]))
        await over.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    loop, over, port = started.get(timeout=5)
    yield {name: f"http://127.0.0.1:{port}/v1/{name}" for name in BEHAVIOURS}
    loop.call_soon_threadsafe(over.set)
    thread.join(5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faulty(broken: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Faulty]:
    async with (
        handmade() as vendor,
        open_stage(
            tmp_path_factory.mktemp("stage"),
            base_urls=[*broken.values(), vendor.base_url],
            connect_timeout_seconds=DEADLINE_SECONDS,
            answer_timeout_seconds=DEADLINE_SECONDS,
            idle_timeout_seconds=DEADLINE_SECONDS,
        ) as stage,
    ):
        accounts = {name: await plant(stage, url) for name, url in broken.items()}
        accounts[""] = await plant(stage, vendor.base_url)
        yield Faulty(stage, vendor, accounts)
