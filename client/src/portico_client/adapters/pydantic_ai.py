"""Pydantic AI: an account's tools as its `Tool`s."""

from collections.abc import Sequence
from typing import Any

from portico_client.adapters.needs import needed
from portico_client.adapters.pieces import pictures, words
from portico_client.tools import ToolResult
from portico_client.toolset import Tool

_ai: Any = needed("pydantic_ai", "pydantic-ai")
_exceptions: Any = needed("pydantic_ai.exceptions", "pydantic-ai")


def pydantic_ai_tools(tools: Sequence[Tool[Any]]) -> list[Any]:
    """For `Agent(tools=…)` or a `FunctionToolset`. Where something went wrong, the model is told so and goes on: no
    attempt is counted, as with a `ModelRetry`."""
    return [_tool(each) for each in tools]


def _tool(tool: Tool[Any]) -> Any:
    async def run(**arguments: Any) -> Any:
        return _shown(await tool.aanswer(arguments))

    return _ai.Tool.from_schema(run, tool.name, tool.description, dict(tool.input_schema))


def _shown(result: ToolResult) -> Any:
    if result.is_error:
        raise _exceptions.ToolFailed(words(result))
    shown = [_ai.BinaryContent.from_data_uri(f"data:{kind};base64,{data}") for kind, data in pictures(result)]
    return [words(result), *shown] if shown else words(result)
