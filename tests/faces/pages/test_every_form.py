"""Every address of the web that takes a form, found among what is served: without proof that the form was ours, with
another visitor's proof, or without a session, nothing happens. Acts of admin pages are tried singly in test_doors."""

import re
from urllib.parse import urlencode

import pytest
from starlette.routing import Route

from portico.faces.web.site import Site
from tests.faces.oauth.browser import ORIGIN, Browser
from tests.faces.pages.conftest import Office
from tests.gateways import Got

pytestmark = pytest.mark.asyncio(loop_scope="package")
# Where nobody is signed in yet, and where a link is the whole proof.
OPEN = {"/sign-in", "/sign-out", "/connect", "/one-time/{link}", "/approve/{link}"}
# What programs post to, without any cookie: the question whether a link is good.
FOR_PROGRAMS = {"/connect/check"}


def forms(office: Office) -> list[str]:
    """All addresses that take a form, as they are asked for."""
    found = [each for each in office.gateway.routes if isinstance(each, Route) and "POST" in (each.methods or ())]
    return [each.path for each in found if type(each.endpoint).__module__ == Site.__module__]


def address(path: str, environment: str) -> str:
    return re.sub(r"\{[^}]+\}", "nothing", path.replace("{environment}", environment))


async def send(browser: Browser, path: str, token: str | None, origin: str = ORIGIN) -> Got:
    fields = {"do": "anything"} | ({"form_token": token} if token is not None else {})
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": origin}
    return await browser.send("POST", path, urlencode(fields).encode(), headers)


async def token_of(browser: Browser) -> str:
    await browser.open("/admin/me" if browser.cookie else "/sign-in")
    return browser.forms[0].fields["form_token"]


async def state(office: Office) -> object:
    """What every change of anything would move."""
    return (await office.client.get("/audit")).json["result"][0]["number"]


async def test_nothing_of_the_web_takes_a_post_past_the_forms(office: Office) -> None:
    """Everything else that posts is for programs, which have tokens and no cookies."""
    assert {"/sign-in", "/sign-out", "/access", "/oauth/authorize", "/connect", "/admin/me"} <= set(forms(office))
    others = {
        each.path
        for each in office.gateway.routes
        if isinstance(each, Route)
        and {"POST", "PUT", "PATCH", "DELETE"} & (each.methods or set())
        and getattr(each.endpoint, "__module__", "").startswith("portico.faces.web")
        and each.path not in forms(office)
    }
    assert others == FOR_PROGRAMS


@pytest.mark.parametrize("forged", ["no token", "an empty token", "another's token", "another site", "no origin"])
async def test_a_forged_form_is_refused_everywhere(office: Office, forged: str) -> None:
    own, foreign = await token_of(office.owner), await token_of(office.operator)
    token = {"no token": None, "an empty token": "", "another's token": foreign}.get(forged, own)
    origin = {"another site": "https://evil.example", "no origin": ""}.get(forged, ORIGIN)
    before = await state(office)
    for path in forms(office):
        got = await send(office.owner, address(path, office.environment), token, origin)
        assert (got.status, got.headers.get("location")) == (403, None), path
    assert await state(office) == before
    assert (await office.owner.open("/admin/me")).status == 200, "a forged form has signed somebody out"


async def test_a_form_of_ones_own_without_a_session_leads_to_the_door(office: Office) -> None:
    stranger = Browser(office.gateway)
    token = await token_of(stranger)
    before = await state(office)
    for path in set(forms(office)) - OPEN:
        got = await send(stranger, address(path, office.environment), token)
        assert (got.status, got.headers["location"][:9]) == (303, "/sign-in?"), path
    assert await state(office) == before


async def test_a_token_is_good_for_one_session_only(office: Office) -> None:
    """A visitor's token from before signing in is none afterwards: nobody can have one ready."""
    visitor = Browser(office.gateway)
    token = await token_of(visitor)
    await visitor.sign_in("vera", "a password for tests")
    for path in set(forms(office)) - {"/connect"}:
        assert (await send(visitor, address(path, office.environment), token)).status == 403, path


async def test_a_viewer_changes_nothing_wherever_a_form_is_sent(office: Office) -> None:
    token = await token_of(office.viewer)
    before = await state(office)
    for path in set(forms(office)) - {"/sign-out"}:
        got = await send(office.viewer, address(path, office.environment), token)
        assert got.status in {303, 400, 403, 404, 410}, (path, got.status)
    assert await state(office) == before
