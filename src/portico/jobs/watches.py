"""Look at something asynchronous at a vendor until it is over, then tell. One look at a time, over all replicas."""

from datetime import datetime, timedelta
from typing import Any

from portico.clock import iso
from portico.errors import NoSuchOperation, NotFound, OperationRemoved, Refusal, VendorFailure
from portico.gateway import facts
from portico.gateway.answer import at
from portico.gateway.ask import ask
from portico.gateway.later import system_caller
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.jobs import schedule
from portico.jobs.outcome import DONE, Outcome
from portico.jobs.schedule import Dice
from portico.model.call import Call
from portico.model.watch import Watch
from portico.shapes import Json, is_record
from portico.store.database import Session
from portico.store.jobs import Job
from portico.store.watches import Seen

# A vendor may not yet know at once what it has just made.
_MISSES = 3


class Watcher:
    def __init__(self, parts: Parts, dice: Dice) -> None:
        self._parts, self._dice = parts, dice

    async def look(self, job: Job) -> Outcome:
        parts, moment = self._parts, self._parts.clock()
        watch = await parts.later.watches.get(job.environment_id, job.subject)
        if watch is None or watch.state != "watching":
            return DONE
        try:
            connected = await parts.lookup.connected(watch.environment_id, watch.account_id)
        except NotFound:
            return DONE  # its account is gone, and with it the watch
        seen, least_seconds = await self._see(watch, connected, job)
        if seen.state == "watching" and moment >= watch.expires_at:
            seen = Seen(state="failed", vendor_status=seen.vendor_status, facts=seen.facts, problem=_TOO_LONG)

        async def write(session: Session) -> None:
            await self._write(session, watch, connected, seen)

        if seen.state != "watching":
            return Outcome(write=write)
        pause = max(schedule.growing(job.tries, self._dice), least_seconds)
        again_at = min(parts.clock() + timedelta(seconds=pause), max(watch.expires_at, parts.clock()))
        return Outcome(again_at=again_at, tries=job.tries + 1, write=write)

    async def _see(self, watch: Watch, connected: Connected, job: Job) -> tuple[Seen, float]:
        """What the vendor says now, and how many seconds it wants to be left alone at least."""
        call = Call(
            account_id=watch.account_id,
            face="jobs",
            resource=watch.resource,
            method=watch.method,
            arguments=watch.arguments | {"id": watch.object_id},
        )
        try:
            found = await ask(system_caller(watch.environment_id), call, self._parts)
        except VendorFailure as problem:
            is_gone = problem.vendor_status == 404 and (bool(watch.vendor_status) or job.tries >= _MISSES)
            return _unseen(watch, problem, is_over=is_gone), _seconds(problem)
        except Refusal as problem:
            return _unseen(watch, problem, is_over=isinstance(problem, NoSuchOperation | OperationRemoved)), 0.0
        return read(watch, connected, found), 0.0

    async def _write(self, session: Session, watch: Watch, connected: Connected, seen: Seen) -> None:
        moment = self._parts.clock()
        is_news = await self._parts.later.watches.looked(session, watch, seen, moment)
        if is_news and seen.state != "watching":
            name = "job:completed" if seen.state == "completed" else "job:failed"
            payload = about(watch, connected, seen, moment)
            await self._parts.later.announce(session, watch.environment_id, name, payload)


_TOO_LONG = "It has been watched for as long as was agreed and is not over."


def read(watch: Watch, connected: Connected, found: Any) -> Seen:
    """What the vendor's object says of itself, and whether its end is a good one."""
    status = at(found, watch.wait.field)
    text = status if isinstance(status, str) else ""
    operation = connected.view.find(watch.resource, watch.method)
    shown = facts.small(found, operation.secrets) if is_record(found) else {}
    if text not in watch.wait.until:
        return Seen(vendor_status=text, facts=shown)
    return Seen(state="completed" if watch.wait.is_good(text) else "failed", vendor_status=text, facts=shown)


def about(watch: Watch, connected: Connected, seen: Seen, moment: datetime) -> Json:
    """A watch that is over, as events tell of it."""
    return {
        "watch_id": watch.id,
        "integrated_account_id": watch.account_id,
        "tenant_id": connected.account.tenant_id,
        "integration": {"name": connected.account.integration},
        "resource": watch.resource,
        "method": watch.method,
        "object_id": watch.object_id,
        "arguments": watch.arguments,
        "status": seen.vendor_status,
        "problem": seen.problem,
        "facts": seen.facts,
        "started_at": iso(watch.created_at),
        "ended_at": iso(moment),
    }


def _unseen(watch: Watch, problem: Refusal, *, is_over: bool) -> Seen:
    sentence = facts.hidden(problem.sentence)
    state = "failed" if is_over else "watching"
    return Seen(state=state, vendor_status=watch.vendor_status, facts=watch.facts, problem=sentence)


def _seconds(problem: VendorFailure) -> float:
    text = next((value for name, value in problem.vendor_headers if name.lower() == "retry-after"), "")
    return min(float(text), schedule.MOST_LOOK_SECONDS) if text.isascii() and text.isdigit() else 0.0
