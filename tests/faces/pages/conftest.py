"""One gateway for all tests of admin pages: an owner, an operator, a viewer, and somebody of another environment."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from portico.app import Portico
from portico.faces.acts import Acts
from portico.faces.web.admin import pages
from portico.faces.web.admin.frame import Frame
from portico.faces.web.site import Site
from portico.toolbox.run import Toolbox
from tests.faces.oauth.browser import HOST, Browser
from tests.faces.oauth.program import person, signed_in
from tests.gateways import Client
from tests.stage import Stage, open_stage


@dataclass(frozen=True)
class Office:
    """`environment` is the one that the account is in; `elsewhere` is another."""

    stage: Stage
    environment: str
    elsewhere: str
    owner: Browser
    operator: Browser
    viewer: Browser
    stranger: Browser

    @property
    def gateway(self) -> Portico:
        return self.stage.gateway

    @property
    def client(self) -> Client:
        return self.stage.client

    @property
    def account_id(self) -> str:
        return self.stage.account_id

    def at(self, path: str = "") -> str:
        return f"/admin/{self.environment}{path}"

    def pages(self) -> dict[str, tuple[str, ...]]:
        """Every page by its address, and the acts that its forms can ask for."""
        from portico.app import ENDPOINTS

        frame = Frame(Site(self.gateway.parts), Acts(ENDPOINTS, self.gateway.parts), Toolbox(self.gateway.parts))
        pages.routes(frame)
        return frame.pages


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Office]:
    folder = tmp_path_factory.mktemp("office")
    async with open_stage(folder, public_url=f"https://{HOST}", allowed_webhook_urls=("http://127.0.0.1:9",)) as stage:
        first = await stage.gateway.parts.operators.first_environment()
        assert first is not None
        elsewhere = (await stage.client.post("/environment", {"name": "Elsewhere"})).json["id"]
        gateway = stage.gateway
        await person(gateway, "olga")
        await person(gateway, "omar", "operator", first.id)
        await person(gateway, "vera", "viewer", first.id)
        await person(gateway, "stig", "operator", elsewhere)
        browsers = [await signed_in(gateway, name) for name in ("olga", "omar", "vera", "stig")]
        yield Office(stage, first.id, elsewhere, *browsers)
