"""Programs from before servers had to be named: the person chooses the server, and the token is for that one alone."""

from dataclasses import replace

import pytest

from portico.app import Portico
from tests.faces.mcp.speaker import Maker
from tests.faces.oauth.browser import ORIGIN, answer_of
from tests.faces.oauth.program import Scene, closed_server, person, signed_in
from tests.gateways import Client, connect_account

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def choose(scene: Scene, server_id: str) -> str:
    """From the page of choices to the one of consent, by its link."""
    page = scene.browser.page.content.decode().replace("&amp;", "&")
    link = next(part.partition('"')[0] for part in page.split('href="') if f"server={server_id}" in part)
    await scene.browser.open(link)
    return link


async def test_person_chooses_account_and_server_where_the_program_names_none(scene: Scene) -> None:
    _, other_id = await closed_server(scene.maker, tags=["files"])
    await scene.browser.open(scene.program.door("", resource=None))
    assert "Which server may Test program use?" in scene.browser.text
    assert "tests acme · default" in scene.browser.text
    await choose(scene, scene.server_id)
    assert "Let Test program use tests?" in scene.browser.text
    got = await scene.browser.submit("/oauth/authorize", decision="allow")
    told = (await scene.program.trade(answer_of(got)[1]["code"])).json
    assert await scene.status(told["access_token"]) == 200
    grants = await scene.maker.client.get(f"{scene.maker.address}/{other_id}/grants")
    assert grants.json["result"] == []
    renewed = (await scene.program.refresh(told["refresh_token"], resource=scene.resource)).json
    assert await scene.status(renewed["access_token"]) == 200


async def test_only_servers_that_ask_for_a_token_and_that_the_person_sees_are_offered(
    scene: Scene, house: Portico
) -> None:
    client = scene.maker.client
    secret = await scene.maker.made()
    elsewhere = (await client.post("/environment", {"name": "other side"})).json["id"]
    token = (await client.post("/api-token", {"name": "t", "environment_id": elsewhere})).json["token"]
    other = Client(house, token)
    _, hidden = await closed_server(Maker(other, (await connect_account(other))["id"]))
    environment = (await client.get("/integrated-account")).json["result"][0]["environment_id"]
    await person(house, "insider", "operator", environment)
    for name, sees in (("insider", False), ("ada", True)):
        inner = replace(scene, browser=await signed_in(house, name))
        page = (await inner.browser.open(scene.program.door("", resource=None))).content.decode()
        assert f"server={scene.server_id}" in page
        assert f"server={secret['id']}" not in page
        assert (f"server={hidden}" in page) is sees
    inner = replace(scene, browser=await signed_in(house, "insider"))
    got = await inner.browser.open(scene.program.door("", resource=None, server=hidden))
    assert "Which server may" in inner.browser.text
    assert "location" not in got.headers


async def test_choice_does_not_override_the_server_that_the_program_names(scene: Scene) -> None:
    _, other_id = await closed_server(scene.maker)
    code = await scene.code(server=other_id)
    told = (await scene.program.trade(code)).json
    assert await scene.status(told["access_token"]) == 200


async def test_where_there_is_no_server_to_choose_the_page_says_what_to_do(scene: Scene, house: Portico) -> None:
    nowhere = (await scene.maker.client.post("/environment", {"name": "empty"})).json["id"]
    await person(house, "newcomer", "operator", nowhere)
    browser = await signed_in(house, "newcomer")
    assert (await browser.open(scene.program.door(ORIGIN, resource=None))).status == 400
    assert "one with require_api_token_auth does" in browser.text
