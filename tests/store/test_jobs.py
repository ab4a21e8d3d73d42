"""Jobs in the store, on both engines: held by one worker at a time, in lanes, written by whoever holds them, or not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import get_args

import pytest

from portico.clock import to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database, Session
from portico.store.engines import open_database
from portico.store.jobs import AT_VENDORS, Job, JobKind, Jobs, LeaseLost
from portico.store.operators import IS_DUE, Operators, Taking
from portico.store.statement import Statement
from tests.store.rows import LATER, MOMENT
from tests.store.test_requests import plan

HOME = EnvironmentId("home")
AT_ONCE = Taking(count=1000, width=1000, lease_seconds=60)
_LEFT = Statement("SELECT subject, run_at, tries FROM jobs ORDER BY subject")
_EXPIRE = Statement("UPDATE jobs SET lease_until = 1")
_COUNT = Statement("SELECT COUNT(*) FROM jobs")
# More than one taking looks through.
BACKLOG = 1_500
_MANY = Statement(
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count) "
    "INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until) "
    "SELECT 'slow-' || n, 'home', 'deliver', 'slow-' || n, 'slow', :first + n, 0, 0, 0 FROM numbers"
)

_TO_WATCHES = Statement("UPDATE jobs SET kind = 'watch', lane = id")

Write = Callable[[Session], Awaitable[None]]


class Board:
    """The jobs of one database, and one worker's view of them."""

    def __init__(self, database: Database) -> None:
        self.database, self.jobs, self.operators = database, Jobs(database), Operators(database)

    async def add(self, subject: str, run_at: datetime = MOMENT, lane: str = "") -> None:
        async with self.database.transaction() as session:
            await self.jobs.add(session, HOME, "deliver", subject, run_at, lane=lane)

    async def wake(self, subject: str, moment: datetime = MOMENT) -> None:
        async with self.database.transaction() as session:
            await self.jobs.wake(session, HOME, "deliver", subject, moment)

    async def take(self, moment: datetime = MOMENT, taking: Taking = AT_ONCE) -> list[Job]:
        return await self.operators.take_jobs(moment, taking)

    async def take_one(self, moment: datetime = MOMENT) -> Job:
        (job,) = await self.take(moment)
        return job

    async def finish(self, job: Job) -> None:
        async with self.database.transaction() as session:
            await self.jobs.finish(session, job)

    async def again(self, job: Job, run_at: datetime, tries: int) -> None:
        async with self.database.transaction() as session:
            await self.jobs.again(session, job, run_at, tries)

    async def expire_leases(self) -> None:
        await self.database.run(_EXPIRE)

    async def left(self) -> list[tuple[str, int, int]]:
        return [(row[0], row[1], row[2]) for row in await self.database.all(_LEFT)]


@pytest.fixture
def board(database: Database) -> Board:
    return Board(database)


def subjects(jobs: list[Job]) -> list[str]:
    return sorted(job.subject for job in jobs)


async def test_job_is_taken_when_its_time_has_come(board: Board) -> None:
    await board.add("now")
    await board.add("later", LATER)
    assert subjects(await board.take(MOMENT - timedelta(milliseconds=1))) == []
    assert subjects(await board.take()) == ["now"]
    assert subjects(await board.take(LATER)) == ["later"]


async def test_job_that_is_held_is_not_taken_until_its_lease_ends(board: Board) -> None:
    await board.add("a")
    first = await board.take_one()
    assert await board.take() == []
    await board.expire_leases()
    second = await board.take_one()
    assert (second.id, second.fence) == (first.id, first.fence + 1)


async def test_lease_ends_by_itself(board: Board) -> None:
    await board.add("a")
    await board.take(taking=Taking(count=1, width=1, lease_seconds=0))
    async with asyncio.timeout(5):
        while not await board.take():
            pass


async def test_renewed_lease_goes_on(board: Board) -> None:
    await board.add("a")
    job = await board.take_one()
    await board.expire_leases()
    await board.jobs.renew([job], 60)
    assert await board.take() == []


async def test_lease_that_was_lost_is_not_renewed(board: Board) -> None:
    await board.add("a")
    lost = await board.take_one()
    await board.expire_leases()
    taken = await board.take_one()
    await board.expire_leases()
    await board.jobs.renew([lost], 60)
    assert (await board.take_one()).fence == taken.fence + 1


async def test_job_handed_back_is_free_at_once(board: Board) -> None:
    await board.add("a")
    await board.jobs.release([await board.take_one()])
    assert subjects(await board.take()) == ["a"]


async def test_finished_job_is_gone(board: Board) -> None:
    await board.add("a")
    await board.finish(await board.take_one())
    assert await board.left() == []


async def test_job_to_be_run_again_waits_for_its_time_and_remembers_its_tries(board: Board) -> None:
    await board.add("a")
    await board.again(await board.take_one(), LATER, 3)
    assert await board.take() == []
    assert (await board.take_one(LATER)).tries == 3


@pytest.mark.parametrize("outcome", ["finish", "again"])
async def test_outcome_of_a_lost_job_is_not_written(board: Board, outcome: str) -> None:
    await board.add("a")
    lost = await board.take_one()
    await board.expire_leases()
    holder = await board.take_one()
    with pytest.raises(LeaseLost):
        await (board.finish(lost) if outcome == "finish" else board.again(lost, LATER, 9))
    await board.finish(holder)
    assert await board.left() == []


async def test_woken_job_runs_at_once(board: Board) -> None:
    await board.add("a", LATER)
    await board.wake("a")
    assert subjects(await board.take()) == ["a"]


async def test_job_woken_while_it_runs_is_run_once_more(board: Board) -> None:
    await board.add("a")
    job = await board.take_one()
    await board.wake("a")
    await board.again(job, LATER, 1)
    assert subjects(await board.take()) == ["a"]


@pytest.mark.parametrize("moment", [MOMENT, LATER])
async def test_job_wanted_anew_while_it_finishes_is_run_once_more(board: Board, moment: datetime) -> None:
    await board.add("a", MOMENT - timedelta(hours=1))
    job = await board.take_one()
    await board.add("a", moment)
    await board.finish(job)
    assert subjects(await board.take(moment)) == ["a"]


async def test_job_is_there_once_however_often_it_is_wanted(board: Board) -> None:
    await board.add("a", LATER)
    await board.again(await board.take_one(LATER), LATER, 5)
    await board.add("a", MOMENT)
    assert [(subject, tries) for subject, _, tries in await board.left()] == [("a", 0)]
    assert subjects(await board.take()) == ["a"]


async def test_lane_is_only_so_wide(board: Board) -> None:
    for number in range(5):
        await board.add(f"slow-{number}", MOMENT + timedelta(milliseconds=number), lane="slow")
    await board.add("other", LATER, lane="other")
    narrow = Taking(count=100, width=2, lease_seconds=60)
    first = await board.take(LATER, narrow)
    assert subjects(first) == ["other", "slow-0", "slow-1"]
    assert await board.take(LATER, narrow) == []
    await board.finish(next(job for job in first if job.subject == "slow-0"))
    assert subjects(await board.take(LATER, narrow)) == ["slow-2"]


async def test_a_backlog_in_one_lane_keeps_no_other_waiting(board: Board) -> None:
    """Also where all that is looked at first is of that lane."""
    first = to_milliseconds(MOMENT)
    await board.database.run(_MANY, count=BACKLOG, first=first)
    await board.add("other", MOMENT + timedelta(seconds=60), lane="other")
    narrow = Taking(count=100, width=2, lease_seconds=60)
    assert subjects(await board.take(LATER, narrow)) == ["slow-1", "slow-2"]
    assert subjects(await board.take(LATER, narrow)) == ["other"]
    assert await board.take(LATER, narrow) == []


async def test_what_asks_vendors_can_be_left_where_it_is(board: Board) -> None:
    """Also where all that is looked at first is of that kind."""
    await board.database.run(_MANY, count=BACKLOG, first=to_milliseconds(MOMENT) - BACKLOG)
    await board.database.run(_TO_WATCHES)
    kinds: tuple[JobKind, ...] = get_args(JobKind)
    for kind in kinds:
        async with board.database.transaction() as session:
            await board.jobs.add(session, HOME, kind, kind, MOMENT)
    taken = await board.take(taking=Taking(count=1000, width=1000, lease_seconds=60, with_vendors=False))
    assert {each.kind for each in taken} == set(kinds) - AT_VENDORS


async def test_all_of_a_backlog_is_taken_in_its_order(board: Board) -> None:
    await board.database.run(_MANY, count=BACKLOG, first=to_milliseconds(MOMENT))
    taken = [job for _ in range(3) for job in await board.take(LATER, Taking(count=900, width=9999, lease_seconds=60))]
    assert sorted(int(job.subject.removeprefix("slow-")) for job in taken) == list(range(1, BACKLOG + 1))


async def test_what_waits_for_its_time_is_not_looked_through(board: Board) -> None:
    """A look for what is due goes by time: by lease, nearly all there is would be free."""
    await board.database.run(_MANY, count=BACKLOG, first=to_milliseconds(LATER))
    if board.database.dialect == "postgres":
        await board.database.script("ANALYZE jobs")
    assert "jobs_by_run" in await plan(board.database, IS_DUE, {"moment": to_milliseconds(MOMENT)})


async def test_no_more_are_taken_than_asked_for_and_the_oldest_first(board: Board) -> None:
    for number in (3, 1, 2):
        await board.add(f"job-{number}", MOMENT + timedelta(seconds=number))
    taken = await board.take(LATER, Taking(count=2, width=10, lease_seconds=60))
    assert subjects(taken) == ["job-1", "job-2"]


async def test_job_that_was_removed_meanwhile_counts_as_lost(board: Board) -> None:
    await board.add("a")
    job = await board.take_one()
    async with board.database.transaction() as session:
        await board.jobs.remove(session, HOME, "deliver", "a")
    with pytest.raises(LeaseLost):
        await board.finish(job)


async def test_two_replicas_never_hold_the_same_job_nor_overfill_a_lane(
    database_url: str, board: Board, tmp_path: object
) -> None:
    """Two workers with databases of their own take and finish until nothing is left."""
    lanes = 5
    async with board.database.transaction() as session:
        for number in range(60):
            await board.jobs.add(session, HOME, "deliver", f"job-{number}", MOMENT, lane=f"lane-{number % lanes}")
    replica = Board(await open_database(database_url, tmp_path))  # pyright: ignore[reportArgumentType] -- a path
    running: dict[str, str] = {}
    done: list[str] = []
    overfull: list[str] = []
    lane_of = {f"job-{number}": f"lane-{number % lanes}" for number in range(60)}

    async def work(mine: Board) -> None:
        while await mine.database.one(_COUNT) != (0,):
            for job in await mine.take(taking=Taking(count=3, width=2, lease_seconds=60)):
                assert job.subject not in running
                running[job.subject] = lane_of[job.subject]
                lane = lane_of[job.subject]
                if sum(each == lane for each in running.values()) > 2:
                    overfull.append(lane)
                await asyncio.sleep(0)
                del running[job.subject]
                await mine.finish(job)
                done.append(job.subject)

    try:
        async with asyncio.timeout(30):
            await asyncio.gather(work(board), work(replica))
    finally:
        await replica.database.close()
    assert sorted(done) == sorted(lane_of)
    assert overfull == []
