"""Streams of agents' sessions: what is told, in which order, and when they end."""

from typing import Any

from agent_calls import BETA, MODEL, NONE, WEATHER, agent, message
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World


def test_creation_streams_until_the_turn_is_over(client: OpenAI, world: World) -> None:
    world.pace = 0.01
    stream = client.beta.agents.sessions.create(environment=NONE, agent=MODEL, input="Say good night", stream=True)
    events = list(stream)
    kinds = [event.type.removeprefix("agent.session.") for event in events]
    assert kinds == [
        "created",
        "turn.created",
        "turn.item.added",
        "in_progress",
        "turn.in_progress",
        "turn.item.added",
        "turn.item.done",
        "turn.item.added",
        "turn.content_part.added",
        "turn.output_text.delta",
        "turn.output_text.done",
        "turn.content_part.done",
        "turn.item.done",
        "turn.completed",
        "idle",
    ]
    assert len({event.event_id for event in events}) == len(events)
    assert all(event.obfuscation for event in events)
    delta: Any = events[9]
    assert (delta.delta, delta.output_index) == ("good night", 1)


def test_creation_without_padding(client: OpenAI, world: World) -> None:
    world.pace = 0
    options: Any = {"include_obfuscation": False}
    stream = client.beta.agents.sessions.create(
        environment=NONE, agent=MODEL, input="hi", stream=True, stream_options=options
    )
    assert {event.obfuscation for event in stream} == {None}


def test_subscriber_hears_only_what_comes(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=MODEL, input="hi")
    with sessions.events.stream(session.id, include_obfuscation=False) as stream:
        sessions.events.create(session.id, events=[message("What is 5 * 5?")])
        heard = list(stream)
    assert [heard[0].type, heard[-1].type] == ["agent.session.idle"] * 2
    said = [event for event in heard if event.type == "agent.session.turn.output_text.done"]
    assert [event.text for event in said] == ["5 * 5 = 25"]
    got = call("GET", f"/v1/agents/sessions/{session.id}/events", headers=BETA)
    assert got.header("content-type") == "text/event-stream; charset=utf-8"
    assert got.body.startswith(b"event: agent.session.idle\ndata: ")


def test_sdk_runs_tools_while_it_streams(client: OpenAI, world: World) -> None:
    world.pace = 0
    sessions = client.beta.agents.sessions
    session = sessions.create(environment=NONE, agent=agent(WEATHER), input="hi")
    asked: list[Any] = []

    def weather(arguments: dict[str, Any]) -> str:
        asked.append(arguments)
        return "Sun"

    handlers = {"get_weather": weather}
    with sessions.stream(session.id, input="How is the weather in Oslo?", tool_handlers=handlers) as stream:
        result = stream.get_final_result()
    assert asked == [{"city": "Oslo"}]
    assert "Sun" in result.output_text
    assert result.turn.status == "completed"
