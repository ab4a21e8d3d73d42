"""The database as the rest of the store sees it: read, write, and a transaction, on either engine."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, LiteralString, Protocol

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


class Snapshot(Protocol):
    """The database as it was at one moment, whatever is written meanwhile."""

    async def begin(self, table: LiteralString) -> tuple[str, ...]:
        """Start reading a table from its beginning; the names of its columns."""
        ...

    async def take(self, count: int) -> Sequence[Row]:
        """The next rows of that table; none at its end."""
        ...

    async def count(self, table: LiteralString) -> int: ...


class Database(Session, Protocol):
    dialect: Dialect

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]: ...

    async def columns(self, session: Session, table: str) -> dict[str, str]:
        """The columns of a table and the types that they were declared with, in lower case."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """All of it or nothing, durable once the block has been left."""
        ...

    async def lock_schema(self, session: Session) -> None:
        """Make every other process that migrates wait until this transaction ends."""
        ...

    async def close(self) -> None: ...
