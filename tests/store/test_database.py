"""The two engines as the store uses them: all or nothing, one writer at a time, no trace of those who left."""

import asyncio
import os
import random
import shutil
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.clock import from_milliseconds, to_milliseconds
from portico.errors import AlreadyExists, ChangedMeanwhile, InvalidArguments, Unavailable
from portico.store.changes import Changes
from portico.store.database import Database, Session
from portico.store.engines import open_database
from portico.store.migrate import migrate
from portico.store.sqlite import Sqlite, UnsafeSqlite, refuse_unsafe
from portico.store.statement import Statement
from tests.conftest import KEPT

ADD = Statement("INSERT INTO environments (id, name, created_at, updated_at) VALUES (:id, :name, :moment, :moment)")
ALL = Statement("SELECT id FROM environments ORDER BY id")
NUMBER = Statement("SELECT number FROM changes WHERE topic = 'tokens'")
SET_NUMBER = Statement("UPDATE changes SET number = :number WHERE topic = 'tokens'")
RAISE = Statement("UPDATE changes SET number = number + 1 WHERE topic = 'tokens'")
ORPHAN = Statement(
    "INSERT INTO installations (id, environment_id, integration, is_enabled, show_in_catalog, override, created_at, "
    "updated_at) VALUES ('i', 'nowhere', 'openai', TRUE, TRUE, '{}', 1, 1)"
)


class Stopped(Exception):
    """Raised in the middle of something."""


async def add(session: Session, name: str) -> None:
    await session.run(ADD, id=name, name=name, moment=1)


async def names(database: Session) -> list[str]:
    return [row[0] for row in await database.all(ALL)]


async def test_a_transaction_that_ends_well_is_kept(database: Database) -> None:
    async with database.transaction() as session:
        await add(session, "a")
        await add(session, "b")
        assert await names(session) == ["a", "b"]
    assert await names(database) == ["a", "b"]


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(Stopped):
        await _add_and_fail(database)
    assert await names(database) == []
    await add(database, "after")
    assert await names(database) == ["after"]


async def _add_and_fail(database: Database) -> None:
    async with database.transaction() as session:
        await add(session, "a")
        raise Stopped


async def test_nobody_sees_a_transaction_before_its_end(database: Database) -> None:
    async with database.transaction() as session:
        await add(session, "a")
        assert await names(database) == []
    assert await names(database) == ["a"]


async def test_what_exists_already_is_refused_and_takes_its_transaction_along(database: Database) -> None:
    await add(database, "a")
    with pytest.raises(AlreadyExists):
        await _add_both(database)
    assert await names(database) == ["a"]


async def _add_both(database: Database) -> None:
    async with database.transaction() as session:
        await add(session, "b")
        await add(session, "a")


async def test_what_belongs_to_nothing_is_refused(database: Database) -> None:
    with pytest.raises(ChangedMeanwhile):
        await database.run(ORPHAN)


async def test_what_others_belong_to_cannot_be_deleted(database: Database) -> None:
    await add(database, "nowhere")
    await database.run(ORPHAN)
    with pytest.raises(ChangedMeanwhile):
        await database.run(Statement("DELETE FROM environments"))


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 1 << 200])
async def test_numbers_that_the_database_cannot_hold_are_the_callers_fault(database: Database, number: int) -> None:
    with pytest.raises(InvalidArguments):
        await database.run(SET_NUMBER, number=number)
    try:
        assert await database.one(Statement("SELECT 1 FROM changes WHERE number = :number"), number=number) is None
    except InvalidArguments:
        assert database.dialect == "sqlite"


async def test_text_with_a_nul_is_kept_or_refused_but_never_a_failure_of_ours(database: Database) -> None:
    try:
        await add(database, "a\0b")
    except InvalidArguments:
        assert database.dialect == "postgres"
    else:
        assert await names(database) == ["a\0b"]


VALUES: list[Any] = ["", "ü€😀", "' OR 1=1 --", "%s %(x)s :name ?1", "\\", "a\nb", "x" * 200_000]


@pytest.mark.parametrize("text", VALUES, ids=range(len(VALUES)))
async def test_text_comes_back_as_it_was(database: Database, text: str) -> None:
    await database.run(ADD, id="id", name=text, moment=1)
    assert await database.one(Statement("SELECT name FROM environments")) == (text,)
    assert await database.one(Statement("SELECT id FROM environments WHERE name = :name"), name=text) == ("id",)


async def test_many_writers_at_once_lose_no_write(database: Database) -> None:
    async def work() -> None:
        for _ in range(5):
            async with database.transaction() as session:
                await session.run(RAISE)

    await asyncio.gather(*(work() for _ in range(20)))
    assert await database.one(NUMBER) == (100,)


async def test_reading_goes_on_while_somebody_writes(database: Database) -> None:
    async with database.transaction() as session:
        await add(session, "a")
        seen = await asyncio.wait_for(asyncio.gather(*(names(database) for _ in range(6))), 5)
    assert seen == [[]] * 6


async def test_those_who_leave_in_the_middle_leave_nothing_behind(database: Database) -> None:
    """Whenever a task is cancelled: its transaction is whole or gone, and the next one finds no lock and no rest."""
    chance = random.Random(7)

    async def work(name: str) -> None:
        async with database.transaction() as session:
            await add(session, f"{name}-1")
            await add(session, f"{name}-2")

    for number in range(60):
        task = asyncio.create_task(work(f"{number:03}"))
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            await database.one(NUMBER)  # some real time passes, so that threads and sockets get their turn
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    left = await names(database)
    whole = {name.partition("-")[0] for name in left}
    assert left == [f"{name}-{part}" for name in sorted(whole) for part in (1, 2)]
    await asyncio.wait_for(add(database, "after"), 5)


async def test_those_who_leave_while_they_wait_for_their_turn_do_not_stop_the_others(database: Database) -> None:
    async def work(name: str) -> None:
        async with database.transaction() as session:
            await add(session, name)

    async with database.transaction() as session:
        waiting = [asyncio.create_task(work(f"waiting-{number}")) for number in range(5)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        await add(session, "first")
    await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    kept = set(await names(database))
    assert {"first", "waiting-1", "waiting-3"} <= kept <= {"first", *(f"waiting-{number}" for number in range(5))}


async def test_listeners_hear_of_changes_made_by_another_process(database: Database, database_url: str) -> None:
    heard: list[str] = []
    ours = Changes(database)
    ours.listen("tokens", lambda: heard.append("tokens"))
    ours.listen("accounts", lambda: heard.append("accounts"))
    await ours.look()
    heard.clear()
    theirs = await open_database(database_url, Path())
    async with theirs.transaction() as session:
        await Changes(theirs).tell(session, "tokens")
    await theirs.close()
    await ours.look()
    await ours.look()
    assert heard == ["tokens"]


async def test_a_change_that_was_rolled_back_is_not_told(database: Database) -> None:
    changes = Changes(database)
    before = await database.one(NUMBER)
    with pytest.raises(Stopped):
        await _tell_and_fail(database, changes)
    assert await database.one(NUMBER) == before


async def _tell_and_fail(database: Database, changes: Changes) -> None:
    async with database.transaction() as session:
        await changes.tell(session, "tokens")
        raise Stopped


BROKEN = {
    "not a database": b"this is no database, whatever its name says" * 100,
    "cut short": b"SQLite format 3\0" + b"\xff" * 200,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
async def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "portico.db").write_bytes(content)
    with pytest.raises(Unavailable, match="database"):
        await _open_and_migrate("", tmp_path)


async def test_a_folder_that_is_a_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="database"):
        await _open_and_migrate(f"sqlite:///{tmp_path}", tmp_path)


async def test_a_place_where_no_database_can_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"The database {tmp_path}/none/x.db cannot be opened: No such file"):
        await _open_and_migrate(f"sqlite:///{tmp_path}/none/x.db", tmp_path)


async def test_a_file_that_was_deleted_or_replaced_in_use_takes_nothing_more(tmp_path: Path) -> None:
    """SQLite itself would go on writing into a file without a name, and all of it would be gone at the next stop."""
    opened = await open_database("", tmp_path)
    await migrate(opened)
    (tmp_path / "portico.db").rename(tmp_path / "elsewhere")
    asked = Statement("SELECT MAX(number) FROM schema_migrations")
    for work in (opened.one(asked), opened.all(asked), opened.script("CREATE TABLE more (id TEXT)")):
        with pytest.raises(Unavailable, match="deleted or replaced"):
            await work
    shutil.copy(tmp_path / "elsewhere", tmp_path / "portico.db")
    with pytest.raises(Unavailable, match="deleted or replaced"):
        await opened.one(asked)
    (tmp_path / "elsewhere").rename(tmp_path / "portico.db")
    assert await opened.one(asked)
    await opened.close()


async def test_a_full_disk_is_called_that(tmp_path: Path) -> None:
    opened = await open_database("", tmp_path)
    crowd = "CREATE TABLE more (x BLOB); PRAGMA max_page_count = 8; INSERT INTO more VALUES (zeroblob(1000000))"
    with pytest.raises(Unavailable, match="its disk is full"):
        await opened.script(crowd)
    await opened.close()


async def test_a_new_database_and_its_companions_are_for_their_owner_alone(tmp_path: Path) -> None:
    opened = await open_database("", tmp_path)
    await migrate(opened)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in os.scandir(tmp_path)}
    await opened.close()
    assert {"portico.db", "portico.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}


async def test_an_address_where_no_postgresql_answers_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portico.store.postgres.CONNECT_SECONDS", 0.3)
    with pytest.raises(Unavailable, match=r"PORTICO_DATABASE_URL: .*[Rr]efused") as refused:
        await _open_and_migrate("postgresql://nobody:canary@127.0.0.1:1/none", tmp_path)
    assert "canary" not in refused.value.sentence
    assert "\n" not in refused.value.sentence


async def _open_and_migrate(url: str, folder: Path) -> None:
    opened = await open_database(url, folder)
    try:
        await migrate(opened)
    finally:
        await opened.close()


@pytest.mark.parametrize(("version", "is_safe"), [
    ("3.40.1", False), ("3.51.2", False), ("3.51.3", True), ("3.53.0", True), ("3.54.1", True), ("4.0.0", True),
])  # fmt: skip
def test_sqlite_that_can_corrupt_its_files_is_refused(version: str, is_safe: bool) -> None:
    if is_safe:
        refuse_unsafe(version)
    else:
        with pytest.raises(UnsafeSqlite, match=version):
            refuse_unsafe(version)


async def test_sqlite_syncs_every_commit_and_checks_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sqlite, "synchronous", KEPT)
    opened = await open_database("", tmp_path)
    for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        async with opened.transaction() as session:
            assert await session.one(Statement(f"PRAGMA {pragma}")) == (value,)  # pyright: ignore[reportArgumentType] -- a test's own text
    await opened.close()


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_come_back_to_the_millisecond(moment: datetime) -> None:
    assert from_milliseconds(to_milliseconds(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(st.integers(-(10**13), 10**14))
def test_milliseconds_come_back_exactly(value: int) -> None:
    assert to_milliseconds(from_milliseconds(value)) == value
