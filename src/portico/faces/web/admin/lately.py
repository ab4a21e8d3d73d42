"""What was asked for lately and takes a vendor long: once for all who look, kept for a while, told with its age.

A page shows at once what is there. What is not goes on being asked for behind it, whether or not somebody stays to see.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from portico.clock import Clock
from portico.shapes import Json
from portico.tasks import end

KEPT = timedelta(minutes=10)
# A failure is kept for whoever was told to wait for it, and then asked for again.
KEPT_FAILED = timedelta(seconds=10)
AT_ONCE_SECONDS = 0.25
MOST_KEPT = 200


class Told(Struct, frozen=True, kw_only=True):
    value: Json
    at: datetime

    @property
    def is_failure(self) -> bool:
        return "error" in self.value


class Lately:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[Hashable, Told] = {}
        self._asking: dict[Hashable, asyncio.Task[None]] = {}

    def ask(self, key: Hashable, work: Callable[[], Awaitable[Json]], *, again: bool = False) -> None:
        """Unless it is known, or being asked for. `again`: what is known is not enough."""
        known = self._told.get(key)
        if known is not None and (again or self._clock() - known.at > (KEPT_FAILED if known.is_failure else KEPT)):
            del self._told[key]
        if key in self._told or key in self._asking:
            return
        self._asking[key] = asyncio.create_task(self._find_out(key, work))

    async def look(self, keys: Sequence[Hashable], *, patiently: bool = False) -> list[Told | None]:
        """What is told of each; None where it is still being asked for. `patiently`: until all of it is there."""
        asking = [self._asking[key] for key in keys if key in self._asking]
        if asking:
            await asyncio.wait(asking, timeout=None if patiently else AT_ONCE_SECONDS)
        return [self._told.get(key) for key in keys]

    async def close(self) -> None:
        if self._asking:
            await end(self._asking.values())

    async def _find_out(self, key: Hashable, work: Callable[[], Awaitable[Json]]) -> None:
        value: Json = {"error": "It could not be asked for."}
        try:
            value = await work()
        finally:
            del self._asking[key]
            while len(self._told) >= MOST_KEPT:
                del self._told[next(iter(self._told))]
            self._told[key] = Told(value=value, at=self._clock())
