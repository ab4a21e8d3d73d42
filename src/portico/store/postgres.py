"""PostgreSQL through psycopg and its pool. Installed with the `postgres` extra."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from portico.errors import AlreadyExists, ChangedMeanwhile, InvalidArguments, Unavailable
from portico.store.database import UNKEEPABLE, Dialect, Row, Session, Snapshot
from portico.store.statement import ALL_ROWS, ROW_COUNT, Statement, of_table

POOL_SIZE = 8
CONNECT_SECONDS = 10.0
REASON_SECONDS = 3
# A server that hangs, or whose machine is gone without a word, says nothing at all: then its connection is cut.
CHECK_SECONDS = 3.0
STATEMENT_SECONDS = 60.0
# So that the system itself notices a machine that is gone; what the address says goes first.
_NETWORK = {
    "connect_timeout": 5, "tcp_user_timeout": 20_000, "keepalives_idle": 20, "keepalives_interval": 5,
    "keepalives_count": 3, "fallback_application_name": "portico",
}  # fmt: skip
READ_ONLY = "PostgreSQL takes no writes just now: it is a standby, or was set to read only; try again shortly."
# Any number will do, as long as no other program uses it as an advisory lock in the same database.
SCHEMA_LOCK = 0x706F727469636F

_COLUMNS = Statement(
    "SELECT :table, ''",
    postgres="SELECT column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND table_name = :table ORDER BY ordinal_position",
)
Connection = psycopg.AsyncConnection[Row]
_log = logging.getLogger("psycopg.pool")


class _Transaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]:
        return await (await self._execute(statement, values)).fetchall()

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        return await (await self._execute(statement, values)).fetchone()

    async def run(self, statement: Statement, **values: Any) -> int:
        return (await self._execute(statement, values)).rowcount

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        async with self._connection.cursor() as cursor:
            with _limited(self._connection):
                await cursor.executemany(statement.postgres.encode(), rows)

    async def script(self, text: str) -> None:
        """However long it takes: migrations do."""
        await self._connection.execute(text.encode())

    async def _execute(self, statement: Statement, values: Mapping[str, Any]) -> psycopg.AsyncCursor[Row]:
        with _limited(self._connection):
            return await self._connection.execute(statement.postgres.encode(), values)


class _Snapshot:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor: psycopg.AsyncServerCursor[Row] | None = None

    async def begin(self, table: LiteralString) -> tuple[str, ...]:
        await self.close()
        self._cursor = self._connection.cursor("portico_snapshot")
        await self._cursor.execute(of_table(ALL_ROWS, table))
        return tuple(each.name for each in self._cursor.description or ())

    async def close(self) -> None:
        if self._cursor is not None:
            await self._cursor.close()

    async def take(self, count: int) -> Sequence[Row]:
        return await self._cursor.fetchmany(count) if self._cursor else ()

    async def count(self, table: LiteralString) -> int:
        row = await (await self._connection.execute(of_table(ROW_COUNT, table))).fetchone()
        return row[0] if row else 0


class Postgres:
    dialect: Dialect = "postgres"

    def __init__(self, pool: AsyncConnectionPool[Connection], url: str) -> None:
        self._pool, self._url = pool, url

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Session]:
        try:
            async with self._pool.connection() as connection, _writable(connection), _whole(connection):
                yield _Transaction(connection)
        except psycopg.errors.UniqueViolation:
            raise AlreadyExists from None
        except psycopg.errors.ForeignKeyViolation:
            raise ChangedMeanwhile from None
        except psycopg.DataError:
            raise InvalidArguments(sentence=UNKEEPABLE) from None
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as problem:
            raise Unavailable from problem

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Snapshot]:
        """On a connection of its own, which the pool need not miss for as long as this may take."""
        try:
            async with await psycopg.AsyncConnection.connect(self._url) as connection:
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
                snapshot = _Snapshot(connection)
                try:
                    yield snapshot
                finally:
                    await snapshot.close()
        except psycopg.OperationalError as problem:
            raise Unavailable from problem

    async def columns(self, session: Session, table: str) -> dict[str, str]:
        rows = await session.all(_COLUMNS, table=table)
        return {name: kind.lower() for name, kind in rows}

    async def lock_schema(self, session: Session) -> None:
        await session.script(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})")

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]:
        async with self.transaction() as session:
            return await session.all(statement, **values)

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        async with self.transaction() as session:
            return await session.one(statement, **values)

    async def run(self, statement: Statement, **values: Any) -> int:
        async with self.transaction() as session:
            return await session.run(statement, **values)

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        async with self.transaction() as session:
            await session.run_many(statement, rows)

    async def script(self, text: str) -> None:
        async with self.transaction() as session:
            await session.script(text)

    async def close(self) -> None:
        await self._pool.close()


@contextmanager
def _limited(connection: Connection, seconds: float = 0) -> Generator[None]:
    timer = asyncio.get_running_loop().call_later(seconds or STATEMENT_SECONDS, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: Connection) -> None:
    """Whoever waits on it hears that it is broken. To cancel would not do: psycopg then waits for the server's word."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as its_own:
        its_own.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def _whole(connection: Connection) -> AsyncGenerator[None]:
    """All or nothing; its ends are waited for no longer than its statements."""
    transaction = connection.transaction()
    with _limited(connection):
        await transaction.__aenter__()
    try:
        yield
    except BaseException as problem:
        with _limited(connection):
            await transaction.__aexit__(type(problem), problem, problem.__traceback__)
        raise
    with _limited(connection):
        await transaction.__aexit__(None, None, None)


@asynccontextmanager
async def _writable(connection: Connection) -> AsyncGenerator[None]:
    """A server that takes no writes is a standby, or out of room; the next connection may lead to one that does."""
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction as problem:
        await connection.close()
        raise Unavailable(READ_ONLY) from problem


async def _check(connection: Connection) -> None:
    with _limited(connection, CHECK_SECONDS):
        await AsyncConnectionPool.check_connection(connection)


def network_of(url: str) -> dict[str, Any]:
    """What connections are told besides the address: so much of it as that does not say itself."""
    try:
        said = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return {}  # the pool will say what is wrong with it
    return {name: value for name, value in _NETWORK.items() if name not in said}


async def open_postgres(url: str) -> Postgres:
    pool = AsyncConnectionPool[Connection](
        url,
        min_size=1,
        max_size=POOL_SIZE,
        open=False,
        kwargs=network_of(url),
        check=_check,
        timeout=CONNECT_SECONDS,
    )
    _log.setLevel(logging.ERROR)  # what it would say of each try is said once, below
    try:
        await pool.open(wait=True, timeout=CONNECT_SECONDS)
    except PoolTimeout:
        await pool.close()
        sentence = "PostgreSQL does not answer at the address in PORTICO_DATABASE_URL"
        raise Unavailable(f"{sentence}: {await _reason(url)}.") from None
    finally:
        _log.setLevel(logging.NOTSET)
    return Postgres(pool, url)


async def _reason(url: str) -> str:
    """Why there is no connection, in the server's or the system's words, which repeat no password."""
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=REASON_SECONDS)
    except psycopg.OperationalError as problem:
        return str(problem).strip().partition("\n")[0].removeprefix("connection failed: ").rstrip(".")
    except psycopg.Error:
        return "it is no address that can be understood"
    await connection.close()
    return "it answers now; try again"
