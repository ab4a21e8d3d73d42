"""One gateway for a module, with a held clock, a sandbox, an account, a person and a program that wants access."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AsyncExitStack
from typing import cast

import pytest
import pytest_asyncio

from portico.app import Portico
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.upstream.transport import AiohttpTransport, Deadlines, UpstreamRequest, UpstreamResponse
from tests.conftest import MASTER_KEY, HeldClock
from tests.faces.mcp.speaker import Maker
from tests.faces.oauth.browser import HOST
from tests.faces.oauth.program import Program, Scene, closed_server, person, signed_in
from tests.gateways import connect_account, open_client, open_gateway
from tests.unit.said import Said


class Library:
    """The real way out, with some addresses whose documents stand here: address → answer."""

    def __init__(self) -> None:
        self._real = AiohttpTransport(Deadlines(), "tests")
        self.documents: dict[str, Said | Exception] = {}
        self.asked: list[UpstreamRequest] = []

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        found = self.documents.get(request.url)
        if found is None:
            return await self._real.send(request)
        self.asked.append(request)
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None:
        await self._real.close()


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


@pytest.fixture(scope="module")
def oauth_sandbox() -> Generator[str]:
    with running(World(pace=0)) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    library: Library, oauth_sandbox: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Portico]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        master_key=MASTER_KEY,
        public_url=f"https://{HOST}",
        vendor_base_urls=(f"openai={oauth_sandbox}/v1",),
    )
    async with AsyncExitStack() as stack:
        yield await open_gateway(stack, settings, clock=HeldClock(), transport=library)


@pytest.fixture(scope="module")
def held_clock(house: Portico) -> HeldClock:
    return cast("HeldClock", house.parts.clock)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(house: Portico) -> AsyncIterator[Scene]:
    async with open_client(house) as client:
        maker = Maker(client, (await connect_account(client))["id"])
        server, server_id = await closed_server(maker)
        owner = await person(house)
        yield Scene(
            maker=maker,
            server=server,
            server_id=server_id,
            person=owner,
            browser=await signed_in(house),
            program=await Program(house).registered(),
        )
