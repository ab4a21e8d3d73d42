"""A gateway whose clock is held, and clients for it whose answers are checked against the documentation."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from portico.app import Portico
from portico.gateway.bootstrap import make_first_token
from portico.settings import Settings
from tests.conftest import HeldClock
from tests.faces.admin.documented import Watched, watched
from tests.faces.admin.tenants import Tenant, make_tenant
from tests.gateways import open_gateway

CLOSED = "http://127.0.0.1:9/v1"


@pytest.fixture
async def held(settings: Settings, sandbox_url: str, clock: HeldClock) -> AsyncGenerator[Portico]:
    """A gateway whose OpenAI is the sandbox, whose clock stands, and where one allowed address does not answer."""
    async with AsyncExitStack() as stack:
        wanted = replace(
            settings,
            public_url="https://portico.test",
            vendor_base_urls=(f"openai={sandbox_url}/v1",),
            allowed_base_urls=(CLOSED, f"{sandbox_url}/elsewhere"),
        )
        yield await open_gateway(stack, wanted, clock=clock)


@pytest.fixture
async def operator(held: Portico) -> Watched:
    """Holds a token with every scope, in the first environment."""
    return await watched(held, await make_first_token(held.parts, "operator"))


@pytest.fixture
async def admin(operator: Watched) -> Watched:
    """Holds a token with the usual scopes, in an environment of its own."""
    return (await make_tenant(operator, "ours")).client


@pytest.fixture
async def other(operator: Watched) -> Tenant:
    """Another environment with a token of its own."""
    return await make_tenant(operator, "theirs")
