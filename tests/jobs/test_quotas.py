"""Quotas on both databases: one count for all replicas, never too much let through, told at 80 and 100 percent."""

import asyncio
from typing import Any

import pytest

from portico.clock import in_seconds
from portico.errors import QuotaSpent
from portico.gateway import limits as limits_module
from portico.gateway.limits import Limits
from portico.model.account import AccountId
from portico.store.requests import LAST, RequestFilter
from portico.store.statement import Statement
from tests.gateways import Got
from tests.jobs.conftest import Plant

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


async def limited(plant: Plant, maximum: float, **more: Any) -> dict[str, Any]:
    body = {"applies_to": "environment", "measure": "requests", "period": "minute", "maximum": maximum} | more
    made = await plant.client.post("/quota", body)
    assert made.status == 201, made.content
    return made.json


async def files(plant: Plant, account: dict[str, Any]) -> Got:
    return await plant.client.get("/proxy/files", integrated_account_id=account["id"])


async def chat(plant: Plant, account: dict[str, Any]) -> Got:
    got = await plant.client.post("/proxy/chat_completions", CHAT, integrated_account_id=account["id"])
    await plant.parts.recorder.flush()
    return got


async def state(plant: Plant, quota: dict[str, Any]) -> tuple[float, float]:
    shown = (await plant.client.get(f"/quota/{quota['id']}")).json
    return shown["used"], shown["remaining"]


async def test_what_is_too_much_is_refused_until_the_very_second_that_is_told(plant: Plant) -> None:
    account = await plant.account()
    quota = await limited(plant, 2)
    plant.clock.advance(seconds=12.3)
    assert [(await files(plant, account)).status for _ in range(3)] == [200, 200, 429]
    got = await files(plant, account)
    told = {name: value for name, value in got.headers.items() if name.startswith(("ratelimit", "retry"))}
    assert told == {
        "retry-after": "48", "ratelimit-limit": "2", "ratelimit-remaining": "0", "ratelimit-reset": "48",
    }  # fmt: skip
    assert got.sentence == (
        "The quota of 2 requests per minute for the environment is used up. It resets in 48 s, at "
        "2026-11-02T12:01:00.000Z."
    )
    assert await state(plant, quota) == (2, 0)
    plant.clock.advance(seconds=47.6)
    assert (await files(plant, account)).status == 429
    plant.clock.advance(seconds=0.1)
    assert (await files(plant, account)).status == 200
    assert await state(plant, quota) == (1, 1)


async def test_a_refused_call_is_in_the_log_and_never_at_the_vendor(plant: Plant) -> None:
    account = await plant.account()
    await limited(plant, 0)
    before = len(plant.world.requests)
    assert (await files(plant, account)).status == 429
    key = {"idempotency-key": "once"}
    body = {"name": "team"}
    query = {"integrated_account_id": account["id"]}
    refused = await plant.client.send("POST", "/proxy/projects", json=body, query=query, headers=key)
    assert (refused.status, len(plant.world.requests)) == (429, before)
    caller = await plant.parts.lookup.caller(plant.client.token or "")
    await plant.parts.recorder.flush()
    rows = await plant.parts.requests.page(caller.environment_id, LAST, 2, RequestFilter())
    assert {(row.status, row.code, row.vendor_status) for row in rows} == {(429, "quota_spent", 0)}
    assert "0 requests per minute" in rows[0].problem


async def test_replicas_let_through_together_as_much_as_one_would(plant: Plant) -> None:
    parts, account = plant.parts, await plant.account()
    quota = await limited(plant, 57)
    caller = await parts.lookup.caller(plant.client.token or "")
    connected = await parts.lookup.connected(caller.environment_id, AccountId(account["id"]))
    replicas = [Limits(parts.database, parts.changes, parts.later, parts.clock) for _ in range(3)]

    async def ask(number: int) -> int:
        try:
            await replicas[number % 3].take(connected, "")
        except QuotaSpent:
            return 0
        return 1

    let_through = sum(await asyncio.gather(*(ask(number) for number in range(90))))
    assert let_through <= 57
    for each in replicas:
        await each.give_back()
    let_through += sum([await ask(number) for number in range(90)])
    assert let_through == 57
    assert await state(plant, quota) == (57, 0)


async def test_requests_that_were_drawn_but_not_sent_are_given_back(plant: Plant) -> None:
    account = await plant.account()
    quota = await limited(plant, 1000)
    for _ in range(4):
        assert (await files(plant, account)).status == 200
    assert await state(plant, quota) == (4, 996)
    await plant.parts.limits.stop()
    assert await state(plant, quota) == (4, 996)


async def test_requests_that_were_drawn_do_not_outlive_a_lower_maximum(plant: Plant) -> None:
    account = await plant.account()
    quota = await limited(plant, 10_000)
    for _ in range(12):
        assert (await files(plant, account)).status == 200
    assert (await plant.client.patch(f"/quota/{quota['id']}", {"maximum": 12})).status == 200
    assert [(await files(plant, account)).status for _ in range(3)] == [429, 429, 429]
    assert await state(plant, quota) == (12, 0)
    assert (await plant.client.patch(f"/quota/{quota['id']}", {"maximum": 14})).status == 200
    await asyncio.sleep(limits_module.FRESH_SECONDS)
    assert [(await files(plant, account)).status for _ in range(3)] == [200, 200, 429]


async def test_tokens_and_spend_are_metered_and_then_there_is_none_left(plant: Plant) -> None:
    account = await plant.account()
    tokens = await limited(plant, 10, measure="tokens", period="day", applies_to="tenant", subject="acme")
    spend = await limited(plant, 5, measure="spend", period="month", applies_to="integrated_account")
    got = await chat(plant, account)
    used = got.json["usage"]["total_tokens"] if "usage" in got.json else got.json["result"]["usage"]["total_tokens"]
    assert used > 10
    assert await state(plant, tokens) == (used, 0)
    assert await state(plant, spend) == (None, None)
    (use,) = (await plant.client.get(f"/quota/{spend['id']}/use")).json["result"]
    assert use["subject"] == account["id"]
    assert 0 < use["used"] < 0.01
    assert use["remaining"] == pytest.approx(5 - use["used"])
    refused = await chat(plant, account)
    assert (refused.status, refused.headers["retry-after"]) == (429, str(12 * 3600))
    other = await plant.account("beta")
    assert (await chat(plant, other)).status == 200


async def test_how_long_to_wait_is_told_by_what_takes_longest_whatever_it_measures(plant: Plant) -> None:
    account = await plant.account()
    await limited(plant, 1, measure="tokens", period="minute")
    await limited(plant, 1, period="day", applies_to="tenant", subject="acme")
    hours = await limited(plant, 5, period="minute", applies_to="integrated_account")
    assert (await chat(plant, account)).status == 200
    refused = await chat(plant, account)
    assert (refused.status, refused.headers["retry-after"]) == (429, str(12 * 3600))
    assert (await plant.client.get(f"/quota/{hours['id']}/use")).json["result"][0]["used"] == 1


async def test_another_replica_knows_of_used_tokens_within_a_second(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, account = plant.parts, await plant.account()
    await limited(plant, 5, measure="tokens", period="day")
    caller = await parts.lookup.caller(plant.client.token or "")
    connected = await parts.lookup.connected(caller.environment_id, AccountId(account["id"]))
    other = Limits(parts.database, parts.changes, parts.later, parts.clock)
    await other.take(connected, "")
    await chat(plant, account)
    monkeypatch.setattr(limits_module, "FRESH_SECONDS", 0.0)  # as if that time had passed
    with pytest.raises(QuotaSpent):
        await other.take(connected, "")


async def test_webhooks_hear_of_80_and_100_percent_once(plant: Plant) -> None:
    account = await plant.account()
    await plant.webhook("/hook", "budget:*")
    quota = await limited(plant, 10, period="day", applies_to="integrated_account", subject=account["id"])
    await limited(plant, 10, period="minute")
    for _ in range(7):
        await files(plant, account)
    await plant.run()
    assert plant.receiver.events("/hook") == []
    for _ in range(6):
        await files(plant, account)
    await plant.run()
    assert sorted(plant.receiver.events("/hook")) == ["budget:exhausted", "budget:warning"]
    told = next(each.json["payload"] for each in plant.receiver.at("/hook") if each.event == "budget:warning")
    assert (told["quota_id"], told["percent"], told["used"], told["maximum"]) == (quota["id"], 80, 8, 10)
    await plant.client.patch(f"/quota/{quota['id']}", {"maximum": 12})
    await plant.run(minutes=2)
    for _ in range(3):
        await files(plant, account)
    await plant.run()
    assert sorted(plant.receiver.events("/hook")[2:]) == ["budget:exhausted", "budget:warning"]
    await plant.run(days=1)
    await files(plant, account)
    await plant.run()
    assert len(plant.receiver.events("/hook")) == 4


async def test_a_quota_made_in_the_middle_of_a_month_knows_what_went_before(plant: Plant) -> None:
    account, other = await plant.account(), await plant.account("beta")
    for each in (account, account, other):
        await files(plant, each)
    plant.clock.advance(days=3)
    whole = await limited(plant, 10, period="month")
    day = await limited(plant, 10, period="day")
    each = await limited(plant, 10, period="month", applies_to="tenant")
    one = await limited(plant, 10, period="month", applies_to="integrated_account", subject=other["id"])
    assert [await state(plant, quota) for quota in (whole, day, one)] == [(3, 7), (0, 10), (1, 9)]
    uses = (await plant.client.get(f"/quota/{each['id']}/use")).json["result"]
    assert [(use["subject"], use["used"]) for use in uses] == [("acme", 2), ("beta", 1)]


_USE = Statement("SELECT COUNT(*) FROM quota_use WHERE subject = :subject")


async def test_quotas_go_with_whom_they_limited_and_others_stay(plant: Plant) -> None:
    account, other = await plant.account("acme"), await plant.account("other")
    path = f"/integrated-account/{account['id']}/mcp"
    servers = [(await plant.client.post(path, {"name": name})).json["id"] for name in ("first", "second")]
    soon = in_seconds(plant.clock(), 120).isoformat()
    servers.append((await plant.client.post(path, {"name": "brief", "expires_at": soon})).json["id"])
    of_servers = [await limited(plant, 5, applies_to="mcp_server", subject=each) for each in servers]
    own = await limited(plant, 5, applies_to="integrated_account", subject=account["id"], period="day")
    tenants = [await limited(plant, 5, applies_to="tenant", subject=each) for each in ("acme", "other")]
    each_account = await limited(plant, 9, applies_to="integrated_account", period="month")
    environment = await limited(plant, 50, period="month")
    await files(plant, account)

    async def left() -> set[str]:
        return {each["id"] for each in (await plant.client.get("/quota")).json["result"]}

    gone = await left()
    await plant.client.delete(f"{path}/{servers[0]}")
    assert gone - await left() == {of_servers[0]["id"]}
    plant.clock.advance(seconds=121)
    await plant.worker.tidy()
    assert gone - await left() == {of_servers[0]["id"], of_servers[2]["id"]}
    await plant.client.delete(f"/integrated-account/{account['id']}")
    assert await left() == {each["id"] for each in (*tenants, each_account, environment)}
    row = await plant.parts.database.one(_USE, subject=account["id"])
    assert row == (0,)
    await plant.client.post("/integrated-account/bulk-delete", {"tenant_id": "other"})
    assert await left() == {tenants[0]["id"], each_account["id"], environment["id"]}
    acts = (await plant.client.get("/audit", act="quota.deleted")).json["result"]
    assert {each["target"] for each in acts} == {*(each["id"] for each in of_servers), own["id"], tenants[1]["id"]}
    assert {each["facts"]["reason"] for each in acts} == {"its subject is gone"}
    assert other["id"] not in {each["facts"]["subject"] for each in acts}


async def test_a_lifted_quota_holds_no_more_at_another_replica(plant: Plant, replica: Plant) -> None:
    """The tenant is made anew under its old name, and is not limited by what was said before."""
    account = await plant.account("acme")
    await limited(plant, 1, applies_to="tenant", subject="acme", period="day")
    assert (await files(plant, account)).status == 200
    assert (await files(plant, account)).status == 429
    await plant.client.post("/integrated-account/bulk-delete", {"tenant_id": "acme"})
    fresh = await plant.account("acme")
    for each in (plant, replica):
        each.parts.changes.apply("quotas")
        assert (await each.client.get("/proxy/files", integrated_account_id=fresh["id"])).status == 200


async def test_a_maximum_of_nothing_lets_nothing_through(plant: Plant) -> None:
    account = await plant.account()
    await limited(plant, 0)
    assert [(await files(plant, account)).status for _ in range(2)] == [429, 429]
    await limited(plant, 0, measure="spend", period="day")
    assert (await chat(plant, account)).status == 429
