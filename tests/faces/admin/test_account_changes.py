"""What becomes of an account: changed, blocked, refused by its vendor, healed, deleted."""

import asyncio
from typing import Any

import pytest

from portico.sandbox.faults import Fault, FaultRule
from portico.sandbox.state import World
from tests.conftest import HeldClock
from tests.faces.admin.conftest import CLOSED
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said
from tests.gateways import connect_account

PROJECT, ADMIN = "sk-proj-acme", "sk-admin-acme"


@pytest.fixture
async def account(admin: Watched) -> dict[str, Any]:
    return await connect_account(admin)


def path(account: dict[str, Any]) -> str:
    return f"/integrated-account/{account['id']}"


async def look(client: Watched, account: dict[str, Any]) -> dict[str, Any]:
    return said(await client.get(path(account)))


def present(account: dict[str, Any]) -> list[str]:
    return [name for name, key in account["keys"].items() if key["present"]]


async def list_files(client: Watched, account: dict[str, Any]) -> int:
    return (await client.get("/proxy/files", integrated_account_id=account["id"])).status


async def test_a_change_leaves_alone_what_it_does_not_mention(
    admin: Watched, account: dict[str, Any], clock: HeldClock
) -> None:
    clock.advance(seconds=5)
    changed = said(await admin.patch(path(account), {"tenant_id": "acme-2"}))
    assert changed == account | {"tenant_id": "acme-2", "updated_at": "2026-11-02T12:00:05.000Z"}
    assert await look(admin, account) == changed
    assert await list_files(admin, account) == 200


async def test_an_empty_change_changes_nothing(admin: Watched, account: dict[str, Any]) -> None:
    assert said(await admin.patch(path(account), {})) == account


MERGES: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"note": "x"}, {"note": "x", "deep": {"a": 1, "b": 2}}, ["project_key", "admin_key"]),
    ({"deep": {"c": 3}}, {"deep": {"c": 3}}, ["project_key", "admin_key"]),  # only the top level merges
    ({"deep": None}, {}, ["project_key", "admin_key"]),
    ({"nothing": None}, {"deep": {"a": 1, "b": 2}}, ["project_key", "admin_key"]),
    ({"admin_key": None}, {"deep": {"a": 1, "b": 2}}, ["project_key"]),
    ({"admin_api_key": None}, {"deep": {"a": 1, "b": 2}}, ["project_key"]),
    ({"api_key": None, "note": "x"}, {"note": "x", "deep": {"a": 1, "b": 2}}, ["admin_key"]),
    ({"api_key": "sk-proj-bolt"}, {"deep": {"a": 1, "b": 2}}, ["project_key", "admin_key"]),
    ({}, {"deep": {"a": 1, "b": 2}}, ["project_key", "admin_key"]),
]


@pytest.mark.parametrize(("change", "context", "slots"), MERGES, ids=[str(change) for change, _, _ in MERGES])
async def test_context_merges_by_its_top_level_and_keys_that_are_not_mentioned_stay(
    admin: Watched, change: dict[str, Any], context: dict[str, Any], slots: list[str]
) -> None:
    keys: dict[str, Any] = {"api_key": PROJECT, "admin_key": ADMIN, "deep": {"a": 1, "b": 2}}
    account = await connect_account(admin, **keys)
    changed = said(await admin.patch(path(account), {"context": change}))
    assert changed["context"] == context
    assert present(changed) == slots
    assert changed["status"] == "active"
    assert await list_files(admin, account) == (200 if "project_key" in slots else 409)


async def test_the_last_key_cannot_be_taken_away(admin: Watched, account: dict[str, Any]) -> None:
    got = await admin.patch(path(account), {"context": {"api_key": None, "admin_key": None}})
    assert "context" in failures(got)
    assert present(await look(admin, account)) == ["project_key", "admin_key"]


async def test_a_new_key_is_proved_and_used_from_then_on(admin: Watched, world: World, account: dict[str, Any]) -> None:
    changed = said(await admin.patch(path(account), {"context": {"api_key": "sk-proj-revoked-acme"}}))
    assert changed["status"] == "validation_error"
    assert "project_key" in changed["last_error"]["message"]
    assert await list_files(admin, account) == 401
    mended = said(await admin.patch(path(account), {"context": {"api_key": "sk-proj-bolt"}}))
    assert (mended["status"], mended["last_error"]) == ("active", None)
    assert await list_files(admin, account) == 200
    assert "bolt" in world.organizations


async def test_what_is_no_key_is_changed_without_a_proof(admin: Watched, world: World, account: dict[str, Any]) -> None:
    world.requests.clear()
    said(await admin.patch(path(account), {"context": {"note": "x"}, "tenant_id": "y"}))
    assert list(world.requests) == []


@pytest.mark.parametrize("change", [{"base_url": CLOSED}, {"context": {"base_url": CLOSED}}], ids=str)
async def test_another_base_url_is_checked_and_proved(
    admin: Watched, account: dict[str, Any], change: dict[str, Any]
) -> None:
    moved = said(await admin.patch(path(account), change))
    assert (moved["base_url"], moved["status"]) == (CLOSED, "validation_error")
    assert "base_url" not in moved["context"]
    assert await list_files(admin, account) == 502
    back = said(await admin.patch(path(account), {"base_url": ""}))
    assert (back["base_url"], back["status"]) == (account["base_url"], "active")
    assert (await admin.patch(path(account), {"base_url": "https://evil.example"})).status == 400
    assert await look(admin, account) == back


async def test_a_blocked_account_makes_no_calls_until_it_is_unblocked(
    admin: Watched, world: World, account: dict[str, Any]
) -> None:
    said(await admin.patch(path(account), {"status": "blocked"}))
    world.requests.clear()
    query = {"integrated_account_id": account["id"]}
    for verb, where in (("GET", "/proxy/files"), ("POST", "/proxy/files"), ("GET", "/custom/files")):
        got = await admin.send(verb, where, query=query)
        assert (got.status, got.headers["x-gateway-error"]) == (503, "account_blocked")
    assert (await admin.get(f"/passthrough/{account['id']}/files")).status == 503
    assert list(world.requests) == []
    told = said(await admin.get(f"{path(account)}/capabilities"))
    assert told["account"]["is_blocked"]
    said(await admin.patch(path(account), {"status": "active"}))
    assert await list_files(admin, account) == 200


async def test_nothing_but_an_explicit_change_unblocks(admin: Watched, account: dict[str, Any]) -> None:
    said(await admin.patch(path(account), {"status": "blocked"}))
    for address in ("refresh-credentials", "run-post-install-actions"):
        assert said(await admin.post(f"/integrated-account/{address}", {"id": account["id"]})) == {"success": True}
        assert (await look(admin, account))["status"] == "blocked"
    said(await admin.patch(path(account), {"context": {"api_key": "sk-proj-bolt"}}))
    assert (await look(admin, account))["status"] == "blocked"


@pytest.mark.parametrize("status", ["deleted", "", None, 5, "ACTIVE"])
async def test_a_state_that_is_none_is_refused(admin: Watched, account: dict[str, Any], status: Any) -> None:
    assert "status" in failures(await admin.patch(path(account), {"status": status}))


async def test_new_keys_may_be_given_alone(admin: Watched, world: World, account: dict[str, Any]) -> None:
    said(await admin.patch(path(account), {"context": {"note": "kept", "admin_key": None}}))
    spoil(world, 401)
    assert await list_files(admin, account) == 401
    changed = said(await admin.patch(f"{path(account)}/credentials", {"context": {"api_key": "sk-proj-new-acme"}}))
    assert (changed["status"], changed["context"]) == ("active", {"note": "kept"})
    assert (present(changed), changed["keys"]["project_key"]["hint"]) == (["project_key"], "…acme")
    assert await look(admin, account) == changed
    both = said(await admin.patch(f"{path(account)}/credentials", {"context": {"admin_api_key": ADMIN}}))
    assert present(both) == ["project_key", "admin_key"]


async def test_nothing_but_keys_is_taken_there(admin: Watched, account: dict[str, Any]) -> None:
    refused = await admin.patch(f"{path(account)}/credentials", {"context": {"api_key": "sk-proj-x", "note": "x"}})
    assert failures(refused) == {"context.note": "is no credential"}
    assert "api_key" in refused.sentence
    assert await look(admin, account) == account
    assert (await admin.patch(f"{path(account)}/credentials", {"tenant_id": "x"})).status == 400


def spoil(world: World, status: int, path: str = "/v1/files", times: int | None = 1) -> None:
    """The vendor answers the next calls to this path with this status."""
    world.faults.append(FaultRule(Fault("status", str(status)), path=path, times=times))


async def test_a_vendors_401_asks_for_a_new_key_and_success_with_it_heals(
    admin: Watched, world: World, account: dict[str, Any], clock: HeldClock
) -> None:
    clock.advance(minutes=1)
    spoil(world, 401)
    assert await list_files(admin, account) == 401
    refused = await look(admin, account)
    assert refused["status"] == "needs_reauth"
    assert refused["last_error"]["credential"] == "project_key"
    assert refused["last_error"]["occurred_at"] == refused["updated_at"] == "2026-11-02T12:01:00.000Z"
    # The other key still works, which says nothing about this one.
    assert (await admin.get("/proxy/projects", integrated_account_id=account["id"])).status == 200
    assert (await look(admin, account))["status"] == "needs_reauth"
    assert await list_files(admin, account) == 200
    healed = await look(admin, account)
    assert (healed["status"], healed["last_error"]) == ("active", None)


@pytest.mark.parametrize("way", ["/passthrough/{}/files", "/custom/files?integrated_account_id={}"])
@pytest.mark.parametrize("name", ["OpenAI-Organization", "OpenAI-Project"])
async def test_a_401_to_a_callers_own_organization_or_project_is_not_the_keys_fault(
    admin: Watched, world: World, account: dict[str, Any], way: str, name: str
) -> None:
    """The official SDKs send both by themselves where their environment has them."""
    wrong = {name: "of-somebody-else"}
    got = await admin.send("GET", way.format(account["id"]), headers=wrong)
    assert got.status == 401
    assert (await look(admin, account))["status"] == "active"
    spoil(world, 401, "/v1/", None)
    assert (await admin.send("GET", way.format(account["id"]), headers=wrong)).status == 401
    assert (await look(admin, account))["status"] == "needs_reauth"


async def test_a_key_that_is_refused_for_good_keeps_the_account_waiting_for_another(
    admin: Watched, world: World, account: dict[str, Any]
) -> None:
    spoil(world, 401, "/v1/", None)
    for _ in range(3):
        assert await list_files(admin, account) == 401
    waiting = await look(admin, account)
    assert waiting["status"] == "needs_reauth"
    world.faults.clear()
    assert said(await admin.post("/integrated-account/refresh-credentials", {"id": account["id"]})) == {"success": True}
    assert (await look(admin, account))["status"] == "active"


async def test_a_vendors_403_is_remembered_and_changes_no_state(
    admin: Watched, world: World, account: dict[str, Any]
) -> None:
    spoil(world, 403)
    assert await list_files(admin, account) == 403
    noted = await look(admin, account)
    assert noted["status"] == "active"
    assert noted["last_forbidden_error"] == {
        "resource": "files", "method": "list", "missing_scopes": [], "occurred_at": "2026-11-02T12:00:00.000Z",
    }  # fmt: skip
    assert await list_files(admin, account) == 200
    assert (await look(admin, account))["last_forbidden_error"] == noted["last_forbidden_error"]


READ_ONLY = "sk-proj-readonly-acme"


@pytest.mark.parametrize("way", ["/proxy/files", "/custom/files", "/passthrough/{}/files"])
async def test_the_scopes_that_a_vendor_misses_are_remembered(
    admin: Watched, account: dict[str, Any], way: str
) -> None:
    said(await admin.patch(path(account), {"context": {"api_key": READ_ONLY}}))
    address = way.format(account["id"])
    asked = {} if "{}" in way else {"integrated_account_id": account["id"]}
    refused = await admin.post(address, {}, **asked)
    assert refused.status == 403
    noted = (await look(admin, account))["last_forbidden_error"]
    assert noted["missing_scopes"] == ["api.files.write"]
    assert (noted["resource"], noted["method"]) == ("files", "create")


async def test_a_401_that_misses_a_scope_says_nothing_against_the_key(admin: Watched, account: dict[str, Any]) -> None:
    connected = await admin.gateway.parts.lookup.connected(account["environment_id"], account["id"])
    missing = ["api.files.read", "api.model.read"]
    await admin.gateway.parts.states.note(connected, None, "project_key", 401, missing)
    noted = await look(admin, account)
    assert noted["status"] == "active"
    assert noted["last_forbidden_error"]["missing_scopes"] == missing


@pytest.mark.parametrize("status", [400, 404, 409, 429, 500, 503])
async def test_other_failures_of_the_vendor_say_nothing_about_the_account(
    admin: Watched, world: World, account: dict[str, Any], status: int
) -> None:
    spoil(world, status)
    assert await list_files(admin, account) == status
    assert await look(admin, account) == account


async def test_a_blocked_account_is_not_moved_by_what_its_vendor_says(
    admin: Watched, world: World, account: dict[str, Any]
) -> None:
    """Its last call was on the way when it was blocked."""
    spoil(world, 401)
    connected = await admin.gateway.parts.lookup.connected(account["environment_id"], account["id"])
    said(await admin.patch(path(account), {"status": "blocked"}))
    await admin.gateway.parts.states.note(connected, None, "project_key", 401)
    assert (await look(admin, account))["status"] == "blocked"


@pytest.mark.parametrize("address", ["refresh-credentials", "run-post-install-actions"])
async def test_keys_are_proved_again_on_demand(
    admin: Watched, world: World, account: dict[str, Any], address: str
) -> None:
    spoil(world, 401, "/v1/models")
    asked = {"id": account["id"]}
    assert said(await admin.post(f"/integrated-account/{address}", asked)) == {"success": False}
    assert (await look(admin, account))["status"] == "validation_error"
    assert said(await admin.post(f"/integrated-account/{address}", asked)) == {"success": True}
    assert (await look(admin, account))["status"] == "active"
    assert (await admin.post(f"/integrated-account/{address}", {"id": "nowhere"})).status == 404


async def test_changes_at_once_are_all_kept(admin: Watched, account: dict[str, Any]) -> None:
    """Each mentions something else; none may write back what it read before the others."""
    changes: list[dict[str, Any]] = [{"context": {f"note-{number}": number}} for number in range(12)]
    changes += [{"tenant_id": "moved"}, {"integration_override": {"label": "Ours"}}]
    changes += [{"context": {"api_key": "sk-proj-bolt"}}]
    answers = await asyncio.gather(*(admin.patch(path(account), change) for change in changes))
    assert {answer.status for answer in answers} == {200}
    found = await look(admin, account)
    assert found["context"] == {f"note-{number}": number for number in range(12)}
    assert (found["tenant_id"], found["integration_override"]) == ("moved", {"label": "Ours"})
    assert (await list_files(admin, account)) == 200


async def test_a_change_of_an_account_that_is_deleted_meanwhile_brings_nothing_back(
    admin: Watched, account: dict[str, Any]
) -> None:
    change, gone = await asyncio.gather(
        admin.patch(path(account), {"context": {"api_key": "sk-proj-bolt"}}), admin.delete(path(account))
    )
    assert gone.status == 200
    assert change.status in {200, 404}  # whichever came first
    assert (await admin.get(path(account))).status == 404


async def test_a_deleted_account_is_gone_with_all_that_spoke_for_it(admin: Watched, account: dict[str, Any]) -> None:
    asked = {"integrated_account_id": account["id"]}
    token = said(await admin.post("/integrated-account/token", asked))["integrated_account_token"]
    server = said(await admin.post(f"{path(account)}/mcp", {"name": "tools", "config": {"methods": ["read"]}}), 201)
    assert said(await admin.delete(path(account))) == {"id": account["id"]}
    assert (await admin.get(path(account))).status == 404
    assert (await admin.delete(path(account))).status == 404
    assert await list_files(admin, account) == 404
    assert (await admin.as_holder_of(token).get("/integrated-account/me")).status == 401
    assert (await admin.as_holder_of(None).post(f"/mcp/{server['token']}", {})).status == 404


async def test_many_accounts_are_deleted_by_id_or_by_tenant(admin: Watched, other: Tenant) -> None:
    ids = [(await connect_account(admin, tenant))["id"] for tenant in ("a", "b", "b", "c")]
    theirs = await connect_account(other.client, "b")
    bulk = "/integrated-account/bulk-delete"
    assert said(await admin.post(bulk, {"tenant_id": "b"})) == {"success": True, "deleted": 2}
    assert said(await admin.post(bulk, {"tenant_id": "b"})) == {"success": True, "deleted": 0}
    wanted = [ids[0], ids[0], "nowhere", theirs["id"]]
    assert said(await admin.post(bulk, {"ids": wanted})) == {"success": True, "deleted": 1}
    assert said(await admin.post(bulk, {"ids": []})) == {"success": True, "deleted": 0}
    assert [each["tenant_id"] for each in said(await admin.get("/integrated-account"))["result"]] == ["c"]
    assert (await other.client.get(path(theirs))).status == 200
    assert (await admin.post(bulk, {})).status == 400
    assert (await admin.post(bulk, {"ids": [], "tenant_id": "c"})).status == 400


async def test_deleting_the_same_accounts_at_once_deletes_each_once(admin: Watched) -> None:
    ids = [(await connect_account(admin))["id"] for _ in range(6)]
    wishes = (ids, ids[::-1], ids[3:])
    answers = await asyncio.gather(*(admin.post("/integrated-account/bulk-delete", {"ids": each}) for each in wishes))
    assert sum(said(answer)["deleted"] for answer in answers) == 6
    entries = said(await admin.get("/audit"))["result"]
    assert sum(each["act"] == "integrated_account.deleted" for each in entries) == 6
