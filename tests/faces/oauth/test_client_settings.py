"""What an operator may switch off: fetching client documents, registration. And documents that stand in files."""

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from portico.app import Portico
from portico.gateway.oauth.clients import FOLDER
from portico.settings import Settings
from tests.conftest import HeldClock
from tests.faces.mcp.speaker import Maker
from tests.faces.oauth.browser import HOST
from tests.faces.oauth.conftest import Library
from tests.faces.oauth.program import BACK, Program, Scene, closed_server, person, signed_in
from tests.faces.oauth.test_clients import CLIENT, document, said
from tests.gateways import connect_account, exchange, open_client, open_gateway


@pytest.fixture
async def closed_house(
    settings: Settings, oauth_sandbox: str, request: pytest.FixtureRequest
) -> AsyncGenerator[Portico]:
    wanted = replace(
        settings, public_url=f"https://{HOST}", vendor_base_urls=(f"openai={oauth_sandbox}/v1",), **request.param
    )
    async with AsyncExitStack() as stack:
        yield await open_gateway(stack, wanted, clock=HeldClock(), transport=Library())


def library_of(house: Portico) -> Library:
    return cast("Library", house.parts.transport)


async def scene_in(house: Portico) -> Scene:
    async with open_client(house) as client:
        maker = Maker(client, (await connect_account(client))["id"])
        server, server_id = await closed_server(maker)
        owner = await person(house)
        return Scene(maker, server, server_id, owner, await signed_in(house), Program(house, client_id=CLIENT))


@pytest.mark.parametrize("closed_house", [{"oauth_cimd": "files"}, {"oauth_cimd": "on"}], indirect=True)
async def test_document_in_a_file_serves_where_nothing_can_be_fetched(closed_house: Portico, tmp_path: Path) -> None:
    scene = await scene_in(closed_house)
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "a.json").write_text("not JSON")
    (folder / "b.json").write_text(json.dumps(document("https://other.example/c")))
    (folder / "whatever.json").write_text(json.dumps(document()))
    assert (await scene.program.trade(await scene.code())).status == 200
    assert library_of(closed_house).asked == []


@pytest.mark.parametrize("closed_house", [{"oauth_cimd": "files"}, {"oauth_cimd": "off"}], indirect=True)
async def test_nothing_is_fetched_where_that_is_switched_off(closed_house: Portico) -> None:
    scene = await scene_in(closed_house)
    library_of(closed_house).documents[CLIENT] = said(document())
    assert (await scene.browser.open(scene.program.door(scene.resource))).status == 400
    assert "fetches no client documents" in scene.browser.text
    assert library_of(closed_house).asked == []


@pytest.mark.parametrize("closed_house", [{"oauth_cimd": "off", "oauth_registration": "off"}], indirect=True)
async def test_what_is_switched_off_is_not_advertised_and_not_there(closed_house: Portico) -> None:
    got = await exchange(closed_house, "GET", "/.well-known/oauth-authorization-server", "", {"host": HOST}, b"")
    assert "registration_endpoint" not in got.json
    assert got.json["client_id_metadata_document_supported"] is False
    assert (await Program(closed_house).register({"redirect_uris": [BACK]})).status == 404
