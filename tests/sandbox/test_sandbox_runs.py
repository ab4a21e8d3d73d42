"""Runs: their states over time, tools, limits and steps."""

# The SDK marks the whole Assistants API as deprecated; the emulator answers it all the same.
# pyright: reportDeprecated=false

import json
from typing import Any

import openai
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.types.beta import Thread
from openai.types.beta.threads.runs import CodeInterpreterToolCall, FileSearchToolCall, FunctionToolCall
from run_calls import BETA, CONTENT, WEATHER, again, answer, ask_weather, last_text, searched, start, steps, tool_call

from portico.sandbox.state import World

pytestmark = [
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:^deprecated$:DeprecationWarning"),
]


def test_run_goes_from_queued_to_completed(client: OpenAI, world: World) -> None:
    run = start(client, "Say: good morning", metadata={"a": "1"})
    assert (run.status, run.started_at, run.usage, run.metadata) == ("queued", None, None, {"a": "1"})
    assert run.expires_at == run.created_at + 600
    world.advance(1.5)
    run = again(client, run)
    assert run.status == "in_progress"
    assert run.started_at is not None
    message = client.beta.threads.messages.list(run.thread_id).data[0]
    assert (message.status, message.content, message.run_id) == ("in_progress", [], run.id)
    assert [step.status for step in steps(client, run)] == ["in_progress"]
    world.advance(2)
    run = again(client, run)
    assert (run.status, run.expires_at) == ("completed", None)
    assert run.completed_at is not None
    assert run.usage is not None
    assert run.usage.total_tokens == run.usage.prompt_tokens + run.usage.completion_tokens > 0
    assert last_text(client, run) == "good morning"
    assert [message.role for message in client.beta.threads.messages.list(run.thread_id)] == ["assistant", "user"]


def test_run_is_done_at_once_where_jobs_take_no_time(client: OpenAI, world: World) -> None:
    world.pace = 0
    run = start(client, "Say: at once")
    assert run.status == "completed"
    assert last_text(client, run) == "at once"
    (step,) = steps(client, run)
    assert step.step_details.type == "message_creation"
    assert client.beta.threads.runs.steps.retrieve(step.id, thread_id=run.thread_id, run_id=run.id) == step


def test_thread_stands_still_while_a_run_works(client: OpenAI, world: World) -> None:
    run = start(client, "Hello")
    for change in (
        lambda: client.beta.threads.messages.create(run.thread_id, role="user", content="And?"),
        lambda: client.beta.threads.runs.create(run.thread_id, assistant_id=run.assistant_id),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            change()
        assert refused.value.code == "run_active"
    world.advance(4)
    client.beta.threads.messages.create(run.thread_id, role="user", content="Say: and more")
    second = client.beta.threads.runs.create(run.thread_id, assistant_id=run.assistant_id)
    world.advance(4)
    assert last_text(client, second) == "and more"
    assert [held.id for held in client.beta.threads.runs.list(run.thread_id)] == [second.id, run.id]
    mine = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    assert [message.run_id for message in mine] == [run.id]


def test_function_call_waits_for_its_output_and_uses_it(client: OpenAI, world: World) -> None:
    run = ask_weather(client, world)
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    assert client.beta.threads.messages.list(run.thread_id).data[0].role == "user"
    assert answer(client, run, "18 degrees and sunny").status == "queued"
    first, *rest = steps(client, run)
    assert (first.status, tool_call(first).id, rest) == ("completed", call.id, [])
    world.advance(4)
    assert again(client, run).status == "completed"
    assert "18 degrees and sunny" in last_text(client, run)
    called, wrote = steps(client, run)
    function = tool_call(called)
    assert isinstance(function, FunctionToolCall)
    assert function.function.output == "18 degrees and sunny"
    assert wrote.type == "message_creation"
    assert called.usage is not None


@pytest.mark.parametrize("outputs", [[], [{"tool_call_id": "call_other", "output": "x"}]])
def test_outputs_must_be_for_the_calls_that_wait(client: OpenAI, world: World, outputs: Any) -> None:
    run = ask_weather(client, world)
    with pytest.raises(openai.BadRequestError) as refused:
        client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)
    assert refused.value.param == "tool_outputs"


def test_outputs_are_refused_when_nothing_waits(client: OpenAI, world: World) -> None:
    run = ask_weather(client, world)
    answer(client, run, "sunny")
    with pytest.raises(openai.BadRequestError) as refused:
        answer(client, run, "sunny")
    assert refused.value.code == "run_not_waiting"


def test_waiting_run_expires_after_ten_minutes(client: OpenAI, world: World) -> None:
    run = ask_weather(client, world)
    world.advance(600)
    run = again(client, run)
    assert (run.status, run.required_action, run.completed_at) == ("expired", None, None)
    (step,) = steps(client, run)
    assert (step.status, step.expired_at is not None) == ("expired", True)
    with pytest.raises(openai.BadRequestError):
        client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)


@pytest.mark.parametrize("seconds", [0, 2])
def test_cancelled_run_writes_nothing_more(client: OpenAI, world: World, seconds: int) -> None:
    run = start(client, "Say: too late")
    world.advance(seconds)
    assert client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id).status == "cancelling"
    with pytest.raises(openai.BadRequestError):
        client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
    world.advance(10)
    run = again(client, run)
    assert (run.status, run.cancelled_at is not None, run.completed_at) == ("cancelled", True, None)
    newest = client.beta.threads.messages.list(run.thread_id).data[0]
    if seconds:
        assert newest.incomplete_details is not None
        assert (newest.status, newest.incomplete_details.reason) == ("incomplete", "run_cancelled")
        assert [step.status for step in steps(client, run)] == ["cancelled"]
    else:
        assert newest.role == "user"
        assert steps(client, run) == []


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "invalid_prompt"])
def test_run_fails_when_its_metadata_asks_for_it(client: OpenAI, world: World, code: str) -> None:
    run = start(client, "Hello", metadata={"sandbox_fail": code})
    world.advance(5)
    run = again(client, run)
    assert run.last_error is not None
    assert (run.status, run.last_error.code, run.failed_at is not None) == ("failed", code, True)


def test_token_limits_leave_a_run_incomplete(client: OpenAI, world: World) -> None:
    world.pace = 0
    run = start(client, "Write 900 words about bread and butter", max_completion_tokens=256)
    assert run.incomplete_details is not None
    assert (run.status, run.incomplete_details.reason) == ("incomplete", "max_completion_tokens")
    message = client.beta.threads.messages.list(run.thread_id).data[0]
    assert message.incomplete_details is not None
    assert (message.status, message.incomplete_details.reason) == ("incomplete", "max_tokens")
    assert run.usage is not None
    assert run.usage.completion_tokens == 256
    run = start(client, "bread " * 400, max_prompt_tokens=256)
    assert run.incomplete_details is not None
    assert run.incomplete_details.reason == "max_prompt_tokens"


def test_truncation_and_run_settings_count(client: OpenAI, world: World) -> None:
    world.pace = 0
    assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.", temperature=0.2)
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "long " * 300}])
    run = client.beta.threads.runs.create(
        thread.id,
        assistant_id=assistant.id,
        model="gpt-4o-mini",
        additional_instructions="Be kind.",
        additional_messages=[{"role": "user", "content": "Say: short"}],
        truncation_strategy={"type": "last_messages", "last_messages": 1},
    )
    assert (run.model, run.instructions, run.temperature) == ("gpt-4o-mini", "Be brief.\nBe kind.", 0.2)
    assert run.usage is not None
    assert run.usage.prompt_tokens < 50
    assert last_text(client, run) == "short"


def test_structured_answer_fits_its_schema(client: OpenAI, world: World) -> None:
    world.pace = 0
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    run = start(client, "The city is Rome", response_format=form)
    assert json.loads(last_text(client, run)) == {"city": "Rome"}


def test_code_interpreter_shows_code_and_what_it_prints(client: OpenAI, world: World) -> None:
    world.pace = 0
    run = start(client, "What is 12 * 12?", [{"type": "code_interpreter"}])
    called, wrote = steps(client, run)
    call = tool_call(called)
    assert isinstance(call, CodeInterpreterToolCall)
    assert call.code_interpreter.input == "print(12 * 12)"
    assert [output.model_dump() for output in call.code_interpreter.outputs] == [{"type": "logs", "logs": "144\n"}]
    assert "144" in last_text(client, run)
    assert wrote.type == "message_creation"


def test_code_interpreter_sees_attached_files(client: OpenAI, world: World) -> None:
    world.pace = 0
    file = client.files.create(file=("numbers.csv", b"1,2,3\n"), purpose="assistants")
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[{"type": "code_interpreter"}])
    attachment: Any = {"file_id": file.id, "tools": [{"type": "code_interpreter"}]}
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": "How large is it?", "attachments": [attachment]}]
    )
    run = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    assert "/mnt/data/numbers.csv 6" in last_text(client, run)


def test_file_search_cites_what_it_found(client: OpenAI, world: World) -> None:
    run = searched(client, world)
    (part,) = client.beta.threads.messages.list(run.thread_id).data[0].content
    assert part.type == "text"
    assert "Tea is served at four" in part.text.value
    (mark,) = part.text.annotations
    assert mark.type == "file_citation"
    assert part.text.value[mark.start_index : mark.end_index] == mark.text
    assert client.files.retrieve(mark.file_citation.file_id).filename == "tea.txt"


@pytest.mark.parametrize("is_included", [False, True])
def test_found_texts_are_shown_when_included(client: OpenAI, world: World, is_included: bool) -> None:
    run = searched(client, world)
    query: Any = {"include": CONTENT} if is_included else {}
    listed = steps(client, run, **query)[0]
    assert client.beta.threads.runs.steps.retrieve(listed.id, thread_id=run.thread_id, run_id=run.id, **query) == listed
    call = tool_call(listed)
    assert isinstance(call, FileSearchToolCall)
    (found,) = call.file_search.results or []
    assert found.file_name == "tea.txt"
    assert [content.text for content in found.content or []] == (
        ["Tea is served at four in the garden."] if is_included else []
    )


def test_create_and_run_makes_the_thread_with_its_resources(client: OpenAI, world: World) -> None:
    world.pace = 0
    file = client.files.create(file=("a.csv", b"1\n"), purpose="assistants")
    assistant = client.beta.assistants.create(model="gpt-4o")
    run = client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": "Say: done"}], "metadata": {"of": "us"}},
        tool_resources={"code_interpreter": {"file_ids": [file.id]}},
        poll_interval_ms=1,
    )
    thread: Thread = client.beta.threads.retrieve(run.thread_id)
    assert (thread.metadata, run.status) == ({"of": "us"}, "completed")
    assert thread.tool_resources is not None
    assert thread.tool_resources.code_interpreter is not None
    assert thread.tool_resources.code_interpreter.file_ids == [file.id]


def test_run_metadata_can_be_changed(client: OpenAI) -> None:
    run = start(client, "Hello", metadata={"a": "1"})
    changed = client.beta.threads.runs.update(run.id, thread_id=run.thread_id, metadata={"b": "2"})
    assert changed.metadata == {"b": "2"}


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"assistant_id": None}, 400, "assistant_id"),
        ({"assistant_id": "asst_none"}, 404, "id"),
        ({"model": "gpt-nothing"}, 404, "model"),
        ({"max_completion_tokens": 5}, 400, "max_completion_tokens"),
        ({"tools": [{"type": "code_interpreter"}] * 21}, 400, "tools"),
        ({"tool_choice": "perhaps"}, 400, "tool_choice"),
        ({"tool_choice": "required"}, 400, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "other"}}}, 400, "tool_choice"),
        ({"truncation_strategy": {"type": "some"}}, 400, "truncation_strategy.type"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_bad_runs_are_refused(client: OpenAI, call: Caller, change: dict[str, Any], status: int, param: str) -> None:
    assistant, thread = client.beta.assistants.create(model="gpt-4o"), client.beta.threads.create()
    body = {"assistant_id": assistant.id, **change}
    got = call("POST", f"/v1/threads/{thread.id}/runs", body, {**BETA})
    assert (got.status, got.error["param"]) == (status, param)
    assert client.beta.threads.runs.list(thread.id).data == []


@pytest.mark.parametrize("wish", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_tool_can_be_forced_or_forbidden(client: OpenAI, world: World, wish: Any) -> None:
    world.pace = 0
    assert start(client, "Good day to you", [WEATHER], tool_choice=wish).status == "requires_action"
    assert start(client, "What is the weather in Paris?", [WEATHER], tool_choice="none").status == "completed"


def test_unknown_include_and_steps_are_refused(client: OpenAI, call: Caller, world: World) -> None:
    run = start(client, "Hello")
    path = f"/v1/threads/{run.thread_id}/runs/{run.id}/steps"
    got = call("GET", f"{path}?include[]=everything", headers={**BETA})
    assert (got.status, got.error["param"]) == (400, "include")
    assert call("GET", f"{path}/step_none", headers={**BETA}).status == 404
    assert call("GET", f"{path}?limit=1", headers={**BETA}).json == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }
