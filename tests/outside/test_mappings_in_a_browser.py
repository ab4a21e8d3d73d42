"""The admin page of mappings in a real browser: with scripts and without, on a desk and on a phone."""

import json
from typing import TYPE_CHECKING

import pytest

from tests.outside.browsing import DESK, PHONE, visit
from tests.outside.mcp_house import House
from tests.outside.test_oauth_in_a_browser import look, sign_in
from tests.size import IS_FULL

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ViewportSize

pytestmark = [pytest.mark.outside, pytest.mark.browser, pytest.mark.timeout(120)]
MAPPED = {"is_owner": 'response.role = "owner"', "avatar": None}
CHANGE = json.dumps({"user-directory": {"users": {"every": {"response_mapping": MAPPED}}}}, indent=2)


# In the everyday suite each size and each kind of browser once.
TWO = {"scripts-desk": (True, DESK), "plain-phone": (False, PHONE)}
BROWSERS = TWO | {"scripts-phone": (True, PHONE), "plain-desk": (False, DESK)} if IS_FULL else TWO


@pytest.mark.parametrize(("scripts", "size"), BROWSERS.values(), ids=BROWSERS)
def test_a_change_is_tried_saved_and_rolled_back(
    browser: "Browser", mcp_house: House, scripts: bool, size: "ViewportSize"
) -> None:
    environment = mcp_house.ask("GET", "/environment")["result"][0]["id"]
    name = f"{'scripts' if scripts else 'plain'}-{size['width']}"
    with visit(browser, viewport=size, java_script_enabled=scripts) as page:
        page.goto(f"{mcp_house.url}/admin/{environment}/accounts/{mcp_house.account_id}")
        sign_in(page)
        page.get_by_role("link", name="Mappings").click()
        page.get_by_label("Changes, as JSON").fill(CHANGE)
        page.get_by_role("button", name="Try").click()
        page.get_by_role("heading", name="What came of trying").wait_for()
        assert page.get_by_label("Changes, as JSON").input_value() == CHANGE
        if scripts:
            look(page, f"mappings-tried-{name}")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The mappings are changed").wait_for()
        page.get_by_label("Changes, as JSON").fill("{")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("is not JSON").wait_for()
        page.get_by_role("link", name="What it changed").first.click()
        page.get_by_role("heading", name="changed", exact=False).first.wait_for()
        page.get_by_label("Changes, as JSON").fill("")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The mappings are changed").wait_for()
        page.get_by_role("button", name="Roll back to").first.click()
        page.get_by_text("The mappings are rolled back").wait_for()
        if scripts:
            look(page, f"mappings-{name}")
        page.get_by_label("Changes, as JSON").fill("")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The mappings are changed").wait_for()
