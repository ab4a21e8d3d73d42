"""Loops without a framework, blocking and awaited, whole and streamed: with the official SDK against the sandbox, and
with a client of the Messages API that is made by hand."""

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI

from portico_client import Portico, Tool, ToolManager
from portico_client.adapters.anthropic import arun_messages, run_messages
from portico_client.adapters.openai import arun_chat, arun_responses, run_chat, run_responses
from tests.served import Served, served

MODELS = "list_all_openai_models"
Events = list[Any]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with served(tmp_path_factory.mktemp("loops")) as opened:
        yield opened


@pytest.fixture(scope="module")
def tools(house: Served) -> Generator[list[Tool[Any]]]:
    with Portico(house.url, house.token, account_id=house.account_id) as made:
        yield ToolManager(made).get_tools(methods=[MODELS])


def asked() -> list[Any]:
    return [{"role": "user", "content": "List all the models, please."}]


def heard(events: Events, *, is_streamed: bool) -> Callable[[Any], None] | None:
    return events.append if is_streamed else None


async def talked(house: Served, run: Callable[..., Any], tools: list[Tool[Any]], **more: Any) -> Any:
    """What a loop gives, with the official client of its own kind."""
    if run in {arun_chat, arun_responses}:
        async with AsyncOpenAI(base_url=house.passthrough, api_key=house.token) as awaited:
            return await run(awaited, tools, model="gpt-4o-mini", **more)
    with OpenAI(base_url=house.passthrough, api_key=house.token) as blocking:
        return run(blocking, tools, model="gpt-4o-mini", **more)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("is_awaited", [False, True], ids=["blocking", "awaited"])
async def test_a_chat_runs_what_the_model_calls(
    house: Served, tools: list[Tool[Any]], *, is_awaited: bool, is_streamed: bool
) -> None:
    events: Events = []
    said, on_event = asked(), heard(events, is_streamed=is_streamed)
    run = arun_chat if is_awaited else run_chat
    answer = await talked(house, run, tools, messages=said, on_event=on_event)
    assert [each["role"] for each in said] == ["user", "assistant", "tool", "assistant"]
    assert said[1]["tool_calls"][0]["function"]["name"] == MODELS
    assert "gpt-4o" in said[2]["content"]
    assert answer.choices[0].message.content == said[3]["content"]
    assert bool(events) == is_streamed


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("is_awaited", [False, True], ids=["blocking", "awaited"])
async def test_responses_run_what_the_model_calls(
    house: Served, tools: list[Tool[Any]], *, is_awaited: bool, is_streamed: bool
) -> None:
    events: Events = []
    said, on_event = asked(), heard(events, is_streamed=is_streamed)
    run = arun_responses if is_awaited else run_responses
    answer = await talked(house, run, tools, input=said, on_event=on_event)
    assert [each.get("type") for each in said] == [None, "function_call", "function_call_output", "message"]
    assert "gpt-4o" in said[2]["output"]
    assert answer.output_text
    assert bool(events) == is_streamed


class Block:
    def __init__(self, **facts: Any) -> None:
        self.facts = facts

    def model_dump(self, **_more: Any) -> Json:
        return dict(self.facts)


@dataclass
class Said:
    content: list[Block]


@dataclass
class Messages:
    """`client.messages`, as far as a loop needs it: it calls a tool and then speaks. A stream is its own manager."""

    is_awaited: bool
    requests: list[Json] = field(default_factory=list[Json])

    @property
    def messages(self) -> "Messages":
        return self

    def create(self, **request: Any) -> Any:
        self.requests.append({**request, "messages": list(request["messages"])})
        answer = self.get_final_message()
        return answer

    def stream(self, **request: Any) -> "Messages":
        self.requests.append({**request, "messages": list(request["messages"])})
        return self

    def get_final_message(self) -> Any:
        calls = Block(type="tool_use", id="t1", name=MODELS, input={})
        answer = Said([calls if len(self.requests) == 1 else Block(type="text", text="Those.")])
        return self._later(answer) if self.is_awaited else answer

    async def _later(self, answer: Said) -> Said:
        return answer

    def __enter__(self) -> "Messages":
        return self

    def __exit__(self, *_problem: object) -> None:
        return None

    async def __aenter__(self) -> "Messages":
        return self

    async def __aexit__(self, *_problem: object) -> None:
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(["event"])

    async def __aiter__(self) -> AsyncIterator[str]:
        yield "event"


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("is_awaited", [False, True], ids=["blocking", "awaited"])
async def test_messages_run_what_the_model_calls(
    tools: list[Tool[Any]], *, is_awaited: bool, is_streamed: bool
) -> None:
    events: Events = []
    said, on_event, client = asked(), heard(events, is_streamed=is_streamed), Messages(is_awaited)
    more: Any = {"messages": said, "on_event": on_event, "model": "claude", "max_tokens": 9}
    answer = await arun_messages(client, tools, **more) if is_awaited else run_messages(client, tools, **more)
    assert answer.content[0].facts["text"] == "Those."
    assert [each["role"] for each in said] == ["user", "assistant", "user", "assistant"]
    (result,) = said[2]["content"]
    assert (result["type"], result["tool_use_id"], result["is_error"]) == ("tool_result", "t1", False)
    assert [len(each["messages"]) for each in client.requests] == [1, 3]
    assert {(each["model"], each["max_tokens"], each["tools"][0]["name"]) for each in client.requests} == {
        ("claude", 9, MODELS)
    }
    assert events == (["event", "event"] if is_streamed else [])


def test_a_loop_says_what_it_is_for_in_either_form() -> None:
    assert (run_chat.__doc__ or "").startswith("The last completion.")
    assert (arun_chat.__doc__ or "") == run_chat.__doc__
