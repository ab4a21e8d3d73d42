"""Chat and text completions through the official SDK."""

import json
from typing import Any

import jsonschema_rs
import openai
import pytest
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.limits import Limit
from portico.sandbox.state import World

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the current weather in a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 3},
            },
            "required": ["city", "unit", "days"],
        },
    },
}


def said(client: OpenAI, text: str, form: Any = openai.omit) -> str:
    messages: Any = [{"role": "user", "content": text}]
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, response_format=form)
    return answer.choices[0].message.content or ""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("What is 12 * 4?", "12 * 4 = 48"),
        ("Say exactly: pong", "pong"),
        ("Summarize: The cat sat. It was big. Then it left.", "The cat sat. It was big."),
        ("hello there", "Hello! What can I do for you?"),
    ],
)
def test_answer_is_about_what_was_asked(client: OpenAI, asked: str, expected: str) -> None:
    assert said(client, asked) == expected


def test_question_is_taken_up_in_the_answer(client: OpenAI) -> None:
    assert "volcanoes" in said(client, "Why do volcanoes erupt?")


def test_usage_adds_up(client: OpenAI, world: World) -> None:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Say: one two"}])
    assert answer.usage
    assert answer.usage.completion_tokens == 2
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 2
    written = world.organization("test").usage[0]
    assert (written.kind, written.model, written.amounts["output_tokens"]) == ("completions", "gpt-4o-mini", 2)


def test_limits_and_stops_cut_the_answer(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Say: one two three four five"}]
    short = client.chat.completions.create(model="gpt-4o", messages=messages, max_completion_tokens=3)
    assert (short.choices[0].message.content, short.choices[0].finish_reason) == ("one two three", "length")
    stopped = client.chat.completions.create(model="gpt-4o", messages=messages, stop=[" three", "nothing"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("one two", "stop")


def test_several_choices_differ(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", n=3, messages=[{"role": "user", "content": "Say: yes"}])
    assert len({choice.message.content for choice in answer.choices}) == 3
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


def test_likelihoods_come_when_asked_for(client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "Say: one two"}]
    answer = client.chat.completions.create(model="gpt-4o", messages=messages, logprobs=True, top_logprobs=2)
    logprobs = answer.choices[0].logprobs
    assert logprobs
    assert logprobs.content
    assert [token.token for token in logprobs.content] == ["one", " two"]
    assert all(len(token.top_logprobs) == 2 and token.logprob < 0 for token in logprobs.content)


@pytest.mark.parametrize("with_usage", [True, False])
def test_stream_says_the_same_as_the_answer(client: OpenAI, with_usage: bool) -> None:
    messages: Any = [{"role": "user", "content": "Why is the sky blue?"}]
    whole = said(client, "Why is the sky blue?")
    stream = client.chat.completions.create(
        model="gpt-4o", messages=messages, stream=True, stream_options={"include_usage": with_usage}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert (chunks[-1].usage is not None) == with_usage


def test_stream_is_anonymous_lines_that_end_in_done(call: Caller) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    got = call("POST", "/v1/chat/completions", body)
    assert (got.header("content-type") or "").startswith("text/event-stream")
    lines = [line for line in got.body.decode().split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


def test_fitting_tool_is_called_and_its_answer_used(client: OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "What's the weather in Paris in fahrenheit for 9 days?"}]
    answer = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    assert answer.choices[0].finish_reason == "tool_calls"
    calls = answer.choices[0].message.tool_calls
    assert calls
    assert calls[0].type == "function"
    assert json.loads(calls[0].function.arguments) == {"city": "Paris", "unit": "fahrenheit", "days": 3}
    messages += [
        answer.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": calls[0].id, "content": "Sunny, 70 degrees"},
    ]
    final = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[WEATHER])
    assert "Sunny, 70 degrees" in (final.choices[0].message.content or "")


def test_unfitting_tool_is_left_alone_unless_forced(client: OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "Say: no tools today"}]
    free = client.chat.completions.create(model="gpt-4o", messages=asked, tools=[WEATHER])
    assert free.choices[0].message.content == "no tools today"
    choices: list[Any] = ["required", {"type": "function", "function": {"name": "get_weather"}}]
    for choice in choices:
        forced = client.chat.completions.create(model="gpt-4o", messages=asked, tools=[WEATHER], tool_choice=choice)
        assert forced.choices[0].message.tool_calls
    weather: Any = [{"role": "user", "content": "How is the weather in Rome?"}]
    none = client.chat.completions.create(model="gpt-4o", messages=weather, tools=[WEATHER], tool_choice="none")
    assert none.choices[0].message.tool_calls is None


def test_tool_calls_stream_in_pieces(client: OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "How is the weather in Rome?"}]
    arguments = ""
    for chunk in client.chat.completions.create(model="gpt-4o", messages=asked, tools=[WEATHER], stream=True):
        for part in chunk.choices[0].delta.tool_calls or []:
            assert part.function
            arguments += part.function.arguments or ""
    assert json.loads(arguments)["city"] == "Rome"


SCHEMAS: list[dict[str, Any]] = [
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "age": {"type": "integer", "minimum": 18, "maximum": 99},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "step": {"type": "number", "multipleOf": 0.25, "maximum": 10},
            "email": {"type": "string", "format": "email"},
            "born": {"type": ["string", "null"], "format": "date"},
            "kind": {"enum": ["person", "company"]},
            "id": {"type": "string", "pattern": "^[A-Z]{3}$"},
        },
        "required": ["name", "age", "tags", "share", "step", "email", "born", "kind", "id"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"tree": {"$ref": "#/$defs/node"}, "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "required": ["tree", "either"],
        "additionalProperties": False,
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "number"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["value", "children"],
                "additionalProperties": False,
            }
        },
    },
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_structured_answer_satisfies_its_schema(client: OpenAI, schema: dict[str, Any]) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}}
    text = said(client, "Ann Smith is 17 and her company has 250 people.", form=form)
    jsonschema_rs.validate(schema, json.loads(text))


def test_json_mode_answers_an_object(client: OpenAI) -> None:
    assert isinstance(json.loads(said(client, "Anything as JSON", form={"type": "json_object"})), dict)


def test_stored_completions_can_be_found_changed_and_deleted(client: OpenAI, call: Caller) -> None:
    made: list[str] = []
    for color in ("red", "blue", "red"):
        messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Say: {color}"}]
        answer = client.chat.completions.create(
            model="gpt-4o", messages=messages, store=True, metadata={"color": color}
        )
        made.append(answer.id)
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Say: x"}])
    assert [kept.id for kept in client.chat.completions.list(limit=1)] == made
    assert [kept.id for kept in client.chat.completions.list(metadata={"color": "red"})] == [made[0], made[2]]
    assert client.chat.completions.list(model="gpt-4o-mini").data == []
    assert client.chat.completions.update(made[0], metadata={"color": "green"}).metadata == {"color": "green"}
    assert client.chat.completions.retrieve(made[0]).metadata == {"color": "green"}
    # The SDK's type knows only the role of an assistant here; the messages are the ones that were sent.
    messages = call("GET", f"/v1/chat/completions/{made[1]}/messages").json["data"]
    assert [(message["role"], message["content"]) for message in messages] == [
        ("system", "Be brief."),
        ("user", "Say: blue"),
    ]
    assert client.chat.completions.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(made[0])


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"messages": []}, "model", "missing_required_parameter"),
        ({"model": "gpt-4o"}, "messages", "missing_required_parameter"),
        ({"model": "gpt-4o", "messages": []}, "messages", "array_below_min_length"),
        ({"model": 5, "messages": [{"role": "user", "content": "x"}]}, "model", "invalid_type"),
        ({"model": "gpt-4o", "messages": [{"role": "boss", "content": "x"}]}, "messages[0].role", "invalid_value"),
        ({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "nn": 1}, "nn", "unknown_parameter"),
        (
            {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "temperature": 3},
            "temperature",
            "decimal_above_max_value",
        ),
        (
            {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "metadata": {"a": 1}},
            "metadata.a",
            "invalid_type",
        ),
        ({"model": "tts-1", "messages": [{"role": "user", "content": "x"}]}, "model", "model_not_supported"),
    ],
)
def test_bad_fields_are_named(call: Caller, body: dict[str, Any], param: str, code: str) -> None:
    got = call("POST", "/v1/chat/completions", body)
    assert got.status == 400
    assert (got.error["param"], got.error["code"]) == (param, code)


def test_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="gpt-none", messages=[{"role": "user", "content": "x"}])
    assert refused.value.code == "model_not_found"


def test_model_endpoints_tell_their_limits(call: Caller, world: World) -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    world.organization("test").default_project.limits.set("gpt-4o", Limit(2, 1_000))
    first = call("POST", "/v1/chat/completions", body)
    assert first.header("x-ratelimit-limit-requests") == "2"
    assert first.header("x-ratelimit-remaining-requests") == "1"
    assert first.header("x-ratelimit-reset-requests") == "30s"
    assert int(first.header("x-ratelimit-remaining-tokens") or 0) < 1_000
    call("POST", "/v1/chat/completions", body)
    refused = call("POST", "/v1/chat/completions", body)
    assert (refused.status, refused.error["code"]) == (429, "rate_limit_exceeded")
    assert int(refused.header("retry-after") or 0) in range(25, 31)
    assert refused.header("x-ratelimit-remaining-requests") == "0"
    assert call("GET", "/v1/models").header("x-ratelimit-limit-requests") is None
    world.advance(31)
    assert call("POST", "/v1/chat/completions", body).status == 200


def test_a_model_that_was_not_named_is_limited_by_its_own_limits(call: Caller, world: World) -> None:
    world.organization("test").default_project.limits.set("omni-moderation-latest", Limit(1, 1_000))
    statuses = [call("POST", "/v1/moderations", {"input": "hi"}).status for _ in range(2)]
    assert statuses == [200, 429]


def test_text_completion_goes_on_from_its_prompts(client: OpenAI) -> None:
    answer = client.completions.create(
        model="gpt-3.5-turbo-instruct", prompt=["Say: one", "Say: two"], n=2, max_tokens=50, echo=True, logprobs=1
    )
    assert len(answer.choices) == 4
    assert answer.choices[0].text == "Say: oneone"
    logprobs = answer.choices[0].logprobs
    assert logprobs
    assert logprobs.tokens
    assert "".join(logprobs.tokens) == "Say: oneone"
    assert answer.usage


def test_text_completion_is_short_unless_told_otherwise(client: OpenAI) -> None:
    answer = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Write 90 words about the sea")
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage
    assert answer.usage.completion_tokens == 16


def test_text_completion_streams(lenient_client: OpenAI) -> None:
    # On the wire the end is null until it comes, which the SDK's type does not say.
    stream = lenient_client.completions.create(
        model="gpt-3.5-turbo-instruct", prompt="Say: one two", stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == "one two"
    assert chunks[-1].usage
