"""A gateway on each database in turn, with a worker that is turned by hand and a receiver for what it sends."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from portico.app import Portico, build
from portico.gateway.parts import Parts
from portico.jobs.worker import Worker
from portico.sandbox.faults import from_body
from portico.sandbox.state import World
from portico.settings import Settings
from tests.conftest import HeldClock
from tests.gateways import Client, Got, connect_account, open_client
from tests.jobs.receiver import Receiver, listening

# Much longer than anything takes here: a busy machine must not make a receiver late, nor let a lease run out.
PATIENCE_SECONDS = LEASE_SECONDS = 600.0


@dataclass
class Plant:
    """The gateway is built but not started, so that nothing is done later unless `run` says so."""

    portico: Portico
    client: Client
    worker: Worker
    clock: HeldClock
    receiver: Receiver
    world: World

    @property
    def parts(self) -> Parts:
        return self.portico.parts

    async def run(self, **advance: float) -> int:
        """Turn the clock, then do everything that is due."""
        self.clock.advance(**advance)
        return await self.worker.run_due()

    async def webhook(self, path: str, *event_types: str) -> dict[str, Any]:
        made = await self.client.post(
            "/webhook", {"target_url": self.receiver.url + path, "event_types": list(event_types or ("*",))}
        )
        assert made.status == 201, made.content
        return made.json

    async def announce(self, *names: str) -> None:
        environment = await self.parts.operators.first_environment()
        assert environment is not None
        async with self.parts.database.transaction() as session:
            for name in names:
                await self.parts.later.announce(session, environment.id, name, {})

    async def account(self, tenant: str = "acme") -> dict[str, Any]:
        return await connect_account(self.client, tenant)

    async def deliveries(self, webhook: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        """Oldest first."""
        got = await self.client.get(f"/webhook/{webhook['id']}/deliveries", **query)
        assert got.status == 200, got.content
        return got.json["result"][::-1]

    async def found(self, webhook: dict[str, Any]) -> dict[str, Any]:
        return (await self.client.get(f"/webhook/{webhook['id']}")).json

    async def acts(self) -> list[str]:
        got = await self.client.get("/audit")
        return [each["act"] for each in got.json["result"]]

    async def proxy(self, verb: str, path: str, account: dict[str, Any], json: Any = None) -> Got:
        return await self.client.send(verb, f"/proxy/{path}", json=json, query={"integrated_account_id": account["id"]})

    def fault(self, fault: str, path: str = "/v1/", **more: Any) -> None:
        self.world.faults.append(from_body({"fault": fault, "match": {"path": path}} | more))

    def seen(self, path: str) -> int:
        return sum(entry.raw_path.startswith(path) for entry in self.world.requests)


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with listening() as opened:
        yield opened


@pytest.fixture
def plant_settings(settings: Settings, database_url: str, sandbox_url: str, receiver: Receiver) -> Settings:
    return replace(
        settings,
        database_url=database_url,
        job_lease_seconds=LEASE_SECONDS,
        public_url="https://portico.example",
        vendor_base_urls=(f"openai={sandbox_url}/v1",),
        allowed_webhook_urls=(receiver.url,),
    )


@asynccontextmanager
async def open_plant(settings: Settings, clock: HeldClock, receiver: Receiver, world: World) -> AsyncGenerator[Plant]:
    async with AsyncExitStack() as stack:
        portico = await build(settings, clock=clock)
        portico.parts.lookup.listen(portico.parts.changes)
        stack.push_async_callback(portico.stop)
        client = await stack.enter_async_context(open_client(portico))
        worker = Worker(portico.parts, dice=lambda: 0.5, patience_seconds=PATIENCE_SECONDS)
        yield Plant(portico, client, worker, clock, receiver, world)


@pytest.fixture
async def plant(
    plant_settings: Settings, clock: HeldClock, receiver: Receiver, world: World, tmp_path: Path
) -> AsyncGenerator[Plant]:
    async with open_plant(plant_settings, clock, receiver, world) as opened:
        yield opened


@pytest.fixture
async def replica(
    plant: Plant, plant_settings: Settings, clock: HeldClock, receiver: Receiver, world: World
) -> AsyncGenerator[Plant]:
    """Another process's gateway and worker, as it were, on the same database."""
    async with open_plant(plant_settings, clock, receiver, world) as opened:
        yield opened
