"""What environments write about integrations. Every read and write names the environment first."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.errors import AlreadyExists
from portico.model.account import EnvironmentId
from portico.model.documentation import EntityType, TextType
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO documentation (id, environment_id, integration, entity_type, entity_id, type, resource, method, "
    "authentication_method, content, created_at, updated_at) VALUES (:id, :environment_id, :integration, "
    ":entity_type, :entity_id, :type, :resource, :method, :authentication_method, :content, :created_at, :updated_at) "
    "ON CONFLICT (environment_id, entity_type, entity_id, type, resource, method, authentication_method) DO NOTHING"
)
_GET = Statement(
    "SELECT id, environment_id, integration, entity_type, entity_id, type, resource, method, authentication_method, "
    "content, created_at, updated_at FROM documentation WHERE environment_id = :environment_id AND id = :id"
)
_OF = Statement(
    "SELECT id, environment_id, integration, entity_type, entity_id, type, resource, method, authentication_method, "
    "content, created_at, updated_at FROM documentation "
    "WHERE environment_id = :environment_id AND integration = :integration ORDER BY id"
)
_CHANGE = Statement(
    "UPDATE documentation SET content = :content, updated_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id"
)
_DELETE = Statement("DELETE FROM documentation WHERE environment_id = :environment_id AND id = :id")
_DELETE_INSTALLED = Statement(
    "DELETE FROM documentation WHERE environment_id = :environment_id AND entity_type = 'environment_integration' "
    "AND entity_id = :installation_id"
)
_DELETE_OF = Statement(
    "DELETE FROM documentation WHERE environment_id = :environment_id AND integration = :integration"
)


class Written(Struct, frozen=True, kw_only=True):
    """One text: about a method, where `resource` and `method` are said, otherwise about the whole integration."""

    id: str
    environment_id: EnvironmentId
    integration: str
    entity_type: EntityType
    entity_id: str
    type: TextType
    resource: str = ""
    method: str = ""
    authentication_method: str = ""
    content: str
    created_at: datetime
    updated_at: datetime


class Documentation:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, row: Written) -> None:
        """AlreadyExists where there is a text of that type in that place."""
        added = await session.run(
            _ADD,
            id=row.id,
            environment_id=row.environment_id,
            integration=row.integration,
            entity_type=row.entity_type,
            entity_id=row.entity_id,
            type=row.type,
            resource=row.resource,
            method=row.method,
            authentication_method=row.authentication_method,
            content=row.content,
            created_at=to_milliseconds(row.created_at),
            updated_at=to_milliseconds(row.updated_at),
        )
        if not added:
            raise AlreadyExists

    async def get(self, environment_id: EnvironmentId, row_id: str) -> Written | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=row_id)
        return _read(row) if row else None

    async def of(self, environment_id: EnvironmentId, integration: str) -> list[Written]:
        """Oldest first."""
        rows = await self._database.all(_OF, environment_id=environment_id, integration=integration)
        return [_read(row) for row in rows]

    async def change(
        self, session: Session, environment_id: EnvironmentId, row_id: str, content: str, moment: datetime
    ) -> bool:
        changed = await session.run(
            _CHANGE, environment_id=environment_id, id=row_id, content=content, moment=to_milliseconds(moment)
        )
        return changed > 0

    async def delete(self, session: Session, environment_id: EnvironmentId, row_id: str) -> bool:
        return await session.run(_DELETE, environment_id=environment_id, id=row_id) > 0

    async def delete_installed(self, session: Session, environment_id: EnvironmentId, installation_id: str) -> None:
        await session.run(_DELETE_INSTALLED, environment_id=environment_id, installation_id=installation_id)

    async def delete_of(self, session: Session, environment_id: EnvironmentId, integration: str) -> None:
        await session.run(_DELETE_OF, environment_id=environment_id, integration=integration)


def _read(row: Row) -> Written:
    return Written(
        id=row[0],
        environment_id=row[1],
        integration=row[2],
        entity_type=row[3],
        entity_id=row[4],
        type=row[5],
        resource=row[6],
        method=row[7],
        authentication_method=row[8],
        content=row[9],
        created_at=from_milliseconds(row[10]),
        updated_at=from_milliseconds(row[11]),
    )
