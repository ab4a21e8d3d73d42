"""Account tokens: fifteen minutes to the millisecond, one account, few routes, no more rights than their maker."""

import re
from typing import Any

import pytest

from portico.app import ENDPOINTS
from portico.vault import tokens
from tests.conftest import HeldClock
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said, with_scopes
from tests.gateways import connect_account


@pytest.fixture
async def account(admin: Watched) -> dict[str, Any]:
    return await connect_account(admin)


async def token_for(client: Watched, account: dict[str, Any]) -> Watched:
    made = said(await client.post("/integrated-account/token", {"integrated_account_id": account["id"]}))
    return client.as_holder_of(made["integrated_account_token"])


async def test_a_token_lives_fifteen_minutes_to_the_millisecond(
    admin: Watched, account: dict[str, Any], clock: HeldClock
) -> None:
    clock.advance(milliseconds=123)
    made = said(await admin.post("/integrated-account/token", {"integrated_account_id": account["id"]}))
    assert made["expires_at"] == "2026-11-02T12:15:00.123Z"
    assert tokens.is_well_formed(made["integrated_account_token"])
    holder = admin.as_holder_of(made["integrated_account_token"])
    clock.advance(minutes=14, seconds=59, milliseconds=999)
    assert (await holder.get("/integrated-account/me")).status == 200
    assert (await holder.get("/proxy/files")).status == 200
    clock.advance(milliseconds=1)
    for path in ("/integrated-account/me", "/proxy/files"):
        refused = await holder.get(path)
        assert refused.status == 401
        assert refused.sentence == (await admin.as_holder_of(tokens.make("acc")).get(path)).sentence


async def test_a_token_opens_the_routes_of_its_own_account_and_no_others(
    admin: Watched, account: dict[str, Any]
) -> None:
    holder = await token_for(admin, account)
    for endpoint in ENDPOINTS:
        path = re.sub(r"\{[^}]+\}", "x", endpoint.path.replace("{id}", account["id"]))
        got = await holder.send(endpoint.verb, path, json={"context": {}} if endpoint.body else None)
        if endpoint.account_token:
            assert got.status not in {401, 403}, (endpoint.name, got.content)
        else:
            assert (got.status, got.json["code"]) == (403, "not_allowed"), endpoint.name


def test_no_route_of_the_whole_environment_is_open_to_account_tokens() -> None:
    opened = {endpoint.path for endpoint in ENDPOINTS if endpoint.account_token}
    assert {"/integrated-account/me", "/integrated-account/{id}/tools"} <= opened
    # What stands under /unified here tells how models are made, and of nobody.
    own = (
        "/integrated-account/me",
        "/integrated-account/{id}/",
        "/watch",
        "/file",
        "/unified/",
    )
    assert all(path.startswith(own) for path in opened)
    assert not any("/mcp" in path for path in opened)


async def test_calls_need_no_account_id_and_take_no_other(admin: Watched, account: dict[str, Any]) -> None:
    holder = await token_for(admin, account)
    sibling = await connect_account(admin, "bolt")
    assert (await holder.get("/proxy/files")).status == 200
    assert (await holder.get("/proxy/files", integrated_account_id=account["id"])).status == 200
    assert (await holder.get("/custom/files")).status == 200
    assert (await holder.get(f"/passthrough/{account['id']}/files")).status == 200
    for path in (
        f"/proxy/files?integrated_account_id={sibling['id']}",
        f"/custom/files?integrated_account_id={sibling['id']}",
        f"/passthrough/{sibling['id']}/files",
        f"/integrated-account/{sibling['id']}/tools",
        f"/integrated-account/{sibling['id']}/capabilities",
    ):
        foreign, unknown = await holder.get(path), await holder.get(path.replace(sibling["id"], "nowhere"))
        assert foreign.status == unknown.status == 404, path
    run = await holder.post(f"/integrated-account/{sibling['id']}/tools/list_all_openai_files", {})
    assert run.status == 404


async def test_the_holder_sees_and_changes_its_own_account(admin: Watched, account: dict[str, Any]) -> None:
    holder = await token_for(admin, account)
    assert said(await holder.get("/integrated-account/me")) == account
    changed = said(await holder.patch("/integrated-account/me", {"context": {"note": "x"}}))
    assert changed["context"] == {"note": "x"}
    assert "tenant_id" in str(failures(await holder.patch("/integrated-account/me", {"context": {}, "tenant_id": "y"})))
    assert "context" in failures(await holder.patch("/integrated-account/me", {}))


async def test_an_api_token_has_no_account_of_its_own(admin: Watched) -> None:
    for got in (
        await admin.get("/integrated-account/me"),
        await admin.patch("/integrated-account/me", {"context": {}}),
    ):
        assert got.status == 400
        assert "/integrated-account/{id}" in got.sentence


async def test_a_token_has_no_more_rights_than_its_maker(operator: Watched) -> None:
    account = await connect_account(operator)
    reader = await token_for(await with_scopes(operator, "accounts", "call:read"), account)
    assert (await reader.get("/proxy/files")).status == 200
    assert (await reader.delete("/proxy/files/file-1")).status == 403
    assert (await reader.patch("/integrated-account/me", {"context": {"note": "x"}})).status == 403
    nothing = await token_for(await with_scopes(operator, "accounts"), account)
    assert (await nothing.get("/proxy/files")).status == 403


async def test_only_those_who_may_change_accounts_hand_out_tokens_and_only_for_their_own(
    operator: Watched, account: dict[str, Any], other: Tenant
) -> None:
    asked = {"integrated_account_id": account["id"]}
    narrow = await with_scopes(operator, "accounts:read", "call", "tokens")
    assert (await narrow.post("/integrated-account/token", asked)).status == 403
    assert (await other.client.post("/integrated-account/token", asked)).status == 404


async def test_two_accounts_with_the_same_idempotency_key_get_an_answer_each(
    admin: Watched, account: dict[str, Any]
) -> None:
    """The address and the body are the same, the accounts are not."""
    sibling = await connect_account(admin, "bolt")
    key = {"idempotency-key": "same"}
    body = {"context": {"note": "x"}}
    answers = [
        said(await (await token_for(admin, each)).send("PATCH", "/integrated-account/me", json=body, headers=key))
        for each in (account, sibling)
    ]
    assert [each["id"] for each in answers] == [account["id"], sibling["id"]]


async def test_account_tokens_are_in_no_list(admin: Watched, account: dict[str, Any]) -> None:
    await token_for(admin, account)
    assert [each["name"] for each in said(await admin.get("/api-token"))["result"]] == ["ours"]


async def test_making_a_token_is_written_down(admin: Watched, account: dict[str, Any]) -> None:
    await token_for(admin, account)
    newest = said(await admin.get("/audit", limit=1))["result"][0]
    assert (newest["act"], newest["target"]) == ("integrated_account.token_created", account["id"])
