"""What vendors report of each whole day: one job for an account, which finds the days that are over, and one a day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from portico.errors import NotFound, Refusal
from portico.gateway import backoff, reporting
from portico.gateway.later import daily_at
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.jobs.outcome import DONE, Outcome
from portico.jobs.schedule import Dice
from portico.log import logger
from portico.model.account import AccountId
from portico.model.reporting import ReportedDay
from portico.store.database import Session
from portico.store.jobs import Job

# What is reported of a day still moves for a while, so it is asked for three times; then it stands.
LOOKS: Sequence[timedelta] = (timedelta(0), timedelta(days=1), timedelta(days=3))
# After a long silence, days before these are not asked for any more.
MOST_BACK = 7
MOST_TRIES = 12
_FIRST_SECONDS, _GROWTH, _MOST_SECONDS = 300.0, 2.0, 21_600.0
_BETWEEN = "/"
_log = logger("reports")


class Reporter:
    def __init__(self, parts: Parts, dice: Dice) -> None:
        self._parts, self._dice = parts, dice
        self._reported = parts.later.reported

    async def plan(self, job: Job) -> Outcome:
        """A job for each day that is over and was not asked for; again tomorrow, as long as the account has the key."""
        parts, moment = self._parts, self._parts.clock()
        connected = await self._connected(job, job.subject)
        if connected is None or reporting.reports_of(connected.view.integration, connected.account) is None:
            return DONE
        today = moment.astimezone(UTC).date()
        begun = connected.account.created_at.astimezone(UTC).date()
        first = max(today - timedelta(days=MOST_BACK), begun)
        over = [first + timedelta(days=each) for each in range((today - first).days)]
        known = await self._known(connected, over)
        missing = [day for day in over if day.isoformat() not in known]

        async def write(session: Session) -> None:
            for day in missing:
                subject = f"{job.subject}{_BETWEEN}{day.isoformat()}"
                await parts.later.jobs.ensure(
                    session, job.environment_id, "report_day", subject, moment, lane=job.subject
                )

        return Outcome(again_at=daily_at(job.subject, moment), write=write)

    async def look(self, job: Job) -> Outcome:
        """One look at one day: everything that the vendor says of it, written at once."""
        parts, moment = self._parts, self._parts.clock()
        account_id, _, text = job.subject.partition(_BETWEEN)
        connected = await self._connected(job, account_id)
        if connected is None or reporting.reports_of(connected.view.integration, connected.account) is None:
            return DONE
        try:
            narrowed, rows = await reporting.look(connected, date.fromisoformat(text), parts)
        except Refusal as problem:
            return self._put_off(job, problem)
        known = await self._known(connected, [date.fromisoformat(text)])
        looks = known[text].looks + 1 if text in known else 1
        found = ReportedDay(
            environment_id=job.environment_id,
            account_id=AccountId(account_id),
            day=text,
            looks=looks,
            is_final=looks >= len(LOOKS),
            narrowed=narrowed,
            reported_at=moment,
            rows=tuple(rows),
        )

        async def write(session: Session) -> None:
            # Deleted meanwhile: nothing is left of it.
            if await parts.accounts.get_within(session, job.environment_id, AccountId(account_id)):
                await self._reported.put(session, found)

        again_at = None if found.is_final else max(_over(text) + LOOKS[looks], moment)
        if again_at is not None:
            again_at = daily_at(account_id, again_at - timedelta(days=1))
        return Outcome(again_at=again_at, write=write)

    def _put_off(self, job: Job, problem: Refusal) -> Outcome:
        """The vendor is asked again; the account's own job comes back to a day that was given up."""
        if job.tries >= MOST_TRIES:
            _log.warning("a day's report could not be had", subject=job.subject, reason=problem.code)
            return DONE
        pause = backoff.growing(_FIRST_SECONDS, _GROWTH, _MOST_SECONDS, job.tries, self._dice)
        return Outcome(again_at=self._parts.clock() + timedelta(seconds=pause), tries=job.tries + 1)

    async def _connected(self, job: Job, account_id: str) -> Connected | None:
        try:
            return await self._parts.lookup.connected(job.environment_id, AccountId(account_id))
        except NotFound:
            return None

    async def _known(self, connected: Connected, days: Sequence[date]) -> dict[str, ReportedDay]:
        if not days:
            return {}
        account = connected.account
        first, last = days[0].isoformat(), days[-1].isoformat()
        found = await self._reported.days(account.environment_id, account.id, first, last)
        return {each.day: each for each in found}


def _over(day: str) -> datetime:
    """When that day was over."""
    begun = date.fromisoformat(day)
    return datetime(begun.year, begun.month, begun.day, tzinfo=UTC) + timedelta(days=1)
