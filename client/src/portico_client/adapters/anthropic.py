"""Anthropic's tools for the Messages API, and the loop that runs what the model calls."""

from collections.abc import Sequence
from typing import Any, cast

from portico_client.adapters.pieces import pictures, words
from portico_client.adapters.turns import MOST_TURNS, Asking, Called, OnEvent, Talk, conversation
from portico_client.tools import ToolResult
from portico_client.toolset import Tool
from portico_client.wire import Json, is_record


def anthropic_tools(tools: Sequence[Tool[Any]]) -> list[Json]:
    """For `client.messages.create(tools=…)`."""
    return [
        {"name": each.name, "description": each.description, "input_schema": dict(each.input_schema)} for each in tools
    ]


@conversation
def run_messages(
    client: Any,
    tools: Sequence[Tool[Any]],
    *,
    messages: list[Any],
    most_turns: int = MOST_TURNS,
    on_event: OnEvent | None = None,
    **request: Any,
) -> Asking:
    """The last message. Everything said is added to `messages`; `on_event` hears every event of a streamed answer.
    The rest goes with each request: `model`, `max_tokens`, `system`, …"""
    asked = {"messages": messages, "tools": anthropic_tools(tools), **request}
    return Asking(
        Talk(MessageWire(), messages, tools, most_turns), client.messages, asked, "get_final_message", on_event
    )


# With an `AsyncAnthropic`, awaited.
arun_messages = run_messages.awaited


class MessageWire:
    """Messages with blocks. All results of one turn stand in one message of the user, as the API wants them."""

    def open_calls(self, said: Sequence[Any]) -> list[Called]:
        blocks = [block for message in said for block in _blocks(message)]
        answered = {each["tool_use_id"] for each in blocks if each.get("type") == "tool_result"}
        return [
            Called(each["id"], each["name"], each["input"])
            for each in blocks
            if each.get("type") == "tool_use" and each["id"] not in answered
        ]

    def add_result(self, said: list[Any], called: Called, result: ToolResult) -> None:
        shown = [
            {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}
            for kind, data in pictures(result)
        ]
        content = [{"type": "text", "text": words(result)}, *shown]
        block = {
            "type": "tool_result",
            "tool_use_id": called.id,
            "content": content,
            "is_error": result.is_error,
        }
        last = said[-1]
        if is_record(last) and last.get("role") == "user" and isinstance(last.get("content"), list):
            last["content"].append(block)
        else:
            said.append({"role": "user", "content": [block]})

    def add_answer(self, said: list[Any], answer: Any) -> None:
        blocks = [each.model_dump(mode="json", exclude_none=True) for each in answer.content]
        for block in blocks:
            block.pop("parsed_output", None)
        said.append({"role": "assistant", "content": blocks})


def _blocks(message: Any) -> list[Json]:
    content: Any = message.get("content") if is_record(message) else None
    if not isinstance(content, list):
        return []
    return [each for each in cast("list[Any]", content) if is_record(each)]
