"""Sessions of agents: begun, read, changed, deleted; and the events that go in and come out."""

from typing import Any

from portico.sandbox.agents import clockwork, delivery, inputs, settings
from portico.sandbox.agents.hosting import ENVIRONMENT
from portico.sandbox.agents.opening import check_vaults, open_session
from portico.sandbox.agents.owner import Owner
from portico.sandbox.agents.repeats import once
from portico.sandbox.agents.session import AGENTS, SESSIONS, Session
from portico.sandbox.agents.tools import several
from portico.sandbox.agents.wish import VAULT_IDS, Wish, messages
from portico.sandbox.checks import Check, boolean, fields, integer, metadata, one_of, record, text
from portico.sandbox.pages import Cursor, with_metadata
from portico.sandbox.refusals import conflict, invalid, missing
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Events, Reply, Route, gone

LIST = Cursor(default=20, maximum=100, ends=False)


def _spend_limit(value: Any, path: str) -> int | None:
    """A check for a spending limit; null is no limit, but has to be said."""
    given = fields(value, {}, {"limit": integer(1)}, path=path)
    if "limit" not in value:
        raise missing(f"{path}.limit")
    return given.get("limit")


def _lifetime(value: Any, path: str) -> str:
    return fields(value, {}, {"ttl": one_of("30m", "12h")}, path=path).get("ttl", "30m")


CHANGEABLE: dict[str, Check | type] = {
    "metadata": metadata,
    "prompt_cache_options": _lifetime,
    "review": one_of("none", "auto_review"),
    "spend_control": _spend_limit,
}
CREATABLE: dict[str, Check | type] = {
    **CHANGEABLE,
    "agent": dict,
    "agent_id": text(longest=64),
    "input": messages,
    "stream": boolean,
    "stream_options": record({}, {"include_obfuscation": boolean}),
    "vault_ids": VAULT_IDS,
}
# Of its agent, only this can be changed once a session has begun.
AGENT_CHANGES: dict[str, Check | type] = {
    "model": text(shortest=1),
    "reasoning": record({}, {"effort": one_of(*settings.EFFORTS)}),
    "service_tier": one_of(*settings.TIERS),
    "tools": several(saved=False),
}


def create_session(ask: Ask) -> Answer:
    body = fields(ask.body, {"environment": ENVIRONMENT}, CREATABLE)
    _need_input(body)
    wish = Wish(
        _agent(ask, body),
        body.get("agent_id"),
        body["environment"],
        body.get("input", []),
        body.get("metadata", {}),
        body.get("vault_ids", []),
        body.get("review", "none"),
        body.get("prompt_cache_options"),
        body.get("spend_control"),
    )
    owner = Owner.of(ask)
    delivery.attend(owner)
    heard: list[Json] | None = [] if body.get("stream") else None
    session = open_session(owner, wish, ask.world.time(), heard)
    if heard is None:
        return clockwork.catch_up(session, ask.world.time()).show()
    padded = body.get("stream_options", {}).get("include_obfuscation", True)
    return Events(clockwork.follow(session, heard, padded, one_turn=True), named=True)


def list_sessions(ask: Ask) -> Answer:
    agent_id = ask.query.text("agent_id")
    rows = ask.held(SESSIONS).rows(
        lambda session: agent_id in (None, session.root.agent_id) and with_metadata(ask, session.metadata)
    )
    return LIST.answer(ask, rows, lambda session: session.show())


def require_session(ask: Ask) -> Session:
    """The session of the path, as it is by now; or OpenAI's 404."""
    return clockwork.catch_up(ask.held(SESSIONS).get(ask["session_id"]), ask.world.time())


def get_session(ask: Ask) -> Answer:
    return require_session(ask).show()


def update_session(ask: Ask) -> Answer:
    """Change what is given: for the turns to come, not for the one that is open."""
    session = require_session(ask)
    body = fields(ask.body, {}, {**CHANGEABLE, "agent": record({}, AGENT_CHANGES)})
    if "agent" in body:
        _change_agent(ask, session, body["agent"])
    if "metadata" in ask.body:
        session.metadata = body.get("metadata", {})
    if "prompt_cache_options" in ask.body:
        session.ttl = body.get("prompt_cache_options")
    if "spend_control" in ask.body:
        session.spend_limit = body.get("spend_control")
    session.review = body.get("review", session.review)
    return session.show()


def delete_session(ask: Ask) -> Answer:
    session = require_session(ask)
    if session.root.open_turn is not None:
        raise conflict("This session is at work: cancel its turn first.", "session_in_progress")
    session.is_deleted = True
    session.processes.clear()
    ask.held(SESSIONS).remove(session.id)
    return gone(session.id, "agent.session.deleted")


async def send_events(ask: Ask) -> Answer:
    return await once(ask, _take_events)


def stream_events(ask: Ask) -> Answer:
    """What happens in the session from now on; nothing is told twice. It opens with the state as it is."""
    session = require_session(ask)
    padded = ask.query.flag("include_obfuscation", True)
    heard = clockwork.listen(session)
    session.tell_again(heard)
    return Events(clockwork.follow(session, heard, padded), named=True)


async def _take_events(ask: Ask) -> Answer:
    session = require_session(ask)
    events = inputs.read(ask.body)
    inputs.check(session, events)
    inputs.take(session, events)
    clockwork.catch_up(session, ask.world.time())
    return Reply(None, 202)


def _need_input(body: Json) -> None:
    kind, is_stream = body["environment"]["type"], body.get("stream", False)
    if "stream_options" in body and not is_stream:
        raise invalid("'stream_options' needs 'stream'.", "stream_options")
    if "input" not in body and (kind == "none" or (is_stream and kind != "self_hosted")):
        raise missing("input")


def _agent(ask: Ask, body: Json) -> Json | None:
    """The settings of the session's agent, where they are not just those of a saved one."""
    saved = None
    if "agent_id" in body:
        saved = ask.held(AGENTS).get(body["agent_id"])
        if "agent" not in body:
            return None
    start = None if saved is None else {name: saved[name] for name in (*settings.CHECKS, "tools")}
    if start is None and "agent" not in body:
        raise missing("agent")
    return settings.inline(ask, body["agent"], start=start)


def _change_agent(ask: Ask, session: Session, checked: Json) -> None:
    # Nulls were left out by the check, but they mean something here.
    given: Json = ask.body["agent"]
    others = {name: value for name, value in checked.items() if name != "reasoning"}
    agent = settings.resolve(ask, given, others, session.agent)
    if "reasoning" in given:
        effort = checked.get("reasoning", {}).get("effort")
        keeps = "effort" not in (given["reasoning"] or {"effort": None})
        agent["reasoning"] = {**session.agent["reasoning"], **({} if keeps else {"effort": effort})}
    check_vaults(session.owner, session.vault_ids, agent["tools"])
    session.agent = agent


BETA = "agents=v1"
HOME = "/agents/sessions"
ROUTES = (
    Route("GET", HOME, list_sessions, beta=BETA),
    Route("POST", HOME, create_session, beta=BETA),
    Route("GET", f"{HOME}/{{session_id}}", get_session, beta=BETA),
    Route("POST", f"{HOME}/{{session_id}}", update_session, beta=BETA),
    Route("DELETE", f"{HOME}/{{session_id}}", delete_session, beta=BETA),
    Route("GET", f"{HOME}/{{session_id}}/events", stream_events, beta=BETA),
    Route("POST", f"{HOME}/{{session_id}}/events", send_events, beta=BETA),
)
