"""Tools as agents hold them: a name, a sentence, a schema, and something to call. `ToolManager(account).get_tools(…)`.

They belong to no framework: what one needs to know of a tool is its name, its sentence and its schema.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, cast

from portico_client.drivers import Awaiting, Blocking, Mode
from portico_client.errors import ApiError, PorticoError
from portico_client.resource import operation
from portico_client.tools import ToolResult, Tools
from portico_client.wire import Flow, Json, is_record


@dataclass(frozen=True)
class Tool(Generic[Mode]):
    """One tool. `call` and `acall` give text for a model, also where something went wrong; `run` the whole result."""

    name: str
    description: str
    input_schema: Json
    annotations: Json
    tags: tuple[str, ...]
    tools: Tools[Mode] = field(repr=False)

    @property
    def reads_only(self) -> bool:
        return bool(self.annotations.get("readOnlyHint"))

    @property
    def properties(self) -> Json:
        return dict(self.input_schema.get("properties") or {})

    @property
    def required(self) -> list[str]:
        return list(self.input_schema.get("required") or ())

    def run(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The result. In a blocking client only; see `acall` for the other."""
        if self.is_async:
            raise TypeError("this tool belongs to an AsyncPortico: await arun, or make the tools with Portico")
        return cast("Tools[Blocking]", self.tools).run(self.name, arguments)

    async def arun(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The result, awaited; a blocking client's call runs in a thread."""
        if self.is_async:
            return await cast("Tools[Awaiting]", self.tools).run(self.name, arguments)
        return await asyncio.to_thread(self.run, arguments)

    def call(self, arguments: Mapping[str, Any]) -> str:
        try:
            return said(self.run(arguments))
        except PorticoError as problem:
            return said(failed(problem))

    async def acall(self, arguments: Mapping[str, Any]) -> str:
        try:
            return said(await self.arun(arguments))
        except PorticoError as problem:
            return said(failed(problem))

    @property
    def is_async(self) -> bool:
        return self.tools.is_async


class ToolManager(Tools[Mode]):
    """Chooses an account's tools: `ToolManager(client.of(account_id)).get_tools(methods=["read"])`."""

    def __init__(self, account: "HasTools[Mode]") -> None:
        super().__init__(account.tools.driver, account.tools.account_id)

    @operation
    def get_tools(
        self,
        *,
        methods: Sequence[str] = (),
        tags: Sequence[str] = (),
        include_removed: bool = False,
    ) -> Flow[list[Tool[Mode]]]:
        """The account's tools that pass both filters."""
        rows = yield from self._listed(methods, tags, include_removed)
        return [self._tool(row) for row in rows]

    def _tool(self, row: Json) -> Tool[Mode]:
        return Tool(
            name=row["name"],
            description=row["description"],
            input_schema=row["input_schema"],
            annotations=row["annotations"],
            tags=tuple(row["tags"]),
            tools=self,
        )


class HasTools(Generic[Mode]):
    """Whatever has an account's tools: a client, or `client.of(account_id)`."""

    tools: Tools[Mode]


def said(result: ToolResult) -> str:
    """The words for a model. That it is an error is said first, for frameworks that keep no flag."""
    return f"Error: {result.text}" if result.is_error and not _says_so(result) else result.text


def failed(problem: PorticoError) -> ToolResult:
    """What went wrong on the way to the tool, as a result that a model can act on."""
    facts: Json = problem.told() if isinstance(problem, ApiError) else {"error": str(problem)}
    if problem.retry_after is not None:
        facts["retry_after_seconds"] = problem.retry_after
    return ToolResult([{"type": "text", "text": json.dumps(facts, ensure_ascii=False)}], facts, is_error=True)


def _says_so(result: ToolResult) -> bool:
    return is_record(result.structured) and "error" in result.structured
