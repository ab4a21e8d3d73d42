"""SQLite without its threads, for gateways in a test's own process: a statement is done where it is asked for."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import apsw

from portico.errors import Unavailable
from portico.store import sqlite
from portico.store.sqlite import Connection, Thread

T = TypeVar("T")


class InPlace(Thread):
    """Others have their turn before each statement, as they have while a thread does it; and also while somebody else
    holds the file, because that may be another gateway in this very loop."""

    async def submit(self, work: Callable[[Connection], T]) -> T:
        late = time.monotonic() + sqlite.BUSY_MILLISECONDS / 1000
        await asyncio.sleep(0)
        while True:
            try:
                return self.do(work)
            except Unavailable as problem:
                if not isinstance(problem.__cause__, apsw.BusyError) or time.monotonic() > late:
                    raise
            await asyncio.sleep(0.002)

    def _open(self) -> Connection:
        connection = super()._open()
        # Whoever waited here would keep everybody waiting.
        connection.set_busy_timeout(0)
        return connection
