"""Every admin page and every act on it: nobody without a session, no foreign form, no foreign environment, no more than
the role allows. The pages are those that are served; one that is added is tried by itself."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.faces.oauth.browser import ORIGIN, Browser
from tests.faces.oauth.program import signed_in
from tests.faces.pages.conftest import Office
from tests.gateways import Got

pytestmark = pytest.mark.asyncio(loop_scope="package")
NOWHERE = "00000000-0000-7000-8000-000000000000"


def address(path: str, environment: str) -> str:
    return re.sub(r"\{[^}]+\}", NOWHERE, path.replace("{environment}", environment))


async def send(browser: Browser, path: str, fields: dict[str, Any], **headers: str) -> Got:
    """A form sent to an address, whatever page the browser has open."""
    sent = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN} | headers
    return await browser.send("POST", path, urlencode(fields).encode(), sent)


def acts(office: Office) -> list[tuple[str, str]]:
    return [(address(path, office.environment), act) for path, names in office.pages().items() for act in names]


async def token_of(browser: Browser) -> str:
    await browser.open("/admin/me")
    if browser.page.status == 303:
        await browser.open("/sign-in")
    return browser.forms[0].fields["form_token"]


async def test_without_a_session_every_page_leads_to_the_door_and_back(office: Office) -> None:
    for path in office.pages():
        place = address(path, office.environment)
        got = await Browser(office.gateway).open(place)
        assert (got.status, got.headers["location"]) == (303, f"/sign-in?{urlencode({'next': place})}")


async def test_without_a_session_no_form_does_anything(office: Office) -> None:
    stranger = Browser(office.gateway)
    token = await token_of(stranger)
    for place, act in acts(office):
        got = await send(stranger, place, {"do": act, "form_token": token})
        assert got.status == 303, f"{act} at {place}"
        assert got.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("forged", ["no token", "another's token", "another site", "no origin", "another type"])
async def test_a_form_that_was_not_ours_is_refused(office: Office, forged: str) -> None:
    own, foreign = await token_of(office.owner), await token_of(office.operator)
    for place, act in acts(office):
        fields = {"do": act, "form_token": own}
        headers: dict[str, str] = {}
        if forged == "no token":
            del fields["form_token"]
        elif forged == "another's token":
            fields["form_token"] = foreign
        elif forged == "another site":
            headers["origin"] = "https://evil.example"
        elif forged == "no origin":
            headers["origin"] = ""
        else:
            headers["content-type"] = "text/plain"
        got = await send(office.owner, place, fields, **headers)
        assert (got.status, b"did not come from Portico" in got.content or forged == "another type") == (403, True)


async def test_a_session_that_has_ended_does_nothing_more(office: Office) -> None:
    gone = await signed_in(office.gateway, "olga")
    token = await token_of(gone)
    before = gone.cookie
    await gone.submit("/sign-out")
    gone.cookie = before
    for place, act in acts(office):
        got = await send(gone, place, {"do": act, "form_token": token})
        assert (got.status, got.headers["location"][:8]) == (303, "/sign-in"), f"{act} at {place}"


async def test_a_page_does_nothing_that_is_not_on_it(office: Office) -> None:
    token = await token_of(office.owner)
    for place in {place for place, _ in acts(office)}:
        got = await send(office.owner, place, {"do": "nonsense", "form_token": token})
        assert got.status in {400, 404}, place


async def test_another_environments_pages_look_as_if_there_were_none(office: Office) -> None:
    for path in office.pages():
        if "{environment}" in path:
            foreign = await office.stranger.open(address(path, office.environment))
            sentence = office.stranger.text
            nobodys = await office.stranger.open(address(path, NOWHERE))
            assert (foreign.status, nobodys.status) == (404, 404)
            assert (
                sentence.replace(office.environment, NOWHERE).partition("Request")[0]
                == (office.stranger.text.partition("Request")[0])
            )


async def test_a_viewer_changes_nothing(office: Office) -> None:
    """Only what concerns nobody else: their own sessions and password, and what is shown without being kept."""
    token = await token_of(office.viewer)
    before = (await office.client.get("/audit")).json["result"][0]["number"]
    for place, act in acts(office):
        if place != "/admin/me":
            got = await send(office.viewer, place, {"do": act, "form_token": token})
            assert got.status in {200, 400, 403, 404}, f"{act} at {place}: {got.status}"
    assert (await office.client.get("/audit")).json["result"][0]["number"] == before


async def test_users_are_for_owners(office: Office) -> None:
    for browser in (office.operator, office.viewer):
        got = await browser.open("/admin/users")
        assert (got.status, "Ask an owner" in browser.text) == (403, True)
        assert "Users" not in (await browser.open("/admin/me")).content.decode()


async def test_pages_may_be_framed_kept_and_scripted_by_nobody(office: Office) -> None:
    got = await office.owner.open(office.at())
    policy = got.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert got.headers["cache-control"] == "no-store"
    assert b"<style" not in got.content
    assert b" style=" not in got.content
    assert b" onclick" not in got.content
