"""Ours, then the environment's, then the account's: merged to the bottom, null takes away, every account its own."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from portico.unified.plan import Layers
from tests.gateways import connect_account
from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
OURS: Json = {
    "m": {
        "users": {
            "every": {"response_mapping": {"id": "response.id", "emails": {"main": "a", "more": "b"}}},
            "list": {"resource": "users", "query_mapping": {"q": "query.q"}, "variants": {"x": {"resource": "people"}}},
            "get": {"resource": "users"},
        },
        "roles": {"list": {"resource": "roles"}},
    }
}


def merged(environment: Json, account: Json, method: str = "list") -> Json:
    levels = {"integration": OURS, "environment": {"m": environment}, "account": {"m": account}}
    return Layers.stacked(levels, "m").plan("m", "users", method, "tenant").value


def mapped(environment: Json, account: Json, method: str = "list") -> Any:
    return merged({"users": environment}, {"users": account}, method)["response_mapping"]


def every(**fields: Any) -> Json:
    return {"every": {"response_mapping": fields}}


async def test_levels_are_merged_to_the_bottom() -> None:
    assert mapped(every(emails={"main": "c"}, own="1"), every(emails={"third": "d"})) == {
        "id": "response.id", "emails": {"main": "c", "more": "b", "third": "d"}, "own": "1",
    }  # fmt: skip


async def test_the_account_has_the_last_word_and_the_method_over_every() -> None:
    assert mapped(every(id="2"), every(id="3"))["id"] == "3"
    assert mapped({"list": {"response_mapping": {"id": "2"}}}, every(id="3"))["id"] == "2"


@pytest.mark.parametrize("level", [0, 1])
async def test_null_takes_away_what_stands_below(level: int) -> None:
    change: list[Json] = [{}, {}]
    change[level] = every(emails={"more": None})
    assert mapped(change[0], change[1])["emails"] == {"main": "a"}
    change[level] = {"list": {"query_mapping": None}}
    assert "query_mapping" not in merged({"users": change[0]}, {"users": change[1]})
    change[level] = {"list": {"variants": {"x": None}}}
    assert merged({"users": change[0]}, {"users": change[1]})["variants"] == {}


async def test_what_was_taken_away_can_be_put_back_from_nothing() -> None:
    assert mapped(every(emails=None), every(emails={"only": "e"}))["emails"] == {"only": "e"}
    whole = merged({"users": None}, {"users": {"list": {"resource": "people"}}})
    assert whole == {"resource": "people"}
    once = merged({"users": {"list": None}}, {"users": {"list": {"resource": "people"}}})
    assert (once["resource"], "query_mapping" in once, "id" in once["response_mapping"]) == ("people", False, True)


async def test_a_resource_a_method_or_a_model_can_be_gone() -> None:
    def resources(environment: Any, account: Any) -> dict[str, tuple[str, ...]]:
        levels = {"integration": OURS, "environment": {"m": environment}, "account": {"m": account}}
        return Layers.stacked(levels, "m").resources()

    assert resources({}, {}) == {"users": ("list", "get"), "roles": ("list",)}
    assert resources({"users": {"get": None}}, {"roles": None}) == {"users": ("list",)}
    assert resources(None, {}) == {}
    assert resources(None, {"users": {"list": {"resource": "people"}}}) == {"users": ("list",)}


@pytest_asyncio.fixture(loop_scope="module")
async def installed(directory: Directory) -> AsyncGenerator[str]:
    """The address of the environment's integration, which changes nothing afterwards."""
    client = directory.stage.client
    place = f"/environment-integration/{(await client.get('/environment-integration')).json['result'][0]['id']}"
    yield place
    assert (await client.patch(place, {"unified_model_override": {}})).json["unified_model_override"] == {}


def users(**fields: Any) -> Json:
    return {"unified_model_override": {"user-directory": {"users": every(**fields)}}}


async def test_an_environments_change_holds_for_its_accounts_and_theirs_over_it(
    directory: Directory, installed: str
) -> None:
    client = directory.stage.client
    other = Directory(directory.stage, (await connect_account(client, "levels"))["id"])
    shown = await client.patch(installed, users(kind="response.object", avatar=None, floor="'environment'"))
    assert shown.json["unified_model_override"] == users(
        kind="response.object", avatar=None, floor="'environment'"
    )["unified_model_override"]  # fmt: skip
    await client.patch(f"/integrated-account/{other.account_id}", users(floor="'account'", kind=None))
    first, second = [(await each.got("users", limit=1))["result"][0] for each in (directory, other)]
    assert (first["kind"], first["floor"], "avatar" in first) == ("organization.user", "environment", False)
    assert (second["floor"], "kind" in second, "avatar" in second) == ("account", False, False)
    await client.delete(f"/integrated-account/{other.account_id}")


async def test_an_account_can_come_with_its_changes(directory: Directory, installed: str) -> None:
    client = directory.stage.client
    body = {"integration": "openai", "tenant_id": "levels", "context": {"admin_key": "sk-admin-levels"}}
    refused = await client.post("/integrated-account", body | users(kind="f("))
    assert refused.sentence.startswith("unified_model_override.user-directory.users.every.response_mapping.kind: is no")
    made = (await client.post("/integrated-account", body | users(kind="'mine'"))).json
    assert (await Directory(directory.stage, made["id"]).got("users", limit=1))["result"][0]["kind"] == "mine"
    await client.delete(f"/integrated-account/{made['id']}")


async def test_an_environment_is_refused_what_it_cannot_use(directory: Directory, installed: str) -> None:
    client = directory.stage.client
    refused = await client.patch(installed, users(kind="f("))
    assert (refused.status, refused.json["details"]["failures"][0]["path"]) == (
        400, "unified_model_override.user-directory.users.every.response_mapping.kind",
    )  # fmt: skip
    assert (await client.get(installed)).json["unified_model_override"] == {}


async def test_what_only_the_environment_brings_may_be_built_upon(directory: Directory, installed: str) -> None:
    client = directory.stage.client
    account = f"/integrated-account/{directory.account_id}"
    own = {"user-directory": {"users": {"demote": {"response_mapping": {"done": "true"}}}}}
    assert (await client.patch(account, {"unified_model_override": own})).status == 400
    brought = {"user-directory": {"users": {"demote": {"resource": "users", "method": "update"}}}}
    await client.patch(installed, {"unified_model_override": brought})
    assert (await client.patch(account, {"unified_model_override": own})).status == 200
    await client.patch(account, {"unified_model_override": {}})
