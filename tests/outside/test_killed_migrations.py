"""A migration that is killed: whole steps stand, and the next start finishes it.

Killed at a few statements of every run, at each of them at full size.
"""

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.migrate import known_migrations, migrate, statements
from portico.store.statement import Statement
from tests.conftest import ENGINES
from tests.postgres import PostgresServer
from tests.size import IS_FULL, dice

pytestmark = [pytest.mark.outside, pytest.mark.chaos, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
STATEMENTS = sum(len(statements(each.text)) for each in known_migrations())
LEDGER = Statement("SELECT number, name FROM schema_migrations ORDER BY number")
SQLITE = Statement("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
POSTGRES = Statement(
    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
    "WHERE table_schema = 'public' UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes "
    "WHERE schemaname = 'public' ORDER BY 1, 2"
)


@contextmanager
def empty(request: pytest.FixtureRequest, engine: str, path: Path) -> Generator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


def dies(url: str, place: int) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.outside.dying_migration", url, str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


async def schema(database: Database) -> list[tuple[Any, ...]]:
    rows = await database.all(SQLITE if database.dialect == "sqlite" else POSTGRES)
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_next_start_finishes_what_was_killed(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with empty(request, engine, tmp_path / "whole.db") as url:
        database = await open_database(url, tmp_path)
        await migrate(database)
        whole = await schema(database)
        await database.close()
    # Each step counts a few more statements than its file has: the lock, the ledger, its record, the commit.
    places = range(STATEMENTS) if IS_FULL else sorted(dice().sample(range(STATEMENTS), 2))
    for place in places:
        with empty(request, engine, tmp_path / f"{place}.db") as url:
            died = await asyncio.to_thread(dies, url, place)
            assert died.returncode == -9, f"at statement {place}: {died.stderr}"
            database = await open_database(url, tmp_path)
            finished = await migrate(database)
            steps = [row[1] for row in await database.all(LEDGER)]
            assert finished == steps[len(steps) - len(finished) :], f"at statement {place}"
            assert steps == [each.name for each in known_migrations()]
            assert await schema(database) == whole, f"at statement {place}"
            await database.close()
