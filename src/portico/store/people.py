"""People who sign in, found by id or by name. Names are compared without regard to case."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.person import Person, PersonId, folded
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO people (id, name, folded, password, role, environments, created_at, updated_at) VALUES (:id, :name, "
    ":folded, :password, :role, :environments, :created_at, :created_at)"
)
_GET = Statement("SELECT id, name, role, environments, created_at, updated_at, disabled_at FROM people WHERE id = :id")
_BY_NAME = Statement(
    "SELECT id, name, role, environments, created_at, updated_at, disabled_at, password FROM people "
    "WHERE folded = :folded"
)
_ALL = Statement(
    "SELECT id, name, role, environments, created_at, updated_at, disabled_at FROM people ORDER BY folded LIMIT :count"
)
_ANY = Statement("SELECT 1 FROM people LIMIT 1")
_UPDATE = Statement(
    "UPDATE people SET role = :role, environments = :environments, disabled_at = :disabled_at, "
    "updated_at = :updated_at WHERE id = :id"
)
_SET_PASSWORD = Statement("UPDATE people SET password = :password, updated_at = :updated_at WHERE id = :id")
_OWNERS = Statement("SELECT COUNT(*) FROM people WHERE role = 'owner' AND disabled_at IS NULL AND id <> :id")
MOST = 10_000


class People:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, person: Person, password: str) -> None:
        """`password` is its hash."""
        await session.run(
            _ADD,
            id=person.id,
            name=person.name,
            folded=folded(person.name),
            password=password,
            role=person.role,
            environments=_written(person),
            created_at=to_milliseconds(person.created_at),
        )

    async def get(self, person_id: PersonId) -> Person | None:
        row = await self._database.one(_GET, id=person_id)
        return read(row) if row else None

    async def called(self, name: str) -> tuple[Person, str] | None:
        """The person and the hash of their password."""
        row = await self._database.one(_BY_NAME, folded=folded(name))
        return (read(row), row[7]) if row else None

    async def all(self) -> Sequence[Person]:
        return [read(row) for row in await self._database.all(_ALL, count=MOST)]

    async def any(self, session: Session | None = None) -> bool:
        return await (session or self._database).one(_ANY) is not None

    async def update(self, session: Session, person: Person, moment: datetime) -> None:
        await session.run(
            _UPDATE,
            id=person.id,
            role=person.role,
            environments=_written(person),
            disabled_at=to_milliseconds(person.disabled_at) if person.disabled_at else None,
            updated_at=to_milliseconds(moment),
        )

    async def set_password(self, session: Session, person_id: PersonId, password: str, moment: datetime) -> None:
        await session.run(_SET_PASSWORD, id=person_id, password=password, updated_at=to_milliseconds(moment))

    async def count_other_owners(self, session: Session, person_id: PersonId) -> int:
        row = await session.one(_OWNERS, id=person_id)
        return int(row[0]) if row else 0


def read(row: Row) -> Person:
    return Person(
        id=row[0],
        name=row[1],
        role=row[2],
        environments=frozenset(msgspec.json.decode(row[3], type=list[EnvironmentId])),
        created_at=from_milliseconds(row[4]),
        updated_at=from_milliseconds(row[5]),
        disabled_at=from_milliseconds(row[6]) if row[6] is not None else None,
    )


def _written(person: Person) -> str:
    return msgspec.json.encode(sorted(person.environments)).decode()
