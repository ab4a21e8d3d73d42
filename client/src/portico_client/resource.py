"""How an operation is written once and called either way.

A method is a generator that yields wishes (`Send`, `Pause`); `operation` makes of it one that returns in a blocking
client and one that is awaited in the other, and type checkers see which. `listing` and `streaming` do so for lists,
which fetch page after page while they are gone through, and for answers that arrive piece by piece.
"""

import functools
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from portico_client.drivers import Awaiting, Blocking, Driver, Mode
from portico_client.listing import AsyncListing, Listing, Pages
from portico_client.retry import exchange
from portico_client.stream import AsyncStream, Stream, Streamed
from portico_client.wire import Answer, Call, Flow, query_of

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="Resource[Any]")


class Resource(Generic[Mode]):
    """A group of operations, bound to a driver."""

    def __init__(self, driver: Driver[Mode]) -> None:
        self.driver = driver

    def _exchange(self, call: Call) -> Flow[Answer]:
        return exchange(call, self.driver.target.retry)

    def _value(self, call: Call) -> Flow[Any]:
        answer = yield from self._exchange(call)
        return answer.value()

    def _pages(self, path: str, query: Mapping[str, Any]) -> Pages[Any]:
        def fetch(cursor: str) -> Flow[Any]:
            asked = {**query, "next_cursor": cursor} if cursor else query
            return self._value(Call("GET", path, query_of(asked)))

        return Pages(fetch, str(query.get("next_cursor") or ""))


class operation(Generic[S, P, T]):
    """A flow as a method of both kinds of client."""

    def __init__(self, flow: Callable[Concatenate[S, P], Flow[T]]) -> None:
        self._flow = flow
        self.__doc__ = flow.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: Resource[Blocking], kind: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: Resource[Awaiting], kind: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self

        @functools.wraps(self._flow)
        def run(*arguments: P.args, **named: P.kwargs) -> Any:
            return owner.driver.run(self._flow(owner, *arguments, **named))

        return run


class listing(Generic[S, P, T]):
    """A list whose pages are fetched as they are needed."""

    def __init__(self, pages: Callable[Concatenate[S, P], Pages[T]]) -> None:
        self._pages = pages
        self.__doc__ = pages.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: Resource[Blocking], kind: type) -> Callable[P, Listing[T]]: ...
    @overload
    def __get__(self, owner: Resource[Awaiting], kind: type) -> Callable[P, AsyncListing[T]]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self

        @functools.wraps(self._pages)
        def listed(*arguments: P.args, **named: P.kwargs) -> Any:
            return owner.driver.listing(self._pages(owner, *arguments, **named))

        return listed


class streaming(Generic[S, P]):
    """An answer that arrives piece by piece, as a context manager."""

    def __init__(self, streamed: Callable[Concatenate[S, P], Streamed]) -> None:
        self._streamed = streamed
        self.__doc__ = streamed.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: Resource[Blocking], kind: type) -> Callable[P, Stream]: ...
    @overload
    def __get__(self, owner: Resource[Awaiting], kind: type) -> Callable[P, AsyncStream]: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self

        @functools.wraps(self._streamed)
        def opened(*arguments: P.args, **named: P.kwargs) -> Any:
            return owner.driver.stream(self._streamed(owner, *arguments, **named))

        return opened
