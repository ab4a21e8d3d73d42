"""Runs as streams of events."""

# The SDK marks the whole Assistants API as deprecated; the emulator answers it all the same.
# pyright: reportDeprecated=false

from collections.abc import Iterable
from typing import Any

import pytest
from bare_http import Caller
from openai import OpenAI
from openai.types.beta import AssistantStreamEvent
from run_calls import BETA, CONTENT, WEATHER, again, searched, steps

from portico.sandbox.state import World

pytestmark = [
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:^deprecated$:DeprecationWarning"),
]


def names(stream: Iterable[AssistantStreamEvent]) -> tuple[list[str], list[AssistantStreamEvent]]:
    events = list(stream)
    kinds = [event.event for event in events]
    return [kind for place, kind in enumerate(kinds) if place == 0 or kind != kinds[place - 1]], events


SPOKEN = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    "thread.message.delta",
    "thread.message.completed",
    "thread.run.step.completed",
    "thread.run.completed",
]


def test_stream_tells_a_run_from_creation_to_its_end(client: OpenAI) -> None:
    assistant = client.beta.assistants.create(model="gpt-4o")
    stream = client.beta.threads.create_and_run(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Say: one two three"}]}, stream=True
    )
    kinds, events = names(stream)
    began = ["thread.created", "thread.run.created", "thread.run.queued", "thread.run.in_progress"]
    assert kinds == [*began, *SPOKEN]
    said: list[Any] = [event.data.delta.content for event in events if event.event == "thread.message.delta"]
    assert "".join(part.text.value for (part,) in said) == "one two three"
    last = events[-1]
    assert last.event == "thread.run.completed"
    assert last.data == again(client, last.data)


def test_stream_stops_for_tool_outputs_and_goes_on_with_them(client: OpenAI) -> None:
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[WEATHER])
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "What is the weather in Oslo?"}])
    stream = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True)
    kinds, events = names(stream)
    assert kinds == [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.requires_action",
    ]
    last = events[-1]
    assert last.event == "thread.run.requires_action"
    assert last.data.required_action is not None
    (call,) = last.data.required_action.submit_tool_outputs.tool_calls
    deltas: list[Any] = [event.data.delta.step_details for event in events if event.event == "thread.run.step.delta"]
    assert "".join(delta.tool_calls[0].function.arguments for delta in deltas) == call.function.arguments
    stream = client.beta.threads.runs.submit_tool_outputs(
        last.data.id, thread_id=thread.id, tool_outputs=[{"tool_call_id": call.id, "output": "snow"}], stream=True
    )
    kinds, _ = names(stream)
    assert kinds == ["thread.run.step.completed", "thread.run.queued", "thread.run.in_progress", *SPOKEN]


def test_sdk_puts_the_stream_together_again(client: OpenAI, world: World) -> None:
    finished = searched(client, world)
    client.beta.threads.messages.create(finished.thread_id, role="user", content="Where is tea served?")
    with client.beta.threads.runs.stream(
        thread_id=finished.thread_id, assistant_id=finished.assistant_id, include=CONTENT
    ) as stream:
        ends = [event.data for event in stream if event.event == "thread.run.step.completed"]
        message, run = stream.get_final_messages()[-1], stream.get_final_run()
    assert message == client.beta.threads.messages.list(finished.thread_id).data[0]
    assert run == again(client, run)
    assert ends == steps(client, run, include=CONTENT)
    assert "garden" in ends[0].model_dump_json()


def test_stream_ends_in_the_framing_of_assistants(client: OpenAI, call: Caller) -> None:
    assistant = client.beta.assistants.create(model="gpt-4o")
    got = call("POST", "/v1/threads/runs", {"assistant_id": assistant.id, "stream": True}, {**BETA})
    assert (got.header("content-type") or "").startswith("text/event-stream")
    assert got.body.startswith(b"event: thread.created\ndata: {")
    assert got.body.endswith(b"event: done\ndata: [DONE]\n\n")
