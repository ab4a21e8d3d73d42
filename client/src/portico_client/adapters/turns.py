"""The loop of an agent without a framework: ask the model, run what it calls, ask again.

Written once and driven by `run` or `arun`, as are the adapters' own loops: `conversation` makes both of a function that
says whom to ask, and how. What is said stands in the caller's own list, so that whoever is interrupted
in the middle, by a rate limit that the tools raise, goes on with the same list: calls that have no answer yet are run
first, and none is run twice.
"""

import functools
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Protocol

from portico_client.adapters.pieces import aanswered, answered, refused
from portico_client.errors import PorticoError
from portico_client.tools import ToolResult
from portico_client.toolset import Tool
from portico_client.wire import Json

MOST_TURNS = 20
OnEvent = Callable[[Any], None]
P = ParamSpec("P")


class TooManyTurns(PorticoError):
    """The model still calls tools after as many turns as it was given."""


@dataclass(frozen=True)
class Called:
    """A call that the model made and that has no answer yet."""

    id: str
    name: str
    arguments: Any


class Wire(Protocol):
    """How one API writes calls and answers down."""

    def open_calls(self, said: Sequence[Any]) -> list[Called]: ...

    def add_result(self, said: list[Any], called: Called, result: ToolResult) -> None: ...

    def add_answer(self, said: list[Any], answer: Any) -> None: ...


@dataclass(frozen=True)
class Talk:
    """One conversation: what was said, with which tools, on whose wire."""

    wire: Wire
    said: list[Any]
    tools: Sequence[Tool[Any]]
    most_turns: int = MOST_TURNS

    def run(self, ask: Callable[[], Any]) -> Any:
        """The model's last answer. `ask` sends what was said so far."""
        flow, value = self._flow(), None
        while True:
            try:
                wish = flow.send(value)
            except StopIteration as end:
                return end.value
            value = ask() if wish is None else self._result(wish)

    async def arun(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        flow, value = self._flow(), None
        while True:
            try:
                wish = flow.send(value)
            except StopIteration as end:
                return end.value
            value = await ask() if wish is None else await self._aresult(wish)

    def results(self) -> list[Json]:
        """Runs the calls that have no answer yet; the entries that were added, for loops of one's own."""
        before = len(self.said)
        for called in self.wire.open_calls(self.said):
            self.wire.add_result(self.said, called, self._result(called))
        return self.said[before:]

    async def aresults(self) -> list[Json]:
        before = len(self.said)
        for called in self.wire.open_calls(self.said):
            self.wire.add_result(self.said, called, await self._aresult(called))
        return self.said[before:]

    def _flow(self) -> Generator[Called | None, Any, Any]:
        for _ in range(self.most_turns):
            for called in self.wire.open_calls(self.said):
                self.wire.add_result(self.said, called, (yield called))
            answer = yield None
            self.wire.add_answer(self.said, answer)
            if not self.wire.open_calls(self.said):
                return answer
        raise TooManyTurns(f"The model still calls tools after {self.most_turns} turns. Give it more, or fewer tools.")

    def _result(self, called: Called) -> ToolResult:
        tool = self._find(called)
        return answered(tool, called.arguments) if tool else self._unknown(called)

    async def _aresult(self, called: Called) -> ToolResult:
        tool = self._find(called)
        return await aanswered(tool, called.arguments) if tool else self._unknown(called)

    def _find(self, called: Called) -> Tool[Any] | None:
        return next((each for each in self.tools if each.name == called.name), None)

    def _unknown(self, called: Called) -> ToolResult:
        names = ", ".join(each.name for each in self.tools[:20])
        return refused(f"There is no tool {called.name[:100]!r}. There are: {names}.")


@dataclass(frozen=True)
class Asking:
    """A conversation with a model behind an SDK's `resource`, which has `create` and `stream`. `request` goes with each
    question; `whole` is what a stream calls its answer once it is there."""

    talk: Talk
    resource: Any
    request: Json
    whole: str
    on_event: OnEvent | None = None

    def now(self) -> Any:
        if self.on_event is None:
            return self.resource.create(**self.request)
        with self.resource.stream(**self.request) as stream:
            for event in stream:
                self.on_event(event)
            return getattr(stream, self.whole)()

    async def awaited(self) -> Any:
        if self.on_event is None:
            return await self.resource.create(**self.request)
        async with self.resource.stream(**self.request) as stream:
            async for event in stream:
                self.on_event(event)
            return await getattr(stream, self.whole)()


class conversation(Generic[P]):
    """A loop that blocks, of a function that describes it; `awaited` is the same with an SDK's asynchronous client."""

    def __init__(self, describe: Callable[P, Asking]) -> None:
        self._describe = describe
        functools.update_wrapper(self, describe)

    def __call__(self, *given: P.args, **named: P.kwargs) -> Any:
        asking = self._describe(*given, **named)
        return asking.talk.run(asking.now)

    @property
    def awaited(self) -> Callable[P, Coroutine[Any, Any, Any]]:
        @functools.wraps(self._describe)
        async def run(*given: P.args, **named: P.kwargs) -> Any:
            asking = self._describe(*given, **named)
            return await asking.talk.arun(asking.awaited)

        return run
