"""The official SDK's two kinds in the same words: what the one answers at once, the other has to be awaited for."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from openai import AsyncOpenAI, OpenAI

T = TypeVar("T")
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Sdk:
    """The client is typed as the synchronous one; both have the same methods."""

    client: OpenAI | AsyncOpenAI

    @property
    def ask(self) -> OpenAI:
        return cast("OpenAI", self.client)


@asynccontextmanager
async def opened(kind: type[OpenAI] | type[AsyncOpenAI], url: str, token: str, **more: Any) -> AsyncGenerator[Sdk]:
    """One client, closed in the end. The SDK has a setting for each of OpenAI's two keys; our token serves for both."""
    client = kind(base_url=url, api_key=token, admin_api_key=token, timeout=PATIENCE_SECONDS, **more)
    try:
        yield Sdk(client)
    finally:
        await settled(cast("Any", client).close())


async def settled(given: T | Awaitable[T]) -> T:
    """The answer itself."""
    return cast("T", await given) if inspect.isawaitable(given) else cast("T", given)


async def every(given: Iterable[T] | AsyncIterable[T] | Awaitable[Any]) -> list[T]:
    """All items of a stream or of a list's pages."""
    if isinstance(given, AsyncIterable):
        return [each async for each in given]
    made: Any = await settled(cast("Any", given))
    if isinstance(made, AsyncIterable):
        return [each async for each in cast("AsyncIterable[T]", made)]
    return list(cast("Iterable[T]", made))
