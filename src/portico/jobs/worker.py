"""The worker: takes jobs under a lease, runs many at once, writes each outcome once, and stops without losing any.

Every process that serves has one; on a shared database they share the work. A worker that is killed leaves its jobs
leased, and another (or the same, started again) takes them up when the lease ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import SystemRandom

from portico.clock import to_milliseconds
from portico.errors import Refusal, Unavailable
from portico.gateway.parts import Parts
from portico.jobs import schedule
from portico.jobs.deliveries import Deliverer
from portico.jobs.expiries import Expiries
from portico.jobs.outcome import Outcome, Runner
from portico.jobs.rechecks import Rechecker
from portico.jobs.reports import Reporter
from portico.jobs.rotations import Rotator
from portico.jobs.schedule import Dice
from portico.jobs.watches import Watcher
from portico.log import logger
from portico.store.jobs import AT_VENDORS, Job, JobKind, LeaseLost
from portico.store.operators import Taking
from portico.tasks import end

# So many that all webhooks of an environment may hang, and those of the others still have room.
MOST_AT_ONCE = 512
# Of these, so that vendors who hang never keep webhooks waiting.
MOST_AT_VENDORS = 64
# In one lane, that is: to one webhook.
LANE_WIDTH = 4
# A look at the database when nothing is known to be due, and soon after this process itself has added something.
POLL_SECONDS, NEWS_SECONDS = 0.5, 0.02
STOP_SECONDS = 5.0
# For how long somebody else may take up a job of a kind that is not known here.
LEFT_FOR = timedelta(seconds=5)
_RENEWALS_PER_LEASE = 3
_DICE = SystemRandom().random
_log = logger("jobs")


class Worker:
    def __init__(self, parts: Parts, *, dice: Dice = _DICE, patience_seconds: float = 15.0) -> None:
        self._parts, self._dice = parts, dice
        self._lease_seconds = parts.settings.job_lease_seconds
        self._expiries = Expiries(parts)
        reporter = Reporter(parts, dice)
        deliverer = Deliverer(parts, dice, patience_seconds)
        self.runners: dict[JobKind, Runner] = {
            "fan_out": deliverer.fan_out,
            "deliver": deliverer.deliver,
            "watch": Watcher(parts, dice).look,
            "recheck": Rechecker(parts, dice).recheck,
            "rotate": Rotator(parts).rotate,
            "forget": self._expiries.forget,
            "report": reporter.plan,
            "report_day": reporter.look,
        }
        self._running: dict[asyncio.Task[None], Job] = {}
        self._room = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        parts.later.jobs.listen(self._room.set)
        parts.metrics.watch("portico_jobs_running", "Jobs that this process runs.", lambda: len(self._running))

    async def start(self) -> None:
        """Returns at once; the work goes on behind whatever is served."""
        regular = ((self._renew, self._lease_seconds / _RENEWALS_PER_LEASE), *self._expiries.regular())
        self._loops = [asyncio.create_task(self._take_forever())]
        self._loops += [asyncio.create_task(self._repeat(work, seconds)) for work, seconds in regular]

    async def stop(self) -> None:
        """Take nothing new, let what runs end if it ends soon, and hand the rest back for others to take up."""
        takes, renews = self._loops[:1], self._loops[1:]
        await end(takes)
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_SECONDS)
        await end(renews)
        left = dict(self._running)
        await end(list(left))
        try:
            if left:
                await self._parts.later.jobs.release(list(left.values()))
        except Refusal as problem:
            _log.warning("jobs left to their leases", reason=problem.sentence, jobs=len(left))

    async def run_due(self) -> int:
        """Everything that is due by the clock, and what becomes due through it; how many runs that were."""
        done = 0
        while jobs := await self._take(MOST_AT_ONCE):
            await asyncio.gather(*(self._run(job) for job in jobs))
            done += len(jobs)
        return done

    async def work_on(self, kind: JobKind, subject: str) -> bool:
        """Take this one job, if it is due and nobody holds it, and run it to its outcome."""
        job = await self._parts.operators.take_job(kind, subject, self._parts.clock(), self._lease_seconds)
        if job is None:
            return False
        task = asyncio.create_task(self._run(job))
        self._running[task] = job
        task.add_done_callback(self._ended)
        renewing = asyncio.create_task(self._repeat(self._renew, self._lease_seconds / _RENEWALS_PER_LEASE))
        try:
            await task
        finally:
            await end([renewing, task])
        return True

    async def tidy(self) -> None:
        """What is otherwise done from time to time."""
        for work, _ in self._expiries.regular():
            await work()

    async def _take_forever(self) -> None:
        pause = POLL_SECONDS
        while True:
            self._room.clear()
            try:
                jobs = await self._take(MOST_AT_ONCE - len(self._running))
            except Exception as problem:
                _log.warning("no jobs can be taken", reason=str(problem))
                jobs = []
            for job in jobs:
                task = asyncio.create_task(self._run(job))
                self._running[task] = job
                task.add_done_callback(self._ended)
            if not jobs or len(self._running) >= MOST_AT_ONCE:
                pause = await self._wait(pause)

    async def _wait(self, pause: float) -> float:
        """Until a job has ended or was added here, at most that long; how long to wait the next time.

        What was added may not be committed yet, so after news the looks come close together, then ever less so.
        """
        try:
            async with asyncio.timeout(pause):
                await self._room.wait()
        except TimeoutError:
            return min(2 * pause, POLL_SECONDS)
        return NEWS_SECONDS

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._room.set()

    async def _take(self, count: int) -> list[Job]:
        """The oldest; where no more of them may ask vendors, those after them that ask none."""
        if count <= 0:
            return []
        free = MOST_AT_VENDORS - sum(job.kind in AT_VENDORS for job in self._running.values())
        first = min(count, free)
        jobs = await self._take_some(first, with_vendors=True) if first > 0 else []
        if len(jobs) < max(first, 0) or len(jobs) == count:
            return jobs
        return jobs + await self._take_some(count - len(jobs), with_vendors=False)

    async def _take_some(self, count: int, *, with_vendors: bool) -> list[Job]:
        taking = Taking(count=count, width=LANE_WIDTH, lease_seconds=self._lease_seconds, with_vendors=with_vendors)
        return await self._parts.operators.take_jobs(self._parts.clock(), taking)

    async def _run(self, job: Job) -> None:
        metrics, ended = self._parts.metrics, "done"
        metrics.taken(job.kind, (to_milliseconds(self._parts.clock()) - job.run_at_ms) / 1000)
        try:
            outcome = await self.runners.get(job.kind, self._leave)(job)
            ended = "done" if outcome.again_at is None else "again"
        except Exception as problem:
            ended = "failed"
            if not isinstance(problem, Unavailable):
                _log.exception("a job failed", kind=job.kind, subject=job.subject)
            pause = timedelta(seconds=schedule.growing(job.tries, self._dice))
            outcome = Outcome(again_at=self._parts.clock() + pause, tries=job.tries + 1)
        try:
            await self._settle(job, outcome)
        except LeaseLost:
            ended = "lost"
            _log.info("a job was taken back, or over by another worker", kind=job.kind, subject=job.subject)
        except Exception as problem:
            # Nothing was written, so the job is run again when its lease ends.
            ended = "lost"
            _log.warning(
                "a job's outcome could not be written", kind=job.kind, subject=job.subject, reason=str(problem)
            )
        metrics.ran(job.kind, ended)

    async def _leave(self, job: Job) -> Outcome:
        """A newer Portico on the same database has put it there, and one that knows of it will take it up."""
        return Outcome(again_at=self._parts.clock() + LEFT_FOR, tries=job.tries)

    async def _settle(self, job: Job, outcome: Outcome) -> None:
        async with self._parts.database.transaction() as session:
            if outcome.again_at is None:
                await self._parts.later.jobs.finish(session, job)
            else:
                await self._parts.later.jobs.again(session, job, outcome.again_at, outcome.tries)
            if outcome.write is not None:
                await outcome.write(session)
        if outcome.after is not None:
            outcome.after()

    async def _renew(self) -> None:
        if held := list(self._running.values()):
            await self._parts.later.jobs.renew(held, self._lease_seconds)

    async def _repeat(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await work()
            except Exception as problem:
                _log.warning("put off", work=work.__name__, reason=str(problem))
            await asyncio.sleep(seconds)
