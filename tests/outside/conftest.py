"""Served gateways for all tests from outside: one for the official SDK in both its kinds, one for MCP."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.catalog.tested_by import prove
from tests.conftest import ENGINES
from tests.outside.browsing import chromium
from tests.outside.client_envs import NotInstallable, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_house import opened as opened_house
from tests.outside.sdk import Sdk, opened
from tests.postgres import PostgresServer
from tests.served import Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def _house(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with served(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture
def house(_house: Served, request: pytest.FixtureRequest) -> Generator[Served]:
    """The gateway, over a sandbox that has forgotten everything."""
    _house.world.reset()
    yield _house
    prove(request.node, _house.world, is_through_gateway=True)


@pytest.fixture(params=[OpenAI, AsyncOpenAI], ids=["sync", "async"])
async def both(request: pytest.FixtureRequest, house: Served) -> AsyncGenerator[Sdk]:
    """The SDK of either kind, used in the same words, and as its users make it: they say where, and give a token."""
    async with opened(request.param, house.passthrough, house.token) as client:
        yield client


@pytest.fixture(scope="session")
def mcp_house(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with opened_house(tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(scope="module")
def browser() -> Generator["Browser"]:
    """Chromium. For one module each: its loop and that of the asynchronous tests cannot go on side by side."""
    with chromium() as opened_browser:
        yield opened_browser


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with the official MCP client."""
    try:
        return python_env("mcp-2")
    except NotInstallable as problem:
        pytest.skip(f"tests with an MCP client: {problem}")


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """An empty database on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/portico.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as address:
        yield address
