"""Somebody who has read no manual connects an account, makes a read-only billing server that ends on Friday, pastes its
address into a program, and sees afterwards what the program did."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.outside.browsing import DESK, keep, visit
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import CLIENTS, run_json
from tests.outside.test_oauth_in_a_browser import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.outside, pytest.mark.browser, pytest.mark.timeout(300)]
CUSTOMER, SERVER = "Northwind", "Billing until Friday"
COSTS, LIMIT, ALERT = (
    "list_all_openai_costs", "list_all_openai_spend_alerts", "get_single_openai_spend_alert_by_id",
)  # fmt: skip


def test_from_a_key_to_what_a_program_did_with_it(
    browser: "Browser", python: Path, mcp_house: House, tmp_path: Path
) -> None:
    with visit(browser, viewport=DESK) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{mcp_house.url}/admin")
        sign_in(page)
        connect(page)
        address = make_server(page)
        found = run_json([str(python), str(CLIENTS / "mcp_2.py"), json.dumps(job(address))], tmp_path)
        assert {COSTS, LIMIT, ALERT} <= set(found["tools"])
        assert [each for each in found["tools"] if each.startswith(("create_", "update_", "delete_"))] == []
        assert [each[0] for each in found["results"]] == [False, False, True, False]
        look_back(page)


def connect(page: "Page") -> None:
    page.get_by_role("link", name="Accounts", exact=True).click()
    page.get_by_role("link", name="Connect an account").click()
    page.get_by_label("Customer").fill(CUSTOMER)
    page.get_by_label("Project API key").fill("sk-proj-demo")
    page.get_by_label("Admin API key").fill("sk-admin-demo")
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_text("The account is connected.").wait_for()
    keep(page, "story-account")


def make_server(page: "Page") -> str:
    """Its address, as it was copied."""
    page.get_by_role("link", name="Make one").click()
    page.get_by_role("textbox", name="Name").fill(SERVER)
    page.get_by_label("Look only").check()
    page.locator("input[name=tags][value=billing]").check()
    friday = page.get_by_label("It ends").locator("option", has_text="On Friday").first
    page.get_by_label("It ends").select_option(friday.get_attribute("value"))
    page.get_by_role("button", name="Make the server").click()
    page.get_by_role("heading", name="Its address").wait_for()
    keep(page, "story-server")
    page.get_by_role("region", name="Its address").get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    address = page.evaluate("navigator.clipboard.readText()")
    assert "/mcp/" in address
    page.get_by_role("link", name="I have it: on to the server").click()
    ends = datetime.fromisoformat(friday_of(page))
    assert (ends.strftime("%A"), ends.hour) == ("Friday", 23)
    return address


def friday_of(page: "Page") -> str:
    times = page.locator("main time").evaluate_all("all => all.map(each => each.dateTime)")
    return max(times)


def job(address: str) -> dict[str, Any]:
    return {
        "url": address,
        "read": [COSTS, {"start_time": "7 days ago"}],
        "write": [LIMIT, {}],
        "error": [ALERT, {"id": "alert-that-is-not-there"}],
        "large": [COSTS, {"start_time": "30 days ago", "group_by": ["project_id"]}],
    }


def look_back(page: "Page") -> None:
    page.get_by_role("link", name="Request log").click()
    seen = page.get_by_role("row").filter(has_text=CUSTOMER)
    assert seen.filter(has_text=COSTS).count() == 2
    assert seen.filter(has_text=LIMIT).count() == 1
    failed = seen.filter(has_text=ALERT)
    assert "404" in failed.inner_text()
    keep(page, "story-log")
    failed.get_by_role("link").first.click()
    page.get_by_role("heading", name=ALERT).wait_for()
    assert CUSTOMER in page.locator(".facts").first.inner_text()
    keep(page, "story-call")
