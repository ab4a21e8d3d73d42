"""Served gateways for all tests from outside: one for the official SDK in both its kinds, one for MCP."""

from collections.abc import AsyncGenerator, Generator

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.catalog.tested_by import prove
from tests.outside.mcp_house import House
from tests.outside.mcp_house import opened as opened_house
from tests.outside.sdk import Sdk, opened
from tests.served import Served, served


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
