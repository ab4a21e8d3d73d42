"""The worker itself: nobody waits for somebody else's slow receiver, and nothing is lost or done twice."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from portico.gateway import webhooks
from portico.gateway.webhooks import SigningSecret, seal
from portico.jobs import worker as workers
from portico.jobs.outcome import DONE, Outcome
from portico.jobs.worker import Worker
from portico.model.account import EnvironmentId
from portico.store.database import Session
from portico.store.jobs import Job, JobKind
from portico.store.operators import Taking
from portico.store.statement import Statement
from tests.jobs.conftest import PATIENCE_SECONDS, Plant
from tests.jobs.receiver import LONGEST_SECONDS

_EXPIRE = Statement("UPDATE jobs SET lease_until = 1")
_HELD = Statement("SELECT COUNT(*) FROM jobs WHERE lease_until > 1")
_LEFT = Statement("SELECT kind, tries FROM jobs ORDER BY kind")
HOME = EnvironmentId("home")
TAKING = Taking(count=100, width=100, lease_seconds=60)


@asynccontextmanager
async def working(plant: Plant) -> AsyncGenerator[Worker]:
    worker = Worker(plant.parts, dice=lambda: 0.5, patience_seconds=PATIENCE_SECONDS)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def test_started_worker_does_what_comes_without_being_asked(plant: Plant) -> None:
    await plant.webhook("/hook")
    async with working(plant):
        await plant.account()
        await plant.receiver.wait_for("/hook", 2)


async def test_slow_receiver_keeps_no_other_waiting(plant: Plant) -> None:
    """Thirty messages each for two that hang and one that does not; it has all of its own long before they let go."""
    for path in ("/slow", "/slower"):
        await plant.webhook(path, "vendor:slow")
        plant.receiver.hang(path)
    await plant.webhook("/quick", "vendor:quick")
    async with working(plant):
        await plant.announce(*(["vendor:slow"] * 30))
        await plant.receiver.wait_for("/slow", workers.LANE_WIDTH)
        await plant.announce(*(["vendor:quick"] * 30))
        await plant.receiver.wait_for("/quick", 30)
        assert len(plant.receiver.at("/slow")) == workers.LANE_WIDTH
        plant.receiver.let_go()
        plant.receiver.hanging.clear()
        await plant.receiver.wait_for("/slow", 30)
        await plant.receiver.wait_for("/slower", 30)


def test_all_webhooks_of_an_environment_may_hang_and_there_is_room_for_others() -> None:
    assert webhooks.MOST_WEBHOOKS * workers.LANE_WIDTH < workers.MOST_AT_ONCE - workers.MOST_AT_VENDORS


async def test_vendors_that_hang_keep_no_webhook_waiting(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_AT_ONCE", 8)
    monkeypatch.setattr(workers, "MOST_AT_VENDORS", 4)
    await plant.webhook("/hook", "vendor:x")
    let_go, looking = asyncio.Event(), asyncio.Semaphore(0)

    async def hang(_: Job) -> Outcome:
        looking.release()
        await let_go.wait()
        return DONE

    async with plant.parts.database.transaction() as session:
        for number in range(20):
            await plant.parts.later.jobs.add(session, HOME, "watch", f"job-{number}", plant.clock())
    async with working(plant) as worker:
        worker.runners["watch"] = hang
        async with asyncio.timeout(LONGEST_SECONDS):
            for _ in range(4):
                await looking.acquire()
        await plant.announce("vendor:x")
        await plant.receiver.wait_for("/hook", 1)
        assert looking.locked()
        let_go.set()
        async with asyncio.timeout(LONGEST_SECONDS):
            for _ in range(16):
                await looking.acquire()


async def test_webhooks_are_taken_by_the_hundred_while_few_vendors_more_may_be_asked(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each taking is a write: one by one, a backlog would wait for hundreds of them."""
    monkeypatch.setattr(workers, "MOST_AT_VENDORS", 2)
    counts: list[int] = []

    async def done(_: Job) -> Outcome:
        return DONE

    take_jobs = plant.parts.operators.take_jobs

    async def take(moment: datetime, taking: Taking) -> list[Job]:
        taken = await take_jobs(moment, taking)
        counts.append(len(taken))
        return taken

    monkeypatch.setattr(plant.parts.operators, "take_jobs", take)
    plant.worker.runners["watch"] = plant.worker.runners["deliver"] = done
    async with plant.parts.database.transaction() as session:
        for number in range(60):
            kind: JobKind = "watch" if number < 3 else "deliver"
            await plant.parts.later.jobs.add(session, HOME, kind, f"job-{number}", plant.clock(), lane=f"l-{number}")
    assert await plant.run() == 60
    assert counts[:2] == [2, 57]


async def test_stopping_worker_hands_its_jobs_back_at_once(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "STOP_SECONDS", 0.1)
    await plant.webhook("/hook", "vendor:x")
    plant.receiver.hang("/hook")
    async with working(plant):
        await plant.announce("vendor:x")
        await plant.receiver.wait_for("/hook", 1)
        assert await plant.parts.database.one(_HELD) == (1,)
    assert await plant.parts.database.one(_HELD) == (0,)
    plant.receiver.let_go()
    assert await plant.run() == 1
    assert len({each.headers["webhook-id"] for each in plant.receiver.at("/hook")}) == 1


async def test_stopping_worker_lets_what_runs_come_to_its_end(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "STOP_SECONDS", PATIENCE_SECONDS)
    await plant.webhook("/hook", "vendor:x")
    plant.receiver.hang("/hook")
    async with working(plant) as worker:
        await plant.announce("vendor:x")
        await plant.receiver.wait_for("/hook", 1)
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
        plant.receiver.let_go()
        await stopping
    assert await plant.run() == 0
    assert len(plant.receiver.at("/hook")) == 1


async def test_job_of_a_dead_worker_is_taken_up_by_another(plant: Plant, replica: Plant) -> None:
    await plant.webhook("/hook", "vendor:x")
    await plant.announce("vendor:x")
    await plant.parts.operators.take_jobs(plant.clock(), TAKING)  # and dies
    assert await replica.run() == 0
    await plant.parts.database.run(_EXPIRE)
    await replica.run()
    assert len(plant.receiver.at("/hook")) == 1


async def test_worker_that_lost_its_lease_writes_nothing(plant: Plant, replica: Plant) -> None:
    """It delivers once more than needed, but what is known afterwards is what the new holder wrote."""
    webhook = await plant.webhook("/hook", "vendor:x")
    await plant.announce("vendor:x")
    await plant.parts.operators.take_jobs(plant.clock(), TAKING)
    await plant.parts.database.run(_EXPIRE)
    await plant.run()
    plant.receiver.hang("/hook")
    await plant.announce("vendor:x")
    late = asyncio.create_task(plant.run())
    await plant.receiver.wait_for("/hook", 2)
    await plant.parts.database.run(_EXPIRE)
    plant.receiver.hanging.pop("/hook").set()
    await asyncio.gather(late, replica.run())
    deliveries = await plant.deliveries(webhook)
    assert [each["state"] for each in deliveries] == ["delivered", "delivered"]
    assert [len(each["attempts"]) for each in deliveries] == [1, 1]


async def test_two_workers_share_the_work_and_do_none_of_it_twice(
    plant: Plant, replica: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may hold two at once; so four that hang were taken by both, and then all the others come once."""
    monkeypatch.setattr(workers, "MOST_AT_ONCE", 2)
    paths = [f"/hook-{number}" for number in range(6)]
    for path in paths:
        await plant.webhook(path, "vendor:x")
        plant.receiver.hang(path)
    async with working(plant), working(replica):
        await plant.announce(*(["vendor:x"] * 10))
        async with asyncio.timeout(LONGEST_SECONDS):
            while len(plant.receiver.received) < 4:  # noqa: ASYNC110 -- another server, which tells nobody
                await asyncio.sleep(0)
        plant.receiver.let_go()
        for path in paths:
            await plant.receiver.wait_for(path, 10)
    assert await plant.run() == 0
    for path in paths:
        ids = [each.headers["webhook-id"] for each in plant.receiver.at(path)]
        assert len(ids) == len(set(ids)) == 10


async def run_with(plant: Plant, outcome: Any) -> list[tuple[Any, ...]]:
    """Let every fan-out job come to this outcome; the jobs that are left."""

    async def run(job: Job) -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    worker = Worker(plant.parts, dice=lambda: 0.5)
    worker.runners["fan_out"] = run
    await worker.run_due()
    return list(await plant.parts.database.all(_LEFT))


async def test_job_that_fails_unexpectedly_is_tried_again_later(plant: Plant) -> None:
    await plant.announce("test")
    assert await run_with(plant, RuntimeError("a bug")) == [("fan_out", 1)]
    assert await plant.parts.database.one(_HELD) == (0,)
    assert await plant.run() == 0
    assert await plant.run(seconds=6) == 1


async def test_job_of_a_kind_that_only_a_newer_replica_knows_is_left_to_it(plant: Plant, replica: Plant) -> None:
    await plant.webhook("/hook")
    del plant.worker.runners["fan_out"]
    await plant.announce("vendor:new")
    await plant.run()
    assert ("fan_out", 0) in await plant.parts.database.all(_LEFT)
    await replica.run(seconds=6)
    await plant.receiver.wait_for("/hook", 1)


async def test_outcome_that_cannot_be_written_is_not_written_by_half(plant: Plant) -> None:
    async def write(session: Session) -> None:
        await plant.parts.later.jobs.add(session, first_environment, "recheck", "half", plant.clock())
        raise RuntimeError("the disk is full")

    environment = await plant.parts.operators.first_environment()
    assert environment is not None
    first_environment = environment.id
    await plant.announce("test")
    assert await run_with(plant, Outcome(write=write)) == [("fan_out", 0)]
    await plant.parts.database.run(_EXPIRE)
    assert await run_with(plant, DONE) == []


async def test_secret_that_cannot_be_opened_fails_the_delivery_and_nothing_else(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "vendor:x")
    healthy = await plant.webhook("/healthy", "vendor:x")
    found = await plant.parts.later.webhooks.get(webhook["environment_id"], webhook["id"])
    assert found is not None
    foreign = await seal(plant.parts.keyring, found.environment_id, "another", [SigningSecret(text="whsec_YQ==")])
    async with plant.parts.database.transaction() as session:
        assert await plant.parts.later.webhooks.rotate(session, found, foreign, plant.clock())
    await plant.announce("vendor:x")
    await plant.run()
    (delivery,) = await plant.deliveries(webhook)
    assert delivery["attempts"][0]["problem"] == "The webhook's secret cannot be opened; rotate it."
    assert [each["state"] for each in await plant.deliveries(healthy)] == ["delivered"]
