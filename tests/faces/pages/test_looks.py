"""What customers see looks like whoever sends them there: the name, logo and colours of that environment alone."""

from base64 import b64encode
from typing import Any

import pytest

from tests.faces.oauth.browser import ORIGIN, Browser
from tests.faces.pages.conftest import Office
from tests.toolbox.pictures import png

pytestmark = pytest.mark.asyncio(loop_scope="package")
LOGO = f"data:image/png;base64,{b64encode(png(40, 20)).decode()}"
LOOK = {"name": "Lark & <Field>", "main_color": "#8a0f3c", "paper_color": "#fff8f0", "logo": LOGO}
PLAIN = {"name": "", "main_color": "", "paper_color": "", "logo": ""}


async def connect_page(office: Office) -> Browser:
    browser = Browser(office.gateway)
    url = (await office.client.post("/link-token", {"tenant_id": "looks"})).json["url"]
    await browser.open(url)
    return browser


async def dressed(office: Office, look: dict[str, Any]) -> dict[str, Any]:
    got = await office.client.patch("/link-page", look)
    assert got.status == 200, got.content
    return got.json


async def test_customers_see_name_logo_and_colours(office: Office) -> None:
    made = await dressed(office, LOOK)
    page = await connect_page(office)
    text = page.page.content.decode()
    assert "Connect OpenAI · Lark & <Field>" in page.text
    assert "Portico" not in page.text
    assert "<Field>" not in text
    assert 'href="/look.css?main=8a0f3c&amp;paper=fff8f0"' in text
    policy = page.page.headers["content-security-policy"]
    assert ("style-src 'self'" in policy, "unsafe" in policy) == (True, False)
    address = made["logo_url"].removeprefix(ORIGIN)
    assert f'src="{address}"' in text
    style = await page.open("/look.css?main=8a0f3c&paper=fff8f0")
    assert "--main: light-dark(#8a0f3c, " in style.content.decode()
    logo = await page.open(address)
    assert (logo.content, logo.headers["content-type"]) == (png(40, 20), "image/png")
    assert "sandbox" in logo.headers["content-security-policy"]
    assert "immutable" in logo.headers["cache-control"]
    await dressed(office, PLAIN)
    assert (await page.open(address)).status == 404
    assert "look.css" not in (await connect_page(office)).page.content.decode()


async def test_stylesheet_takes_nothing_but_colours(office: Office) -> None:
    got = await Browser(office.gateway).open("/look.css?main=red%7D*%7Bbackground%3Aurl(x)&paper=%3C")
    assert got.content == b":root {  }\n"


async def test_what_cannot_be_used_changes_nothing(office: Office) -> None:
    await dressed(office, PLAIN | {"name": "Before"})
    for wrong in (
        {"main_color": "#ffee00"},
        {"paper_color": "#222222"},
        {"logo": "data:image/svg+xml;base64,PHN2Zy8+"},
    ):
        got = await office.client.patch("/link-page", {"name": "After", **wrong})
        assert (got.status, next(iter(wrong)) in got.sentence) == (400, True)
    assert (await office.client.get("/link-page")).json["name"] == "Before"
    await dressed(office, PLAIN)


async def test_form_changes_the_look_and_shows_it_before(office: Office) -> None:
    operator = office.operator
    await operator.open(office.at("/link-page"))
    got = await operator.submit(office.at("/link-page"), name="Previewed", main_color="#8a0f3c", do="preview")
    assert got.status == 200
    assert "main=8a0f3c" in got.content.decode()
    assert "A preview: nothing can be sent from here." in operator.text
    assert (await office.client.get("/link-page")).json["name"] == ""
    await operator.open(office.at("/link-page"))
    await operator.submit(office.at("/link-page"), name="Saved", logo=LOGO, do="change")
    await operator.follow()
    assert "The link page is changed." in operator.text
    assert "/look/logo/" in operator.page.content.decode()
    await operator.submit(office.at("/link-page"), without_logo="1", main_color="#ffee00", do="change")
    assert operator.page.status == 400
    assert "stands out too little" in operator.text
    assert 'value="#ffee00"' in operator.page.content.decode()
    await operator.submit(office.at("/link-page"), without_logo="1", main_color="", name="", do="change")
    assert (await office.client.get("/link-page")).json["logo_url"] is None


async def test_viewer_sees_the_page_and_cannot_change_it(office: Office) -> None:
    await office.viewer.open(office.at("/link-page"))
    assert "Save" not in office.viewer.text
    got = await office.viewer.submit(office.at("/link-page"), name="Mine", do="change")
    assert got.status == 403
    assert (await office.client.get("/link-page")).json["name"] == ""


async def test_links_that_show_a_key_once_look_the_same(office: Office) -> None:
    await dressed(office, LOOK)
    stored = await office.client.post("/stored-secret", {"name": "looks", "value": "a-key-0123456789"})
    assert stored.status < 300, stored.content
    made = await office.client.post("/stored-secret/looks/link", {})
    assert made.status < 300, made.content
    browser = Browser(office.gateway)
    await browser.open(made.json["url"])
    assert "A key for you · Lark & <Field>" in browser.text
    await browser.submit()
    assert "a-key-0123456789" in browser.page.content.decode()
    assert "look.css" in browser.page.content.decode()
    await dressed(office, PLAIN)


async def test_a_link_for_a_customer_is_made_here_and_shown_once(office: Office) -> None:
    page = office.at("/link-page")
    await office.operator.open(page)
    assert (await office.operator.submit(page, do="link", tenant_id=" ")).status == 400
    await office.operator.open(page)
    await office.operator.submit(page, do="link", tenant_id="Fern & Moss")
    assert "The link for Fern & Moss" in office.operator.text
    url = next(word for word in office.operator.text.split() if "/connect?link_token=" in word)
    await office.stranger.open(url)
    assert "For Fern & Moss" in office.stranger.text
    await office.operator.open(page)
    assert "/connect?link_token=" not in office.operator.text
    await office.viewer.open(page)
    assert "Make a link" not in office.viewer.text
