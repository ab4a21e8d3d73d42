"""Jobs: what is to be done later. Each is taken under a lease; whoever lost the lease can no longer write its outcome.

Taking jobs looks across environments and is in operators.py.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.clock import to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database, Session
from portico.store.ids import new_id
from portico.store.statement import Statement

JobKind = Literal["fan_out", "deliver", "watch", "recheck", "rotate", "forget", "report", "report_day"]
# What asks vendors, any number of whom may hang at once. operators.py says the same in SQL.
AT_VENDORS: frozenset[JobKind] = frozenset({"watch", "recheck", "report", "report_day"})

_ADD = Statement(
    "INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until) "
    "VALUES (:id, :environment_id, :kind, :subject, :lane, :run_at, 0, 0, 0) "
    "ON CONFLICT (environment_id, kind, subject) DO UPDATE SET run_at = :run_at, tries = 0"
)
_ENSURE = Statement(
    "INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until) "
    "VALUES (:id, :environment_id, :kind, :subject, :lane, :run_at, 0, 0, 0) "
    "ON CONFLICT (environment_id, kind, subject) DO NOTHING"
)
# A millisecond earlier than asked, so that it differs from the time that a worker under way has seen.
_WAKE = Statement(
    "UPDATE jobs SET run_at = CASE WHEN run_at < :moment THEN run_at ELSE :moment END - 1 "
    "WHERE environment_id = :environment_id AND kind = :kind AND subject = :subject"
)
_REMOVE = Statement("DELETE FROM jobs WHERE environment_id = :environment_id AND kind = :kind AND subject = :subject")
_FINISH = Statement(
    "DELETE FROM jobs WHERE environment_id = :environment_id AND id = :id AND fence = :fence AND run_at = :seen"
)
_AGAIN = Statement(
    "UPDATE jobs SET lease_until = 0, tries = :tries, run_at = CASE WHEN run_at = :seen THEN :run_at ELSE run_at END "
    "WHERE environment_id = :environment_id AND id = :id AND fence = :fence"
)
_RELEASE = Statement(
    "UPDATE jobs SET lease_until = 0 WHERE environment_id = :environment_id AND id = :id AND fence = :fence"
)
_RENEW = Statement(
    "UPDATE jobs SET lease_until = DATABASE_NOW + :lease "
    "WHERE environment_id = :environment_id AND id = :id AND fence = :fence"
)


class Job(Struct, frozen=True, kw_only=True):
    """A job as it was taken. `fence` says by whom: it rises each time, and only the newest may write."""

    id: str
    environment_id: EnvironmentId
    kind: JobKind
    subject: str
    run_at_ms: int
    tries: int
    fence: int


class LeaseLost(Exception):
    """Another worker has taken the job meanwhile; whatever was about to be written must not be."""


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Called when this process adds or wakes a job: a hint, since the transaction may still be open or fail."""
        self._listeners.append(listener)

    async def add(
        self,
        session: Session,
        environment_id: EnvironmentId,
        kind: JobKind,
        subject: str,
        run_at: datetime,
        *,
        lane: str = "",
    ) -> None:
        """In the transaction that makes it necessary. A job that is there already runs at the new time, afresh.

        Of the jobs in one lane only a few run at once, so that a slow receiver keeps nobody else waiting.
        """
        await session.run(_ADD, **_new(environment_id, kind, subject, run_at, lane))
        self._hint()

    async def ensure(
        self,
        session: Session,
        environment_id: EnvironmentId,
        kind: JobKind,
        subject: str,
        run_at: datetime,
        *,
        lane: str = "",
    ) -> None:
        """The same, but a job that is there already stays as it is."""
        await session.run(_ENSURE, **_new(environment_id, kind, subject, run_at, lane))
        self._hint()

    async def wake(
        self, session: Session, environment_id: EnvironmentId, kind: JobKind, subject: str, moment: datetime
    ) -> None:
        """Run it now, even if a worker is at it this very moment: then once more."""
        await session.run(
            _WAKE, environment_id=environment_id, kind=kind, subject=subject, moment=to_milliseconds(moment)
        )
        self._hint()

    async def remove(self, session: Session, environment_id: EnvironmentId, kind: JobKind, subject: str) -> None:
        await session.run(_REMOVE, environment_id=environment_id, kind=kind, subject=subject)

    async def finish(self, session: Session, job: Job) -> None:
        """It is done, unless somebody wants it run again meanwhile. Raises LeaseLost."""
        values = {"environment_id": job.environment_id, "id": job.id, "fence": job.fence}
        if await session.run(_FINISH, **values, seen=job.run_at_ms) == 0:
            _expect(await session.run(_RELEASE, **values))

    async def again(self, session: Session, job: Job, run_at: datetime, tries: int) -> None:
        """It is to be run once more at that time, or earlier if somebody woke it meanwhile. Raises LeaseLost."""
        changed = await session.run(
            _AGAIN,
            environment_id=job.environment_id,
            id=job.id,
            fence=job.fence,
            seen=job.run_at_ms,
            run_at=to_milliseconds(run_at),
            tries=tries,
        )
        _expect(changed)

    async def renew(self, jobs: Sequence[Job], lease_seconds: float) -> None:
        """Go on holding these; those that were lost already stay lost."""
        await self._database.run_many(
            _RENEW,
            [
                {
                    "environment_id": each.environment_id,
                    "id": each.id,
                    "fence": each.fence,
                    "lease": int(lease_seconds * 1000),
                }
                for each in jobs
            ],
        )

    async def release(self, jobs: Sequence[Job]) -> None:
        """Give them up untouched, for any worker to take at once."""
        await self._database.run_many(
            _RELEASE,
            [{"environment_id": each.environment_id, "id": each.id, "fence": each.fence} for each in jobs],
        )

    def _hint(self) -> None:
        for listener in self._listeners:
            listener()


def _new(
    environment_id: EnvironmentId, kind: JobKind, subject: str, run_at: datetime, lane: str
) -> dict[str, str | int]:
    return {
        "id": new_id(),
        "environment_id": environment_id,
        "kind": kind,
        "subject": subject,
        "lane": lane or subject,
        "run_at": to_milliseconds(run_at),
    }


def _expect(changed: int) -> None:
    if changed == 0:
        raise LeaseLost
