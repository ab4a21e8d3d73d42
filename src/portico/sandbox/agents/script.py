"""What happens in a turn of the main agent, from the moment it may begin to its last word."""

import re

import msgspec

from portico.sandbox.agents import deeds, endings, functions, subagents, wakeups
from portico.sandbox.agents.environments import CONNECT_SECONDS, RESUME_SECONDS
from portico.sandbox.agents.session import Asking, Script, Session, Until, consumed_cents
from portico.sandbox.agents.stage import Stage
from portico.sandbox.mind.fill import fill
from portico.sandbox.mind.prose import compose

QUEUE_SECONDS = 0.2
# By the effort that the agent shall make.
THINK_SECONDS = {"minimal": 0.3, "low": 0.5, "high": 1.5, "xhigh": 2.5, "max": 4.0}
USUAL_THINK_SECONDS = 0.8
ERROR_CODES = frozenset(
    {
        "context_length_exceeded",
        "max_output_tokens",
        "session_budget_exceeded",
        "usage_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_not_active",
        "credit_balance_exhausted",
        "rate_limit_exceeded",
        "flex_unavailable",
        "server_overloaded",
        "cyber_policy",
        "misalignment_policy_violation",
        "connection_failed",
        "server_error",
        "authentication_error",
        "invalid_request",
        "resource_not_found",
        "sandbox_error",
        "executor_version_incompatible",
        "active_turn_not_steerable",
        "request_timeout",
        "internal_error",
    }
)
FAIL = re.compile(r"\bfail with (\w+)", re.I)
# What subagents can do too.
SHARED = (deeds.remote_tool, deeds.search, deeds.write, deeds.command)


def prepare(session: Session) -> Script:
    """Get the environment of a new session ready, and tell of it."""
    environment = session.environment
    if environment is None or not environment.is_hosted:
        return
    if environment.status(session.moment) == "pending":
        session.tell("agent.session.environment.pending", **endings.environment_fields(session))
        yield Until(environment.ready_at)
    if environment.failure is not None:
        session.error = environment.failure
        session.tell("agent.session.environment.failed", **endings.environment_fields(session))
        return
    state = {**environment.state(session.moment), "status": "ready"}
    session.tell("agent.session.environment.ready", **{**endings.environment_fields(session), "environment": state})
    if environment.status(session.moment) == "connected":
        session.tell("agent.session.environment.connected", **endings.environment_fields(session))


def play(stage: Stage) -> Script:
    session, turn = stage.session, stage.turn
    yield QUEUE_SECONDS
    if not (yield from _connect(stage)):
        endings.fail(stage, "sandbox_error", session.error or "The environment could not be used.")
        return
    turn.status, turn.started_at = "in_progress", session.moment
    stage.tell_turn("in_progress")
    if session.spend_limit is not None and consumed_cents(session.usage) >= session.spend_limit:
        endings.fail(stage, "session_budget_exceeded", "The session has spent what it may.")
        return
    asked = "\n".join(stage.asked())
    yield from _think(stage, asked)
    wished = FAIL.search(asked)
    if wished is not None and wished[1].lower() in ERROR_CODES:
        endings.fail(stage, wished[1].lower(), "This failure was asked for.")
        return
    yield from _work(stage)
    endings.complete(stage)


def _think(stage: Stage, asked: str) -> Script:
    effort = stage.session.agent["reasoning"]["effort"]
    if effort != "none":
        seconds = THINK_SECONDS.get(effort, USUAL_THINK_SECONDS)
        yield from stage.reason(f"What is asked: {' '.join(asked.split())}", seconds)


def _work(stage: Stage) -> Script:
    """Do what is asked for, then answer; messages that come meanwhile steer the turn, so it goes round again."""
    done = 0
    while done < (count := len(stage.asked())):
        asked, done = "\n".join(stage.asked()[done:]), count
        for deed in (functions.call, *SHARED, deeds.browse, wakeups.schedule):
            yield from deed(stage, asked)
        yield from subagents.delegate(stage, asked, SHARED)
        if len(stage.asked()) == done:
            yield from stage.say(_answer(stage, asked))


def _answer(stage: Stage, asked: str) -> str:
    form = stage.session.agent["text"]["format"]
    if form["type"] == "json_schema":
        return msgspec.json.encode(fill(form["schema"], asked)).decode()
    return compose(stage.history())


def _connect(stage: Stage) -> Asking[bool]:
    """Wait until the environment can be worked in; false if it never will be."""
    session, environment = stage.session, stage.session.environment
    if environment is None:
        return True
    if environment.is_hosted:
        yield Until(environment.ready_at)
    if environment.failure is not None:
        return False
    status = environment.status(session.moment)
    if status in ("suspended", "expired"):
        yield RESUME_SECONDS
    if status == "expired":
        environment.replace(session.moment)
        ids = {"session_id": session.id, "environment_id": environment.id, "turn_id": stage.turn.id}
        session.tell("agent.session.environment.reset", reset_count=environment.resets, **ids)
    elif not environment.is_hosted and status in ("pending", "disconnected"):
        session.required["environment"] = {"type": "environment_connection", "environment_id": environment.id}
        stage.turn.status = "waiting"
        environment.connected_at = session.moment + CONNECT_SECONDS * session.owner.world.pace
        yield Until(environment.connected_at)
        del session.required["environment"]
    environment.used_at = session.moment
    environment.turns_running += 1
    if status not in ("connected", "ready"):
        fields = endings.environment_fields(session, stage.turn.id)
        session.tell("agent.session.environment.connected", **fields)
    return True
