"""Every statement is understood by both engines, and every one that touches a tenant's table names the environment."""

import importlib
import pkgutil
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

import portico.store
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.sealed import TABLES
from portico.store.statement import Statement
from tests.postgres import PostgresServer

# Shared by all environments, or asked before anybody's environment is known.
SHARED_TABLES = {"pragma_table_info", "schema_migrations", "root_keys", "changes", "replicas", "rotations"} | {
    "people",
    "sessions",
    "setup_codes",
    "identities",
    "provider_sessions",
    "begun_sign_ins",
    "counted_attempts",
    "oauth_clients",
}
TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)", re.IGNORECASE)


def within(value: object) -> list[Statement]:
    """Those that a module keeps together under one name."""
    if not isinstance(value, dict):
        return []
    found: list[Statement] = []
    for kept in cast("dict[Any, Any]", value).values():
        several = cast("tuple[Any, ...]", kept) if isinstance(kept, tuple) else (kept,)
        found += [each for each in several if isinstance(each, Statement)]
    return found


def statements() -> list[tuple[str, Statement]]:
    found: list[tuple[str, Statement]] = []
    for module_info in pkgutil.iter_modules(portico.store.__path__):
        module = importlib.import_module(f"portico.store.{module_info.name}")
        named = {name: value for name, value in vars(module).items() if isinstance(value, Statement)}
        found += [(f"{module_info.name}.{name}", value) for name, value in named.items()]
        for name, value in vars(module).items():
            found += [(f"{module_info.name}.{name}", each) for each in within(value)]
    found += [(f"sealed.{each.name}.{name}", value) for each in TABLES for name, value in each.statements().items()]
    return found


@pytest.fixture(scope="module")
def migrated_url(engine: str, request: pytest.FixtureRequest) -> str:
    if engine == "sqlite":
        return f"sqlite:///{request.getfixturevalue('migrated_sqlite')}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.address(request.getfixturevalue("migrated_postgres"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_database(migrated_url: str) -> AsyncGenerator[Database]:
    """One for all statements: none of them is run."""
    opened = await open_database(migrated_url, Path())
    yield opened
    await opened.close()


ALL = statements()
OF_ONE_ENVIRONMENT = [
    each for each in ALL if not each[0].startswith(("operators.", "environments.", "rotations.", "sealed.", "survey."))
]


@pytest.mark.asyncio(loop_scope="module")
async def test_every_statement_is_prepared_by_the_engine(shared_database: Database) -> None:
    assert len({name for name, _ in ALL}) > 300
    for name, statement in ALL:
        try:
            await prepare(shared_database, statement)
        except Exception as problem:
            problem.add_note(name)
            raise


async def prepare(database: Database, statement: Statement) -> None:
    if database.dialect == "sqlite":
        names = re.findall(r"(?<![:\w]):([a-z_]+)", statement.sqlite)
        await database.all(Statement(f"EXPLAIN {statement.sqlite}"), **dict.fromkeys(names))  # pyright: ignore[reportArgumentType] -- a test's own text
        return
    numbered: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return numbered.setdefault(match[1], f"${len(numbered) + 1}")

    text = re.sub(r"%\((\w+)\)s", number, statement.postgres)
    await database.script(f"PREPARE checked AS {text}")
    await database.script("DEALLOCATE checked")


def test_every_statement_on_a_tenants_table_names_the_environment() -> None:
    for name, statement in OF_ONE_ENVIRONMENT:
        tables = set(TABLE.findall(statement.sqlite)) - SHARED_TABLES - {"set", "SET"}
        if tables:
            assert "environment_id" in statement.sqlite, f"{name} reads or writes {tables} of every environment"
