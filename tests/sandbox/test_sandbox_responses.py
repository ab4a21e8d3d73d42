"""Responses and conversations through the official SDK."""

import json
import time
from typing import Any

import openai
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage

from portico.sandbox.state import World

MODEL = "gpt-4.1"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the current weather in a city",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


def test_response_answers_what_was_asked(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="What is 6 * 7?", metadata={"a": "b"}, user="someone")
    assert response.output_text == "6 * 7 = 42"
    assert (response.status, response.metadata, response.user) == ("completed", {"a": "b"}, "someone")
    assert response.usage
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert client.responses.retrieve(response.id) == response


def test_response_goes_on_from_the_one_before(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="The sea is blue. The sea is deep. The sea is cold.")
    second = client.responses.create(model=MODEL, input="Summarize that.", previous_response_id=first.id)
    assert second.output_text == "The sea is blue. The sea is deep."
    assert second.previous_response_id == first.id
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=MODEL, input="x", previous_response_id="resp_none")


def test_unstored_response_is_not_kept(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="Say: x", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)


def test_deleted_response_is_gone(client: OpenAI, call: Caller) -> None:
    response = client.responses.create(model=MODEL, input="Say: x")
    client.responses.delete(response.id)
    assert call("GET", f"/v1/responses/{response.id}").status == 404


def test_input_items_are_listed_newest_first(client: OpenAI) -> None:
    items: Any = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": [{"type": "input_text", "text": "three"}]},
    ]
    response = client.responses.create(model=MODEL, input=items)
    listed = list(client.responses.input_items.list(response.id, limit=2))
    texts = [item.model_dump()["content"][0]["text"] for item in listed]
    assert texts == ["three", "two", "one"]


def test_answer_cut_by_its_limit_is_incomplete(client: OpenAI) -> None:
    response = client.responses.create(model=MODEL, input="Say: one two three", max_output_tokens=2)
    assert (response.status, response.output_text) == ("incomplete", "one two")
    assert response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"


def test_function_is_called_and_its_result_used(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="What's the weather in Paris?", tools=[WEATHER])
    call = first.output[0]
    assert isinstance(call, ResponseFunctionToolCall)
    assert json.loads(call.arguments) == {"city": "Paris"}
    result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain, 12 degrees"}]
    second = client.responses.create(model=MODEL, input=result, previous_response_id=first.id, tools=[WEATHER])
    assert "Rain, 12 degrees" in second.output_text
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=MODEL, input=result)


def test_custom_tool_gets_free_text(client: OpenAI) -> None:
    tool: Any = {"type": "custom", "name": "shell", "description": "Runs a command"}
    response = client.responses.create(model=MODEL, input="List files", tools=[tool], tool_choice="required")
    assert response.output[0].type == "custom_tool_call"
    assert response.output[0].input == "List files"


def test_structured_answer_satisfies_its_schema(client: OpenAI) -> None:
    schema: Any = {
        "type": "object",
        "properties": {"age": {"type": "integer"}, "name": {"type": "string"}},
        "required": ["age", "name"],
        "additionalProperties": False,
    }
    form: Any = {"format": {"type": "json_schema", "name": "person", "schema": schema, "strict": True}}
    response = client.responses.create(model=MODEL, input="Ann Smith is 41.", text=form)
    assert json.loads(response.output_text) == {"age": 41, "name": "Ann Smith"}


def test_reasoning_shows_when_effort_is_asked_for(client: OpenAI) -> None:
    response = client.responses.create(
        model="gpt-5",
        input="Say: x",
        reasoning={"effort": "low", "summary": "auto"},
        include=["message.output_text.logprobs"],
    )
    assert [item.type for item in response.output] == ["reasoning", "message"]
    message = response.output[1]
    assert isinstance(message, ResponseOutputMessage)
    assert message.content[0].type == "output_text"
    assert message.content[0].logprobs


def test_stream_has_openais_events_in_order(client: OpenAI) -> None:
    stream = client.responses.create(model=MODEL, input="Say: one two", stream=True)
    events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "one two"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "one two"


def test_events_are_named_on_the_wire(call: Caller) -> None:
    got = call("POST", "/v1/responses", {"model": MODEL, "input": "Say: x", "stream": True})
    first = got.body.decode().split("\n\n")[0].split("\n")
    assert first[0] == "event: response.created"
    assert json.loads(first[1].removeprefix("data: "))["sequence_number"] == 0
    assert b"[DONE]" not in got.body


def test_streamed_call_brings_its_arguments_in_pieces(client: OpenAI) -> None:
    stream = client.responses.create(model=MODEL, input="What's the weather in Oslo?", tools=[WEATHER], stream=True)
    arguments = "".join(event.delta for event in stream if event.type == "response.function_call_arguments.delta")
    assert json.loads(arguments) == {"city": "Oslo"}


def test_background_response_goes_through_its_states(client: OpenAI, world: World) -> None:
    response = client.responses.create(model=MODEL, input="Say: done", background=True)
    assert (response.status, response.output) == ("queued", [])
    world.advance(1.1)
    assert client.responses.retrieve(response.id).status == "in_progress"
    world.advance(2)
    done = client.responses.retrieve(response.id)
    assert (done.status, done.output_text) == ("completed", "done")
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(response.id)


def test_background_response_can_be_cancelled(client: OpenAI, world: World) -> None:
    response = client.responses.create(model=MODEL, input="Say: done", background=True)
    assert client.responses.cancel(response.id).status == "cancelled"
    world.advance(10)
    assert client.responses.cancel(response.id).status == "cancelled"
    ordinary = client.responses.create(model=MODEL, input="Say: x")
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(ordinary.id)


def test_stream_can_be_taken_up_again(client: OpenAI, world: World) -> None:
    world.pace = 0.05
    response = client.responses.create(model=MODEL, input="Say: one two", background=True)
    began = time.monotonic()
    whole = list(client.responses.retrieve(response.id, stream=True))
    assert time.monotonic() - began < 2
    assert [event.type for event in whole[:3]] == ["response.created", "response.queued", "response.in_progress"]
    rest = list(client.responses.retrieve(response.id, stream=True, starting_after=4))
    assert [event.sequence_number for event in rest] == [event.sequence_number for event in whole[5:]]


def test_tokens_are_counted_without_an_answer(client: OpenAI) -> None:
    short = client.responses.input_tokens.count(model=MODEL, input="one")
    long = client.responses.input_tokens.count(model=MODEL, input="one two three", instructions="Be brief.")
    assert 0 < short.input_tokens < long.input_tokens
    made = client.responses.create(model=MODEL, input="one")
    assert made.usage
    assert made.usage.input_tokens == short.input_tokens


def test_compaction_stands_for_what_was_said(client: OpenAI) -> None:
    said: Any = [{"role": "user", "content": "The whale is large. It sings. It dives."}]
    compacted = client.responses.compact(model=MODEL, input=said)
    assert compacted.output[0].type == "compaction"
    kept: Any = [item.model_dump(exclude_none=True) for item in compacted.output]
    response = client.responses.create(model=MODEL, input=[*kept, {"role": "user", "content": "Summarize."}])
    assert response.output_text == "The whale is large. It sings."


def test_conversation_grows_with_its_responses(client: OpenAI) -> None:
    greeting: Any = [{"type": "message", "role": "system", "content": "Be brief."}]
    conversation = client.conversations.create(items=greeting, metadata={"topic": "sea"})
    response = client.responses.create(model=MODEL, input="Say: ahoy", conversation=conversation.id)
    assert response.conversation
    assert response.conversation.id == conversation.id
    items = list(client.conversations.items.list(conversation.id, order="asc", limit=2))
    assert [item.role for item in items if item.type == "message"] == ["system", "user", "assistant"]
    item = client.conversations.items.retrieve(items[0].id or "", conversation_id=conversation.id)
    assert item == items[0]
    client.conversations.items.delete(items[0].id or "", conversation_id=conversation.id)
    assert len(client.conversations.items.list(conversation.id).data) == 2


def test_background_items_enter_the_conversation_when_done(client: OpenAI, world: World) -> None:
    conversation = client.conversations.create()
    response = client.responses.create(model=MODEL, input="Say: x", conversation=conversation.id, background=True)
    assert client.conversations.items.list(conversation.id).data == []
    world.advance(4)
    assert len(client.conversations.items.list(conversation.id).data) == 2
    gone = client.responses.create(model=MODEL, input="Say: y", conversation=conversation.id, background=True)
    client.responses.cancel(gone.id)
    world.advance(4)
    assert len(client.conversations.items.list(conversation.id).data) == 2
    assert client.responses.retrieve(response.id).status == "completed"


def test_conversation_can_be_changed_and_deleted(client: OpenAI) -> None:
    conversation = client.conversations.create()
    assert client.conversations.update(conversation.id, metadata={"a": "b"}).metadata == {"a": "b"}
    assert client.conversations.retrieve(conversation.id).metadata == {"a": "b"}
    items: Any = [{"type": "message", "role": "user", "content": "x"}]
    assert len(client.conversations.items.create(conversation.id, items=items).data) == 1
    assert client.conversations.delete(conversation.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(conversation.id)


def test_file_can_be_read_as_input(client: OpenAI) -> None:
    file = client.files.create(file=("a.txt", b"Snow is cold. Snow is white. Snow melts."), purpose="user_data")
    parts: Any = [{"type": "input_text", "text": "Summarize:"}, {"type": "input_file", "file_id": file.id}]
    response = client.responses.create(model=MODEL, input=[{"role": "user", "content": parts}])
    assert response.output_text == "Snow is cold. Snow is white."


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "x"}, "model"),
        ({"model": MODEL, "input": 5}, "input"),
        ({"model": MODEL, "input": [{"type": "nothing"}]}, "input[0].type"),
        ({"model": MODEL, "input": [{"role": "user"}]}, "input[0].content"),
        ({"model": MODEL, "input": [{"role": "boss", "content": "x"}]}, "input[0].role"),
        ({"model": MODEL, "input": "x", "background": True, "store": False}, "store"),
        ({"model": MODEL, "input": "x", "max_output_tokens": 0}, "max_output_tokens"),
        ({"model": MODEL, "input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"model": MODEL, "input": "x", "surprise": 1}, "surprise"),
    ],
)
def test_bad_fields_are_named(call: Caller, body: dict[str, Any], param: str) -> None:
    got = call("POST", "/v1/responses", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_response_and_conversation_exclude_each_other(client: OpenAI) -> None:
    first = client.responses.create(model=MODEL, input="Say: x")
    conversation = client.conversations.create()
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=MODEL, input="x", previous_response_id=first.id, conversation=conversation.id)
    assert refused.value.code == "mutually_exclusive_parameters"
