"""What webhooks hear of an account that is connected again by a link: that it changed, and how that went."""

from typing import Any

import pytest

from portico.gateway import linking
from portico.shapes import Json
from tests.jobs.conftest import Plant

GOOD, BAD = {"api_key": "sk-proj-acme", "admin_key": "sk-admin-acme"}, {"api_key": "no key at all"}
ID = "integrated_account"


async def again(plant: Plant, account: Json, keys: dict[str, str]) -> Any:
    made = await plant.client.post("/link-token", {"integrated_account_id": account["id"]})
    link = await linking.find(made.json["link_token"], plant.parts)
    return await linking.redeem(link, dict(keys), "", plant.parts)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([GOOD], [f"{ID}:updated", f"{ID}:active"]),
        ([BAD], [f"{ID}:updated", f"{ID}:validation_error"]),
        ([BAD, BAD], [f"{ID}:updated", f"{ID}:validation_error"]),
        ([BAD, GOOD], [f"{ID}:updated", f"{ID}:reactivated", f"{ID}:active"]),
    ],
    ids=["active", "broken", "broken still", "mended"],
)
async def test_connecting_again_tells_how_it_went_whatever_was_before(
    plant: Plant, keys: list[dict[str, str]], told: list[str]
) -> None:
    account = await plant.account()
    for each in keys[:-1]:
        await again(plant, account, each)
    await plant.run()
    await plant.webhook("/hook")
    found = await again(plant, account, keys[-1])
    assert found.id == account["id"]
    await plant.run()
    assert sorted(plant.receiver.events("/hook")) == sorted(told)
    assert "integrated_account.reconnected" in await plant.acts()


async def test_a_mere_change_tells_of_no_new_connection(plant: Plant) -> None:
    account = await plant.account()
    await plant.run()
    await plant.webhook("/hook")
    await plant.client.patch(f"/integrated-account/{account['id']}", {"tenant_id": "renamed"})
    await plant.run()
    assert plant.receiver.events("/hook") == [f"{ID}:updated"]
