"""Accounts that work are looked at without anybody's call: a key that was taken away is noticed in time, a vendor that
is away proves nothing, and it costs little."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from portico.jobs.outcome import Outcome
from portico.jobs.rechecks import Rechecker
from portico.jobs.worker import LANE_WIDTH
from portico.model.account import EnvironmentId
from portico.store.jobs import Job
from portico.store.statement import Statement
from tests.gateways import connect_account
from tests.jobs.conftest import Plant

HOURS = 24
ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
PROOFS = {"project_key": "/v1/models", "admin_key": "/v1/organization/projects"}
_JOB = Statement("SELECT id, run_at, tries, lane FROM jobs WHERE kind = 'recheck' AND subject = :subject")
_DUE = Statement("UPDATE jobs SET run_at = :run_at WHERE kind = 'recheck'")


async def status(plant: Plant, account: dict[str, Any]) -> str:
    return (await plant.client.get(f"/integrated-account/{account['id']}")).json["status"]


def looks(plant: Plant) -> list[str]:
    return [each.raw_path for each in plant.world.requests]


@pytest.mark.parametrize("credential", PROOFS)
async def test_a_key_that_is_taken_away_is_noticed_within_the_interval(plant: Plant, credential: str) -> None:
    account = await plant.account()
    await plant.run(hours=1)
    await plant.webhook("/hook", "integrated_account:*")
    for _ in range(HOURS // 2):
        await plant.run(hours=2)
    assert await status(plant, account) == "active"
    plant.fault("status=401", PROOFS[credential])
    for _ in range(HOURS):
        await plant.run(hours=1)
        if await status(plant, account) != "active":
            break
    found = (await plant.client.get(f"/integrated-account/{account['id']}")).json
    assert (found["status"], found["last_error"]["credential"]) == ("needs_reauth", credential)
    assert f"sk-{'admin' if credential == 'admin_key' else 'proj'}-acme" not in str(found["last_error"])
    await plant.run()
    assert plant.receiver.events("/hook") == ["integrated_account:authentication_error"]
    (entry,) = (await plant.client.get("/audit", act="integrated_account.key_refused")).json["result"]
    assert (entry["target"], entry["actor"]) == (account["id"], "system")
    plant.world.faults.clear()
    await plant.run(minutes=6)
    assert await status(plant, account) == "active"
    await plant.run()
    assert plant.receiver.events("/hook")[1:] == ["integrated_account:reactivated"]
    job = await plant.parts.database.one(_JOB, subject=account["id"])
    assert job is not None, "it goes on being looked at"


@ONE_ENGINE
async def test_a_good_key_costs_one_cheap_call_in_its_time(plant: Plant) -> None:
    await connect_account(plant.client, api_key="sk-proj-acme")
    await plant.run()
    plant.world.requests.clear()
    days = 4
    for _ in range(days * HOURS // 2):
        await plant.run(hours=2)
    assert set(looks(plant)) == {PROOFS["project_key"]}
    assert days <= len(looks(plant)) <= days + 1
    assert {each.verb for each in plant.world.requests} == {"GET"}
    assert (await plant.client.get("/log")).json["result"] == []


@ONE_ENGINE
@pytest.mark.parametrize("fault", ["status=503", "status=429", "reset"])
async def test_a_vendor_that_is_away_proves_nothing_and_is_asked_again_soon(plant: Plant, fault: str) -> None:
    account = await connect_account(plant.client, api_key="sk-proj-acme")
    plant.fault(fault)
    await plant.run(hours=HOURS)
    assert await status(plant, account) == "active"
    before = len(looks(plant))
    assert before
    await plant.run(minutes=6)
    assert len(looks(plant)) > before
    for _ in range(10):
        await plant.run(hours=1)
    assert await status(plant, account) == "active"
    plant.world.faults.clear()
    plant.fault("status=401")
    for _ in range(HOURS):
        await plant.run(hours=1)
    assert await status(plant, account) == "needs_reauth"


@ONE_ENGINE
async def test_a_key_that_may_not_do_even_this_is_still_a_key(plant: Plant) -> None:
    account = await connect_account(plant.client, api_key="sk-proj-acme")
    plant.fault("status=403")
    for _ in range(HOURS // 2):
        await plant.run(hours=4)
    assert await status(plant, account) == "active"


@ONE_ENGINE
async def test_accounts_come_each_at_a_time_of_its_own_and_few_at_once(plant: Plant) -> None:
    accounts = [await connect_account(plant.client, f"tenant-{each}") for each in range(12)]
    rows = [await plant.parts.database.one(_JOB, subject=each["id"]) for each in accounts]
    times = [row[1] for row in rows if row]
    assert len(set(times)) == 12
    start = int(plant.clock().timestamp() * 1000)
    assert all(HOURS / 2 * 3_600_000 <= each - start <= HOURS * 3_600_000 for each in times)
    assert {row[3] for row in rows if row} == {"recheck"}
    await plant.parts.database.run(_DUE, run_at=1)
    under_way, most = 0, 0
    recheck = plant.worker.runners["recheck"]

    async def counted(job: Job) -> Outcome:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        try:
            return await recheck(job)
        finally:
            under_way -= 1

    plant.worker.runners["recheck"] = counted
    assert await plant.worker.run_due() >= 12
    assert most == LANE_WIDTH
    assert {await status(plant, each) for each in accounts} == {"active"}


@ONE_ENGINE
async def test_accounts_from_before_are_spread_over_the_interval_first(plant: Plant) -> None:
    account = await plant.account()
    await plant.parts.database.run(_DUE, run_at=0)
    plant.world.requests.clear()
    await plant.run()
    assert looks(plant) == []
    row = await plant.parts.database.one(_JOB, subject=account["id"])
    assert row is not None
    assert row[1] == int((plant.clock() + timedelta(hours=HOURS / 2)).timestamp() * 1000)


@ONE_ENGINE
async def test_a_key_that_was_replaced_meanwhile_is_not_blamed_for_the_old_one(plant: Plant) -> None:
    account = await plant.account()
    plant.fault("status=401", times=1)
    job = Job(
        id="any", environment_id=EnvironmentId(account["environment_id"]), kind="recheck", subject=account["id"],
        run_at_ms=1, tries=0, fence=1,
    )  # fmt: skip
    outcome = await Rechecker(plant.parts, lambda: 0.5).recheck(job)
    assert outcome.write is not None
    await plant.client.patch(f"/integrated-account/{account['id']}", {"context": {"api_key": "sk-proj-acme-new"}})
    async with plant.parts.database.transaction() as session:
        await outcome.write(session)
    assert await status(plant, account) == "active"
    assert (await plant.client.get("/audit", act="integrated_account.key_refused")).json["result"] == []


@ONE_ENGINE
async def test_a_stopped_account_is_left_alone_and_looked_at_again_once_it_goes_on(plant: Plant) -> None:
    account = await connect_account(plant.client, api_key="sk-proj-acme")
    await plant.client.patch(f"/integrated-account/{account['id']}", {"status": "blocked"})
    plant.world.requests.clear()
    for _ in range(HOURS // 2):
        await plant.run(hours=4)
    assert not set(looks(plant)) & set(PROOFS.values())
    await plant.client.patch(f"/integrated-account/{account['id']}", {"status": "active"})
    plant.fault("status=401")
    for _ in range(HOURS):
        await plant.run(hours=1)
    assert await status(plant, account) == "needs_reauth"
