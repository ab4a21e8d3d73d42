"""One client script, two vendors that have nothing in common: OpenAI, and one that is made of data alone."""

from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from portico.sandbox.charges import charges
from portico.sandbox.state import DEMO
from portico_client import InvalidArguments, Portico
from tests.served import Served, asked, served
from tests.unified import any_vendor
from tests.unified.lumen_house import KEY, MAPPING, LumenHouse, config, running_house
from tests.unified.meter import NANO, seconds

START, END = "2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z"
Json = dict[str, Any]


@dataclass(frozen=True)
class Street:
    """One gateway with an account at each vendor."""

    house: Served
    lumen: LumenHouse
    openai: Portico
    other: Portico
    other_account_id: str


def made(house: Served, verb: str, path: str, body: Json) -> Json:
    got = asked(house, verb, path, body)
    assert got.status in {200, 201}, got.content
    return got.json


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Generator[Street]:
    with running_house() as lumen, served(tmp_path_factory.mktemp("street"), allowed_base_urls=(lumen.url,)) as house:
        made(house, "POST", "/integration", {"name": "lumen", "category": "lights", "config": config(lumen.url)})
        installed = {"integration_id": "lumen", "unified_model_override": MAPPING}
        made(house, "POST", "/environment-integration", installed)
        account = {"tenant_id": "house", "integration": "lumen", "context": {"api_key": KEY}}
        lumen_account = made(house, "POST", "/integrated-account", account)
        assert lumen_account["status"] == "active", lumen_account["last_error"]
        role = {"name": "Auditor", "permissions": ["api.files.read"]}
        made(house, "POST", f"/unified/user-directory/roles?integrated_account_id={house.account_id}", role)
        with Portico(house.url, house.token, account_id=house.account_id) as openai:
            for name in ("ada", "ben", "cleo"):
                openai.unified.create("user-directory", "users", {"email": f"{name}.lee+accepts@street.example"})
            with Portico(house.url, house.token, account_id=lumen_account["id"]) as other:
                yield Street(house, lumen, openai, other, lumen_account["id"])


def test_one_script_brings_somebody_in_and_out_at_both(street: Street) -> None:
    email = "gwen.park+accepts@street.example"
    seen = [any_vendor.on_and_off_board(each, email, "Auditor") for each in (street.openai, street.other)]
    names = [each.pop("is called") for each in seen]
    assert [name[0].lower() for name in names] == ["gwen", "gwen"]
    assert seen[0] == seen[1]
    assert seen[0] == {
        "came with": [email], "was given": True, "held it": True, "was taken": True, "lost it": True, "is gone": True,
        "nobody else": True,
    }  # fmt: skip


def test_pages_of_a_vendor_that_counts_are_ours(street: Street) -> None:
    street.lumen.asked.clear()
    assert [each["id"] for each in any_vendor.people(street.other)] == ["1", "2", "3", "4", "5"]
    pages = [each for each in street.lumen.asked if each.startswith("GET /people?")]
    assert pages[:3] == ["GET /people?count=2", "GET /people?count=2&offset=2", "GET /people?count=2&offset=4"]


def test_what_one_vendor_cannot_do_is_a_clear_400(street: Street) -> None:
    with pytest.raises(InvalidArguments, match="group_id: is not taken here"):
        list(street.other.unified.list("user-directory", "users", group_id="1"))


def test_its_errors_and_limits_are_told_like_everybodys(street: Street) -> None:
    street.lumen.refusal = (429, {"error": {"message": "Slow down.", "code": "slow", "type": "pace"}})
    try:
        query = f"?integrated_account_id={street.other_account_id}"
        got = asked(street.house, "GET", f"/unified/user-directory/users{query}")
    finally:
        street.lumen.refusal = None
    assert (got.status, got.json["code"], "Slow down." in got.sentence) == (429, "vendor_failure", True)
    assert (got.headers["ratelimit-limit"], got.headers["ratelimit-remaining"]) == ("60", "59")


def test_one_script_adds_up_the_bill_of_both(street: Street) -> None:
    costs, days, used = any_vendor.bill(street.other, START, END)
    rows = [each for each in street.lumen.readings if START[:10] <= each["day"] < END[:10]]
    assert costs == {"USD": Decimal(sum(each["cents"] for each in rows)) / 100}
    assert used == {"energy": sum(each["wh"] for each in rows)}
    assert list(days) == ["2026-11-10"]

    street.house.world.turn_to(seconds("2026-11-20"))  # its history is that of the ninety days before
    keys = {"api_key": f"sk-proj-{DEMO}", "admin_key": f"sk-admin-{DEMO}"}
    account = made(
        street.house, "POST", "/integrated-account", {"tenant_id": DEMO, "integration": "openai", "context": keys}
    )
    with Portico(street.house.url, street.house.token, account_id=account["id"]) as demo:
        costs, days, used = any_vendor.bill(demo, START, END)
    first, last = seconds(START[:10]), seconds(END[:10])
    own = [each for each in street.house.world.organizations[DEMO].all_usage() if first <= each.at < last]
    spent = sum(charge.nano_dollars for each in own for charge in charges(each))
    assert spent > 0
    assert costs == {"USD": Decimal(spent) / NANO}
    assert used["output_tokens"] == sum(each.amounts.get("output_tokens", 0) for each in own)
