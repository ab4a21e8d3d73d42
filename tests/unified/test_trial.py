"""Trying an override: asked once, mapped twice, told apart; nothing is kept and nothing is changed."""

from typing import Any

import pytest

from portico.unified.difference import differences
from tests.gateways import Got
from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def tried(directory: Directory, change: Any, **more: Any) -> Got:
    body = {"override": {"user-directory": {"users": change}}, "model": "user-directory", "resource": "users"}
    path = f"/integrated-account/{directory.account_id}/unified-override/test"
    return await directory.stage.client.post(path, body | more)


def every(**fields: Any) -> Any:
    return {"every": {"response_mapping": fields}}


@pytest.mark.parametrize("level", ["account", "environment"])
async def test_a_record_before_and_after(directory: Directory, level: str) -> None:
    ada = directory.ids["ada"]
    directory.stage.clear()
    change = every(kind="response.object", avatar=None, name="$uppercase(response.name)")
    got = (await tried(directory, change, record_id=ada, level=level)).json
    assert [(each["id"], each["path"], each["kind"]) for each in got["difference"]] == [
        (ada, "name", "changed"), (ada, "avatar", "removed"), (ada, "kind", "added"),
    ]  # fmt: skip
    assert (got["before"]["result"][0]["name"], got["after"]["result"][0]["name"]) == ("Ada Lee", "ADA LEE")
    assert got["remote_data"][0]["object"] == "organization.user"
    assert len(directory.stage.seen(f"/v1/organization/users/{ada}")) == 2  # the user, and the user's roles
    # The user and its roles; all roles and all groups; whether the user is in the only group: 404, asked once.
    assert len(directory.stage.seen()) == got["vendor_calls"] == 5
    assert "kind" not in await directory.got(f"users/{ada}")


async def test_records_that_fall_out_are_told(directory: Directory) -> None:
    change = {"list": {"response_mapping": 'response.name = "Ada Lee" ? null : {"id": response.id}'}}
    got = (await tried(directory, change, query={"last_name": "lee"}, limit=50)).json
    assert got["after"]["result"] == []
    assert {each["kind"] for each in got["difference"]} == {"removed"}


@pytest.mark.parametrize(
    ("words", "said"),
    [("$error('no such thing')", "no such thing"), ("($f := function($n){$f($n+1)}; $f(1))", "too ")],
)
async def test_what_fails_is_told_on_its_side_and_in_its_limits(directory: Directory, words: str, said: str) -> None:
    got = (await tried(directory, every(kind=words))).json
    assert got["after"]["error"]["code"] == "mapping_failed"
    assert said in got["after"]["error"]["message"]
    assert (len(got["before"]["result"]), got["difference"]) == (5, [])


async def test_what_the_vendor_refuses_is_refused(directory: Directory) -> None:
    assert (await tried(directory, {}, record_id="user-nobody")).status == 404


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"method": "delete"}, "method: is 'delete'; a trial reads; allowed: list, get"),
        ({"limit": 51}, "limit: is 51; allowed: 1 to 50"),
        ({"override": {"shoes": {}}}, "override.shoes: is not a unified model"),
        ({"override": {"user-directory": {"users": {"list": {"method": "delete"}}}}}, "override.user-directory.users."),
    ],
)
async def test_what_cannot_be_tried_is_a_clear_400(directory: Directory, more: Any, words: str) -> None:
    refused = await tried(directory, {}, **more)
    assert (refused.status, refused.sentence[: len(words)]) == (400, words)


async def test_whoever_may_not_change_accounts_may_not_try(directory: Directory) -> None:
    made = await directory.stage.client.post("/api-token", {"name": "caller", "scopes": ["call", "accounts:read"]})
    asking = directory.stage.client.as_holder_of(made.json["token"])
    body: Any = {"override": {}, "model": "user-directory", "resource": "users"}
    refused = await asking.post(f"/integrated-account/{directory.account_id}/unified-override/test", body)
    assert refused.status == 403


async def test_differences_have_their_places() -> None:
    old = {"a": 1, "b": [{"c": 1}, 2], "d": [1]}
    assert list(differences(old, {"a": 1, "b": [{"c": 2}, 2], "d": [1, 2]})) == [
        {"path": "b[0].c", "kind": "changed", "before": 1, "after": 2},
        {"path": "d", "kind": "changed", "before": [1], "after": [1, 2]},
    ]
