"""What follows connecting: calls that a definition names, what they tell, and what happens when they fail."""

from typing import Any

import pytest

from portico.gateway import linking
from portico.shapes import Json
from tests.faces.admin.test_integrations import papers
from tests.jobs.conftest import Plant

ID = "integrated_account"
STEP = {"call": "engines.list", "keep": {"house": "object"}}


def config(plant: Plant, *steps: Json) -> Json:
    base_url = plant.parts.settings.default_base_url("openai")
    made = papers(base_url)
    made["resources"]["engines"] = {"list": {"call": "GET /models", "says": "All engines."}}
    return made | {"after_connecting": list(steps)}


async def brought(plant: Plant, *steps: Json) -> None:
    got = await plant.client.post("/integration", {"name": "papers", "config": config(plant, *steps)})
    assert got.status == 201, got.content


async def connected(plant: Plant, **context: str) -> Json:
    body = {"tenant_id": "acme", "integration": "papers", "context": {"word": "sk-proj-acme", **context}}
    return (await plant.client.post("/integrated-account", body)).json


async def test_what_a_step_tells_is_kept(plant: Plant) -> None:
    await brought(plant, STEP)
    account = await connected(plant)
    assert (account["status"], account["context"]) == ("active", {"house": "list"})
    assert account["last_action_result"]["post_install"] == {"steps": ["engines.list"]}


async def test_what_somebody_said_is_neither_asked_for_nor_replaced(plant: Plant) -> None:
    await brought(plant, STEP)
    account = await connected(plant, house="red")
    assert (account["status"], account["context"]) == ("active", {"house": "red"})
    assert plant.seen("/v1/models") == 0


async def test_a_step_that_fails_is_a_state_of_its_own_until_it_works(plant: Plant) -> None:
    await brought(plant, STEP)
    await plant.webhook("/hook")
    plant.fault("status=500", "/v1/models")
    account = await connected(plant)
    assert account["status"] == "post_install_error"
    assert "what follows (engines.list) did not" in account["last_error"]["message"]
    await plant.run()
    assert plant.receiver.events("/hook") == [f"{ID}:created", f"{ID}:post_install_error"]
    await plant.run(minutes=6)
    assert (await plant.client.get(f"/integrated-account/{account['id']}")).json["status"] == "post_install_error"
    plant.world.faults.clear()
    await plant.run(hours=2)
    await plant.run()
    found = (await plant.client.get(f"/integrated-account/{account['id']}")).json
    assert (found["status"], found["context"], found["last_error"]) == ("active", {"house": "list"}, None)
    assert plant.receiver.events("/hook")[-1] == f"{ID}:reactivated"


async def test_whoever_connected_tries_again_without_typing_the_keys_again(plant: Plant) -> None:
    await brought(plant, STEP)
    plant.fault("status=500", "/v1/models")
    made = await plant.client.post("/link-token", {"tenant_id": "acme", "integration": "papers"})
    link = await linking.find(made.json["link_token"], plant.parts)
    account = await linking.redeem(link, {"secret_word": "sk-proj-acme"}, "", plant.parts)
    assert account.status == "post_install_error"
    plant.world.faults.clear()
    used = await linking.find(made.json["link_token"], plant.parts)
    again = await linking.redeem(used, {}, linking.continuation(used, plant.parts), plant.parts)
    assert (again.id, again.status) == (account.id, "active")


async def test_an_answer_without_what_is_wanted_is_a_failure(plant: Plant) -> None:
    await brought(plant, {"call": "engines.list", "keep": {"house": "owner.name"}})
    account = await connected(plant)
    assert account["status"] == "post_install_error"
    assert "answered without owner.name" in account["last_error"]["message"]


async def test_keys_that_do_not_work_are_not_followed_by_anything(plant: Plant) -> None:
    await brought(plant, STEP)
    account = await connected(plant, word="no key at all")
    assert account["status"] == "validation_error"
    assert plant.seen("/v1/models") == 0


@pytest.mark.parametrize(
    ("step", "where"),
    [
        ({"call": "engines.unheard"}, "after_connecting[0].call"),
        ({"call": "engines.list", "keep": {"secret_word": "object"}}, "after_connecting[0].keep.secret_word"),
        ({"call": "engines.list", "keep": {"unknown": "object"}}, "after_connecting[0].keep.unknown"),
        ({"call": "engines.list", "keep": {"house": ""}}, "after_connecting[0].keep.house"),
    ],
)
async def test_a_step_that_makes_no_sense_is_refused_where_it_is_wrong(plant: Plant, step: Any, where: str) -> None:
    got = await plant.client.post("/integration", {"name": "papers", "config": config(plant, step)})
    assert got.status == 400
    assert where in got.content.decode()
