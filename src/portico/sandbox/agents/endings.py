"""How turns end: done, failed or cancelled; what they used is counted, what they made is published."""

import logging

from portico.sandbox.agents import clockwork
from portico.sandbox.agents.environments import IDLE_SECONDS, KEPT_SECONDS
from portico.sandbox.agents.session import Artifact, Script, Session, Until
from portico.sandbox.agents.stage import Stage, text_of
from portico.sandbox.mind import tokens
from portico.sandbox.shapes import Json, is_record
from portico.sandbox.state import Usage

OUTPUTS = "/workspace/outputs/"
# One more second than the idle time, so that rounding can't make the moment too early.
LATE_SECONDS = 1.0


def complete(stage: Stage) -> None:
    if stage.thread.subagent_id is None:
        _publish(stage)
    _end(stage, "completed")


def fail(stage: Stage, code: str, message: str) -> None:
    stage.turn.error = {"code": code, "message": message}
    if stage.thread.subagent_id is None:
        error = {"type": "invalid_request_error" if code == "invalid_request" else "server_error", "param": None}
        stage.session.tell("error", session_id=stage.session.id, error={**error, "code": code, "message": message})
    _end(stage, "failed")


def guarded(stage: Stage, script: Script) -> Script:
    """A turn that breaks, as over a tool's schema that makes no sense, fails: it must not take its project along."""
    try:
        yield from script
    except Exception:
        logging.getLogger(__name__).exception("a turn of %s broke", stage.session.id)
        fail(stage, "internal_error", "The turn could not be finished.")


def cancel(session: Session) -> None:
    """Stop the open turn of the main agent, and with it what its subagents do."""
    turn = session.root.open_turn
    if turn is None:
        return
    for subagent in session.subagents.values():
        if (working := subagent.thread.open_turn) is not None:
            clockwork.stop(session, working.id)
            _end(Stage(session, subagent.thread, working), "cancelled")
    clockwork.stop(session, turn.id)
    _end(Stage(session, session.root, turn), "cancelled")


def interrupt(stage: Stage) -> None:
    """Stop the turn of one subagent."""
    clockwork.stop(stage.session, stage.turn.id)
    _end(stage, "cancelled")


def added(usage: Json | None, more: Json) -> Json:
    if usage is None:
        return more
    return {
        name: added(usage[name], value) if is_record(value) else usage[name] + value for name, value in more.items()
    }


def _end(stage: Stage, status: str) -> None:
    session, turn = stage.session, stage.turn
    was_running = turn.started_at is not None
    for item in stage.thread.items.values():
        if item.data["turn_id"] == turn.id and item.ended is None:
            stage.finish(item, status="incomplete")
    for known_as in [name for name, action in session.required.items() if action.get("turn_id") == turn.id]:
        del session.required[known_as]
    if stage.thread.subagent_id is None:
        session.required.pop("environment", None)
    turn.status, turn.completed_at = status, session.moment
    if was_running:
        turn.usage = _used(stage)
        session.usage = added(session.usage, turn.usage)
        _meter(session, turn.usage)
    stage.tell_turn(status)
    _leave(stage, was_running)
    clockwork.wake(session)


def _leave(stage: Stage, was_running: bool) -> None:
    session, environment = stage.session, stage.session.environment
    if environment is None or stage.thread.subagent_id is not None:
        return
    environment.used_at = max(environment.used_at, session.moment)
    environment.turns_running -= 1 if was_running else 0
    if not session.is_watched and environment.failure is None:
        session.is_watched = True
        clockwork.start(session, _watch(session))


def _watch(session: Session) -> Script:
    """Tell when an environment that nobody uses is stopped, and when it is given up."""
    environment = session.environment
    while environment is not None:
        status = environment.status(session.moment)
        if status in ("suspended", "disconnected"):
            session.tell(f"agent.session.environment.{status}", **environment_fields(session))
            yield Until(environment.used_at + IDLE_SECONDS + KEPT_SECONDS + LATE_SECONDS)
        elif status == "expired":
            session.tell("agent.session.environment.expired", **environment_fields(session))
            break
        else:
            yield Until(max(environment.used_at, session.moment) + IDLE_SECONDS + LATE_SECONDS)
    session.is_watched = False


def environment_fields(session: Session, turn_id: str | None = None) -> Json:
    assert session.environment is not None  # only sessions with an environment have something to tell of it
    return {"session_id": session.id, "turn_id": turn_id, "environment": session.environment.state(session.moment)}


def _publish(stage: Stage) -> None:
    session, environment = stage.session, stage.session.environment
    if environment is None or not environment.is_hosted:
        return
    for path in sorted(stage.turn.written):
        if path.startswith(OUTPUTS) and path in environment.files:
            made = Artifact(
                session.owner.new_id("artifact_"),
                session.id,
                stage.turn.id,
                environment.id,
                path,
                session.moment,
                environment.files[path],
            )
            session.artifacts[made.id] = made
            session.published[made.id] = len(session.published)


def _used(stage: Stage) -> Json:
    """Tokens of the turn: all history goes in, and what was said in earlier turns comes from the cache."""
    texts = [(item.data, _spoken(item.data)) for item in stage.thread.items.values()]
    mine = [(data, text) for data, text in texts if data["turn_id"] == stage.turn.id]
    reasoned = sum(tokens.count(text) for data, text in mine if data["type"] == "reasoning")
    given = [(data, text) for data, text in mine if data.get("role") == "assistant" or data["type"].endswith("_call")]
    written = sum(tokens.count(text) for _, text in given) + reasoned
    cached = sum(tokens.count(text) for data, text in texts if data["turn_id"] != stage.turn.id)
    heard = sum(tokens.count(text) for data, text in mine if data.get("role") == "user" or "output" in data)
    heard += tokens.count(stage.session.agent["instructions"] or "") + tokens.MESSAGE_OVERHEAD
    return {
        "input_tokens": cached + heard,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": reasoned},
        "total_tokens": cached + heard + written,
    }


def _spoken(data: Json) -> str:
    if data["type"] == "message":
        return text_of(data)
    if data["type"] == "reasoning":
        return " ".join(part["text"] for part in data["summary"]) or "thinking it over"
    return " ".join(str(data[name]) for name in ("arguments", "output", "command") if data.get(name) is not None)


def _meter(session: Session, usage: Json) -> None:
    owner = session.owner
    amounts: dict[str, int] = {
        "input_tokens": usage["input_tokens"],
        "input_cached_tokens": usage["input_tokens_details"]["cached_tokens"],
        "output_tokens": usage["output_tokens"],
        "num_model_requests": 1,
    }
    model = session.agent["model"]
    used = Usage(int(session.moment), "completions", owner.project.id, owner.user_id, owner.key_id, model, amounts)
    owner.organization.usage.append(used)
