"""A PostgreSQL that says nothing any more, because it hangs or its machine is gone, or that takes no writes."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from portico.errors import Unavailable
from portico.store import postgres
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.postgres import network_of
from portico.store.statement import Statement
from portico.store.survey import takes_writes
from tests.postgres import PostgresServer

pytestmark = pytest.mark.postgres
ONE = Statement("SELECT 1")


@dataclass
class Wire:
    """What stands between a gateway and its database, and can stop to carry anything."""

    host: str
    port: str
    is_silent: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.host.startswith("/"):
            theirs, to_them = await asyncio.open_unix_connection(f"{self.host}/.s.PGSQL.{self.port}")
        else:
            theirs, to_them = await asyncio.open_connection(self.host, int(self.port))
        both = [asyncio.create_task(self._along(*way)) for way in ((reader, to_them), (theirs, writer))]
        self.tasks.update(both)
        await asyncio.wait(both)
        to_them.close()
        writer.close()

    async def _along(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                if not self.is_silent:
                    writer.write(piece)
            writer.close()


@pytest.fixture
def wire(postgres_server: PostgresServer) -> Wire:
    said = conninfo_to_dict(postgres_server.url)
    return Wire(str(said.get("host", "127.0.0.1")), str(said.get("port", 5432)))


@pytest.fixture
async def far(
    wire: Wire, postgres_server: PostgresServer, migrated_postgres: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Database]:  # fmt: skip
    """The database at the other end of the wire."""
    monkeypatch.setattr(postgres, "CHECK_SECONDS", 0.3)
    monkeypatch.setattr(postgres, "STATEMENT_SECONDS", 0.5)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 2.0)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    with postgres_server.database(migrated_postgres) as url:
        said = conninfo_to_dict(url)
        who = f"{said['user']}:{said['password']}" if "password" in said else said["user"]
        here = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        opened = await open_database(f"postgresql://{who}@{here}/{said['dbname']}", tmp_path)
        try:
            yield opened
        finally:
            await opened.close()
            server.close()
            for task in wire.tasks:
                task.cancel()
            await asyncio.gather(*wire.tasks, return_exceptions=True)


async def seconds_until_refused(database: Database, statement: Statement) -> float:
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await database.one(statement)
    return time.monotonic() - began


async def test_a_statement_that_is_never_answered_is_given_up_and_the_next_is_answered(far: Database) -> None:
    assert await seconds_until_refused(far, Statement("SELECT pg_sleep(20)")) < 3
    assert await far.one(ONE) == (1,)


async def test_whoever_asks_while_it_is_silent_is_refused_in_time_and_served_afterwards(
    far: Database, wire: Wire
) -> None:
    assert await far.one(ONE) == (1,)
    wire.is_silent = True
    assert max(await asyncio.gather(*(seconds_until_refused(far, ONE) for _ in range(12)))) < 6
    wire.is_silent = False
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(Unavailable):
            assert await far.one(ONE) == (1,)
            return
    pytest.fail("it was not found again")


async def test_a_transaction_whose_end_is_never_answered_is_refused(far: Database, wire: Wire) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await _end_in_silence(far, wire)
    assert time.monotonic() - began < 4


async def _end_in_silence(far: Database, wire: Wire) -> None:
    async with far.transaction() as session:
        await session.one(ONE)
        wire.is_silent = True


async def test_a_server_that_takes_no_writes_is_unavailable_and_another_connection_is_tried(far: Database) -> None:
    """As a standby is during a switch: what was to be written waits, and is neither lost nor an error of ours."""
    await far.script("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    assert not await takes_writes(far)
    with pytest.raises(Unavailable, match="takes no writes"):
        await far.script("CREATE TABLE more (id TEXT)")
    await far.script("CREATE TABLE more (id TEXT)")
    assert await takes_writes(far)


async def test_what_an_address_says_of_the_network_goes_first() -> None:
    assert network_of("postgresql://h/d?tcp_user_timeout=1")["keepalives_idle"] == 20
    assert "tcp_user_timeout" not in network_of("postgresql://h/d?tcp_user_timeout=1")
    assert network_of("postgresql://h:x/d?nonsense=1") == {}
