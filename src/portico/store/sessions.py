"""Sessions of people who signed in, found by the keyed hash of their cookie alone; and the code for the very first."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.person import Person, PersonId
from portico.store import people
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO sessions (digest, person_id, created_at, seen_at, expires_at, client) "
    "VALUES (:digest, :person_id, :created_at, :created_at, :expires_at, :client)"
)
_GET = Statement(
    "SELECT p.id, p.name, p.role, p.environments, p.created_at, p.updated_at, p.disabled_at, s.seen_at, s.expires_at "
    "FROM sessions s JOIN people p ON p.id = s.person_id WHERE s.digest = :digest"
)
_OF_PERSON = Statement(
    "SELECT digest, created_at, seen_at, expires_at, client FROM sessions "
    "WHERE person_id = :person_id AND expires_at > :moment ORDER BY seen_at DESC, digest LIMIT :count"
)
_ALL = Statement(
    "SELECT p.id, p.name, p.role, p.environments, p.created_at, p.updated_at, p.disabled_at, s.digest, s.created_at, "
    "s.seen_at, s.expires_at, s.client FROM sessions s JOIN people p ON p.id = s.person_id "
    "WHERE s.expires_at > :moment AND s.seen_at > :seen_after ORDER BY s.seen_at DESC, s.digest LIMIT :count"
)
_SEEN = Statement("UPDATE sessions SET seen_at = :seen_at WHERE digest = :digest")
_END = Statement("DELETE FROM sessions WHERE digest = :digest")
_END_ALL = Statement("DELETE FROM sessions WHERE person_id = :person_id")
_KEEP_CODE = Statement(
    "INSERT INTO setup_codes (id, digest, expires_at) VALUES (1, :digest, :expires_at) "
    "ON CONFLICT (id) DO UPDATE SET digest = :digest, expires_at = :expires_at"
)
_USE_CODE = Statement("DELETE FROM setup_codes WHERE digest = :digest AND expires_at > :moment")


MOST_SHOWN = 200


class SignedIn(Struct, frozen=True, kw_only=True):
    """A session and whose it is."""

    person: Person
    seen_at: datetime
    expires_at: datetime


class Begun(Struct, frozen=True, kw_only=True):
    """A session as its person sees it. `id` is the beginning of its cookie's keyed hash: it opens nothing."""

    id: str
    digest: bytes
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    client: str


class Sessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, person_id: PersonId, begun: Begun) -> None:
        await session.run(
            _ADD,
            digest=begun.digest,
            person_id=person_id,
            created_at=to_milliseconds(begun.created_at),
            expires_at=to_milliseconds(begun.expires_at),
            client=begun.client,
        )

    async def of_person(self, person_id: PersonId, moment: datetime) -> list[Begun]:
        """Those that have not ended, the last used first."""
        rows = await self._database.all(
            _OF_PERSON, person_id=person_id, moment=to_milliseconds(moment), count=MOST_SHOWN
        )
        return [_read(row) for row in rows]

    async def everybodys(self, moment: datetime, seen_after: datetime, count: int) -> list[tuple[Person, Begun]]:
        """Those that have not ended, the last used first, with whose they are."""
        rows = await self._database.all(
            _ALL, moment=to_milliseconds(moment), seen_after=to_milliseconds(seen_after), count=count
        )
        return [(people.read(row[:7]), _read(row[7:])) for row in rows]

    async def get(self, digest: bytes) -> SignedIn | None:
        row = await self._database.one(_GET, digest=digest)
        if row is None:
            return None
        seen_at, expires_at = from_milliseconds(row[7]), from_milliseconds(row[8])
        return SignedIn(person=people.read(row[:7]), seen_at=seen_at, expires_at=expires_at)

    async def seen(self, digest: bytes, moment: datetime) -> None:
        await self._database.run(_SEEN, digest=digest, seen_at=to_milliseconds(moment))

    async def end(self, session: Session, digest: bytes) -> None:
        await session.run(_END, digest=digest)

    async def end_all(self, session: Session, person_id: PersonId) -> int:
        return await session.run(_END_ALL, person_id=person_id)

    async def keep_setup_code(self, digest: bytes, expires_at: datetime) -> None:
        """There is one at a time: a newer one replaces it."""
        await self._database.run(_KEEP_CODE, digest=digest, expires_at=to_milliseconds(expires_at))

    async def use_setup_code(self, session: Session, digest: bytes, moment: datetime) -> bool:
        return await session.run(_USE_CODE, digest=digest, moment=to_milliseconds(moment)) > 0


def _read(row: Row) -> Begun:
    return begun(bytes(row[0]), from_milliseconds(row[1]), from_milliseconds(row[3]), row[4], row[2])


def begun(digest: bytes, created_at: datetime, expires_at: datetime, client: str, seen_ms: int | None = None) -> Begun:
    seen_at = created_at if seen_ms is None else from_milliseconds(seen_ms)
    return Begun(
        id=digest.hex()[:16], digest=digest, created_at=created_at, seen_at=seen_at, expires_at=expires_at,
        client=client,
    )  # fmt: skip
