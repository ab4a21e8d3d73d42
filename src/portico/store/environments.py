"""Environments: the walls between tenants. Everything else in the store belongs to one of them."""

from datetime import datetime

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import Environment, EnvironmentId
from portico.store.database import Database, Row, Session
from portico.store.ids import new_id
from portico.store.link_pages import LinkPages
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO environments (id, name, created_at, updated_at) VALUES (:id, :name, :created_at, :created_at)"
)
_GET = Statement("SELECT id, name, log_bodies, created_at, updated_at FROM environments WHERE id = :environment_id")
_UPDATE = Statement(
    "UPDATE environments SET name = :name, log_bodies = :log_bodies, updated_at = :updated_at "
    "WHERE id = :environment_id"
)


class Environments:
    """Each with what it makes of the pages that its customers see."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.link_pages = LinkPages(database)

    async def add(self, session: Session, name: str, moment: datetime) -> Environment:
        environment_id = EnvironmentId(new_id())
        await session.run(_ADD, id=environment_id, name=name, created_at=to_milliseconds(moment))
        return Environment(id=environment_id, name=name, created_at=moment, updated_at=moment)

    async def get(self, environment_id: EnvironmentId) -> Environment | None:
        row = await self._database.one(_GET, environment_id=environment_id)
        return read(row) if row else None

    async def update(self, session: Session, environment: Environment) -> None:
        await session.run(
            _UPDATE,
            environment_id=environment.id,
            name=environment.name,
            log_bodies=environment.log_bodies,
            updated_at=to_milliseconds(environment.updated_at),
        )


def read(row: Row) -> Environment:
    return Environment(
        id=row[0],
        name=row[1],
        log_bodies=bool(row[2]),
        created_at=from_milliseconds(row[3]),
        updated_at=from_milliseconds(row[4]),
    )
