"""CrewAI: an account's tools as its `BaseTool`s."""

from collections.abc import Sequence
from typing import Any

from portico_client.adapters.needs import needed
from portico_client.adapters.pieces import arguments_model, words
from portico_client.toolset import Tool

_tools: Any = needed("crewai.tools", "crewai")


def crewai_tools(tools: Sequence[Tool[Any]]) -> list[Any]:
    """For `Agent(tools=…)` or `Task(tools=…)`."""
    return [_Own(tool=each) for each in tools]


class _Own(_tools.BaseTool):
    tool: Any

    def __init__(self, tool: Tool[Any]) -> None:
        _tools.BaseTool.__init__(
            self,
            name=tool.name,
            description=tool.description,
            args_schema=arguments_model(tool, "crewai"),
            tool=tool,
        )

    def _run(self, **arguments: Any) -> str:
        return words(self.tool.answer(_filled(arguments)))

    async def _arun(self, **arguments: Any) -> str:
        return words(await self.tool.aanswer(_filled(arguments)))


def _filled(arguments: dict[str, Any]) -> dict[str, Any]:
    """Without those that were filled in as not given."""
    return {name: value for name, value in arguments.items() if value is not None}
