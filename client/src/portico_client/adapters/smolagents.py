"""smolagents: an account's tools as its own, for `ToolCallingAgent` and `CodeAgent`."""

from collections.abc import Mapping, Sequence
from typing import Any

from portico_client.adapters.needs import needed
from portico_client.adapters.pieces import words
from portico_client.toolset import Tool
from portico_client.wire import Json

_smolagents: Any = needed("smolagents", "smolagents")


def smolagents_tools(tools: Sequence[Tool[Any]]) -> list[Any]:
    """Blocking, as smolagents is: make the tools with `Portico`. Results are text; code reads them with
    `json.loads`."""
    return [_Own(each) for each in tools]


class _Own(_smolagents.Tool):
    # Its arguments come by name, whatever they are called.
    skip_forward_signature_validation = True

    def __init__(self, tool: Tool[Any]) -> None:
        self.name, self.description, self.output_type = tool.name, tool.description, "string"
        self.inputs = {
            name: _input(schema, is_required=name in tool.required) for name, schema in tool.properties.items()
        }
        self._tool = tool
        _smolagents.Tool.__init__(self)

    def forward(self, **arguments: Any) -> str:
        """Code that fills in everything writes None for what it leaves out."""
        given = {name: value for name, value in arguments.items() if value is not None or name in self._tool.required}
        return words(self._tool.answer(given))


def _input(schema: Mapping[str, Any], *, is_required: bool) -> Json:
    told = {"type": "any", "description": "", **schema}
    return told if is_required else {**told, "nullable": True}
