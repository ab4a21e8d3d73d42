"""OpenAI's own function tools, for chat completions and responses, and the loop that runs what the model calls.

The client is the official SDK's, and it may be pointed at anything that speaks the same wire, such as Portico's
`/passthrough/{account}`.
"""

from collections.abc import Sequence
from typing import Any

from portico_client.adapters.pieces import data_url, pictures, words
from portico_client.adapters.turns import MOST_TURNS, Asking, Called, OnEvent, Talk, conversation
from portico_client.tools import ToolResult
from portico_client.toolset import Tool
from portico_client.wire import Json, is_record


def chat_tools(tools: Sequence[Tool[Any]]) -> list[Json]:
    """For `client.chat.completions.create(tools=…)`. Not strict: arguments may be left out."""
    return [{"type": "function", "function": _function(each)} for each in tools]


def response_tools(tools: Sequence[Tool[Any]]) -> list[Json]:
    """For `client.responses.create(tools=…)`."""
    return [{"type": "function", **_function(each)} for each in tools]


@conversation
def run_chat(
    client: Any,
    tools: Sequence[Tool[Any]],
    *,
    messages: list[Any],
    most_turns: int = MOST_TURNS,
    on_event: OnEvent | None = None,
    **request: Any,
) -> Asking:
    """The last completion. Everything said is added to `messages`; `on_event` hears every event of a streamed answer.
    The rest goes with each request: `model`, `temperature`, …"""
    asked = {"messages": messages, "tools": chat_tools(tools), **request}
    talk = Talk(ChatWire(), messages, tools, most_turns)
    return Asking(talk, client.chat.completions, asked, "get_final_completion", on_event)


@conversation
def run_responses(
    client: Any,
    tools: Sequence[Tool[Any]],
    *,
    input: list[Any],
    most_turns: int = MOST_TURNS,
    on_event: OnEvent | None = None,
    **request: Any,
) -> Asking:
    """The last response. Everything said is added to `input`; nothing depends on what is stored at the vendor."""
    asked = {"input": input, "tools": response_tools(tools), **request}
    return Asking(
        Talk(ResponseWire(), input, tools, most_turns), client.responses, asked, "get_final_response", on_event
    )


# With an `AsyncOpenAI`, awaited.
arun_chat, arun_responses = run_chat.awaited, run_responses.awaited


class ChatWire:
    """Messages of chat completions. A tool's message is text; a picture in a result is told, not shown."""

    def open_calls(self, said: Sequence[Any]) -> list[Called]:
        answered = {each["tool_call_id"] for each in said if is_record(each) and each.get("role") == "tool"}
        return [
            Called(call["id"], call["function"]["name"], call["function"]["arguments"])
            for message in said
            if is_record(message) and message.get("role") == "assistant"
            for call in message.get("tool_calls") or ()
            if call.get("type", "function") == "function" and call["id"] not in answered
        ]

    def add_result(self, said: list[Any], called: Called, result: ToolResult) -> None:
        said.append({"role": "tool", "tool_call_id": called.id, "content": words(result)})

    def add_answer(self, said: list[Any], answer: Any) -> None:
        message = answer.choices[0].message.model_dump(mode="json", exclude_none=True)
        message.pop("parsed", None)
        for call in message.get("tool_calls") or ():
            call["function"].pop("parsed_arguments", None)
        said.append(message)


class ResponseWire:
    """Items of responses."""

    def open_calls(self, said: Sequence[Any]) -> list[Called]:
        items = [each for each in said if is_record(each)]
        answered = {each["call_id"] for each in items if each.get("type") == "function_call_output"}
        return [
            Called(each["call_id"], each["name"], each["arguments"])
            for each in items
            if each.get("type") == "function_call" and each["call_id"] not in answered
        ]

    def add_result(self, said: list[Any], called: Called, result: ToolResult) -> None:
        shown = [{"type": "input_image", "image_url": data_url(each)} for each in pictures(result)]
        output = [{"type": "input_text", "text": words(result)}, *shown] if shown else words(result)
        said.append({"type": "function_call_output", "call_id": called.id, "output": output})

    def add_answer(self, said: list[Any], answer: Any) -> None:
        for item in answer.output:
            kept = item.model_dump(mode="json", exclude_none=True)
            kept.pop("parsed_arguments", None)
            said.append(kept)


def _function(tool: Tool[Any]) -> Json:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.input_schema),
        "strict": False,
    }
