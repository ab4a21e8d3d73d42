"""LangChain and LangGraph: an account's tools as `StructuredTool`s, with both `invoke` and `ainvoke`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from portico_client.adapters.needs import needed
from portico_client.adapters.pieces import pictures, words
from portico_client.tools import ToolResult
from portico_client.toolset import Tool
from portico_client.wire import Json

_tools: Any = needed("langchain_core.tools", "langchain")


def langchain_tools(tools: Sequence[Tool[Any]]) -> list[Any]:
    """For `create_agent(model, tools)` or a `ToolNode`. A message's `artifact` is the whole `ToolResult` as a
    dict, which every checkpointer keeps; where something went wrong, its status is `error` and its content says what to
    do next."""
    return [_tool(each) for each in tools]


def _tool(tool: Tool[Any]) -> Any:
    def run(**arguments: Any) -> tuple[Any, Json]:
        return _shown(tool.answer(arguments))

    async def arun(**arguments: Any) -> tuple[Any, Json]:
        return _shown(await tool.aanswer(arguments))

    return _tools.StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=dict(tool.input_schema),
        func=run,
        coroutine=arun,
        response_format="content_and_artifact",
        handle_tool_error=True,
        tags=list(tool.tags),
        metadata={"reads_only": tool.reads_only},
    )


def _shown(result: ToolResult) -> tuple[Any, Json]:
    if result.is_error:
        raise _tools.ToolException(words(result))
    shown: list[Any] = [{"type": "image", "base64": data, "mime_type": kind} for kind, data in pictures(result)]
    return ([{"type": "text", "text": words(result)}, *shown] if shown else words(result)), asdict(result)
