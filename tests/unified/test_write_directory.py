"""Changing the directory through the Unified API: people, roles, groups, workspaces, once and only once."""

import pytest

from tests.stage import Stage
from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_creating_a_user_invites_them(directory: Directory) -> None:
    body = {"emails": [{"email": "ivy@stage.example"}], "roles": ["reader"], "workspaces": [directory.ids["lab"]]}
    made = await directory.done("POST", "users", body)
    assert (made["status"], made["roles"]) == ("invited", [{"id": "reader", "name": "reader"}])
    assert made["workspaces"] == [{"id": directory.ids["lab"], "role": "member"}]
    assert await directory.got(f"users/{made['id']}") == made
    assert (await directory.done("DELETE", f"users/{made['id']}"))["id"] == made["id"]
    assert (await directory.refused("GET", f"users/{made['id']}")).status == 404


async def test_a_role_is_given_and_taken(directory: Directory) -> None:
    eva, auditor = directory.ids["eva"], directory.ids["auditor"]
    given = await directory.done("POST", f"users/{eva}/assign_role", {"role_id": auditor})
    assert given["result"]["role"] == {"id": auditor, "name": "Auditor"}
    assert auditor in [each["id"] for each in (await directory.got(f"users/{eva}"))["roles"]]
    taken = await directory.done("POST", "users/unassign_role", {"id": eva, "role_id": auditor})
    assert taken["result"]["is_assigned"] is False
    assert auditor not in [each["id"] for each in (await directory.got(f"users/{eva}"))["roles"]]


async def test_a_plain_role_is_given_by_its_name_or_id(directory: Directory) -> None:
    finn = directory.ids["finn"]
    owner = next(each["id"] for each in await directory.all("roles") if each["name"] == "owner")
    for wanted in (["owner"], [{"id": owner}]):
        changed = await directory.done("PATCH", f"users/{finn}", {"roles": wanted})
        assert [each["id"] for each in changed["roles"]] == [owner]
        await directory.done("POST", f"users/{finn}/assign_role", {"role_id": "reader"})
    assert (await directory.got(f"users/{finn}"))["type"] == "user"


async def test_roles_groups_and_workspaces_live_and_die(directory: Directory) -> None:
    role = await directory.done("POST", "roles", {"name": "Scribe", "permissions": ["api.files.read"]})
    renamed = await directory.done("PATCH", f"roles/{role['id']}", {"name": "Writer"})
    assert (renamed["name"], renamed["permissions"]) == ("Writer", ["api.files.read"])
    await directory.done("DELETE", f"roles/{role['id']}")
    group = await directory.done("POST", "groups", {"name": "Choir"})
    await directory.done("POST", f"groups/{group['id']}/add_user", {"user_id": directory.ids["gwen"]})
    inside = await directory.all("users", group_id=group["id"])
    assert [each["id"] for each in inside] == [directory.ids["gwen"]]
    await directory.done("POST", f"groups/{group['id']}/remove_user", {"user_id": directory.ids["gwen"]})
    assert await directory.all("users", group_id=group["id"]) == []
    await directory.done("DELETE", f"groups/{group['id']}")
    place = await directory.done("POST", "workspaces", {"name": "Attic"})
    await directory.done("POST", f"workspaces/{place['id']}/archive")
    assert place["id"] in [each["id"] for each in await directory.all("workspaces", status="archived")]
    assert place["id"] not in [each["id"] for each in await directory.all("workspaces")]


async def test_deleting_a_workspace_archives_it(directory: Directory) -> None:
    place = await directory.done("POST", "workspaces", {"name": "Cellar"})
    assert (await directory.done("DELETE", f"workspaces/{place['id']}"))["id"] == place["id"]
    assert place["id"] in [each["id"] for each in await directory.all("workspaces", status="archived")]


async def test_what_is_needed_may_be_among_the_vendors_own_fields(directory: Directory) -> None:
    finn = directory.ids["finn"]
    changed = await directory.done("PATCH", f"users/{finn}", {"remote_data": {"role": "owner"}})
    assert changed["type"] == "admin"
    await directory.done("PATCH", f"users/{finn}", {"remote_data": {"role": "reader"}})
    own = {"name": "Clerk", "remote_data": {"permissions": ["api.files.read"]}}
    role = await directory.done("POST", "roles", own)
    assert role["permissions"] == ["api.files.read"]
    await directory.done("DELETE", f"roles/{role['id']}")
    refused = await directory.refused("POST", "groups", {"remote_data": {"title": "no name"}})
    assert (refused.status, refused.sentence.partition(":")[0]) == (400, "name")


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("users", {"phones": []}, "phones: is not taken here; allowed: email, emails"),
        ("users", {"emails": []}, "emails: "),
        ("users", {"emails": "x@y.z"}, "emails: "),
        ("groups", {}, "name: "),
        ("roles", {"name": 7, "permissions": ["a"]}, "name: "),
    ],
)
async def test_a_wrong_body_is_a_clear_400(
    directory: Directory, path: str, body: dict[str, object], words: str
) -> None:
    refused = await directory.refused("POST", path, body)
    assert refused.status == 400
    assert refused.sentence.startswith(words), refused.sentence


async def test_a_body_that_is_no_object_is_refused(directory: Directory) -> None:
    assert (await directory.refused("POST", "groups", [1])).status == 400


async def test_remote_data_goes_to_the_vendor_as_it_is(directory: Directory, stage: Stage) -> None:
    refused = await directory.refused("POST", "groups", {"name": "X", "remote_data": {"name": ""}})
    assert refused.json["truto_is_remote_error"] is True


async def test_a_dry_run_shows_the_request_and_does_nothing(directory: Directory, stage: Stage) -> None:
    before = await directory.all("groups")
    shown = await directory.done("POST", "groups", {"name": "Never"}, portico_dry_run="true")
    assert (shown["dry_run"], shown["request"]["body"]) == (True, {"name": "Never"})
    assert await directory.all("groups") == before


async def test_the_same_key_acts_once(directory: Directory) -> None:
    keyed = Directory(directory.stage, directory.account_id, headers={"idempotency-key": "once-and-only-once"})
    first = await keyed.done("POST", "groups", {"name": "Once"})
    assert await keyed.done("POST", "groups", {"name": "Once"}) == first
    assert (await keyed.refused("POST", "groups", {"name": "Twice"})).status == 422
    assert [each["name"] for each in await directory.all("groups")].count("Once") == 1


async def test_a_token_that_only_reads_may_not_write(directory: Directory) -> None:
    made = await directory.stage.client.post("/api-token", {"name": "reader", "scopes": ["call:read"]})
    stage = directory.stage
    asking = stage.client.as_holder_of(made.json["token"])
    query = {"integrated_account_id": directory.account_id}
    read = await asking.send("GET", "/unified/user-directory/groups", query=query)
    write = await asking.send("POST", "/unified/user-directory/groups", query=query, json={"name": "No"})
    assert (read.status, write.status) == (200, 403)
