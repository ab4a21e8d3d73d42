"""/connect inside another site: where its environment allows that, without cookies, and told to nobody else."""

import html
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from portico.errors import InvalidArguments
from portico.faces.web.embed import script
from portico.gateway.embedding import checked_origins, origin_of
from tests.faces.admin.test_integrations import papers
from tests.faces.oauth.browser import HOST, Browser
from tests.faces.pages.conftest import Office
from tests.gateways import Got, exchange

pytestmark = pytest.mark.asyncio(loop_scope="package")
PROJECT = "sk-proj-embedded-0123456789abcdef"
SITE, OTHER = "https://app.example", "https://other.example"


async def linked(office: Office, **body: Any) -> str:
    got = await office.client.post("/link-token", {"tenant_id": "embedded", **body})
    return got.json["link_token"]


async def allow(office: Office, *origins: str) -> None:
    got = await office.client.patch("/link-page", {"allowed_origins": list(origins)})
    assert got.status == 200, got.content


async def shown(office: Office, token: str, **asked: str) -> Browser:
    browser = Browser(office.gateway)
    await browser.open(f"/connect?{urlencode({'link_token': token, **asked})}")
    return browser


async def checked(office: Office, origin: str, **asked: str) -> Got:
    headers = {"host": HOST, "origin": origin, "content-type": "application/x-www-form-urlencoded"}
    content = urlencode(asked).encode()
    headers["content-length"] = str(len(content))
    return await exchange(office.gateway, "POST", "/connect/check", "", headers, content)


def told(browser: Browser) -> dict[str, Any]:
    """What the page will say to the site: to whom, and what."""
    text = browser.page.content.decode()
    found = re.search(r'data-listener="([^"]*)"(?: data-outcome="([^"]*)")?', text)
    assert found, text
    return {"to": found[1], "outcome": json.loads(html.unescape(found[2])) if found[2] else None}


async def test_page_may_be_framed_by_nobody_unless_it_is_allowed(office: Office) -> None:
    await allow(office)
    token = await linked(office)
    alone = await shown(office, token)
    assert alone.page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in alone.page.headers["content-security-policy"]
    assert "data-listener" not in alone.page.content.decode()
    refused = await shown(office, token, mode="iframe", origin=SITE)
    assert refused.page.status == 403
    assert "allowed_origins" in refused.text
    assert "frame-ancestors 'none'" in refused.page.headers["content-security-policy"]


async def test_allowed_site_alone_frames_the_page_and_hears_of_it(office: Office) -> None:
    await allow(office, SITE, f"{SITE}/")
    token = await linked(office)
    page = await shown(office, token, mode="iframe", origin=SITE)
    policy = page.page.headers["content-security-policy"]
    assert f"frame-ancestors {SITE};" in policy
    assert "default-src 'none'" in policy
    assert "x-frame-options" not in page.page.headers
    assert told(page) == {"to": SITE, "outcome": None}
    assert (await shown(office, token, mode="iframe", origin=OTHER)).page.status == 403
    in_window = await shown(office, token, mode="popup", origin=SITE)
    assert "frame-ancestors 'none'" in in_window.page.headers["content-security-policy"]
    assert told(in_window)["to"] == SITE


async def test_form_works_without_cookies_and_tells_how_it_went(office: Office) -> None:
    await allow(office, SITE)
    page = await shown(office, await linked(office), mode="iframe", origin=SITE)
    assert "set-cookie" not in page.page.headers
    await page.submit("/connect", {"context.api_key": "not-a-key"})
    failed = told(page)["outcome"]
    assert failed["error_type"] == "validation_error"
    await page.submit("/connect", {"context.api_key": PROJECT})
    outcome = told(page)["outcome"]
    assert outcome == {
        "result": "success", "integration": "openai", "integrated_account_id": failed["integrated_account_id"],
    }  # fmt: skip
    assert "set-cookie" not in page.page.headers
    assert not page.cookie


async def test_one_links_form_proves_nothing_for_another(office: Office) -> None:
    first, second = await linked(office), await linked(office)
    page = await shown(office, first)
    proof = page.form("/connect").fields["form_token"]
    other = await shown(office, second)
    assert (await other.submit("/connect", {"context.api_key": PROJECT}, form_token=proof)).status == 403


async def test_refusals_are_told_to_the_site_too(office: Office) -> None:
    await allow(office, SITE)
    page = await shown(office, await linked(office), mode="popup", origin=SITE, integration="unheard-of")
    assert page.page.status == 422
    assert told(page)["outcome"]["error_type"] == "invalid_integration"


async def test_person_is_sent_back_to_the_same_site_only(office: Office) -> None:
    await allow(office, SITE)
    token = await linked(office)
    away = await shown(office, token, mode="window", origin=SITE, return_to=f"{OTHER}/here")
    assert away.page.status == 403
    page = await shown(office, token, mode="window", origin=SITE, return_to=f"{SITE}/settings?tab=1")
    assert f"{SITE}/settings?tab=1&amp;result=error&amp;error_type=closed" in page.page.content.decode()
    await page.submit("/connect", {"context.api_key": PROJECT})
    assert f"{SITE}/settings?tab=1&amp;result=success&amp;integration=openai" in page.page.content.decode()


async def test_a_link_is_checked_before_anything_is_shown(office: Office) -> None:
    await allow(office, SITE)
    token = await linked(office)
    good = await checked(office, SITE, link_token=token)
    assert (good.status, good.json) == (200, {"result": "ready", "integrations": ["openai"]})
    assert good.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in good.headers
    for origin, asked, kind in (
        (OTHER, {"link_token": token}, "origin_refused"),
        (SITE, {"link_token": "ptc_link_x"}, "invalid_token"),
        (SITE, {"link_token": token, "integration": "unheard-of"}, "invalid_integration"),
        (SITE, {"link_token": token, "integrations": "openai,unheard-of"}, "invalid_integration"),
    ):
        got = await checked(office, origin, **asked)
        assert (got.status >= 400, got.json["error_type"]) == (True, kind)
        assert got.headers["access-control-allow-origin"] == "*"
    page = await shown(office, token)
    await page.submit("/connect", {"context.api_key": PROJECT})
    assert (await checked(office, SITE, link_token=token)).json["error_type"] == "invalid_token"


@pytest.mark.parametrize("name", ["embed.js", "embed.mjs"])
async def test_script_is_small_and_kept_by_browsers(office: Office, name: str) -> None:
    got = await office.client.as_holder_of(None).get(f"/{name}")
    assert (got.status, got.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert len(got.content) < 8_000
    assert got.headers["access-control-allow-origin"] == "*"
    assert "max-age=" in got.headers["cache-control"]
    again = await office.client.send("GET", f"/{name}", headers={"if-none-match": got.headers["etag"]})
    assert (again.status, again.content) == (304, b"")
    assert got.content == script(name)


@pytest.mark.parametrize(
    "text", ["app.example", "http://app.example", "https://app.example/path", "https://*.example", "null", "*", ""]
)
async def test_what_is_no_origin_is_not_allowed(office: Office, text: str) -> None:
    assert origin_of(text) == ""
    got = await office.client.patch("/link-page", {"allowed_origins": [text]})
    assert got.status == 400
    assert "allowed_origins[0]" in got.sentence


async def test_origins_are_kept_as_browsers_write_them(office: Office) -> None:
    given = ["https://App.Example:443/", "http://localhost:3000", "https://app.example"]
    assert checked_origins(given) == ("https://app.example", "http://localhost:3000")
    with pytest.raises(InvalidArguments):
        checked_origins([f"https://a{number}.example" for number in range(51)])


async def test_several_integrations_are_a_choice(office: Office) -> None:
    made = await office.client.post(
        "/integration", {"name": "papers", "config": papers(f"{office.stage.sandbox_url}/v1")}
    )
    assert made.status == 201, made.content
    try:
        page = await shown(office, await linked(office, redirect_uri="https://app.example/done"))
        assert "What do you want to connect?" in page.text
        assert "Papers" in page.text
        addresses = re.findall(r'href="(/connect[^"]*)"', page.page.content.decode())
        address = next(each for each in addresses if "openai" in each)
        await page.open(html.unescape(address))
        assert "Connect something else" in page.text
        assert (await page.submit("/connect", {"context.api_key": PROJECT})).status == 200
        assert "result=success&amp;integration=openai" in page.page.content.decode()
        fixed = await shown(office, await linked(office, integration="openai"))
        assert "Connect something else" not in fixed.text
        narrowed = await shown(office, await linked(office), integrations="papers", no_back="1")
        assert "Connect Papers" in narrowed.text
        quiet = await shown(office, await linked(office), integration="papers", no_back="1")
        assert "Connect something else" not in quiet.text
    finally:
        await office.client.delete(f"/integration/{made.json['id']}")
