"""Migrations: from nothing to the newest schema, all of a step or none of it, on no database but our own."""

import asyncio
from pathlib import Path

import pytest

from portico.errors import Refusal
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.migrate import Migration, SchemaMismatch, known_migrations, migrate, statements
from portico.store.statement import Statement

LEDGER = Statement("SELECT number, name FROM schema_migrations ORDER BY number")
FIRST = Migration(1, "first", "CREATE TABLE first (id TEXT PRIMARY KEY);\nINSERT INTO first VALUES ('a');\n")
SECOND = Migration(2, "second", "CREATE TABLE second (id TEXT PRIMARY KEY);\nINSERT INTO second VALUES ('b');\n")
DYING = Migration(
    2,
    "dying",
    "CREATE TABLE second (id TEXT PRIMARY KEY);\nINSERT INTO first VALUES ('b');\nINSERT INTO nowhere VALUES (1);\n",
)


@pytest.fixture
async def empty(empty_database_url: str, tmp_path: Path) -> Database:
    return await open_database(empty_database_url, tmp_path)


async def exists(database: Database, table: str) -> bool:
    sqlite = Statement("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name")
    postgres = Statement("SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tablename = :name")
    return await database.one(sqlite if database.dialect == "sqlite" else postgres, name=table) is not None


async def test_a_fresh_database_gets_everything_and_then_nothing_more(empty: Database) -> None:
    everything = [each.name for each in known_migrations()]
    assert await migrate(empty) == everything
    assert await migrate(empty) == []
    assert [row[1] for row in await empty.all(LEDGER)] == everything
    assert await exists(empty, "accounts")
    await empty.close()


async def test_an_older_database_gets_what_is_missing(empty: Database) -> None:
    assert await migrate(empty, [FIRST]) == ["first"]
    assert await migrate(empty, [FIRST, SECOND]) == ["second"]
    assert await empty.all(Statement("SELECT id FROM first")) == [("a",)]
    assert await empty.all(Statement("SELECT id FROM second")) == [("b",)]
    await empty.close()


async def test_several_that_start_at_once_apply_each_step_once(
    empty: Database, empty_database_url: str, tmp_path: Path
) -> None:
    others = [await open_database(empty_database_url, tmp_path) for _ in range(3)]
    applied = await asyncio.gather(*(migrate(each) for each in (empty, *others)))
    assert sorted(name for names in applied for name in names) == sorted(each.name for each in known_migrations())
    for each in (empty, *others):
        await each.close()


async def test_a_step_that_dies_between_its_statements_leaves_nothing(empty: Database) -> None:
    await migrate(empty, [FIRST])
    with pytest.raises(Exception, match="nowhere"):
        await migrate(empty, [FIRST, DYING])
    assert not await exists(empty, "second")
    assert await empty.all(Statement("SELECT id FROM first")) == [("a",)]
    assert [row[0] for row in await empty.all(LEDGER)] == [1]
    assert await migrate(empty, [FIRST, SECOND]) == ["second"]  # and the mended one applies
    await empty.close()


async def test_steps_before_one_that_dies_are_kept(empty: Database) -> None:
    with pytest.raises(Exception, match="nowhere"):
        await migrate(empty, [FIRST, DYING])
    assert [row[1] for row in await empty.all(LEDGER)] == ["first"]
    await empty.close()


async def test_a_step_that_was_changed_afterwards_is_refused(empty: Database) -> None:
    await migrate(empty, [FIRST])
    with pytest.raises(SchemaMismatch, match=r"1 \(first\) was changed"):
        await migrate(empty, [FIRST._replace(text=FIRST.text + "-- a word more\n"), SECOND])
    assert not await exists(empty, "second")
    await empty.close()


async def test_the_schema_of_a_newer_portico_is_refused(empty: Database) -> None:
    await migrate(empty, [FIRST, SECOND])
    with pytest.raises(SchemaMismatch, match="has schema 2, this Portico knows up to 1"):
        await migrate(empty, [FIRST])
    await empty.close()


async def test_refusals_tell_the_command_line_what_to_do() -> None:
    assert issubclass(SchemaMismatch, Refusal)


def test_known_migrations_ascend_and_no_number_is_given_twice() -> None:
    numbers = [each.number for each in known_migrations()]
    assert numbers == sorted(set(numbers))


TEXTS = {
    "": [],
    "-- only words\n": [],
    "CREATE TABLE a (b TEXT);": ["CREATE TABLE a (b TEXT)"],
    "CREATE TABLE a (\n  b TEXT\n);\n\n-- then\nINSERT INTO a VALUES ('x; y');\n": [
        "CREATE TABLE a (\n  b TEXT\n)",
        "INSERT INTO a VALUES ('x; y')",
    ],
}


@pytest.mark.parametrize(("text", "parts"), TEXTS.items(), ids=range(len(TEXTS)))
def test_files_are_cut_into_statements(text: str, parts: list[str]) -> None:
    assert statements(text) == parts


def test_migrations_are_numbered_from_one_without_gap_or_twin() -> None:
    numbers = [each.number for each in known_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
