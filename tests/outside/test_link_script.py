"""The script that has a site's customers connect their accounts, in a real browser on a foreign origin."""

import json
from base64 import b64encode
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.outside.browsing import DESK, PHONE, keep, visit
from tests.outside.mcp_house import House
from tests.outside.site import Site, opened
from tests.outside.test_oauth_in_a_browser import CONTRAST, look, sign_in
from tests.toolbox.pictures import png

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = [pytest.mark.outside, pytest.mark.browser, pytest.mark.timeout(120)]
Json = dict[str, Any]
PROJECT, ADMIN = "sk-proj-embedded-0123456789abcdef", "sk-admin-embedded-0123456789abcdef"
TENANT = "A customer"


@pytest.fixture(scope="module")
def site(mcp_house: House) -> Generator[Site]:
    """One that may show the page."""
    with opened(mcp_house.url) as found:
        mcp_house.ask("PATCH", "/link-page", {"allowed_origins": [found.url]})
        yield found


@pytest.fixture(scope="module")
def stranger(mcp_house: House) -> Generator[Site]:
    """One that may not."""
    with opened(mcp_house.url) as found:
        yield found


def link(house: House, **body: Any) -> str:
    return house.ask("POST", "/link-token", {"tenant_id": TENANT, **body})["link_token"]


def enter(page: "Page", site: Site, token: str, path: str = "/", **options: Any) -> None:
    page.goto(f"{site.url}{path}?{urlencode({'token': token, 'options': json.dumps(options)})}")
    page.locator("body[data-ready]").wait_for()


def begin(page: "Page", site: Site, token: str, **options: Any) -> "FrameLocator":
    """In a frame, as far as the form."""
    enter(page, site, token, **options)
    page.get_by_role("button", name="Connect OpenAI").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Connect OpenAI").wait_for()
    return frame


def told(page: "Page") -> Json:
    """What the site's promise came to."""
    page.locator("#out:not(:empty)").wait_for()
    return json.loads(page.locator("#out").inner_text())


def is_active(house: House, outcome: Json) -> bool:
    account = house.ask("GET", f"/integrated-account/{outcome['integrated_account_id']}")
    return (account["status"], account["tenant_id"]) == ("active", TENANT)


def test_account_is_connected_in_a_frame(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        frame = begin(page, site, link(mcp_house))
        field = frame.get_by_label("Project API key")
        field.press_sequentially("sk-admin-")
        frame.get_by_text("This looks like another key").wait_for()
        field.fill(PROJECT)
        frame.get_by_text("This looks right: ").wait_for()
        keep(page, "embed-frame")
        frame.get_by_role("button", name="Connect", exact=True).click()
        frame.get_by_role("heading", name="OpenAI is connected").wait_for()
        assert "operations wait for it" in frame.locator("main").inner_text()
        assert page.locator("#out").inner_text() == ""
        keep(page, "embed-done")
        frame.get_by_role("button", name="Done").click()
        outcome = told(page)
        assert outcome == {
            "result": "success", "integration": "openai", "integrated_account_id": outcome["integrated_account_id"],
        }  # fmt: skip
        assert is_active(mcp_house, outcome)
        assert page.locator("iframe").count() == 0
        assert page.evaluate("document.activeElement.id") == "go"
        assert page.context.cookies() == []


def test_account_is_connected_in_a_window(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        enter(page, site, link(mcp_house), iframe=False, width=420, height=700)
        with page.expect_popup() as opening:
            page.get_by_role("button", name="Connect OpenAI").click()
        window = opening.value
        window.get_by_label("Admin API key").fill(ADMIN)
        window.get_by_role("button", name="Connect", exact=True).click()
        with window.expect_event("close"):
            window.get_by_role("button", name="Done").click()
        assert is_active(mcp_house, told(page))


def test_account_is_connected_in_the_same_window(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        enter(page, site, link(mcp_house), sameWindow=True)
        page.get_by_role("button", name="Connect OpenAI").click()
        page.get_by_label("Project API key").fill(PROJECT)
        page.get_by_role("button", name="Connect", exact=True).click()
        page.get_by_role("link", name="Go back").click()
        page.wait_for_url(f"{site.url}/**")
        assert is_active(mcp_house, told(page))
        assert "result=" not in page.url
        enter(page, site, link(mcp_house), sameWindow=True)
        page.get_by_role("button", name="Connect OpenAI").click()
        page.get_by_role("link", name="Cancel").click()
        page.wait_for_url(f"{site.url}/**")
        assert told(page) == {"type": "closed"}


@pytest.mark.parametrize("way", ["cross", "escape outside", "escape inside", "cancel"])
def test_closing_is_a_rejection_and_the_link_stays_good(
    browser: "Browser", mcp_house: House, site: Site, way: str
) -> None:
    token = link(mcp_house)
    with visit(browser, viewport=DESK) as page:
        frame = begin(page, site, token)
        if way == "cross":
            page.get_by_role("button", name="Close").click()
        elif way == "cancel":
            frame.get_by_role("button", name="Cancel").click()
        elif way == "escape inside":
            # As an event: the driver waits for a key's answer from a frame that is gone by then.
            frame.get_by_label("Project API key").dispatch_event("keydown", {"key": "Escape"})
        else:
            page.get_by_role("button", name="Close").press("Escape")
        assert told(page) == {"type": "closed"}
        begin(page, site, token)


def test_closing_after_a_key_that_failed_says_so(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        frame = begin(page, site, link(mcp_house))
        frame.get_by_label("Project API key").fill("no key at all")
        frame.get_by_role("button", name="Connect", exact=True).click()
        frame.get_by_role("alert").wait_for()
        page.get_by_role("button", name="Close").click()
        problem = told(page)
        assert problem["type"] == "validation_error"
        account = mcp_house.ask("GET", f"/integrated-account/{problem['id']}")
        assert account["status"] == "validation_error"


def test_closed_and_blocked_windows_are_told_apart(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        enter(page, site, link(mcp_house), iframe=False)
        with page.expect_popup() as opening:
            page.get_by_role("button", name="Connect OpenAI").click()
        opening.value.get_by_label("Project API key").wait_for()
        opening.value.close()
        assert told(page) == {"type": "closed"}
        page.reload()
        page.evaluate("window.open = () => null")
        page.get_by_role("button", name="Connect OpenAI").click()
        assert told(page) == {"type": "blocked"}


def test_site_that_is_not_allowed_gets_nothing(browser: "Browser", mcp_house: House, stranger: Site) -> None:
    token = link(mcp_house)
    with visit(browser, viewport=DESK) as page:
        enter(page, stranger, token)
        page.get_by_role("button", name="Connect OpenAI").click()
        problem = told(page)
        assert problem["type"] == "origin_refused"
        assert stranger.url in problem["message"]
        assert page.locator("iframe").count() == 0


def test_browser_does_not_frame_the_page_for_others(
    browser: "Browser", mcp_house: House, site: Site, stranger: Site
) -> None:
    """Without our script, and with the name of a site that may."""
    context = browser.new_context()
    page = context.new_page()
    enter(page, stranger, link(mcp_house))
    asked = {"link_token": link(mcp_house), "mode": "iframe", "origin": site.url}
    page.evaluate(
        """(address) => { window.heard = []; onmessage = (event) => heard.push(event.data);
        document.body.append(Object.assign(document.createElement("iframe"), {src: address})); }""",
        f"{mcp_house.url}/connect?{urlencode(asked)}",
    )
    page.wait_for_timeout(1000)
    assert page.evaluate("heard") == []
    assert [each.url for each in page.frames[1:]] == ["chrome-error://chromewebdata/"]
    context.close()


def test_what_others_say_is_not_believed(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        frame = begin(page, site, link(mcp_house))
        page.evaluate("postMessage({from: 'portico', outcome: {result: 'success'}, close: true}, '*')")
        page.wait_for_timeout(200)
        frame.get_by_label("Project API key").fill(PROJECT)
        assert page.locator("#out").inner_text() == ""


@pytest.mark.parametrize(
    ("options", "kind"), [({}, "invalid_token"), ({"integration": "unheard-of"}, "invalid_integration")]
)
def test_links_that_cannot_be_used_are_rejected_with_their_type(
    browser: "Browser", mcp_house: House, site: Site, options: Json, kind: str
) -> None:
    with visit(browser, viewport=DESK) as page:
        enter(page, site, link(mcp_house) if options else "ptc_link_made-up", **options)
        page.get_by_role("button", name="Connect OpenAI").click()
        problem = told(page)
        assert problem["type"] == kind
        assert problem["message"].endswith(".")


def test_gateway_that_is_not_there_is_a_connection_error(browser: "Browser", mcp_house: House, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    enter(page, site, link(mcp_house), baseUrl="http://127.0.0.1:9/")
    page.get_by_role("button", name="Connect OpenAI").click()
    assert told(page)["type"] == "connection_error"
    context.close()


def test_module_can_be_imported(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        enter(page, site, link(mcp_house), "/module")
        page.get_by_role("button", name="Connect OpenAI").click()
        page.frame_locator("iframe").get_by_label("Project API key").fill(PROJECT)


def test_everything_can_be_done_with_the_keyboard(browser: "Browser", mcp_house: House, site: Site) -> None:
    with visit(browser, viewport=DESK) as page:
        enter(page, site, link(mcp_house))
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        frame = page.frame_locator("iframe")
        frame.get_by_label("Project API key").wait_for()
        walk(page, "api_key")
        page.keyboard.type(PROJECT)
        page.keyboard.press("Enter")
        frame.get_by_role("button", name="Done").wait_for()
        walk(page, "Done")
        # The key itself would close the frame that it is pressed in, and a browser may then never say that it was.
        page.frames[1].evaluate("setTimeout(() => document.activeElement.click())")
        assert is_active(mcp_house, told(page))


def walk(page: "Page", wanted: str) -> None:
    """Tab on until that control of the framed page has the focus."""
    names = "(document.activeElement.id || document.activeElement.innerText || '')"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.frames[1].evaluate(f"document.hasFocus() ? {names} : ''") == wanted:
            return
    pytest.fail(f"the keyboard does not get to {wanted}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_on_a_phone(browser: "Browser", mcp_house: House, site: Site, scheme: str) -> None:
    with visit(browser, viewport=PHONE, color_scheme=scheme) as page:
        frame = begin(page, site, link(mcp_house))
        box = page.locator("dialog").bounding_box()
        assert box is not None
        assert (box["x"], box["width"], box["height"]) == (0, PHONE["width"], PHONE["height"])
        close = page.get_by_role("button", name="Close").bounding_box()
        assert close is not None
        assert close["height"] >= 44
        inner = page.frames[1]
        assert inner.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert inner.evaluate(CONTRAST) == []
        keep(page, f"embed-phone-{scheme}")
        frame.get_by_label("Project API key").fill(PROJECT)
        frame.get_by_role("button", name="Connect", exact=True).click()
        frame.get_by_role("button", name="Done").wait_for()
        assert inner.evaluate(CONTRAST) == []


def test_page_by_itself_fits_everywhere(browser: "Browser", mcp_house: House) -> None:
    for size in (DESK, PHONE):
        with visit(browser, viewport=size) as page:
            page.goto(mcp_house.ask("POST", "/link-token", {"tenant_id": TENANT})["url"])
            look(page, f"connect-{size['width']}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_customers_own_look_can_be_read(browser: "Browser", mcp_house: House, scheme: str) -> None:
    logo = f"data:image/png;base64,{b64encode(png(120, 40)).decode()}"
    colors = {"main_color": "#8a0f3c", "paper_color": "#fff3e4"}
    mcp_house.ask("PATCH", "/link-page", {"name": "Larkfield Analytics", "logo": logo, **colors})
    try:
        with visit(browser, viewport=PHONE, color_scheme=scheme) as page:
            page.goto(mcp_house.ask("POST", "/link-token", {"tenant_id": TENANT})["url"])
            assert page.title() == "Connect OpenAI · Larkfield Analytics"
            assert page.locator(".brand img").evaluate("each => each.naturalWidth") == 120
            look(page, f"look-{scheme}")
            button = page.get_by_role("button", name="Connect", exact=True)
            ground = button.evaluate("each => getComputedStyle(each).backgroundColor")
            assert (ground == "rgb(138, 15, 60)") == (scheme == "light")
    finally:
        mcp_house.ask("PATCH", "/link-page", {"name": "", "logo": "", "main_color": "", "paper_color": ""})


def test_logo_is_chosen_and_seen_in_the_admin_form(browser: "Browser", mcp_house: House, tmp_path: Path) -> None:
    picture = tmp_path / "logo.png"
    picture.write_bytes(png(60, 30))
    environment = mcp_house.ask("GET", "/environment")["result"][0]["id"]
    with visit(browser, viewport=DESK) as page:
        page.goto(f"{mcp_house.url}/admin/{environment}/link-page")
        sign_in(page)
        page.get_by_label("Name").fill("Larkfield")
        page.get_by_label("Main colour").fill("#8a0f3c")
        with page.expect_popup() as opening:
            page.get_by_role("button", name="Preview").click()
        opening.value.get_by_text("A preview: nothing can be sent from here.").wait_for()
        opening.value.close()
        page.get_by_label("Logo").set_input_files(picture)
        page.locator("#logo:not([value=''])").wait_for(state="attached")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The link page is changed.").wait_for()
        page.wait_for_function("document.querySelector('[alt=\"The present logo\"]').naturalWidth === 60")
        look(page, "admin-link-page")
        page.get_by_label("Name").fill("")
        page.get_by_label("Main colour").fill("")
        page.get_by_label("Take the logo away").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The link page is changed.").wait_for()
        assert page.get_by_alt_text("The present logo").count() == 0
