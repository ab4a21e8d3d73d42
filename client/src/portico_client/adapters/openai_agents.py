"""The OpenAI Agents SDK: an account's tools as `FunctionTool`s."""

from collections.abc import Sequence
from typing import Any

from portico_client.adapters.needs import needed
from portico_client.adapters.pieces import aanswered, data_url, pictures, words
from portico_client.toolset import Tool

_agents: Any = needed("agents", "openai-agents")


def agents_sdk_tools(tools: Sequence[Tool[Any]]) -> list[Any]:
    """For `Agent(tools=…)`. Schemas are not strict: arguments may be left out."""
    return [_tool(each) for each in tools]


def _tool(tool: Tool[Any]) -> Any:
    async def invoke(_context: Any, arguments: str) -> Any:
        result = await aanswered(tool, arguments)
        shown = [_agents.ToolOutputImage(image_url=data_url(each)) for each in pictures(result)]
        return [_agents.ToolOutputText(text=words(result)), *shown] if shown else words(result)

    return _agents.FunctionTool(
        name=tool.name,
        description=tool.description,
        params_json_schema=dict(tool.input_schema),
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )
