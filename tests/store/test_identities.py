"""Identities, provider sessions and sign-ins under way in the store, on both engines."""

from datetime import timedelta

import pytest
from msgspec import structs

from portico.errors import AlreadyExists
from portico.model.person import Person, PersonId
from portico.store.database import Database
from portico.store.identities import Identities, Identity, ProviderSession
from portico.store.ids import new_id
from portico.store.operators import Operators
from portico.store.people import People
from portico.store.sessions import Sessions, begun
from tests.store.rows import MOMENT

ISSUER, OTHER = "https://login.example", "https://other.example"
DIGEST, MARK = b"\x00\xff" * 16, b"\x01" * 32
LATER = MOMENT + timedelta(minutes=10)
BEGUN = ProviderSession(issuer=ISSUER, subject="s", provider_session="sid", id_token=b"\x00sealed")


async def add_person(database: Database, name: str) -> Person:
    made = Person(
        id=PersonId(new_id()), name=name, role="viewer", environments=frozenset(), created_at=MOMENT, updated_at=MOMENT
    )
    async with database.transaction() as session:
        await People(database).add(session, made, "")
    return made


def identity(person: Person, subject: str = "s", issuer: str = ISSUER) -> Identity:
    return Identity(
        issuer=issuer, subject=subject, person_id=person.id, email="a@b.example", created_at=MOMENT, seen_at=MOMENT
    )


async def add(database: Database, *identities: Identity) -> None:
    async with database.transaction() as session:
        for each in identities:
            await Identities(database).add(session, each)


async def test_person_is_found_by_issuer_and_subject_together(database: Database) -> None:
    ada, bob = await add_person(database, "ada"), await add_person(database, "bob")
    await add(database, identity(ada), identity(bob, "S"), identity(bob, "s", OTHER))
    store = Identities(database)
    assert await store.person(ISSUER, "s") == ada
    assert await store.person(ISSUER, "S") == bob
    assert await store.person(OTHER, "s") == bob
    assert await store.person(OTHER, "S") is None
    assert await store.of_person(ada.id) == [identity(ada)]


async def test_identity_has_one_person_and_a_person_one_identity_of_an_issuer(database: Database) -> None:
    ada, bob = await add_person(database, "ada"), await add_person(database, "bob")
    await add(database, identity(ada))
    for second in (identity(bob), identity(ada, "another")):
        with pytest.raises(AlreadyExists):
            await add(database, second)


async def test_last_address_and_time_are_kept(database: Database) -> None:
    ada = await add_person(database, "ada")
    await add(database, identity(ada))
    async with database.transaction() as session:
        await Identities(database).seen(session, ISSUER, "s", "new@b.example", LATER)
    wanted = structs.replace(identity(ada), email="new@b.example", seen_at=LATER)
    assert await Identities(database).of_person(ada.id) == [wanted]


async def test_what_a_session_began_with_goes_with_it(database: Database) -> None:
    ada, store, sessions = await add_person(database, "ada"), Identities(database), Sessions(database)
    async with database.transaction() as session:
        await sessions.add(session, ada.id, begun(DIGEST, MOMENT, LATER, ""))
        await store.add_session(session, DIGEST, BEGUN)
    assert await store.session(DIGEST) == BEGUN
    async with database.transaction() as session:
        for subject, provider_session, digests in (
            ("s", "", [DIGEST]),
            ("", "sid", [DIGEST]),
            ("s", "sid", [DIGEST]),
            ("s", "another", []),
            ("another", "sid", []),
            ("", "", []),
        ):
            assert await store.sessions_of(session, ISSUER, subject, provider_session) == digests
        assert await store.sessions_of(session, OTHER, "s") == []
        await sessions.end_all(session, ada.id)
    assert await store.session(DIGEST) is None


async def test_sign_in_is_taken_once_by_its_browser_and_in_time(database: Database) -> None:
    store = Identities(database)
    for digest in (b"1", b"2"):
        await store.begin(digest, MARK, "/admin", LATER)
    before = LATER - timedelta(milliseconds=1)
    assert await store.take(b"1", b"another", before) is None
    assert await store.take(b"another", MARK, before) is None
    assert await store.take(b"1", MARK, before) == "/admin"
    assert await store.take(b"1", MARK, before) is None
    assert await store.take(b"2", MARK, LATER) is None


async def test_sign_ins_that_nobody_ended_are_forgotten(database: Database) -> None:
    store = Identities(database)
    await store.begin(b"1", MARK, "/admin", MOMENT)
    await Operators(database).clean(LATER, MOMENT, MOMENT)
    await store.begin(b"1", MARK, "/access", LATER)
    assert await store.take(b"1", MARK, MOMENT) == "/access"
