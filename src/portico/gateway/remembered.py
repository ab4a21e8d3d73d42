"""A small cache whose entries live for seconds: what is looked up while the truth changes is never kept."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """At most `most` entries, each for `seconds`. `forget` also keeps out what is being looked up at that moment:
    a look-up that began before a change must not outlive it."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._held: dict[K, tuple[float, V]] = {}
        self._generation = 0

    def forget(self) -> None:
        self._generation += 1
        self._held.clear()

    def peek(self, key: K) -> V | None:
        """What is held under the key, if anything is."""
        held = self._held.get(key)
        return held[1] if held is not None and held[0] > time.monotonic() else None

    async def get(self, key: K, look_up: Callable[[], Awaitable[V]]) -> V:
        """What is held under the key, else what the look-up gives. What it raises is not kept."""
        held = self._held.get(key)
        if held is not None and held[0] > time.monotonic():
            return held[1]
        generation = self._generation
        value = await look_up()
        if generation == self._generation:
            if len(self._held) >= self._most:
                self._held.clear()
            self._held[key] = (time.monotonic() + self._seconds, value)
        return value
