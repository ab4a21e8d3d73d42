"""Limits on admin pages: of the environment, of each and of one, set, seen, changed and lifted."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.faces.oauth.browser import ORIGIN
from tests.faces.pages.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def sent(office: Office, page: str, **fields: str) -> Any:
    """A form of the page sent by the operator, with the token that all of its forms carry."""
    token = office.operator.form(page).fields["form_token"]
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}
    content = urlencode({"form_token": token, **fields}).encode()
    return await office.operator.send("POST", page, content, headers)


async def lifted(office: Office) -> None:
    for each in (await office.client.get("/quota")).json["result"]:
        await office.client.send("DELETE", f"/quota/{each['id']}")


async def test_an_environments_limit_is_set_seen_changed_and_lifted(office: Office) -> None:
    await lifted(office)
    page = office.at("/limits")
    await office.operator.open(page)
    assert "Nothing is limited" in office.operator.text
    asked = {"do": "limit", "applies_to": "environment", "measure": "spend", "limit_period": "month"}
    await sent(office, page, maximum="500", **asked)
    await office.operator.follow()
    assert "The limit holds from now on" in office.operator.text
    await office.viewer.open(page)
    assert "The environment $500.00 a month" in office.viewer.text
    (quota,) = (await office.client.get("/quota")).json["result"]
    assert (quota["applies_to"], quota["maximum"]) == ("environment", 500)
    one = f"{page}/{quota['id']}"
    await office.operator.open(one)
    assert "The environment: $500.00 a month" in office.operator.text
    assert (await sent(office, one, do="change", maximum="much")).status == 400
    assert "is no number" in office.operator.text
    await sent(office, one, do="change", maximum="750.5")
    await office.operator.follow()
    assert "$750.50 a month" in office.operator.text
    await sent(office, one, do="lift")
    await office.operator.follow()
    assert "Nothing is limited" in office.operator.text


async def test_a_limit_of_each_says_who_has_used_how_much(office: Office) -> None:
    await lifted(office)
    page = office.at("/limits")
    await office.operator.open(page)
    asked = {"do": "limit", "applies_to": "integrated_account", "measure": "requests", "limit_period": "day"}
    await sent(office, page, maximum="1000", **asked)
    assert (await office.client.get("/proxy/models", integrated_account_id=office.account_id)).status == 200
    await office.viewer.open(page)
    assert "Each account 1,000 requests a day counted for each" in office.viewer.text
    (quota,) = (await office.client.get("/quota")).json["result"]
    await office.viewer.open(f"{page}/{quota['id']}")
    everybody = (await office.client.get(f"/quota/{quota['id']}/use")).json["result"]
    used = next(each for each in everybody if each["subject"] == office.account_id)
    assert f"stage {used['used']:g} {used['remaining']:g}" in office.viewer.text
    assert "Change it" not in office.viewer.text
    await lifted(office)


async def test_a_customer_and_a_mistake_are_told_by_name(office: Office) -> None:
    await lifted(office)
    page = office.at("/limits")
    await office.operator.open(page)
    asked = {"do": "limit", "measure": "tokens", "limit_period": "day", "maximum": "9"}
    await sent(office, page, applies_to="tenant", subject="R&D <1>", **asked)
    await office.operator.open(page)
    assert "Customer R&D <1> 9 tokens a day" in office.operator.text
    got = await sent(office, page, applies_to="tenant", subject="R&D <1>", **asked)
    assert (got.status, "change that one" in office.operator.text) == (409, True)
    got = await sent(office, page, applies_to="environment", subject="R&D <1>", **asked)
    assert (got.status, "an environment is one" in office.operator.text) == (400, True)
    await lifted(office)


async def test_an_accounts_own_limit_is_set_and_lifted_on_its_page(office: Office) -> None:
    await lifted(office)
    page = office.at(f"/accounts/{office.account_id}")
    await office.operator.open(page)
    assert "Nothing is limited" in office.operator.text
    for maximum in ("5", "7"):
        await office.operator.open(page)
        await sent(office, page, do="limit", measure="spend", limit_period="month", maximum=maximum)
        await office.operator.follow()
    assert "of $7.00 this month" in office.operator.text
    (own,) = (await office.client.get("/quota")).json["result"]
    everybody = {"applies_to": "environment", "measure": "requests", "period": "day", "maximum": 10000}
    of_all = (await office.client.post("/quota", everybody)).json
    await office.operator.open(page)
    assert "of 10,000 requests today of the environment" in office.operator.text
    assert (await sent(office, page, do="lift", quota=of_all["id"])).status == 404
    await office.operator.open(page)
    await sent(office, page, do="lift", quota=own["id"])
    await office.operator.follow()
    assert "of $7.00" not in office.operator.text
    await lifted(office)
