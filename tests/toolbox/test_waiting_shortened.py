"""A vendor's own webhook ends a wait early, whichever process it comes to; what it says is looked up first."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from portico.app import Portico
from portico.gateway.inbound import PATH
from portico.sandbox import webhooks
from portico.vault.signatures import sign
from tests.faces.mcp.speaker import Json
from tests.gateways import exchange, open_gateway
from tests.toolbox.conftest import Desk
from tests.toolbox.test_waiting import BATCH, WAIT, batch
from tests.wire import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE_SECONDS = 5


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def connected_webhooks(desk: Desk) -> None:
    path = f"/integrated-account/{desk.stage.account_id}/vendor-webhook"
    got = await desk.stage.client.post(path, {"event_types": ["batch.completed"]})
    assert got.status == 201, got.content


async def tell(desk: Desk, object_id: str, gateway: Portico | None = None) -> None:
    """The vendor's message that this batch is completed, signed as it should be."""
    project = desk.stage.world.organization("stage").default_project
    (endpoint,) = list(project.shelf.of(webhooks.ENDPOINTS))
    body = msgspec.json.encode({"type": "batch.completed", "data": {"id": object_id}})
    identity, stamp = f"msg_{object_id}", int(desk.time.clock().timestamp())
    headers = {
        "host": "portico.test",
        "webhook-id": identity,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(endpoint.secret, identity, stamp, body),
        "content-length": str(len(body)),
    }
    target = gateway or desk.stage.gateway
    got = await exchange(target, "POST", f"{PATH}/{desk.stage.account_id}", "", headers, body)
    assert got.status == 204, got.content


async def begin_waiting(desk: Desk, made: Json) -> asyncio.Task[Any]:
    """A wait that time alone would never end."""
    desk.time.stands_still = True
    waiting = asyncio.create_task(desk.value(WAIT, {"handle": f"{BATCH}:{made['id']}", "wait_seconds": 600}))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await until(lambda: desk.time.pauses)
    return waiting


async def test_message_about_the_thing_ends_the_wait(desk: Desk) -> None:
    made = await batch(desk)
    waiting = await begin_waiting(desk, made)
    desk.stage.world.advance(60)
    await tell(desk, made["id"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        done = await waiting
    assert (done["status"], done["waiting"]["is_over"]) == ("completed", True)


async def test_message_to_another_process_ends_it_too(desk: Desk) -> None:
    made = await batch(desk)
    async with AsyncExitStack() as stack:
        other = await open_gateway(stack, desk.stage.gateway.parts.settings, clock=desk.time.clock)
        waiting = await begin_waiting(desk, made)
        desk.stage.world.advance(60)
        await tell(desk, made["id"], other)
        async with asyncio.timeout(PATIENCE_SECONDS):
            done = await waiting
    assert done["waiting"]["is_over"]


async def test_message_about_something_else_makes_nobody_look(desk: Desk) -> None:
    made = await batch(desk)
    waiting = await begin_waiting(desk, made)
    looks = len(desk.stage.seen("/v1/batches/"))
    await tell(desk, "batch_other")
    await asyncio.sleep(0.05)
    assert len(desk.stage.seen("/v1/batches/")) == looks
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_message_that_came_too_early_is_no_end(desk: Desk) -> None:
    """The vendor's object has the last word."""
    made = await batch(desk)
    waiting = await begin_waiting(desk, made)
    looks = len(desk.stage.seen("/v1/batches/"))
    await tell(desk, made["id"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        await until(lambda: len(desk.stage.seen("/v1/batches/")) > looks)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
