"""Bring a database to the newest schema: numbered files, forward only, each applied once and checked ever after."""

import hashlib
from functools import cache
from importlib import resources
from typing import NamedTuple

from portico.clock import now, to_milliseconds
from portico.errors import Refusal
from portico.store.database import Database, Session
from portico.store.statement import Statement

LEDGER = "schema_migrations"
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL
)
"""
_APPLIED = Statement("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
_RECORD = Statement(
    "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES (:number, :name, :checksum, :applied_at)"
)


class SchemaMismatch(Refusal):
    """The database was written by another version of Portico than this one can work with."""

    code = "schema_mismatch"


class Migration(NamedTuple):
    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def known_migrations() -> list[Migration]:
    return list(_shipped())


@cache
def _shipped() -> tuple[Migration, ...]:
    folder = resources.files("portico.store") / "migrations"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(Migration(int(entry.name[:4]), entry.name[5:-4], entry.read_text("utf-8")) for entry in files)


async def migrate(database: Database, migrations: list[Migration] | None = None) -> list[str]:
    """Apply what is missing, one transaction for each; the names of those applied. Safe to run in many processes."""
    migrations = known_migrations() if migrations is None else migrations
    applied_now: list[str] = []
    while missing := await _apply_next(database, migrations):
        applied_now.append(missing.name)
    return applied_now


async def _apply_next(database: Database, migrations: list[Migration]) -> Migration | None:
    """The first that was missing: another process may have applied some since the last look."""
    async with database.transaction() as session:
        await database.lock_schema(session)
        await session.script(_LEDGER)
        missing = await _missing(session, migrations)
        if not missing:
            return None
        await _apply(session, missing[0])
        return missing[0]


async def apply_all(session: Session, migrations: list[Migration]) -> None:
    """In an open transaction, on a database that has none of them."""
    await session.script(_LEDGER)
    await apply_more(session, migrations)


async def apply_more(session: Session, migrations: list[Migration]) -> None:
    for migration in migrations:
        await _apply(session, migration)


async def schema_of(database: Database) -> int:
    """The number of the newest migration that was applied; 0 where there is none."""
    async with database.transaction() as session:
        if not await is_begun(database, session):
            return 0
        return max((number for number, _, _ in await session.all(_APPLIED)), default=0)


async def applied(database: Database) -> list[tuple[int, str]]:
    """The migrations that this database has, by number and name, in their order."""
    return [(int(number), str(name)) for number, name, _ in await database.all(_APPLIED)]


async def is_begun(database: Database, session: Session) -> bool:
    """Whether there is a schema of ours at all."""
    return bool(await database.columns(session, LEDGER))


async def _apply(session: Session, migration: Migration) -> None:
    for statement in statements(migration.text):
        await session.script(statement)
    await session.run(
        _RECORD,
        number=migration.number,
        name=migration.name,
        checksum=migration.checksum,
        applied_at=to_milliseconds(now()),
    )


async def _missing(session: Session, known: list[Migration]) -> list[Migration]:
    applied = {number: (name, checksum) for number, name, checksum in await session.all(_APPLIED)}
    newest = max(each.number for each in known)
    if unknown := [number for number in applied if number > newest]:
        raise SchemaMismatch(
            f"The database has schema {max(unknown)}, this Portico knows up to {newest}; install a newer Portico."
        )
    for each in known:
        if each.number in applied and applied[each.number][1] != each.checksum:
            raise SchemaMismatch(f"Migration {each.number} ({each.name}) was changed after it had been applied.")
    return [each for each in known if each.number not in applied]


def statements(text: str) -> list[str]:
    """The statements of a file: separated by a semicolon at the end of a line, comments dropped."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    parts = ("\n".join(lines) + "\n").split(";\n")
    return [part.strip() for part in parts if part.strip()]
