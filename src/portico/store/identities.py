"""People as a provider knows them: by issuer and subject; the sessions that began there, and sign-ins under way."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.person import Person, PersonId
from portico.store import people
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO identities (issuer, subject, person_id, email, created_at, seen_at) "
    "VALUES (:issuer, :subject, :person_id, :email, :moment, :moment)"
)
_SEEN = Statement(
    "UPDATE identities SET email = :email, seen_at = :moment WHERE issuer = :issuer AND subject = :subject"
)
_PERSON = Statement(
    "SELECT p.id, p.name, p.role, p.environments, p.created_at, p.updated_at, p.disabled_at FROM identities i "
    "JOIN people p ON p.id = i.person_id WHERE i.issuer = :issuer AND i.subject = :subject"
)
_OF_PERSON = Statement(
    "SELECT issuer, subject, person_id, email, created_at, seen_at FROM identities WHERE person_id = :person_id "
    "ORDER BY issuer"
)
_DROP = Statement("DELETE FROM identities WHERE person_id = :person_id")
_ADD_SESSION = Statement(
    "INSERT INTO provider_sessions (digest, issuer, subject, provider_session, id_token) "
    "VALUES (:digest, :issuer, :subject, :provider_session, :id_token)"
)
_SESSION = Statement("SELECT issuer, subject, provider_session, id_token FROM provider_sessions WHERE digest = :digest")
_OF_SESSION = Statement(
    "SELECT digest FROM provider_sessions WHERE issuer = :issuer AND (:subject = '' OR subject = :subject) "
    "AND (:provider_session = '' OR provider_session = :provider_session)"
)
_BEGIN = Statement(
    "INSERT INTO begun_sign_ins (digest, visitor, after, expires_at) VALUES (:digest, :visitor, :after, :expires_at)"
)
_TAKE = Statement(
    "DELETE FROM begun_sign_ins WHERE digest = :digest AND visitor = :visitor RETURNING after, expires_at"
)


class Identity(Struct, frozen=True, kw_only=True):
    """Who somebody is at a provider. `email` is what it called them last; it proves nothing."""

    issuer: str
    subject: str
    person_id: PersonId
    email: str
    created_at: datetime
    seen_at: datetime


class ProviderSession(Struct, frozen=True, kw_only=True):
    """What began a session. `provider_session` is the provider's own name for it, where it has one; `id_token` is
    sealed with the session's cookie."""

    issuer: str
    subject: str
    provider_session: str
    id_token: bytes


class Identities:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, identity: Identity) -> None:
        """AlreadyExists where that identity has a person, or that person one at this issuer."""
        await session.run(
            _ADD,
            issuer=identity.issuer,
            subject=identity.subject,
            person_id=identity.person_id,
            email=identity.email,
            moment=to_milliseconds(identity.created_at),
        )

    async def person(self, issuer: str, subject: str, session: Session | None = None) -> Person | None:
        row = await (session or self._database).one(_PERSON, issuer=issuer, subject=subject)
        return people.read(row) if row else None

    async def of_person(self, person_id: PersonId, session: Session | None = None) -> Sequence[Identity]:
        return [_read(row) for row in await (session or self._database).all(_OF_PERSON, person_id=person_id)]

    async def seen(self, session: Session, issuer: str, subject: str, email: str, moment: datetime) -> None:
        await session.run(_SEEN, issuer=issuer, subject=subject, email=email, moment=to_milliseconds(moment))

    async def drop(self, session: Session, person_id: PersonId) -> int:
        return await session.run(_DROP, person_id=person_id)

    async def add_session(self, session: Session, digest: bytes, begun: ProviderSession) -> None:
        """Beside the session of that digest, and gone with it."""
        await session.run(
            _ADD_SESSION,
            digest=digest,
            issuer=begun.issuer,
            subject=begun.subject,
            provider_session=begun.provider_session,
            id_token=begun.id_token,
        )

    async def session(self, digest: bytes) -> ProviderSession | None:
        row = await self._database.one(_SESSION, digest=digest)
        if row is None:
            return None
        return ProviderSession(issuer=row[0], subject=row[1], provider_session=row[2], id_token=bytes(row[3]))

    async def sessions_of(
        self, session: Session, issuer: str, subject: str = "", provider_session: str = ""
    ) -> list[bytes]:
        """The digests of sessions that began with that subject, that session of the provider's, or both."""
        if not subject and not provider_session:
            return []
        rows = await session.all(_OF_SESSION, issuer=issuer, subject=subject, provider_session=provider_session)
        return [bytes(row[0]) for row in rows]

    async def begin(self, digest: bytes, visitor: bytes, after: str, expires_at: datetime) -> None:
        """A sign-in is under way: its state's digest, the browser that began it, and where that wants to go."""
        await self._database.run(
            _BEGIN, digest=digest, visitor=visitor, after=after, expires_at=to_milliseconds(expires_at)
        )

    async def take(self, digest: bytes, visitor: bytes, moment: datetime) -> str | None:
        """Where the browser that began it wants to go; None for every other browser, too late, and a second time."""
        async with self._database.transaction() as session:
            row = await session.one(_TAKE, digest=digest, visitor=visitor)
        return row[0] if row and row[1] > to_milliseconds(moment) else None


def _read(row: Row) -> Identity:
    return Identity(
        issuer=row[0],
        subject=row[1],
        person_id=row[2],
        email=row[3],
        created_at=from_milliseconds(row[4]),
        seen_at=from_milliseconds(row[5]),
    )
