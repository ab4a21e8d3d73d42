"""LlamaIndex: an account's tools as its own, for `FunctionAgent(tools=…)` and everything else that takes tools."""

from collections.abc import Sequence
from typing import Any

from portico_client.adapters.needs import needed
from portico_client.adapters.pieces import arguments_model, pictures, words
from portico_client.tools import ToolResult
from portico_client.toolset import Tool

_tools: Any = needed("llama_index.core.tools", "llama-index")
_types: Any = needed("llama_index.core.base.llms.types", "llama-index")


def llama_index_tools(tools: Sequence[Tool[Any]]) -> list[Any]:
    """Each output's `raw_output` is the whole `ToolResult`; `is_error` says whether something went wrong."""
    return [_Own(each) for each in tools]


class _Own(_tools.AsyncBaseTool):
    def __init__(self, tool: Tool[Any]) -> None:
        self._tool = tool
        self._metadata: Any = _tools.ToolMetadata(
            name=tool.name,
            description=tool.description,
            fn_schema=arguments_model(tool, "llama-index"),
        )

    @property
    def metadata(self) -> Any:
        return self._metadata

    def call(self, *_given: Any, **arguments: Any) -> Any:
        return self._output(arguments, self._tool.answer(arguments))

    async def acall(self, *_given: Any, **arguments: Any) -> Any:
        return self._output(arguments, await self._tool.aanswer(arguments))

    def _output(self, arguments: dict[str, Any], result: ToolResult) -> Any:
        shown = [_types.ImageBlock(image=data.encode(), image_mimetype=kind) for kind, data in pictures(result)]
        return _tools.ToolOutput(
            tool_name=self._tool.name,
            blocks=[_types.TextBlock(text=words(result)), *shown],
            raw_input={"kwargs": arguments},
            raw_output=result,
            is_error=result.is_error,
        )
