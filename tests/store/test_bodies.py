"""Bodies beside rows of the request log: written with them, gone before them or with their account, on both engines."""

import pytest
from msgspec import structs

from portico.model.account import AccountId
from portico.model.request import RequestRow
from portico.store import bodies
from portico.store.bodies import Bodies, SealedBodies
from portico.store.database import Database
from portico.store.requests import LAST, RequestFilter, Requests
from tests.store.rows import LATER, MOMENT, Home, make_home, request_of


@pytest.fixture
async def home(database: Database) -> Home:
    return await make_home(database)


async def keep(database: Database, home: Home, *accounts: str) -> list[RequestRow]:
    rows = [structs.replace(request_of(home, MOMENT), account_id=each, has_bodies=True) for each in accounts]
    kept = [
        SealedBodies(environment_id=row.environment_id, id=row.id, account_id=row.account_id, sealed=row.id.encode())
        for row in rows
    ]
    await Requests(database).add(rows, {}, kept)
    return rows


async def flagged(database: Database, home: Home) -> list[str]:
    found = await Requests(database).page(home.id, LAST, 100, RequestFilter(has_bodies=True))
    return [row.id for row in found][::-1]


async def test_bodies_come_back_for_their_own_row_and_environment_alone(database: Database, home: Home) -> None:
    row, other = await keep(database, home, "a", "b")
    theirs = await make_home(database, "theirs")
    store = Bodies(database)
    assert await store.get(home.id, row.id) == row.id.encode()
    assert await store.get(theirs.id, row.id) is None
    assert await store.get(home.id, "nothing") is None
    assert await flagged(database, home) == [row.id, other.id]


async def test_bodies_of_one_account_go_in_batches_and_their_rows_say_so(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "DROPPED_AT_ONCE", 2)
    rows = await keep(database, home, *"aabaab")
    kept = [row.id for row in rows if row.account_id == "b"]
    store = Bodies(database)
    assert await store.drop_of_account(home.id, AccountId("a")) == 4
    assert await flagged(database, home) == kept
    assert await store.get(home.id, rows[0].id) is None
    assert len(await Requests(database).page(home.id, LAST, 100, RequestFilter())) == 6


async def test_old_bodies_go_and_younger_ones_stay(database: Database, home: Home) -> None:
    await keep(database, home, *"ab")
    young = structs.replace(request_of(home, LATER), has_bodies=True)
    body = SealedBodies(environment_id=home.id, id=young.id, account_id="a", sealed=b"x" * 40)
    await Requests(database).add([young], {}, [body])
    assert await Bodies(database).drop_old(home.id, young.id) == 2
    assert await flagged(database, home) == [young.id]
