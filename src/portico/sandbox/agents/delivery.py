"""Lets automations act when they are due: each occurrence becomes an invocation, each invocation is delivered once."""

from collections.abc import Iterator

from portico.sandbox.agents import clockwork
from portico.sandbox.agents.automation import AUTOMATIONS, INVOCATIONS, Automation, Invocation
from portico.sandbox.agents.opening import hear, open_session
from portico.sandbox.agents.owner import Owner
from portico.sandbox.agents.session import SESSIONS
from portico.sandbox.refusals import Refusal
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.state import Project

DELIVER_SECONDS = 1.0
# A delivery to a busy session is tried again so long after the session went on.
LOOK_AGAIN_SECONDS = 1.0
# When the clock was turned far, no more occurrences than these are made up for, per automation.
MOST_MISSED = 100

ATTENDED = Kind[bool]("attended project", "")
# The invocations that are still to be delivered, apart from the many that were.
QUEUED = Kind[Invocation]("queued invocation", "")


def attend(owner: Owner) -> None:
    """See to it that the automations of a project act from now on, also those that its agents will make."""
    if not len(owner.held(ATTENDED)):
        owner.held(ATTENDED).add(owner.project.id, True)
        owner.project.pending.append(lambda now: act(owner.project, now))


def act(project: Project, now: float) -> bool:
    """Go through all that is due until now, in order of time."""
    made: dict[str, int] = {}
    while (due := min(_due(project, now), key=lambda pair: pair[0], default=None)) is not None:
        moment, what = due
        if isinstance(what, Invocation):
            _deliver(project.shelf.of(AUTOMATIONS).get(what.automation_id), what, moment, now)
            continue
        made[what.id] = made.get(what.id, 0) + 1
        _occur(what, moment)
        if made[what.id] >= MOST_MISSED and what.next_at is not None:
            what.plan(now)
    return False


def invoke(automation: Automation, moment: float) -> Invocation:
    """Queue a delivery that somebody asked for."""
    return _queue(automation, moment, {"type": "manual"})


def pause(automation: Automation, reason: str | None = None) -> None:
    automation.status, automation.pause_reason, automation.next_at = "paused", reason, None


def forget(automation: Automation) -> None:
    """Drop the invocations of an automation that is gone."""
    for kind in (INVOCATIONS, QUEUED):
        held = automation.owner.held(kind)
        for invocation in [one for one in held if one.automation_id == automation.id]:
            held.remove(invocation.id)


def _due(project: Project, now: float) -> Iterator[tuple[float, Automation | Invocation]]:
    for automation in project.shelf.of(AUTOMATIONS):
        if automation.next_at is not None and automation.next_at <= now:
            yield automation.next_at, automation
    for invocation in project.shelf.of(QUEUED):
        if invocation.due <= now:
            yield invocation.due, invocation


def _occur(automation: Automation, moment: float) -> None:
    source: Json = {"type": "automation", "automation": automation.show()}
    held = automation.owner.held(QUEUED)
    is_pending = any(one.automation_id == automation.id for one in held)
    invocation = _queue(automation, moment, source)
    invocation.scheduled_at = int(moment)
    if is_pending:
        invocation.status, invocation.skip_reason = "skipped", "pending_delivery"
        held.remove(invocation.id)
    automation.plan(moment)
    if automation.timing["type"] == "once":
        automation.status = "completed"


def _queue(automation: Automation, moment: float, source: Json) -> Invocation:
    owner = automation.owner
    due = moment + DELIVER_SECONDS * owner.world.pace
    made = Invocation(owner.new_id(INVOCATIONS.prefix), automation.id, moment, due, source)
    owner.held(QUEUED).add(made.id, made)
    return owner.held(INVOCATIONS).add(made.id, made)


def _deliver(automation: Automation, invocation: Invocation, moment: float, now: float) -> None:
    try:
        if automation.wish is not None:
            session = open_session(automation.owner, automation.wish, moment)
            invocation.status, invocation.session_id = "completed", session.id
        else:
            _notify(automation, invocation, moment, now)
    except Refusal as refusal:
        invocation.status = "failed"
        invocation.error = {"code": refusal.code or "delivery_failed", "message": refusal.message}
    if invocation.status != "queued":
        automation.owner.held(QUEUED).remove(invocation.id)


def _notify(automation: Automation, invocation: Invocation, moment: float, now: float) -> None:
    """Give the instructions to an existing session, as soon as it is idle."""
    invocation.session_id = automation.target["session_id"]
    session = automation.owner.held(SESSIONS).look(automation.target["session_id"])
    if session is not None:
        clockwork.catch_up(session, moment)
    if session is None or session.status == "failed":
        code = "session_not_found" if session is None else "target_session_failed"
        message = "The session is not there any more." if session is None else "The session has failed."
        invocation.status, invocation.error = "failed", {"code": code, "message": message}
        pause(automation, "target_session_failed")
    elif session.status == "idle":
        hear(session, [[{"type": "input_text", "text": automation.target["instructions"]}]], is_notice=True)
        invocation.status = "completed"
    else:
        steps = [process.due for process in session.processes if process.due is not None and process.due > moment]
        # Without a step of its own to come, only a request can make the session idle.
        invocation.due = min(steps, default=now) + LOOK_AGAIN_SECONDS
