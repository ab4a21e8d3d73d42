"""Tables as a whole, for backups: which there are, and how to empty and fill them."""

import re
from collections.abc import Sequence
from typing import Any, LiteralString, cast

from portico.store.database import Database, Session
from portico.store.migrate import LEDGER, Migration
from portico.store.statement import ROW_COUNT, Statement, of_table

_CREATED = re.compile(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
_STEPS = re.compile(
    r"^(?:CREATE TABLE (?:IF NOT EXISTS )?(?P<made>\w+)|DROP TABLE (?:IF EXISTS )?(?P<gone>\w+)"
    r"|ALTER TABLE (?P<old>\w+) RENAME TO (?P<new>\w+))",
    re.MULTILINE,
)
# Who serves now is not worth keeping; the ledger is written by whoever migrates.
PASSING = frozenset({"replicas"})


def tables_of(migrations: Sequence[Migration]) -> list[LiteralString]:
    """In the order in which they were made, so that what is pointed at comes before what points at it. One and the same
    migration may drop a table and make it anew, or put another in its place."""
    found: list[str] = []
    for step in (step for migration in migrations for step in _STEPS.finditer(migration.text)):
        if made := step["made"]:
            found.append(made)
        elif gone := step["gone"]:
            found.remove(gone)
        else:
            found[found.index(step["old"])] = step["new"]
    return [cast("LiteralString", each) for each in found]  # they stand in our own files


async def drop_all(session: Session, migrations: Sequence[Migration]) -> None:
    every = [name for migration in migrations for name in _CREATED.findall(migration.text)]
    for name in [*reversed(every), LEDGER]:
        await session.script(f"DROP TABLE IF EXISTS {name}")


async def empty(session: Session, tables: Sequence[LiteralString]) -> None:
    for name in reversed(tables):
        await session.script(of_table("DELETE FROM {table}", name))


async def count(session: Session, table: LiteralString) -> int:
    row = await session.one(Statement(of_table(ROW_COUNT, table)))
    return row[0] if row else 0


class Filler:
    """Puts rows from another database into a table, whatever engine they come from."""

    def __init__(self, table: LiteralString, columns: Sequence[str], kinds: dict[str, str]) -> None:
        names = ", ".join(columns)
        values = ", ".join(f":{name}" for name in columns)
        text = "INSERT INTO {table} ({names}) VALUES ({values})"
        text = text.replace("{table}", table).replace("{names}", names).replace("{values}", values)
        self._statement = Statement(cast("LiteralString", text))
        self._columns = columns
        self._truths = frozenset(name for name in columns if kinds.get(name) == "boolean")

    @classmethod
    async def of(cls, database: Database, session: Session, table: LiteralString, columns: Sequence[str]) -> "Filler":
        """Raises KeyError for a column that the table does not have."""
        kinds = await database.columns(session, table)
        return cls(table, columns, {name: kinds[name] for name in columns})

    async def put(self, session: Session, rows: Sequence[Sequence[Any]]) -> None:
        await session.run_many(self._statement, [self._named(row) for row in rows])

    def _named(self, row: Sequence[Any]) -> dict[str, Any]:
        named = dict(zip(self._columns, row, strict=True))
        return named | {name: bool(named[name]) for name in self._truths if named[name] is not None}
