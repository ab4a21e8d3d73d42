"""Tools as agents hold them: a name, a sentence, a schema, and something to call. `ToolManager(account).get_tools(…)`.

They belong to no framework: what one needs to know of a tool is its name, its sentence and its schema. `adapters` makes
a framework's own tools of them.
"""

import asyncio
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, cast

from portico_client import discovery
from portico_client.drivers import Awaiting, Blocking, Driver, Mode
from portico_client.errors import ApiError, PorticoError
from portico_client.resource import operation
from portico_client.tools import ToolFailed, ToolResult, Tools
from portico_client.wire import Flow, Json, is_record


@dataclass(frozen=True)
class Tool(Generic[Mode]):
    """One tool. `run` gives its result and raises what goes wrong on the way there; `answer` gives a result in any
    case, `call` the same as text for a model; with an `a` before the name, awaited.

    `raises_rate_limits`: where there is something to wait for, `answer` and `call` raise (`retry_after` says how long),
    for agents whose program pauses, instead of telling the model.
    """

    name: str
    description: str
    input_schema: Json
    annotations: Json
    tags: tuple[str, ...]
    driver: Driver[Mode] = field(repr=False)
    flow: Callable[[Mapping[str, Any]], Flow[ToolResult]] = field(repr=False)
    raises_rate_limits: bool = False

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
        """The result. In a blocking client only; see `arun` for the other."""
        if self.is_async:
            raise TypeError(f"{self.name} belongs to an AsyncPortico: await it, or make the tools with Portico.")
        return cast("Driver[Blocking]", self.driver).run(self.flow(arguments))

    async def arun(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The result, awaited; a blocking client's call runs in a thread."""
        if self.is_async:
            return await cast("Driver[Awaiting]", self.driver).run(self.flow(arguments))
        return await asyncio.to_thread(self.run, arguments)

    def answer(self, arguments: Mapping[str, Any]) -> ToolResult:
        try:
            return self._checked(self.run(arguments))
        except PorticoError as problem:
            return self._told(problem)

    async def aanswer(self, arguments: Mapping[str, Any]) -> ToolResult:
        try:
            return self._checked(await self.arun(arguments))
        except PorticoError as problem:
            return self._told(problem)

    def call(self, arguments: Mapping[str, Any]) -> str:
        return said(self.answer(arguments))

    async def acall(self, arguments: Mapping[str, Any]) -> str:
        return said(await self.aanswer(arguments))

    @property
    def is_async(self) -> bool:
        return self.driver.is_async

    def _checked(self, result: ToolResult) -> ToolResult:
        return result.checked() if self.raises_rate_limits and result.retry_after is not None else result

    def _told(self, problem: PorticoError) -> ToolResult:
        if self.raises_rate_limits and problem.retry_after is not None:
            raise problem
        return problem.result if isinstance(problem, ToolFailed) else failed(problem)


class ToolManager(Tools[Mode]):
    """Chooses an account's tools: `ToolManager(client.of(account_id)).get_tools(methods=["read"])`."""

    def __init__(self, account: "HasTools[Mode]", *, raise_rate_limits: bool = False) -> None:
        super().__init__(account.tools.driver, account.tools.account_id)
        self._raises = raise_rate_limits

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

    def discovery(self, *, methods: Sequence[str] = (), tags: Sequence[str] = ()) -> list[Tool[Mode]]:
        """Four tools that find, describe and run all others that pass both filters, for models that need not know a
        hundred. Nothing is asked of the gateway before one of them is called."""
        stock = discovery.Stock(functools.partial(self._listed, methods, tags), self._run)
        return [self._made(row, functools.partial(stock.run, row["name"])) for row in discovery.ROWS]

    def _tool(self, row: Json) -> Tool[Mode]:
        return self._made(row, functools.partial(self._run, row["name"]))

    def _made(self, row: Json, flow: Callable[[Mapping[str, Any]], Flow[ToolResult]]) -> Tool[Mode]:
        return Tool(
            name=row["name"],
            description=row["description"],
            input_schema=row["input_schema"],
            annotations=row["annotations"],
            tags=tuple(row["tags"]),
            driver=self.driver,
            flow=flow,
            raises_rate_limits=self._raises,
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
