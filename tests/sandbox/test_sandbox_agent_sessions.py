"""Sessions of agents: begun, told, waited for, changed and ended, over turned time."""

from typing import Any

import openai
import pytest
from agent_calls import BETA, HOSTED, MODEL, NONE, WEATHER, agent, items, message, texts
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World


def test_session_answers_over_time(client: OpenAI, world: World) -> None:
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="What is 6 * 7?")
    assert (session.status, session.usage, session.environment.type) == ("in_progress", None, "none")
    world.advance(0.5)
    turn = sessions.turns.list(session.id).data[0]
    assert (turn.status, turn.completed_at, turn.agent_id) == ("in_progress", None, session.agent.id)
    kinds = [item.type for item in sessions.items.list(session.id, order="asc")]
    assert kinds == ["message", "reasoning"]
    world.advance(30)
    done = sessions.retrieve(session.id)
    assert done.status == "idle"
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.input_tokens + done.usage.output_tokens > 0
    assert texts(client, session.id) == ["6 * 7 = 42"]
    ended = sessions.turns.retrieve(turn.id, session_id=session.id)
    assert ended.status == "completed"
    assert ended.completed_at is not None
    assert ended.created_at < ended.completed_at < ended.created_at + 10


def test_session_remembers_what_was_said(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="Dahlias need sun. They hate frost. Dig them up.")
    sessions.events.create(session.id, events=[message("Please summarize")])
    assert texts(client, session.id)[-1] == "Dahlias need sun. They hate frost."
    assert len(sessions.turns.list(session.id).data) == 2
    second = sessions.turns.list(session.id).data[0].usage
    assert second is not None
    assert second.input_tokens_details.cached_tokens > 0


def test_saved_agent_can_be_overridden(client: OpenAI, world: World) -> None:
    world.pace = 0
    agents = client.beta.agents
    saved = agents.create(model="gpt-6-astra", name="Clerk", instructions="Be brief.", tools=[{"type": "tool_search"}])
    plain = agents.sessions.create(environment=NONE, agent_id=saved.id, input="hi")
    assert (plain.agent.id, plain.agent.name, plain.agent.instructions) == (saved.id, "Clerk", "Be brief.")
    assert plain.agent.tools == []
    other = agents.sessions.create(environment=NONE, agent_id=saved.id, agent={"model": "gpt-5.4"}, input="hi")
    assert (other.agent.model, other.agent.instructions) == ("gpt-5.4", "Be brief.")
    agents.update(saved.id, name="Other", instructions="Be long.")
    kept = agents.sessions.retrieve(plain.id).agent
    assert (kept.name, kept.instructions) == ("Clerk", "Be brief.")
    assert [one.id for one in agents.sessions.list(agent_id=saved.id)] == [other.id, plain.id]


def test_schema_shapes_the_answer(client: OpenAI, world: World) -> None:
    world.pace = 0
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    shaped = agent(text={"format": {"type": "json_schema", "schema": schema}})
    session = client.beta.agents.sessions.create(environment=NONE, agent=shaped, input="I live in Paris")
    assert texts(client, session.id) == ['{"city":"Paris"}']


def test_function_call_waits_for_its_result(client: OpenAI, world: World) -> None:
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=agent(WEATHER), input="What is the weather in Paris?")
    world.advance(60)
    waiting = sessions.retrieve(session.id)
    assert waiting.status == "requires_action"
    action = waiting.required_actions[0]
    assert action.type == "function_call"
    assert (action.name, action.arguments) == ("get_weather", {"city": "Paris"})
    assert sessions.turns.retrieve(action.turn_id, session_id=session.id).status == "waiting"
    result: Any = {"type": "agent.session.input.tool_result", "turn_id": action.turn_id, "call_id": action.call_id}
    result |= {"success": True, "output": "Rain, 12 degrees."}
    sessions.events.create(session.id, events=[result])
    world.advance(60)
    assert sessions.retrieve(session.id).status == "idle"
    assert "Rain, 12 degrees." in texts(client, session.id)[0]
    kinds = [item.type for item in sessions.turns.items.list(action.turn_id, session_id=session.id, order="asc")]
    assert kinds == ["message", "reasoning", "function_call", "function_call_output", "message"]


def test_failed_function_is_told(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    background: Any = {**WEATHER, "async": True}
    session = sessions.create(environment=NONE, agent=agent(background), input="Use get_weather for Paris")
    assert texts(client, session.id) == ["I have asked get_weather and go on meanwhile."]
    action: Any = session.required_actions[0]
    result: Any = {"type": "agent.session.input.tool_result", "turn_id": action.turn_id, "call_id": action.call_id}
    result |= {"success": False, "error": "No such place"}
    sessions.events.create(session.id, events=[result])
    outputs = items(client, session.id, "function_call_output")
    assert (outputs[0].status, outputs[0].error, outputs[0].output) == ("failed", "No such place", None)
    assert "No such place" in texts(client, session.id)[-1]


def test_deferred_function_needs_tool_search(client: OpenAI, world: World) -> None:
    world.pace = 0
    hidden: Any = {**WEATHER, "defer_loading": True}
    for extra, status in (([], "idle"), ([{"type": "tool_search"}], "requires_action")):
        chosen = agent(hidden, *extra)
        session = client.beta.agents.sessions.create(environment=NONE, agent=chosen, input="Weather in Paris?")
        assert session.status == status


def test_results_that_nobody_waits_for_are_refused(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    session = client.beta.agents.sessions.create(environment=NONE, agent=agent(WEATHER), input="Weather in Paris?")
    action: Any = session.required_actions[0]
    result = {"type": "agent.session.input.tool_result", "turn_id": action.turn_id, "success": True, "output": "x"}
    path = f"/v1/agents/sessions/{session.id}/events"
    got = call("POST", path, {"events": [{**result, "call_id": "call_nothing"}]}, BETA)
    assert (got.status, got.error["code"]) == (400, "invalid_request_error")
    # The SDK knows this sentence: it then sends the result again.
    assert got.error["message"] == "Unknown pending tool call: call_nothing"
    wrong_turn = {**result, "call_id": action.call_id, "turn_id": "turn_other"}
    assert call("POST", path, {"events": [wrong_turn]}, BETA).status == 400
    twice = [{**result, "call_id": action.call_id}] * 2
    assert call("POST", path, {"events": twice}, BETA).status == 400
    assert client.beta.agents.sessions.retrieve(session.id).status == "requires_action"


def test_message_steers_the_open_turn(client: OpenAI, world: World) -> None:
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="What is 2 + 2?")
    world.advance(0.4)
    sessions.events.create(session.id, events=[message("And what is 3 + 3?")])
    world.advance(60)
    assert len(sessions.turns.list(session.id).data) == 1
    assert texts(client, session.id)[-1] == "3 + 3 = 6"


def test_cancel_stops_where_it_is(client: OpenAI, world: World) -> None:
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="Tell me a story in 300 words about foxes")
    world.advance(1.5)
    sessions.events.create(session.id, events=[{"type": "agent.session.input.cancel"}])
    assert sessions.retrieve(session.id).status == "idle"
    turn = sessions.turns.list(session.id).data[0]
    assert (turn.status, turn.error) == ("cancelled", None)
    last: Any = sessions.items.list(session.id).data[0]
    assert (last.type, last.status) == ("message", "incomplete")
    assert 0 < len(last.output_text) < 1500
    world.advance(60)
    assert sessions.items.list(session.id).data[0] == last
    sessions.events.create(session.id, events=[{"type": "agent.session.input.cancel"}])


def test_wished_failure_fails_the_turn_but_not_the_session(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="Please fail with rate_limit_exceeded")
    turn = sessions.turns.list(session.id).data[0]
    assert turn.status == "failed"
    assert turn.error is not None
    assert turn.error.code == "rate_limit_exceeded"
    assert session.status == "idle"
    sessions.events.create(session.id, events=[message("Say fine")])
    assert texts(client, session.id) == ["fine"]


def test_schema_without_sense_fails_only_its_turn(client: OpenAI, world: World) -> None:
    world.pace = 0
    senseless = {"type": "object", "properties": {"n": {"type": "integer", "minimum": "low"}}, "required": ["n"]}
    tool: Any = {**WEATHER, "parameters": senseless}
    session = client.beta.agents.sessions.create(environment=NONE, agent=agent(tool), input="Use get_weather")
    turn = client.beta.agents.sessions.turns.list(session.id).data[0]
    assert turn.error is not None
    assert (turn.status, turn.error.code, session.status) == ("failed", "internal_error", "idle")


def test_spending_ends_at_the_limit(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    long = "word " * 1200
    session = sessions.create(environment=NONE, agent=MODEL, input=long, spend_control={"limit": 1})
    assert session.spend_control is not None
    assert (session.spend_control.limit, session.spend_control.consumed) == (1, 1)
    sessions.events.create(session.id, events=[message("more")])
    refused = sessions.turns.list(session.id).data[0]
    assert refused.error is not None
    assert refused.error.code == "session_budget_exceeded"
    assert sessions.update(session.id, spend_control={"limit": None}).spend_control is None
    sessions.events.create(session.id, events=[message("more")])
    assert sessions.turns.list(session.id).data[0].status == "completed"


def test_session_can_be_changed(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    thinking = agent(reasoning={"effort": "high", "summary": "auto"})
    session = sessions.create(environment=NONE, agent=thinking, input="hi", metadata={"a": "1"}, review="auto_review")
    changed = sessions.update(
        session.id,
        agent={"model": "gpt-5.4", "reasoning": {"effort": None}, "service_tier": "flex", "tools": [WEATHER]},
        metadata=None,
        prompt_cache_options={"ttl": "12h"},
        review="none",
    )
    assert (changed.agent.model, changed.agent.service_tier, len(changed.agent.tools)) == ("gpt-5.4", "flex", 1)
    assert (changed.agent.reasoning.effort, changed.agent.reasoning.summary) == (None, "auto")
    assert (changed.metadata, changed.review) == ({}, None)
    assert changed.prompt_cache_options is not None
    sessions.events.create(session.id, events=[message("hello again")])
    turn = sessions.turns.list(session.id).data[0]
    assert turn.prompt_cache_options is not None
    assert turn.prompt_cache_options.ttl == "12h"
    assert sessions.update(session.id, agent={"tools": None}, prompt_cache_options=None).prompt_cache_options is None


def test_session_at_work_can_not_be_deleted(client: OpenAI, world: World) -> None:
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="hi there, how are you today?")
    with pytest.raises(openai.ConflictError):
        sessions.delete(session.id)
    world.advance(60)
    assert sessions.delete(session.id).object == "agent.session.deleted"
    for look in (sessions.retrieve, sessions.items.list, sessions.events.stream, sessions.delete):
        with pytest.raises(openai.NotFoundError):
            look(session.id)


def test_sessions_are_paged_and_filtered(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    made = [
        sessions.create(environment=NONE, agent=MODEL, input="hi", metadata={"n": str(number % 2)}).id
        for number in range(4)
    ]
    assert [session.id for session in sessions.list(limit=3)] == made[::-1]
    assert [session.id for session in sessions.list(metadata={"n": "0"}, order="asc")] == [made[0], made[2]]
    assert sorted(call("GET", "/v1/agents/sessions", headers=BETA).json) == ["data", "has_more", "object"]
    page = call("GET", f"/v1/agents/sessions/{made[0]}/items?limit=1", headers=BETA).json
    assert sorted(page) == ["data", "has_more", "object"]
    turn = page["data"][0]["turn_id"]
    page = call("GET", f"/v1/agents/sessions/{made[0]}/turns/{turn}/items?limit=1", headers=BETA).json
    assert page["last_id"] == page["data"][0]["id"]
    assert sorted(page) == ["data", "has_more", "last_id", "object"]
    everything = [item.id for item in sessions.items.list(made[0])]
    assert [item.id for item in sessions.turns.items.list(turn, session_id=made[0], limit=1)] == everything


def test_same_idempotency_key_is_taken_once(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="hi")
    for _ in range(2):
        sessions.events.create(session.id, events=[message("What is 1 + 1?")], idempotency_key="key-1")
    assert len(sessions.turns.list(session.id).data) == 2
    path, headers = f"/v1/agents/sessions/{session.id}/events", {**BETA, "idempotency-key": "key-1"}
    got = call("POST", path, {"events": [message("Something else")]}, headers)
    assert (got.status, got.error["code"]) == (409, "idempotency_conflict")
    assert call("POST", path, {"events": []}, {**BETA, "idempotency-key": "x" * 257}).status == 400
    accepted = call("POST", path, {"events": []}, BETA)
    assert (accepted.status, accepted.body) == (202, b"")


BAD: list[tuple[Any, str]] = [
    ({}, "environment"),
    ({"environment": {"type": "moon"}, "agent": MODEL}, "environment.type"),
    ({"environment": NONE, "agent": MODEL}, "input"),
    ({"environment": HOSTED, "agent": MODEL, "stream": True}, "input"),
    ({"environment": NONE, "input": "hi"}, "agent"),
    ({"environment": NONE, "agent": {}, "input": "hi"}, "agent.model"),
    ({"environment": NONE, "agent": MODEL, "input": ""}, "input"),
    ({"environment": NONE, "agent": MODEL, "input": []}, "input"),
    ({"environment": NONE, "agent": MODEL, "input": [{"role": "assistant", "content": []}]}, "input[0].role"),
    ({"environment": NONE, "agent": MODEL, "input": "hi", "stream_options": {}}, "stream_options"),
    ({"environment": NONE, "agent": MODEL, "input": "hi", "spend_control": {}}, "spend_control.limit"),
    ({"environment": NONE, "agent": MODEL, "input": "hi", "spend_control": {"limit": 0}}, "spend_control.limit"),
    ({"environment": NONE, "agent": MODEL, "input": "hi", "review": "maybe"}, "review"),
    ({"environment": NONE, "agent": MODEL, "input": "hi", "vault_ids": ["v"] * 11}, "vault_ids"),
    (
        {"environment": NONE, "agent": MODEL, "input": "hi", "prompt_cache_options": {"ttl": "1h"}},
        "prompt_cache_options.ttl",
    ),
]


@pytest.mark.parametrize(("body", "param"), BAD)
def test_bad_sessions_are_refused(call: Caller, body: Any, param: str) -> None:
    got = call("POST", "/v1/agents/sessions", body, BETA)
    assert (got.status, got.error["param"]) == (400, param)


def test_what_is_not_there_is_not_found(call: Caller) -> None:
    good = {"environment": NONE, "agent": MODEL, "input": "hi"}
    for change in (
        {"agent_id": "agent_nothing"},
        {"vault_ids": ["vault_nothing"]},
        {"environment": {"type": "openai_hosted", "environment_id": "env_nothing"}},
        {"environment": {"type": "openai_hosted", "environment_template_id": "envtmpl_nothing"}},
    ):
        assert call("POST", "/v1/agents/sessions", {**good, **change}, BETA).status == 404
    for path in ("", "/items", "/turns", "/subagents", "/artifacts", "/traces", "/events"):
        assert call("GET", f"/v1/agents/sessions/sess_nothing{path}", headers=BETA).status == 404


def test_server_needs_one_credential(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    vaults = client.beta.agents.vaults
    vault = vaults.create().id
    auth: Any = {"type": "static_bearer", "token": "t", "mcp_server_url": "https://shop.example/mcp"}
    keys = [vaults.credentials.create(vault, name="k", auth=auth).id for _ in range(2)]
    transport = {"type": "http", "server_url": "https://shop.example/mcp", "authorization": "Bearer hidden"}
    tool: Any = {"type": "mcp", "server_label": "shop", "transport": transport}
    body = {"environment": NONE, "input": "hi", "vault_ids": [vault], "agent": {**MODEL, "tools": [tool]}}
    assert call("POST", "/v1/agents/sessions", body, BETA).error["code"] == "ambiguous_credential"
    body["agent"] = {**MODEL, "tools": [{**tool, "credential_id": "cred_other"}]}
    assert call("POST", "/v1/agents/sessions", body, BETA).error["code"] == "credential_not_found"
    body["agent"] = {**MODEL, "tools": [{**tool, "credential_id": keys[1]}]}
    got = call("POST", "/v1/agents/sessions", body, BETA)
    assert got.json["agent"]["tools"][0]["transport"] == {"type": "http", "server_url": "https://shop.example/mcp"}
    assert b"hidden" not in got.body


def test_other_project_sees_nothing(client: OpenAI, sandbox_url: str, world: World) -> None:
    world.pace = 0
    session = client.beta.agents.sessions.create(environment=NONE, agent=MODEL, input="hi")
    stranger = Caller(sandbox_url, "sk-proj-stranger")
    assert stranger("GET", f"/v1/agents/sessions/{session.id}", headers=BETA).status == 404
    assert stranger("GET", "/v1/agents/sessions", headers=BETA).json["data"] == []


def test_tokens_are_metered(client: OpenAI, world: World) -> None:
    world.pace = 0
    session = client.beta.agents.sessions.create(environment=NONE, agent=MODEL, input="hi")
    used = [row for row in world.organization("test").usage if row.model == "gpt-6-astra"]
    assert session.usage is not None
    assert used[0].amounts["output_tokens"] == session.usage.output_tokens
