"""Lists, page after page: `for item in …`, `async for item in …`, or one page at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from portico_client.wire import Flow

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page. Its cursors are opaque; `next_cursor` None: this was the last one."""

    items: list[T]
    next_cursor: str | None = None
    prev_cursor: str | None = None


@dataclass(frozen=True)
class Pages(Generic[T]):
    """How to fetch each page of a list, and where to begin."""

    fetch: Callable[[str], Flow[Any]]
    start: str = ""

    def page(self, cursor: str) -> Flow[Page[T]]:
        answer: Any = yield from self.fetch(cursor)
        return Page(answer["result"], answer.get("next_cursor"), answer.get("prev_cursor"))


class Listing(Generic[T]):
    """Goes through all items of a list; every loop over it begins anew."""

    def __init__(self, run: Callable[[Flow[Page[T]]], Page[T]], pages: Pages[T]) -> None:
        self._run, self._pages = run, pages

    def pages(self) -> Iterator[Page[T]]:
        cursor: str | None = self._pages.start
        while cursor is not None:
            page = self._run(self._pages.page(cursor))
            yield page
            cursor = page.next_cursor

    def page(self) -> Page[T]:
        """The first page alone."""
        return next(self.pages())

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def all(self) -> list[T]:
        return list(self)


class AsyncListing(Generic[T]):
    """Goes through all items of a list; every loop over it begins anew."""

    def __init__(self, run: Callable[[Flow[Page[T]]], Awaitable[Page[T]]], pages: Pages[T]) -> None:
        self._run, self._pages = run, pages

    async def pages(self) -> AsyncIterator[Page[T]]:
        cursor: str | None = self._pages.start
        while cursor is not None:
            page = await self._run(self._pages.page(cursor))
            yield page
            cursor = page.next_cursor

    async def page(self) -> Page[T]:
        """The first page alone."""
        return await self._run(self._pages.page(self._pages.start))

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def all(self) -> list[T]:
        return [item async for item in self]
