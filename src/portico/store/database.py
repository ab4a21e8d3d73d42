"""The database as the rest of the store sees it: read, write, and a transaction, on either engine."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from portico.store.statement import Statement

Dialect = Literal["sqlite", "postgres"]
UNKEEPABLE = "A value is larger than the database can keep, or holds characters that it cannot."
Row = tuple[Any, ...]


class Session(Protocol):
    """Something that statements can be run on: the database itself, or one open transaction."""

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]: ...

    async def one(self, statement: Statement, **values: Any) -> Row | None: ...

    async def run(self, statement: Statement, **values: Any) -> int:
        """How many rows it changed."""
        ...

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None: ...

    async def script(self, text: str) -> None: ...


class Database(Session, Protocol):
    dialect: Dialect

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """All of it or nothing, durable once the block has been left."""
        ...

    async def lock_schema(self, session: Session) -> None:
        """Make every other process that migrates wait until this transaction ends."""
        ...

    async def close(self) -> None: ...
