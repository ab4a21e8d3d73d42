"""A gateway with a held clock, an account of the sandbox, and a maker of MCP servers for it."""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from portico.app import Portico
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from tests.conftest import MASTER_KEY, HeldClock
from tests.faces.mcp.speaker import HOST, Maker, Speaker
from tests.gateways import Client, connect_account, open_client, open_gateway


@pytest.fixture
async def gateway(settings: Settings, sandbox_url: str, clock: HeldClock) -> AsyncGenerator[Portico]:
    """A gateway that goes by the name of portico.test and whose clock stands still."""
    wanted = replace(settings, public_url=f"https://{HOST}", vendor_base_urls=(f"openai={sandbox_url}/v1",))
    async with AsyncExitStack() as stack:
        yield await open_gateway(stack, wanted, clock=clock)


@pytest.fixture
async def account(client: Client) -> dict[str, Any]:
    return await connect_account(client)


@pytest.fixture
async def demo(client: Client) -> Maker:
    """Of the organization that has a history."""
    keys = {"api_key": "sk-proj-demo", "admin_key": "sk-admin-demo"}
    return Maker(client, (await connect_account(client, "larkfield", **keys))["id"])


@pytest.fixture
def maker(client: Client, account: dict[str, Any]) -> Maker:
    return Maker(client, account["id"])


@pytest.fixture
async def speaker(maker: Maker) -> Speaker:
    """Speaks to a server that offers everything."""
    return await maker.server()


# What follows stands for a whole module, for tests that leave no trace: one gateway, one world, one event loop.
# Modules that use it carry `pytestmark = pytest.mark.asyncio(loop_scope="module")`.


@pytest.fixture(scope="module")
def standing_world() -> World:
    return World(pace=0)


@pytest.fixture(scope="module")
def standing_sandbox(standing_world: World) -> Generator[str]:
    with running(standing_world) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_client(standing_sandbox: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Client]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        master_key=MASTER_KEY,
        public_url=f"https://{HOST}",
        vendor_base_urls=(f"openai={standing_sandbox}/v1",),
    )
    async with AsyncExitStack() as stack:
        gateway = await open_gateway(stack, settings, clock=HeldClock())
        yield await stack.enter_async_context(open_client(gateway))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing(standing_client: Client) -> Maker:
    return Maker(standing_client, (await connect_account(standing_client))["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_demo(standing_client: Client) -> Maker:
    keys = {"api_key": "sk-proj-demo", "admin_key": "sk-admin-demo"}
    return Maker(standing_client, (await connect_account(standing_client, "larkfield", **keys))["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_speaker(standing: Maker) -> Speaker:
    return await standing.server()
