"""The fixtures that the whole suite shares: clock, databases, sandbox, gateway, client, caller."""

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import hypothesis
import pytest
from hypothesis import HealthCheck

from portico.app import Portico
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.migrate import migrate
from portico.store.sqlite import Sqlite, Thread
from tests.gateways import Client, open_client, open_gateway
from tests.in_place import InPlace
from tests.postgres import PostgresServer, start_postgres
from tests.size import IS_FULL
from tests.unclosed import SOCKETS, noted

# How long an example takes says how busy the machine is, and nothing about the code.
hypothesis.settings.register_profile(
    "any machine",
    hypothesis.settings(),
    deadline=None,
    max_examples=400 if IS_FULL else 40,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")
MASTER_KEY = "a2V5IGZvciB0ZXN0cyBvbmx5LCBkbyBub3QgdXNlISE="
MISSING: dict[str, str] = {}
# A gateway in a test's own process need not survive a power cut, and waits for no disk. Programs that are started do.
KEPT = Sqlite.synchronous
Sqlite.synchronous = "OFF"
# Nor does it hand its statements to threads, which takes longer than most of them do.
Sqlite.thread = InPlace
ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class HeldClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **units: float) -> None:
        self.moment += timedelta(**units)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture(scope="session")
def postgres_server() -> Generator[PostgresServer]:
    """One PostgreSQL for the whole session; every test gets a database of its own in it.

    Not in pytest's own folder: another run of pytest takes the rights to that away from the server's user.
    """
    with TemporaryDirectory(prefix="portico-postgres-", ignore_cleanup_errors=True) as folder:
        server = start_postgres(Path(folder))
        if isinstance(server, str):
            MISSING["PostgreSQL"] = server
            pytest.skip(server)
        with server:
            yield server


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema and nothing in it."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Generator[str]:
    """The name of a database with the newest schema and nothing in it."""
    with postgres_server.database() as url:
        asyncio.run(_migrate(url))
        yield url.partition("?")[0].rpartition("/")[2]


async def _migrate(url: str) -> None:
    opened = await open_database(url, Path())
    await migrate(opened)
    await opened.close()


@pytest.fixture
def empty_database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The address of a database without any schema, on each engine in turn."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/portico.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """The address of a migrated database, on each engine in turn."""
    if engine == "sqlite":
        path = tmp_path / "portico.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.lent(request.getfixturevalue("migrated_postgres")) as url:
        yield url


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite as its users have it: each connection on a thread of its own."""
    monkeypatch.setattr(Sqlite, "thread", Thread)


@pytest.fixture
async def database(database_url: str, tmp_path: Path, threads: None) -> AsyncGenerator[Database]:
    """A migrated database, on each engine in turn."""
    opened = await open_database(database_url, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, master_key=MASTER_KEY)


@pytest.fixture(scope="session")
def running_world() -> Generator[tuple[World, str]]:
    """One sandbox for all tests: starting and stopping one takes longer than most of them."""
    made = World()
    with running(made) as url:
        yield made, url


@pytest.fixture
def world(running_world: tuple[World, str]) -> World:
    """The sandbox's state, as in the beginning; change its clock, faults and settings at will."""
    made, _ = running_world
    made.reset()
    return made


@pytest.fixture
def sandbox_url(world: World, running_world: tuple[World, str]) -> str:
    assert list(world.requests) == []
    return running_world[1]


@pytest.fixture
async def gateway(settings: Settings, sandbox_url: str) -> AsyncGenerator[Portico]:
    """A gateway in this process, on SQLite, whose OpenAI is the sandbox."""
    async with AsyncExitStack() as stack:
        yield await open_gateway(stack, replace(settings, vendor_base_urls=(f"openai={sandbox_url}/v1",)))


@pytest.fixture
async def client(gateway: Portico) -> AsyncGenerator[Client]:
    """Speaks to the gateway over ASGI with a token that has every scope."""
    async with open_client(gateway) as opened:
        yield opened


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(SOCKETS)
    session.config.add_cleanup(SOCKETS.watch())


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Thousands of tests and the catalog stay until the end: to look again and again for garbage among them takes as
    long as collecting them does."""
    gc.disable()
    try:
        _begin_elsewhere(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _begin_elsewhere(config: pytest.Config) -> None:
    """Where workers read the whole suite, each begins with other files: what pytest makes of a file is kept for all,
    and where nothing is kept yet, to make it takes longer than the rest of collecting."""
    worker = cast("dict[str, Any] | None", getattr(config, "workerinput", None))
    whole = config.rootpath / "tests"
    if worker is None or [Path(config.rootpath, each) for each in config.args] != [whole]:
        return
    files = sorted(whole.rglob("test_*.py"))
    first = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for path in files[first:] + files[:first]:
        if not (path.parent / "__init__.py").exists():
            continue  # known under another name
        with suppress(Exception, pytest.skip.Exception):  # which collecting will tell
            import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What this machine lacked, and what tests forgot, is said once, at the end."""
    for each in noted([report for found in terminalreporter.stats.values() for report in found]):
        terminalreporter.write_line(f"LEFT OPEN: {each}", yellow=True)
    reports = terminalreporter.getreports("skipped")
    skipped = {str(cast("tuple[str, int, str]", report.longrepr)[2]) for report in reports}
    for reason in sorted(skipped):
        terminalreporter.write_line(f"NOT TESTED HERE: {reason.removeprefix('Skipped: ')}", yellow=True)
    if os.environ.get("PORTICO_TEST_STRICT") and skipped:
        raise pytest.UsageError("PORTICO_TEST_STRICT is set and something was skipped")
