"""Versions of overrides in the store: as many as are promised, each subject's its own."""

from typing import Any

from msgspec import structs

from portico.store.database import Database
from portico.store.override_versions import KEPT, LAST, OverrideChange, OverrideVersions
from tests.store.rows import MOMENT, Home, make_home


async def changed(
    database: Database, home: Home, subject: str, override: Any, restored_from: int | None = None
) -> None:
    caller = structs.replace(home.caller, token_id="token", name="ops")
    change = OverrideChange(override=override, restored_from=restored_from)
    async with database.transaction() as session:
        await OverrideVersions(database).add(session, caller, subject, change, MOMENT)


async def numbers(database: Database, home: Home, subject: str) -> list[int]:
    return [each.number for each in await OverrideVersions(database).page(home.id, subject, LAST, 1000)]


async def test_nothing_is_lost_on_the_way_and_what_is_the_same_is_no_version(database: Database) -> None:
    home, versions = await make_home(database), OverrideVersions(database)
    await changed(database, home, "a", {})
    await changed(database, home, "a", {"m": {"é": None}})
    await changed(database, home, "a", {"m": {"é": None}})
    await changed(database, home, "a", {"m": {"é": None}}, restored_from=1)
    assert await numbers(database, home, "a") == [2, 1]
    first, second = [await versions.get(home.id, "a", number) for number in (1, 2)]
    assert first is not None
    assert second == structs.replace(first, number=2, restored_from=1)
    assert (first.override, first.changed_by, first.changed_by_name, first.created_at) == (
        {"m": {"é": None}}, "token", "ops", MOMENT,
    )  # fmt: skip


async def test_the_last_ones_are_kept_of_each_subject(database: Database) -> None:
    home = await make_home(database)
    await changed(database, home, "other", {"m": None})
    for number in range(KEPT + 3):
        await changed(database, home, "a", {"m": {"n": number}})
    assert await numbers(database, home, "a") == list(range(KEPT + 3, 3, -1))
    assert await numbers(database, home, "other") == [1]


async def test_another_environments_versions_are_not_seen_and_deleting_takes_all_of_one(database: Database) -> None:
    home, away, versions = await make_home(database), await make_home(database, "away"), OverrideVersions(database)
    await changed(database, home, "a", {"m": None})
    assert await versions.get(away.id, "a", 1) is None
    assert await numbers(database, away, "a") == []
    async with database.transaction() as session:
        await versions.delete_of(session, away.id, "a")
    assert await numbers(database, home, "a") == [1]
    async with database.transaction() as session:
        await versions.delete_of(session, home.id, "a")
    assert await numbers(database, home, "a") == []
