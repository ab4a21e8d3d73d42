"""A gateway on each database in turn, whose keys are rotated by hand."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from portico.app import Portico, build
from portico.gateway import rotation
from portico.gateway.later import system_caller
from portico.jobs.worker import Worker
from portico.sandbox.state import World
from portico.settings import Settings
from portico.store.rotations import Rotation, Rotations, What
from portico.vault.envelope import new_root_key
from tests.conftest import HeldClock
from tests.gateways import Client, open_client


@dataclass
class House:
    portico: Portico
    client: Client
    clock: HeldClock
    settings: Settings

    @property
    def parts(self) -> Any:
        return self.portico.parts

    async def begin(self, what: What = "all") -> Rotation:
        self.clock.advance(seconds=1)
        environment = await self.parts.operators.first_environment()
        return await rotation.begin(system_caller(environment.id), what, self.parts)

    async def last(self) -> Rotation:
        return (await Rotations(self.parts.database).last())[0]

    async def run(self) -> Rotation:
        self.clock.advance(seconds=3)
        await Worker(self.parts, dice=lambda: 0.5).run_due()
        return await self.last()

    async def settle(self) -> Rotation:
        self.clock.advance(hours=1, seconds=1)
        return await self.run()

    async def call(self, account: dict[str, Any]) -> int:
        got = await self.client.get("/proxy/models", integrated_account_id=account["id"])
        return got.status


@pytest.fixture
def house_settings(settings: Settings, database_url: str, sandbox_url: str) -> Settings:
    old, new = settings.master_key, new_root_key()
    return replace(
        settings,
        database_url=database_url,
        master_key=f"{old},{new}",
        vendor_base_urls=(f"openai={sandbox_url}/v1",),
        public_url="https://portico.example",
        allowed_webhook_urls=("http://127.0.0.1",),
    )


async def opened(stack: AsyncExitStack, settings: Settings, clock: HeldClock) -> House:
    portico = await build(settings, clock=clock)
    portico.parts.lookup.listen(portico.parts.changes)
    stack.push_async_callback(portico.stop)
    client = await stack.enter_async_context(open_client(portico))
    return House(portico, client, clock, settings)


def turned(settings: Settings) -> Settings:
    """With the other key first, as an operator gives it before a rotation."""
    old, new = settings.master_key.split(",")
    return replace(settings, master_key=f"{new},{old}")


@pytest.fixture
async def house(house_settings: Settings, clock: HeldClock, world: World) -> AsyncGenerator[House]:
    """Begun with the old key; now both are given, the new one first."""
    async with AsyncExitStack() as stack:
        old_alone = replace(house_settings, master_key=house_settings.master_key.partition(",")[0])
        first = await build(old_alone, clock=clock)
        await first.stop()
        yield await opened(stack, turned(house_settings), clock)
