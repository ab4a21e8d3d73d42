"""Saved agents: settings with their defaults, kept, changed, and refused where they make no sense."""

from typing import Any

import openai
import pytest
from agent_calls import BETA
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World

LOOKUP: dict[str, Any] = {
    "type": "function",
    "name": "lookup",
    "description": "Look up",
    "parameters": {"type": "object"},
}
SERVER: dict[str, Any] = {
    "type": "mcp",
    "server_label": "shop",
    "transport": {"type": "http", "server_url": "https://shop.example/mcp"},
}


def test_agent_gets_the_defaults(client: OpenAI) -> None:
    agent = client.beta.agents.create(model="gpt-6-astra")
    assert (agent.object, agent.name, agent.instructions, agent.metadata) == ("agent", None, None, {})
    assert (agent.service_tier, agent.text.verbosity, agent.text.format.type) == ("auto", "medium", "text")
    assert (agent.multi_agent.enabled, agent.multi_agent.max_concurrent_subagents) == (False, None)
    assert (agent.reasoning.effort, agent.reasoning.summary, agent.tools) == (None, None, [])
    assert client.beta.agents.retrieve(agent.id) == agent


def test_every_kind_of_tool_is_shown_whole(client: OpenAI) -> None:
    stdio = {"type": "stdio", "command": "serve", "cwd": "/workspace", "env_vars": ["HOME"]}
    tools: list[Any] = [
        LOOKUP,
        {"type": "tool_search"},
        {"type": "programmatic_tool_calling"},
        SERVER,
        {"type": "mcp", "server_label": "local", "transport": stdio, "required": True},
        {"type": "web_search", "location": {"city": "Paris"}},
        {"type": "computer_use"},
        {"type": "automations"},
    ]
    shown = [tool.to_dict() for tool in client.beta.agents.create(model="gpt-6-astra", tools=tools).tools]
    assert shown[0] == {**LOOKUP, "defer_loading": False}
    assert shown[2] == {"type": "programmatic_tool_calling", "enabled": True}
    assert shown[3]["transport"] == {**SERVER["transport"], "headers": {}}
    assert (shown[4]["transport"], shown[4]["required"]) == ({**stdio, "args": []}, True)
    assert (shown[5]["mode"], shown[5]["context_size"]) == ("live", "medium")
    assert shown[6] == {"type": "computer_use", "include_screenshots": False}


def test_change_replaces_what_is_given_and_null_clears(client: OpenAI, world: World) -> None:
    agents = client.beta.agents
    agent = agents.create(
        model="gpt-6-astra",
        name="First",
        instructions="Be kind.",
        metadata={"team": "a"},
        reasoning={"effort": "high", "summary": "auto"},
        experimental={"time_awareness": True},
        tools=[{"type": "tool_search"}],
    )
    world.advance(5)
    changed = agents.update(agent.id, reasoning={"effort": "low"}, multi_agent={"enabled": True}, instructions=None)
    assert (changed.reasoning.effort, changed.reasoning.summary) == ("low", None)
    assert (changed.multi_agent.max_concurrent_subagents, changed.instructions) == (6, None)
    assert (changed.name, changed.metadata, len(changed.tools)) == ("First", {"team": "a"}, 1)
    assert changed.experimental is not None
    assert changed.experimental.time_awareness
    assert changed.updated_at >= agent.updated_at + 5
    cleared = agents.update(agent.id, name=None, metadata=None, tools=None, reasoning=None, model="gpt-5.4")
    assert (cleared.name, cleared.metadata, cleared.tools, cleared.model) == (None, {}, [], "gpt-5.4")
    assert agents.retrieve(agent.id) == cleared


def test_agents_are_paged_newest_first(client: OpenAI, call: Caller) -> None:
    made = [client.beta.agents.create(model="gpt-6-astra", name=str(number)).id for number in range(5)]
    assert [agent.id for agent in client.beta.agents.list(limit=2)] == made[::-1]
    assert [agent.id for agent in client.beta.agents.list(limit=2, order="asc")] == made
    page = call("GET", "/v1/agents?limit=2", headers=BETA).json
    assert sorted(page) == ["data", "has_more", "object"]
    assert page["has_more"] is True


def test_deleted_agent_is_gone(client: OpenAI) -> None:
    agent = client.beta.agents.create(model="gpt-6-astra")
    assert client.beta.agents.delete(agent.id).object == "agent.deleted"
    for look in (client.beta.agents.retrieve, client.beta.agents.update, client.beta.agents.delete):
        with pytest.raises(openai.NotFoundError):
            look(agent.id)


def test_beta_header_is_needed(call: Caller) -> None:
    assert call("GET", "/v1/agents").status == 400
    assert call("GET", "/v1/agents", headers={"openai-beta": "assistants=v2"}).error["code"] == "invalid_beta"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "model"),
        ({"model": 5}, "model"),
        ({"model": "gpt-6-astra", "name": "x" * 129}, "name"),
        ({"model": "gpt-6-astra", "service_tier": "gold"}, "service_tier"),
        ({"model": "gpt-6-astra", "reasoning": {"effort": "heroic"}}, "reasoning.effort"),
        ({"model": "gpt-6-astra", "multi_agent": {}}, "multi_agent.enabled"),
        ({"model": "gpt-6-astra", "text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"model": "gpt-6-astra", "tools": [{"type": "teleport"}]}, "tools[0].type"),
        ({"model": "gpt-6-astra", "tools": [{**LOOKUP, "name": "no spaces"}]}, "tools[0].name"),
        ({"model": "gpt-6-astra", "tools": [LOOKUP, LOOKUP]}, "tools"),
        ({"model": "gpt-6-astra", "tools": [{"type": "web_search", "mode": "psychic"}]}, "tools[0].mode"),
        (
            {"model": "gpt-6-astra", "tools": [{**SERVER, "transport": {**SERVER["transport"], "authorization": "x"}}]},
            "tools[0].transport.authorization",
        ),
        ({"model": "gpt-6-astra", "metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"model": "gpt-6-astra", "colour": "red"}, "colour"),
    ],
)
def test_bad_settings_are_refused(call: Caller, body: dict[str, Any], param: str) -> None:
    got = call("POST", "/v1/agents", body, BETA)
    assert (got.status, got.error["param"]) == (400, param)


def test_tools_may_not_be_too_large(call: Caller) -> None:
    large = {**LOOKUP, "description": "x" * (3 * 1024 * 1024)}
    got = call("POST", "/v1/agents", {"model": "gpt-6-astra", "tools": [large]}, BETA)
    assert (got.status, got.error["code"]) == (400, "string_above_max_length")


def test_unknown_model_is_not_found(call: Caller) -> None:
    assert call("POST", "/v1/agents", {"model": "gpt-nothing"}, BETA).error["code"] == "model_not_found"
    assert call("POST", "/v1/agents", {"model": "whisper-1"}, BETA).error["code"] == "model_not_supported"
