"""What the vendor itself reports, beside what was metered: every figure is added up again from the sandbox's rows."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import aiohttp
import pytest

from portico.jobs.reports import MOST_TRIES
from portico.sandbox.charges import charges
from portico.sandbox.state import Usage
from portico.store.statement import Statement
from tests.jobs.conftest import Plant

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How many stars can one see tonight?"}]}
DAY = "2026-11-02"
TOKENS = {"input_tokens": "input_tokens", "cached_tokens": "input_cached_tokens", "output_tokens": "output_tokens"}
NOTHING = {"requests": 0, "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0}
ONE_ENGINE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
_JOBS = Statement("SELECT subject FROM jobs WHERE kind = 'report_day' ORDER BY subject")
_PLANS = Statement("SELECT subject FROM jobs WHERE kind = 'report'")


async def turn(plant: Plant, **advance: float) -> int:
    """Both clocks, then whatever is due."""
    plant.clock.advance(**advance)
    plant.world.turn_to(plant.clock().timestamp())
    return await plant.worker.run_due()


async def call(plant: Plant, path: str, body: Any, account: dict[str, Any]) -> None:
    got = await plant.proxy("POST", path, account, body)
    assert got.status == 200, got.content


async def direct(sandbox_url: str, path: str, body: Any) -> None:
    """Past Portico, with the account's own key."""
    headers = {"Authorization": "Bearer sk-proj-acme"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox_url}/v1/{path}", json=body, headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()


def rows_of(plant: Plant, day: str) -> list[Usage]:
    found = [row for each in plant.world.organizations.values() for row in each.all_usage()]
    return [row for row in found if datetime.fromtimestamp(row.at, UTC).date().isoformat() == day]


def by_model(rows: list[Usage]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for row in rows:
        if row.model:
            sums = found.setdefault(row.model, Counter())
            sums["requests"] += row.amounts.get("num_model_requests", 1)
            sums.update({ours: row.amounts.get(theirs, 0) for ours, theirs in TOKENS.items()})
    return found


async def usage(plant: Plant, account: dict[str, Any], **query: str) -> list[dict[str, Any]]:
    got = await plant.client.get(f"/integrated-account/{account['id']}/usage", **query)
    assert got.status == 200, got.content
    return got.json["result"]


async def test_a_day_is_reported_the_night_after_and_differs_by_what_went_past(plant: Plant, sandbox_url: str) -> None:
    await turn(plant)
    account = await plant.account()
    await plant.client.post(
        "/quota", {"applies_to": "environment", "measure": "requests", "period": "month", "maximum": 100}
    )
    for _ in range(2):
        await call(plant, "chat_completions", CHAT, account)
    await call(plant, "embeddings", {"model": "text-embedding-3-small", "input": "stars"}, account)
    (today,) = await usage(plant, account)
    assert (today["day"], today["reported"], today["difference"], today["is_final"]) == (DAY, None, None, False)
    assert today["can_be_reported"] is True
    await direct(sandbox_url, "chat/completions", CHAT)
    await direct(sandbox_url, "images/generations", {"model": "gpt-image-1-mini", "prompt": "a star"})
    plant.world.requests.clear()
    await turn(plant, hours=12, minutes=59)
    assert not [each for each in plant.world.requests if "/organization/" in each.raw_path]
    await turn(plant, hours=1, minutes=2)
    rows = rows_of(plant, DAY)
    (day,) = [each for each in await usage(plant, account) if each["day"] == DAY]
    told = by_model(rows)
    assert set(told) >= {"gpt-4o-mini", "text-embedding-3-small", "gpt-image-1-mini"}
    for each in day["models"]:
        expected = NOTHING | dict(told.get(each["model"], {}))
        assert each["reported"] == expected, each["model"]
    whole = sum((each for each in told.values()), Counter[str]())
    nanos = sum(charge.nano_dollars for row in rows for charge in charges(row))
    assert {name: day["reported"][name] for name in NOTHING} == NOTHING | dict(whole)
    assert round(day["reported"]["cost_usd"] * 1e9) == nanos > 0
    assert round(sum(each["cost_usd"] for each in day["costs"]) * 1e9) == nanos
    ours = [row for row in rows if row.model != "gpt-image-1-mini"][:-1]
    assert {name: day["metered"][name] for name in NOTHING} == NOTHING | dict(
        sum((each for each in by_model(ours).values()), Counter[str]())
    )
    past = next(each for each in day["models"] if each["model"] == "gpt-4o-mini")
    assert past["difference"]["requests"] == 1
    assert past["difference"]["input_tokens"] == past["metered"]["input_tokens"] / 2
    assert day["difference"] == pytest.approx(
        {name: day["reported"][name] - day["metered"][name] for name in day["difference"]}
    )
    (quota,) = (await plant.client.get("/quota")).json["result"]
    assert quota["used"] == 3, "what is asked for to compare is on nobody's account"
    assert {"kind": "images", "item": "gpt-image-1-mini", "amounts": {"images": 1}} in day["other"]


@ONE_ENGINE
async def test_a_day_is_looked_at_three_times_and_then_stands(plant: Plant, sandbox_url: str) -> None:
    await turn(plant)
    account = await plant.account()
    await call(plant, "chat_completions", CHAT, account)

    async def requests() -> int:
        (day,) = [each for each in await usage(plant, account) if each["day"] == DAY]
        return day["reported"]["requests"]

    await turn(plant, hours=14)
    assert await requests() == 1
    await direct(sandbox_url, "chat/completions", CHAT)
    usage_rows = next(each.usage for each in plant.world.organizations.values() if each.usage)
    told_late = int(datetime(2026, 11, 2, 20, tzinfo=UTC).timestamp())
    usage_rows[-1] = replace(usage_rows[-1], at=told_late)  # as vendors do
    assert await requests() == 1
    await turn(plant, days=1)
    assert await requests() == 2
    (day,) = [each for each in await usage(plant, account) if each["day"] == DAY]
    assert day["is_final"] is False
    for _ in range(2):
        await turn(plant, days=1)
    (day,) = [each for each in await usage(plant, account) if each["day"] == DAY]
    assert day["is_final"] is True
    left = [row[0] for row in await plant.parts.database.all(_JOBS)]
    assert f"{account['id']}/{DAY}" not in left
    assert left


async def test_days_are_caught_up_after_a_silence_each_by_a_job_of_its_own_whichever_worker_takes_it(
    plant: Plant, replica: Plant
) -> None:
    await turn(plant)
    account = await plant.account()
    plant.clock.advance(days=4)
    plant.world.turn_to(plant.clock().timestamp())
    await asyncio.gather(plant.worker.run_due(), replica.worker.run_due())
    found = await plant.parts.later.reported.days(account["environment_id"], account["id"], "2026-01-01", "2026-12-31")
    days = [date(2026, 11, 2 + each).isoformat() for each in range(4)]
    assert [(each.day, each.looks >= 1) for each in found] == [(day, True) for day in days]
    before = len(plant.world.requests)
    assert await plant.worker.run_due() == 0
    assert len(plant.world.requests) == before


@ONE_ENGINE
async def test_a_vendor_that_fails_is_asked_again_and_nothing_is_half_written(plant: Plant) -> None:
    await turn(plant)
    account = await plant.account()
    await call(plant, "chat_completions", CHAT, account)
    plant.fault("status=503", path="/v1/organization/costs", times=1)
    await turn(plant, hours=14)
    assert all(each["reported"] is None for each in await usage(plant, account))
    await turn(plant, minutes=6)
    (day,) = [each for each in await usage(plant, account) if each["day"] == DAY]
    assert day["reported"]["requests"] == 1


@ONE_ENGINE
async def test_a_lasting_failure_holds_up_no_other_day_and_all_are_had_once_it_is_over(plant: Plant) -> None:
    await turn(plant)
    account = await plant.account()
    plant.fault("status=503", path="/v1/organization/usage/completions")
    for _ in range(MOST_TRIES + 4):
        await turn(plant, hours=6.5)
    over = {date(2026, 11, 2 + each).isoformat() for each in range(4)}
    assert len(await plant.parts.database.all(_JOBS)) >= 3
    assert all(each["reported"] is None for each in await usage(plant, account))
    plant.world.faults.clear()
    await turn(plant, days=1)
    found = {each["day"] for each in await usage(plant, account) if each["reported"]}
    assert over <= found


@ONE_ENGINE
async def test_accounts_without_the_key_are_left_alone_until_they_get_it(plant: Plant) -> None:
    await turn(plant)
    made = await plant.client.post(
        "/integrated-account",
        {"tenant_id": "plain", "integration": "openai", "context": {"api_key": "sk-proj-test"}},
    )
    account = made.json
    await call(plant, "chat_completions", CHAT, account)
    await turn(plant, hours=14)
    assert not [each for each in plant.world.requests if "/organization/" in each.raw_path]
    assert await plant.parts.database.all(_PLANS) == []
    (day,) = await usage(plant, account)
    assert (day["can_be_reported"], day["reported"]) == (False, None)
    await plant.client.patch(f"/integrated-account/{account['id']}", {"context": {"admin_key": "sk-admin-test"}})
    await turn(plant, days=1)
    (day,) = [each for each in await usage(plant, account) if each["day"] == DAY]
    assert day["reported"]["requests"] == 1


@ONE_ENGINE
async def test_a_report_is_narrowed_to_the_project_of_the_account(plant: Plant) -> None:
    await turn(plant)
    projects = [each for org in plant.world.organizations.values() for each in org.projects]
    account = await plant.account()
    await call(plant, "chat_completions", CHAT, account)
    projects = [each for org in plant.world.organizations.values() for each in org.projects] or projects
    used = {row.project_id for row in rows_of(plant, DAY)}
    other = next(each for each in [*projects, "proj_other"] if each not in used)
    await plant.client.patch(f"/integrated-account/{account['id']}", {"context": {"project": other}})
    await turn(plant, hours=14)
    (day,) = [each for each in await usage(plant, account) if each["day"] == DAY]
    assert day["narrowed_to"] == {"project_ids": other}
    assert day["reported"]["requests"] == 0
    assert day["difference"]["requests"] == -1


@ONE_ENGINE
async def test_nothing_is_left_of_a_deleted_account(plant: Plant) -> None:
    await turn(plant)
    account = await plant.account()
    await turn(plant, hours=14)
    assert await plant.parts.later.reported.days(account["environment_id"], account["id"], "2026-01-01", "2027-01-01")
    await plant.client.delete(f"/integrated-account/{account['id']}")
    await turn(plant, days=2)
    assert not await plant.parts.later.reported.days(
        account["environment_id"], account["id"], "2026-01-01", "2027-01-01"
    )
    assert await plant.parts.database.all(_JOBS) == []
    assert (await plant.client.get(f"/integrated-account/{account['id']}/usage")).status == 404


@ONE_ENGINE
async def test_pages_lead_through_the_days_and_odd_questions_are_refused(plant: Plant) -> None:
    await turn(plant)
    account = await plant.account()
    path = f"/integrated-account/{account['id']}/usage"
    for _ in range(3):
        await call(plant, "chat_completions", CHAT, account)
        await plant.parts.recorder.flush()
        plant.clock.advance(days=1)
        plant.world.turn_to(plant.clock().timestamp())
    seen: list[str] = []
    cursor, pages = "", 0
    while True:
        got = (await plant.client.get(path, limit="2", since="2026-11-01", next_cursor=cursor or None)).json
        seen += [each["day"] for each in got["result"]]
        cursor, pages = got["next_cursor"], pages + 1
        if not cursor:
            break
    assert (seen, pages) == (["2026-11-04", "2026-11-03", "2026-11-02"], 3)
    assert [each["day"] for each in await usage(plant, account, since="2026-11-03", until="2026-11-03")] == [
        "2026-11-03"
    ]
    for query in (
        {"since": "2026-11-05", "until": "2026-11-04"}, {"limit": "0"}, {"limit": "400"}, {"since": "yesterday"},
        {"next_cursor": "2020-01-01"},
    ):  # fmt: skip
        assert (await plant.client.get(path, **query)).status == 400, query
