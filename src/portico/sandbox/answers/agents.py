"""Saved agents: a configuration under an id, to start sessions with."""

from portico.sandbox.agents import settings
from portico.sandbox.agents.session import AGENTS
from portico.sandbox.checks import fields, metadata, text
from portico.sandbox.pages import Cursor
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(default=20, maximum=100, ends=False)
NAMED = {"name": text(longest=128), "metadata": metadata}


def create_agent(ask: Ask) -> Answer:
    checks = settings.checks(saved=True)
    body = fields(ask.body, {"model": checks.pop("model")}, {**checks, **NAMED})
    agent: Json = {
        "id": ask.new_id(AGENTS),
        "object": "agent",
        "created_at": ask.now,
        "updated_at": ask.now,
        "name": body.get("name"),
        "metadata": body.get("metadata", {}),
        **settings.resolve(ask, ask.body, body),
    }
    return ask.held(AGENTS).add(agent["id"], agent)


def list_agents(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(AGENTS).rows(), lambda agent: agent)


def get_agent(ask: Ask) -> Answer:
    return ask.held(AGENTS).get(ask["agent_id"])


def update_agent(ask: Ask) -> Answer:
    """Change what is given; null clears a field. Sessions that run with the agent keep what they began with."""
    agent = ask.held(AGENTS).get(ask["agent_id"])
    body = fields(ask.body, {}, {**settings.checks(saved=True), **NAMED})
    changed = {**agent, **settings.resolve(ask, ask.body, body, agent)}
    if "name" in ask.body:
        changed["name"] = body.get("name")
    if "metadata" in ask.body:
        changed["metadata"] = body.get("metadata", {})
    changed["updated_at"] = ask.now
    return ask.held(AGENTS).add(agent["id"], changed)


def delete_agent(ask: Ask) -> Answer:
    ask.held(AGENTS).remove(ask["agent_id"])
    return gone(ask["agent_id"], "agent.deleted")


BETA = "agents=v1"
ROUTES = (
    Route("GET", "/agents", list_agents, beta=BETA),
    Route("POST", "/agents", create_agent, beta=BETA),
    Route("GET", "/agents/{agent_id}", get_agent, beta=BETA),
    Route("POST", "/agents/{agent_id}", update_agent, beta=BETA),
    Route("DELETE", "/agents/{agent_id}", delete_agent, beta=BETA),
)
