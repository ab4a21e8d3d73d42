"""SQLite through apsw: one writer and a few readers, each on a thread of its own, in WAL mode with full syncing."""

import asyncio
import itertools
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Literal, LiteralString, TypeVar

import apsw

from portico.errors import AlreadyExists, ChangedMeanwhile, InvalidArguments, Refusal, Unavailable
from portico.store.database import UNKEEPABLE, Dialect, Row, Session, Snapshot
from portico.store.statement import ALL_ROWS, ROW_COUNT, Statement, of_table

T = TypeVar("T")
# The library's own types name a Buffer that Python 3.11 does not have.
Connection = Any

# From 3.7.0 to 3.51.2 a WAL database can be corrupted when two connections checkpoint and commit at once.
FIRST_SAFE_VERSION = (3, 51, 3)
READERS = 2
BUSY_MILLISECONDS = 10_000
_OUT_OF_ORDER = (
    apsw.BusyError, apsw.LockedError, apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError,
    apsw.NotADBError, apsw.CorruptError,
)  # fmt: skip


# What an operator has to mend, by the library's word for it.
_REASONS: dict[type[Exception], str] = {
    apsw.FullError: "its disk is full",
    apsw.ReadOnlyError: "it may not be written",
    apsw.NotADBError: "its file is damaged; a backup has to be put back",
    apsw.CorruptError: "its file is damaged; a backup has to be put back",
    apsw.BusyError: "somebody else holds it",
    apsw.LockedError: "somebody else holds it",
}
_COLUMNS = Statement("SELECT name, type FROM pragma_table_info(:table)", postgres="SELECT :table, ''")


class Moved(Unavailable):
    """The database's file was deleted or replaced while in use: stop Portico, put it or a backup back, start again."""


class UnsafeSqlite(Refusal):
    """This SQLite library can corrupt databases in WAL mode; install apsw 3.51.3 or newer, which brings its own."""

    code = "unsafe_sqlite"


def refuse_unsafe(version: str) -> None:
    if tuple(int(part) for part in version.split(".")[:3]) < FIRST_SAFE_VERSION:
        raise UnsafeSqlite(f"SQLite {version} can corrupt databases in WAL mode; install apsw 3.51.3 or newer.")


class Thread:
    """One connection and the only thread that ever touches it."""

    def __init__(self, path: str, name: str, *, writes: bool) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._path, self._writes = path, writes
        self._connection: Connection | None = None

    async def start(self) -> None:
        await self.submit(lambda _: None)

    async def submit(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self.do, work)

    async def stop(self) -> None:
        await self.submit(lambda connection: connection.close())
        self._executor.shutdown()

    def do(self, work: Callable[[Connection], T]) -> T:
        """On this thread; the library's problems become ours."""
        try:
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)
        except apsw.ConstraintError as problem:
            if "UNIQUE" in str(problem):
                raise AlreadyExists from None
            if "FOREIGN KEY" in str(problem):
                raise ChangedMeanwhile from None
            raise
        except OverflowError:
            raise InvalidArguments(sentence=UNKEEPABLE) from None
        except _OUT_OF_ORDER as problem:
            raise Unavailable(f"The database cannot be used just now: {_reason(problem)}.") from problem

    def _open(self) -> Connection:
        connection: Connection = apsw.Connection(self._path)
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"synchronous={Sqlite.synchronous}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if not self._writes:
            connection.execute("PRAGMA query_only=ON").fetchall()
        return connection


class _Transaction:
    def __init__(self, thread: Thread) -> None:
        self._thread = thread

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]:
        return await self._thread.submit(lambda c: c.execute(statement.sqlite, values).fetchall())

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        return await self._thread.submit(lambda c: c.execute(statement.sqlite, values).fetchone())

    async def run(self, statement: Statement, **values: Any) -> int:
        def work(connection: Connection) -> int:
            connection.execute(statement.sqlite, values).fetchall()
            return connection.changes()

        return await self._thread.submit(work)

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        await self._thread.submit(lambda c: c.executemany(statement.sqlite, rows).fetchall())

    async def script(self, text: str) -> None:
        await self._thread.submit(lambda c: c.execute(text).fetchall())


class _Snapshot:
    """A reading transaction on a connection of its own: in WAL mode it sees one moment and holds up nobody."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread
        self._rows: Iterator[Row] = iter(())

    async def begin(self, table: LiteralString) -> tuple[str, ...]:
        def work(connection: Connection) -> tuple[str, ...]:
            self._rows = iter(connection.execute(of_table(ALL_ROWS, table)))
            return tuple(row[1] for row in connection.execute("PRAGMA table_info(" + table + ")"))

        return await self._thread.submit(work)

    async def take(self, count: int) -> Sequence[Row]:
        return await self._thread.submit(lambda _: list(itertools.islice(self._rows, count)))

    async def count(self, table: LiteralString) -> int:
        return await self._thread.submit(lambda c: c.execute(of_table(ROW_COUNT, table)).fetchone()[0])


class Sqlite:
    """Reads go to the readers in turn; every write is a transaction on the one writer."""

    dialect: Dialect = "sqlite"
    # What is acknowledged survives a power cut. Tests that end none wait for nothing.
    synchronous: ClassVar[Literal["FULL", "OFF"]] = "FULL"
    # Nor need a test's own gateway hand each statement to a thread and back.
    thread: ClassVar[type[Thread]] = Thread

    def __init__(self, path: str) -> None:
        self._path = path
        self._writer = self.thread(path, "sqlite-writer", writes=True)
        self._readers = [self.thread(path, f"sqlite-reader-{index}", writes=False) for index in range(READERS)]
        self._turn = itertools.cycle([_Transaction(reader) for reader in self._readers])
        self._lock = asyncio.Lock()
        self._file: tuple[int, int] | None = None

    async def start(self) -> None:
        for thread in (self._writer, *self._readers):
            await thread.start()
        self._file = _identity(self._path)

    def _is_there(self) -> None:
        """SQLite goes on with a file that has no name any more, and says nothing. Raises Moved."""
        if _identity(self._path) != self._file:
            raise Moved

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Session]:
        async with self._lock:
            self._is_there()
            session = _Transaction(self._writer)
            try:
                # Inside, because a caller who leaves while it waits does not stop the statement from beginning.
                await session.script("BEGIN IMMEDIATE")
                yield session
                await session.script("COMMIT")
            except BaseException:
                await asyncio.shield(self._writer.submit(_roll_back))
                raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Snapshot]:
        thread = self.thread(self._path, "sqlite-snapshot", writes=False)
        try:
            # The first read fixes the moment.
            await thread.submit(lambda c: [c.execute("BEGIN"), c.execute("SELECT 1 FROM sqlite_master").fetchall()])
            yield _Snapshot(thread)
        finally:
            await asyncio.shield(thread.stop())

    async def columns(self, session: Session, table: str) -> dict[str, str]:
        rows = await session.all(_COLUMNS, table=table)
        return {name: kind.lower() for name, kind in rows}

    async def lock_schema(self, session: Session) -> None:
        """Nothing to do: BEGIN IMMEDIATE already keeps every other writer out."""

    async def all(self, statement: Statement, **values: Any) -> Sequence[Row]:
        self._is_there()
        return await next(self._turn).all(statement, **values)

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        self._is_there()
        return await next(self._turn).one(statement, **values)

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
        for thread in (*self._readers, self._writer):
            await thread.stop()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _reason(problem: Exception) -> str:
    return _REASONS.get(type(problem), type(problem).__name__)


def _roll_back(connection: Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK").fetchall()


async def open_sqlite(path: str) -> Sqlite:
    """Made where it is not there yet, for nobody else to read: its companions take after it."""
    refuse_unsafe(apsw.sqlite_lib_version())
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as problem:
        raise Unavailable(f"The database {path} cannot be opened: {problem.strerror}.") from None
    database = Sqlite(path)
    try:
        await database.start()
    except Unavailable as problem:
        reason = _reason(problem.__cause__) if isinstance(problem.__cause__, Exception) else problem.sentence
        raise Unavailable(f"The database {path} cannot be used: {reason}.") from problem
    return database
