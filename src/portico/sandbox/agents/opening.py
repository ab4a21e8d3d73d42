"""How a session begins, and what it does with each message it gets."""

from portico.sandbox.agents import clockwork, settings
from portico.sandbox.agents.endings import guarded
from portico.sandbox.agents.environments import provide
from portico.sandbox.agents.owner import Owner
from portico.sandbox.agents.script import play, prepare
from portico.sandbox.agents.session import AGENTS, SESSIONS, Session, Thread, Turn
from portico.sandbox.agents.stage import Stage
from portico.sandbox.agents.vaults import CREDENTIALS, VAULTS
from portico.sandbox.agents.wish import Wish
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json


def open_session(owner: Owner, wish: Wish, moment: float, heard: list[Json] | None = None) -> Session:
    """Begin a session at a moment. Refuses what is gone by now: the agent, a vault, a template, a file.

    All its events from the first one on are put into `heard`.
    """
    session = _made(owner, wish, moment)
    if heard is not None:
        session.listeners.append(heard)
    session.tell_created()
    if session.environment is not None:
        session.environment.is_attached = True
        clockwork.start(session, prepare(session))
    if wish.messages:
        hear(session, wish.messages)
    return session


def hear(session: Session, contents: list[list[Json]], *, is_notice: bool = False) -> None:
    """Take messages in: they join the turn that is open, or begin one. An automation's are a `notice`."""
    turn = session.root.open_turn
    is_new = turn is None
    if turn is None:
        owner, agent_id = session.owner, session.root.agent_id
        turn = Turn(owner.new_id("turn_"), agent_id, session.id, session.moment, ttl=session.ttl)
        turn.is_reviewed, turn.is_notice = session.review == "auto_review", is_notice
        session.root.turns[turn.id] = turn
    stage = Stage(session, session.root, turn)
    if is_new:
        stage.tell_turn("created")
    for content in contents:
        stage.hear(content)
    if is_new:
        clockwork.start(session, guarded(stage, play(stage)), turn.id)
    session.tell_status()


def check_vaults(owner: Owner, vault_ids: list[str], tools: list[Json]) -> None:
    """Refuse vaults that are not there, and servers for which no single credential of them is meant."""
    for vault_id in vault_ids:
        owner.held(VAULTS).get(vault_id)
    attached = [held for held in owner.held(CREDENTIALS) if held["vault_id"] in vault_ids]
    for place, tool in enumerate(tools):
        if tool["type"] != "mcp" or tool["transport"]["type"] != "http":
            continue
        url = tool["transport"]["server_url"]
        fitting = [held["id"] for held in attached if held["auth"].get("mcp_server_url") == url]
        chosen = tool["credential_id"]
        if chosen is not None and chosen not in fitting:
            message = f"No attached vault has a credential '{chosen}' for {url}."
            raise invalid(message, f"agent.tools[{place}].credential_id", "credential_not_found")
        if chosen is None and len(fitting) > 1:
            message = f"{len(fitting)} attached credentials fit {url}: name one of them."
            raise invalid(message, f"agent.tools[{place}].credential_id", "ambiguous_credential")


def _made(owner: Owner, wish: Wish, moment: float) -> Session:
    saved = None if wish.agent_id is None else owner.held(AGENTS).get(wish.agent_id)
    configured: Json = wish.agent or saved or {}
    check_vaults(owner, wish.vault_ids, configured["tools"])
    environment = provide(owner, wish.environment, moment)
    agent_id = wish.agent_id or owner.new_id(AGENTS.prefix)
    name = None if saved is None else saved["name"]
    session = Session(
        owner.new_id(SESSIONS.prefix),
        owner,
        {"id": agent_id, "name": name, **{field: configured[field] for field in (*settings.CHECKS, "tools")}},
        environment,
        moment,
        Thread(agent_id),
        metadata=dict(wish.metadata),
        vault_ids=list(wish.vault_ids),
        review=wish.review,
        ttl=wish.ttl,
        spend_limit=wish.spend_limit,
        moment=moment,
        active_at=moment,
    )
    return owner.held(SESSIONS).add(session.id, session)
