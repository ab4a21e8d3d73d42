"""How caches learn that something changed, in this process at once and in every other within half a second.

Each topic has a counter in the database that is raised in the same transaction as the change. Every process looks at
the counters twice a second and empties the caches of the topics that moved.
"""

import asyncio
from collections.abc import Callable
from typing import Literal

from portico.errors import Unavailable
from portico.store.database import Database, Session
from portico.store.statement import Statement
from portico.tasks import end

Topic = Literal["tokens", "accounts", "integrations", "servers", "keys", "arrivals", "quotas"]
POLL_SECONDS = 0.5

_RAISE = Statement("UPDATE changes SET number = number + 1 WHERE topic = :topic")
_ALL = Statement("SELECT topic, number FROM changes")


class Changes:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._at_each_look: list[Callable[[], None]] = []
        self._seen: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def listen(self, topic: Topic, listener: Callable[[], None]) -> None:
        """Call this whenever something under the topic changed, anywhere."""
        self._listeners.setdefault(topic, []).append(listener)

    def at_each_look(self, listener: Callable[[], None]) -> None:
        """Call this twice a second: for what changes by time alone, so that no call needs to ask for it."""
        self._at_each_look.append(listener)

    async def tell(self, session: Session, topic: Topic) -> None:
        """To be called in the transaction that makes the change, and `apply` after it."""
        await session.run(_RAISE, topic=topic)

    def apply(self, topic: Topic) -> None:
        for listener in self._listeners.get(topic, ()):
            listener()

    async def start(self) -> None:
        self._seen = await self._read()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        if self._task:
            await end([self._task])

    async def look(self) -> None:
        for listener in self._at_each_look:
            listener()
        current = await self._read()
        for topic, number in current.items():
            if self._seen.get(topic) != number:
                for listener in self._listeners.get(topic, ()):
                    listener()
        self._seen = current

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.look()
            except Unavailable:
                continue  # the database is away; caches expire by themselves meanwhile

    async def _read(self) -> dict[str, int]:
        return {topic: number for topic, number in await self._database.all(_ALL)}
