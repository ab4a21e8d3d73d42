"""Starts runs and looks at them through the official SDK, for the tests of runs and of their streams."""

# The SDK marks the whole Assistants API as deprecated; the emulator answers it all the same.
# pyright: reportDeprecated=false

from collections.abc import Callable
from typing import Any, cast

from openai import OpenAI
from openai.types.beta.threads import Run
from openai.types.beta.threads.runs import RunStep, ToolCall

from portico.sandbox.state import World

BETA = {"openai-beta": "assistants=v2"}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CONTENT: Any = ["step_details.tool_calls[*].file_search.results[*].content"]


def start(client: OpenAI, said: str, tools: Any = (), **settings: Any) -> Run:
    assistant = client.beta.assistants.create(model="gpt-4o", tools=tools, instructions="Be brief.")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": said}])
    create = cast("Callable[..., Run]", client.beta.threads.runs.create)
    return create(thread.id, assistant_id=assistant.id, **settings)


def again(client: OpenAI, run: Run) -> Run:
    return client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)


def steps(client: OpenAI, run: Run, **query: Any) -> list[RunStep]:
    return client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc", **query).data


def tool_call(step: RunStep) -> ToolCall:
    assert step.step_details.type == "tool_calls"
    (call,) = step.step_details.tool_calls
    return call


def last_text(client: OpenAI, run: Run) -> str:
    (part,) = client.beta.threads.messages.list(run.thread_id, limit=1).data[0].content
    assert part.type == "text"
    return part.text.value


def answer(client: OpenAI, run: Run, output: str) -> Run:
    assert run.required_action is not None
    calls = run.required_action.submit_tool_outputs.tool_calls
    outputs: Any = [{"tool_call_id": call.id, "output": output} for call in calls]
    return client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)


def ask_weather(client: OpenAI, world: World) -> Run:
    """A run that waits for its caller's function."""
    run = start(client, "What is the weather in Paris?", [WEATHER])
    world.advance(3)
    run = again(client, run)
    assert run.status == "requires_action"
    return run


def searched(client: OpenAI, world: World) -> Run:
    """A run that finds its answer in a file."""
    world.pace = 0
    file = client.files.create(file=("tea.txt", b"Tea is served at four in the garden."), purpose="assistants")
    store = client.vector_stores.create(file_ids=[file.id])
    assistant = client.beta.assistants.create(
        model="gpt-4o",
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
    )
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "When is tea served?"}])
    return client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
