"""With an account goes its webhook endpoint at the vendor; where that cannot be, it is said and holds up nothing."""

from typing import Any

import pytest

from portico.gateway import vendor_webhooks
from tests.jobs.conftest import Plant
from tests.jobs.test_vendor_webhooks import adopt, endpoints, path


async def registered(plant: Plant, tenant: str = "acme") -> dict[str, Any]:
    account = await plant.account(tenant)
    assert (await plant.client.post(path(account))).status == 201
    return account


async def deleted(plant: Plant, account: dict[str, Any]) -> list[dict[str, str]]:
    """What its answer says is left."""
    got = await plant.client.delete(f"/integrated-account/{account['id']}")
    assert (got.status, got.json["id"]) == (200, account["id"])
    assert (await plant.client.get(f"/integrated-account/{account['id']}")).status == 404
    return got.json.get("left_at_vendor", [])


async def test_deleting_an_account_ends_its_endpoint_at_the_vendor(plant: Plant) -> None:
    other, account = await plant.account(), await registered(plant)
    assert len(await endpoints(plant, other)) == 1
    assert await deleted(plant, account) == []
    assert await endpoints(plant, other) == []


async def test_it_is_ended_also_of_a_blocked_account_and_by_who_may_call_nothing(plant: Plant) -> None:
    other, account = await plant.account(), await registered(plant)
    await plant.client.patch(f"/integrated-account/{account['id']}", {"status": "blocked"})
    token = (await plant.client.post("/api-token", {"name": "office", "scopes": ["accounts"]})).json["token"]
    got = await plant.client.as_holder_of(token).delete(f"/integrated-account/{account['id']}")
    assert (got.status, "left_at_vendor" in got.json) == (200, False)
    assert await endpoints(plant, other) == []


@pytest.mark.parametrize("fault", ["status=500", "status=401", "stall"])
async def test_an_endpoint_that_cannot_be_ended_is_told_and_holds_up_nothing(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(vendor_webhooks, "ENDING_SECONDS", 0.2 if fault == "stall" else 5.0)
    account = await registered(plant)
    endpoint = (await plant.client.get(path(account))).json
    plant.fault(fault, "/v1/webhook_endpoints/*")
    (left,) = await deleted(plant, account)
    plant.world.faults.clear()
    assert left["integrated_account_id"] == account["id"]
    assert (left["vendor_webhook_id"], left["url"]) == (endpoint["vendor_webhook_id"], endpoint["url"])
    assert left["reason"]
    assert ("in time" in left["reason"]) == (fault == "stall")
    entries = (await plant.client.get("/audit")).json["result"]
    (facts,) = [each["facts"] for each in entries if each["act"] == "integrated_account.deleted"]
    assert facts == {"left_at_vendor": endpoint["vendor_webhook_id"], "why": left["reason"]}


async def test_an_endpoint_made_by_hand_is_told_as_that(plant: Plant) -> None:
    account = await plant.account()
    await adopt(plant, account)
    (left,) = await deleted(plant, account)
    assert left["vendor_webhook_id"] == ""
    assert "by hand" in left["reason"]


async def test_those_of_many_accounts_and_of_an_integration_go_as_well(plant: Plant) -> None:
    other = await plant.account()
    first, second = await registered(plant), await registered(plant)
    got = await plant.client.post("/integrated-account/bulk-delete", {"ids": [first["id"], second["id"], "nobody"]})
    assert got.json == {"success": True, "deleted": 2}
    assert await endpoints(plant, other) == []
    third = await registered(plant)
    installed = third["environment_integration_id"]
    assert (await plant.client.delete(f"/environment-integration/{installed}")).status == 200
    again = await plant.account()
    assert await endpoints(plant, again) == []
