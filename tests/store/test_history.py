"""What is written down in the store: the audit trail and its chain, the request log, first answers to repeat."""

import asyncio
from datetime import timedelta
from typing import Any, LiteralString

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico.clock import to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.audit import LAST, Audit
from portico.store.database import Database
from portico.store.files import Files, StoredFile
from portico.store.ids import Sequence
from portico.store.operators import Operators
from portico.store.replays import ReplayKey, Replays
from portico.store.requests import RequestFilter, Requests
from portico.store.statement import Statement
from tests.size import IS_FULL
from tests.store.rows import LATER, MOMENT, Home, make_home, request_of

ANY = RequestFilter()


@pytest.fixture
async def home(database: Database) -> Home:
    return await make_home(database)


async def note(database: Database, home: Home, act: str = "thing.changed", **facts: Any) -> None:
    async with database.transaction() as session:
        await Audit(database).add(session, home.caller, act, "target-1", MOMENT, **facts)


async def test_an_act_is_written_down_with_all_its_facts(database: Database, home: Home) -> None:
    await note(database, home, "thing.made", name="Ünïcode", deep={"z": [1, None], "a": True})
    (entry,) = await Audit(database).page(home.id, LAST, 10)
    assert (entry.number, entry.act, entry.target, entry.at) == (1, "thing.made", "target-1", MOMENT)
    assert (entry.actor, entry.actor_name) == ("token-1", "tester")
    assert entry.facts == {"name": "Ünïcode", "deep": {"z": [1, None], "a": True}}
    assert entry.previous == b"\0" * 32


async def test_each_entry_follows_from_the_one_before(database: Database, home: Home) -> None:
    for _ in range(5):
        await note(database, home)
    entries = await Audit(database).page(home.id, LAST, 10)
    assert [each.number for each in entries] == [5, 4, 3, 2, 1]
    assert [each.previous for each in entries[:-1]] == [each.hash for each in entries[1:]]
    assert len({each.hash for each in entries}) == 5
    assert await Audit(database).first_broken(home.id) is None


async def test_an_empty_trail_holds(database: Database, home: Home) -> None:
    assert await Audit(database).first_broken(home.id) is None
    assert await Audit(database).first_broken(EnvironmentId("nowhere")) is None


async def test_acts_at_once_form_one_chain(database: Database, home: Home) -> None:
    await asyncio.gather(*(note(database, home, number=number) for number in range(30)))
    entries = await Audit(database).page(home.id, LAST, 100)
    assert [each.number for each in entries] == list(range(30, 0, -1))
    assert {each.facts["number"] for each in entries} == set(range(30))
    assert await Audit(database).first_broken(home.id) is None


async def test_an_act_that_is_undone_leaves_no_gap(database: Database, home: Home) -> None:
    await note(database, home)
    with pytest.raises(LookupError):
        await _note_and_fail(database, home)
    await note(database, home)
    assert [each.number for each in await Audit(database).page(home.id, LAST, 10)] == [2, 1]
    assert await Audit(database).first_broken(home.id) is None


async def _note_and_fail(database: Database, home: Home) -> None:
    async with database.transaction() as session:
        await Audit(database).add(session, home.caller, "thing.changed", "target-1", MOMENT)
        raise LookupError


async def test_environments_have_trails_of_their_own(database: Database, home: Home) -> None:
    other = await make_home(database, "other")
    await note(database, home)
    await note(database, other)
    assert [each.number for each in await Audit(database).page(other.id, LAST, 10)] == [1]


TAMPERINGS: dict[str, tuple[LiteralString, int]] = {
    "another act": ("UPDATE audit SET act = 'thing.read' WHERE number = 3", 3),
    "another actor": ("UPDATE audit SET actor = 'somebody' WHERE number = 2", 2),
    "another actor's name": ("UPDATE audit SET actor_name = 'somebody' WHERE number = 2", 2),
    "another target": ("UPDATE audit SET target = 'target-2' WHERE number = 1", 1),
    "another time": ("UPDATE audit SET at = at + 1 WHERE number = 5", 5),
    "other facts": ("UPDATE audit SET facts = '{}' WHERE number = 4", 4),
    "a blank in the facts": ("UPDATE audit SET facts = facts || ' ' WHERE number = 4", 4),
    "another id": ("UPDATE audit SET id = 'x' WHERE number = 4", 4),
    "another hash": ("UPDATE audit SET hash = previous WHERE number = 4", 4),
    "another previous": ("UPDATE audit SET previous = hash WHERE number = 4", 4),
    "deleted at the start": ("DELETE FROM audit WHERE number = 1", 1),
    "deleted in the middle": ("DELETE FROM audit WHERE number = 3", 3),
    "deleted at the end": ("DELETE FROM audit WHERE number = 5", 5),
    "all deleted": ("DELETE FROM audit", 1),
    "renumbered": ("UPDATE audit SET number = number + 10", 1),
    "moved to another environment": ("UPDATE audit SET environment_id = 'x' WHERE number = 2", 2),
}


@pytest.mark.parametrize(("deed", "number"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
async def test_tampering_is_found_where_it_happened(
    database: Database, home: Home, deed: LiteralString, number: int
) -> None:
    for each in range(5):
        await note(database, home, number=each)
    await database.run(Statement(deed))
    assert await Audit(database).first_broken(home.id) == number


async def test_a_long_trail_is_checked_to_its_end(database: Database, home: Home) -> None:
    async with database.transaction() as session:
        for _ in range(1005):
            await Audit(database).add(session, home.caller, "thing.changed", "target-1", MOMENT)
    assert await Audit(database).first_broken(home.id) is None
    await database.run(Statement("UPDATE audit SET act = 'x' WHERE number = 1003"))
    assert await Audit(database).first_broken(home.id) == 1003


async def test_requests_come_back_as_they_were_and_newest_first(database: Database, home: Home) -> None:
    rows = [request_of(home) for _ in range(3)]
    await Requests(database).add(rows)
    assert await Requests(database).page(home.id, "~", 10, ANY) == rows[::-1]
    assert await Requests(database).page(home.id, rows[2].id, 1, ANY) == [rows[1]]
    assert rows[0].moment == MOMENT


REQUESTS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [2, 1, 0]),
    ({"account_id": ("account-2",)}, [1]),
    ({"status": (404,)}, [2]),
    ({"after": MOMENT}, [2]),
    ({"until": LATER}, [1, 0]),
    ({"account_id": ("account-2",), "status": (404,)}, []),
]


@pytest.mark.parametrize(("wanted", "places"), REQUESTS, ids=[str(wanted) for wanted, _ in REQUESTS])
async def test_requests_are_filtered(database: Database, home: Home, wanted: dict[str, Any], places: list[int]) -> None:
    rows = [request_of(home), request_of(home, account_id="account-2"), request_of(home, LATER, status=404)]
    await Requests(database).add(rows)
    assert await Requests(database).page(home.id, "~", 10, RequestFilter(**wanted)) == [rows[place] for place in places]


async def test_requests_of_another_environment_are_not_there(database: Database, home: Home) -> None:
    await Requests(database).add([request_of(home)])
    assert await Requests(database).page((await make_home(database, "other")).id, "~", 10, ANY) == []


async def test_clean_up_drops_old_requests_and_replays(database: Database, home: Home) -> None:
    old, new = request_of(home, MOMENT), request_of(home, LATER)
    await Requests(database).add([old, new])
    await claim(database, key_in(home.id))
    await Operators(database).clean(LATER + timedelta(milliseconds=1), LATER, LATER)
    assert await Requests(database).page(home.id, "~", 10, ANY) == [new]
    assert await Replays(database).get(key_in(home.id)) is None


async def test_clean_up_drops_pieces_of_uploads_that_were_cut_off(database: Database, home: Home) -> None:
    files, ids = Files(database), Sequence()
    lost, whole, young = (ids.at(to_milliseconds(at) * 1_000_000) for at in (MOMENT, MOMENT, LATER))
    for each in (lost, young, whole):
        await files.add_piece(home.id, each, 0, b"sealed")
    ends_at = LATER + timedelta(days=2)
    file = StoredFile(id=whole, environment_id=home.id, account_id="", name="", content_type="", size_bytes=6,
                      created_at=MOMENT, expires_at=ends_at)  # fmt: skip
    async with database.transaction() as session:
        await files.add(session, file)

    async def left() -> list[bool]:
        return [await files.piece(home.id, each, 0) is not None for each in (lost, young, whole)]

    await Operators(database).clean(MOMENT + timedelta(hours=23), MOMENT, MOMENT)
    assert await left() == [True, True, True]
    await Operators(database).clean(MOMENT + timedelta(hours=24, minutes=30), MOMENT, MOMENT)
    assert await left() == [False, True, True]


def key_in(environment_id: str, place: str = "account:1", digest: bytes = b"\x01" * 32) -> ReplayKey:
    return ReplayKey(environment_id=EnvironmentId(environment_id), place=place, digest=digest)


KEY = key_in("environment-1")


async def claim(database: Database, key: ReplayKey, moment: Any = MOMENT) -> bool:
    return await Replays(database).claim(key, b"", moment, moment + timedelta(minutes=1), moment + timedelta(hours=1))


async def test_of_many_who_claim_a_key_at_once_one_gets_it(database: Database) -> None:
    assert sorted(await asyncio.gather(*(claim(database, KEY) for _ in range(10)))) == [False] * 9 + [True]


async def test_the_same_key_elsewhere_is_another_key(database: Database) -> None:
    keys = [
        KEY,
        key_in("environment-2"),
        key_in("environment-1", place="account:2"),
        key_in("environment-1", digest=b"\x02" * 32),
    ]
    assert [await claim(database, key) for key in keys] == [True] * 4


async def test_a_first_answer_is_kept_and_its_key_not_given_out_again(database: Database) -> None:
    replays = Replays(database)
    await claim(database, KEY)
    await replays.keep(KEY, "done", b"sealed \x00\xff", b"print")
    await replays.free(KEY)  # too late: it was settled
    kept = await replays.get(KEY)
    assert kept is not None
    assert (kept.state, kept.sealed, kept.fingerprint) == ("done", b"sealed \x00\xff", b"print")
    assert not await claim(database, KEY)


async def test_a_key_that_was_given_back_can_be_claimed_again(database: Database) -> None:
    await claim(database, KEY)
    await Replays(database).free(KEY)
    assert await Replays(database).get(KEY) is None
    assert await claim(database, KEY)


async def test_a_key_can_be_claimed_again_once_its_answer_has_expired(database: Database) -> None:
    await claim(database, KEY)
    await Replays(database).keep(KEY, "done", b"sealed", b"print")
    assert not await claim(database, KEY, MOMENT + timedelta(hours=1))
    assert await claim(database, KEY, MOMENT + timedelta(hours=1, milliseconds=1))
    again = await Replays(database).get(KEY)
    assert again is not None
    assert (again.state, again.sealed) == ("pending", b"")


TAKEN = {"self", "session", "caller", "act", "target", "moment"}
NAMES = st.text().filter(lambda name: name not in TAKEN)
VALUES = st.none() | st.text() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


@given(facts=st.dictionaries(NAMES, VALUES, max_size=4))
@settings(
    max_examples=100 if IS_FULL else 15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
async def test_the_chain_holds_over_any_facts(database: Database, home: Home, facts: dict[str, Any]) -> None:
    await note(database, home, **facts)
    assert await Audit(database).first_broken(home.id) is None
