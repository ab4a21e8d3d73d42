"""Google's Agent Development Kit: an account's tools as its `BaseTool`s, with schemas in words that Gemini knows."""

from collections.abc import Sequence
from typing import Any

from portico_client.adapters.needs import needed
from portico_client.adapters.pieces import for_gemini, words
from portico_client.toolset import Tool
from portico_client.wire import Json, is_record

_tools: Any = needed("google.adk.tools.base_tool", "google-adk")
_types: Any = needed("google.genai.types", "google-adk")


def adk_tools(tools: Sequence[Tool[Any]]) -> list[Any]:
    """For `Agent(tools=…)`. A model gets the structured value; what went wrong stands under `error`."""
    return [_Own(each) for each in tools]


class _Own(_tools.BaseTool):
    def __init__(self, tool: Tool[Any]) -> None:
        _tools.BaseTool.__init__(self, name=tool.name, description=tool.description)
        self._tool = tool

    def _get_declaration(self) -> Any:
        return _types.FunctionDeclaration(
            name=self._tool.name,
            description=self._tool.description,
            parameters_json_schema=for_gemini(self._tool.input_schema),
        )

    async def run_async(self, *, args: Json, tool_context: Any) -> Json:
        result = await self._tool.aanswer(args)
        if is_record(result.structured):
            return result.structured
        return {"error" if result.is_error else "result": words(result)}
