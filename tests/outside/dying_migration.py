"""A migration that is killed just before its n-th statement: `python -m tests.outside.dying_migration URL N`."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from portico.store.database import Database, Session
from portico.store.engines import open_database
from portico.store.migrate import migrate


class Dying:
    """A database that counts what it is told to do, and then is no more."""

    def __init__(self, database: Database, left: int) -> None:
        self._database, self.left = database, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Session]:
        async with self._database.transaction() as session:
            yield cast("Session", _Counted(session, self))
            self.count()  # just before it is committed

    def count(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


class _Counted:
    def __init__(self, session: Session, dying: Dying) -> None:
        self._session, self._dying = session, dying

    def __getattr__(self, name: str) -> Any:
        self._dying.count()
        return getattr(self._session, name)


async def main(url: str, left: int) -> None:
    database = await open_database(url, Path())
    await migrate(cast("Database", Dying(database, left)))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
