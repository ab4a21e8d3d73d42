"""Everything asynchronous that the catalog knows, begun from its own example and watched to its end."""

import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.model.operation import Operation
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.toolbox import handles
from tests.catalog.example_runner import Runner, reads
from tests.conftest import MASTER_KEY, HeldClock
from tests.jobs.conftest import Plant, open_plant
from tests.jobs.receiver import listening

VIEW: View = load_folder(Path("src/portico/integrations/openai/catalog"))
ASYNCHRONOUS = [pytest.param(each, id=each.key) for each in VIEW.operations if each.wait is not None]
pytestmark = pytest.mark.asyncio(loop_scope="module")
# Doubling steps of both clocks: enough for a batch, which may take a day.
STEPS = 18


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_plant(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Plant]:
    # Held still: on a busy machine a job would come to its end before it can be cancelled.
    begun_at = time.time()
    world = World(clock=lambda: begun_at)
    with running(world) as sandbox_url:
        async with listening() as receiver:
            settings = replace(
                Settings(data_dir=tmp_path_factory.mktemp("plant"), master_key=MASTER_KEY),
                vendor_base_urls=(f"openai={sandbox_url}/v1",),
                allowed_webhook_urls=(receiver.url,),
            )
            async with open_plant(settings, HeldClock(), receiver, world) as opened:
                await opened.webhook("/hook", "job:*")
                yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def runner(shared_plant: Plant, operation: Operation) -> Runner:
    """In an empty house, which is made at once, unless the example looks for what is in the demo."""
    shared_plant.world.reset()
    shared_plant.receiver.received.clear()
    account = await shared_plant.account("demo" if reads(operation, VIEW) else "example")
    url = shared_plant.portico.parts.settings.vendor_base_urls[0].partition("=")[2].removesuffix("/v1")
    return Runner(shared_plant.client, account["id"], VIEW, shared_plant.world, url)


@pytest.mark.parametrize("operation", ASYNCHRONOUS)
async def test_watch_of_whatever_is_asynchronous_comes_to_an_end(
    shared_plant: Plant, runner: Runner, operation: Operation
) -> None:
    plant = shared_plant
    got = await runner.by_proxy(operation)
    assert got.status < 300, got.content[:500]
    begun = handles.begun(VIEW, operation, await runner.arguments(operation), got.json if got.content else None)
    assert begun is not None
    made = await plant.client.post(
        f"/integrated-account/{runner.account_id}/watch",
        {"id": begun.object_id, "tool": operation.tool.name, "arguments": begun.parents},
    )
    assert made.status == 201, made.content
    await plant.run()
    for step in range(STEPS):
        if plant.receiver.at("/hook"):
            break
        plant.world.advance(2**step)
        await plant.run(seconds=2**step)
    (told,) = plant.receiver.at("/hook")
    payload = told.json["payload"]
    assert payload["watch_id"] == made.json["id"]
    assert payload["status"] in begun.wait.until
    assert payload["problem"] == ""
