"""Integrations as environments use them, and the integrations that environments have defined themselves."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId, Installation
from portico.store.database import Database, Row, Session
from portico.store.ids import new_id
from portico.store.statement import Statement

_ENSURE = Statement(
    "INSERT INTO installations (id, environment_id, integration, is_enabled, show_in_catalog, override, "
    "unified_override, created_at, updated_at) VALUES (:id, :environment_id, :integration, :is_enabled, "
    ":show_in_catalog, :override, :unified_override, :moment, :moment) "
    "ON CONFLICT (environment_id, integration) DO NOTHING"
)
_GET = Statement(
    "SELECT id, environment_id, integration, is_enabled, show_in_catalog, override, created_at, updated_at, "
    "unified_override FROM installations WHERE environment_id = :environment_id AND id = :id"
)
_OF = Statement(
    "SELECT id, environment_id, integration, is_enabled, show_in_catalog, override, created_at, updated_at, "
    "unified_override FROM installations WHERE environment_id = :environment_id AND integration = :integration"
)
_PAGE = Statement(
    "SELECT id, environment_id, integration, is_enabled, show_in_catalog, override, created_at, updated_at, "
    "unified_override FROM installations WHERE environment_id = :environment_id AND id < :before "
    "ORDER BY id DESC LIMIT :count"
)
_UPDATE = Statement(
    "UPDATE installations SET is_enabled = COALESCE(:is_enabled, is_enabled), "
    "show_in_catalog = COALESCE(:show_in_catalog, show_in_catalog), override = COALESCE(:override, override), "
    "unified_override = COALESCE(:unified_override, unified_override), updated_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id"
)
_DELETE = Statement("DELETE FROM installations WHERE environment_id = :environment_id AND id = :id")

_ADD_DEFINITION = Statement(
    "INSERT INTO integrations (id, environment_id, name, category, definition, version, created_at, updated_at) "
    "VALUES (:id, :environment_id, :name, :category, :definition, 1, :moment, :moment)"
)
_GET_DEFINITION = Statement(
    "SELECT id, environment_id, name, category, definition, version, created_at, updated_at FROM integrations "
    "WHERE environment_id = :environment_id AND (id = :id OR name = :id)"
)
_DEFINITIONS = Statement(
    "SELECT id, environment_id, name, category, definition, version, created_at, updated_at FROM integrations "
    "WHERE environment_id = :environment_id ORDER BY id DESC"
)
_UPDATE_DEFINITION = Statement(
    "UPDATE integrations SET category = :category, definition = :definition, version = version + 1, "
    "updated_at = :moment WHERE environment_id = :environment_id AND id = :id AND version = :version"
)
_DELETE_DEFINITION = Statement("DELETE FROM integrations WHERE environment_id = :environment_id AND id = :id")


class Definition(Struct, frozen=True, kw_only=True):
    """An integration that an environment brought along, as the definition it was given in."""

    id: str
    environment_id: EnvironmentId
    name: str
    category: str
    definition: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


class Wish(Struct, frozen=True, kw_only=True):
    """How an installation is to be; None: no wish."""

    is_enabled: bool | None = None
    show_in_catalog: bool | None = None
    override: dict[str, Any] | None = None
    unified_override: dict[str, Any] | None = None


class Installations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(
        self, session: Session, environment_id: EnvironmentId, integration: str, moment: datetime, wish: Wish
    ) -> tuple[Installation, bool]:
        """(the environment's installation of the integration, whether it was made now as wished)."""
        made = await session.run(
            _ENSURE,
            id=new_id(),
            environment_id=environment_id,
            integration=integration,
            is_enabled=wish.is_enabled is not False,
            show_in_catalog=wish.show_in_catalog is not False,
            override=_json(wish.override or {}),
            unified_override=_json(wish.unified_override or {}),
            moment=to_milliseconds(moment),
        )
        row = await session.one(_OF, environment_id=environment_id, integration=integration)
        if row is None:
            raise LookupError(integration)
        return _read(row), made > 0

    async def get(self, environment_id: EnvironmentId, installation_id: str) -> Installation | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=installation_id)
        return _read(row) if row else None

    async def of(self, environment_id: EnvironmentId, integration: str) -> Installation | None:
        row = await self._database.one(_OF, environment_id=environment_id, integration=integration)
        return _read(row) if row else None

    async def page(self, environment_id: EnvironmentId, before: str, count: int) -> list[Installation]:
        rows = await self._database.all(_PAGE, environment_id=environment_id, before=before, count=count)
        return [_read(row) for row in rows]

    async def update(
        self, session: Session, environment_id: EnvironmentId, installation_id: str, moment: datetime, wish: Wish
    ) -> Installation | None:
        """As it is afterwards; None when it is gone. What is not wished for stays, whoever else changes it now."""
        await session.run(
            _UPDATE,
            id=installation_id,
            environment_id=environment_id,
            is_enabled=wish.is_enabled,
            show_in_catalog=wish.show_in_catalog,
            override=None if wish.override is None else _json(wish.override),
            unified_override=None if wish.unified_override is None else _json(wish.unified_override),
            moment=to_milliseconds(moment),
        )
        row = await session.one(_GET, environment_id=environment_id, id=installation_id)
        return _read(row) if row else None

    async def delete(self, session: Session, environment_id: EnvironmentId, installation_id: str) -> bool:
        return await session.run(_DELETE, environment_id=environment_id, id=installation_id) > 0


class Definitions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, definition: Definition) -> None:
        await session.run(
            _ADD_DEFINITION,
            id=definition.id,
            environment_id=definition.environment_id,
            name=definition.name,
            category=definition.category,
            definition=msgspec.json.encode(definition.definition).decode(),
            moment=to_milliseconds(definition.created_at),
        )

    async def get(self, environment_id: EnvironmentId, id_or_name: str) -> Definition | None:
        row = await self._database.one(_GET_DEFINITION, environment_id=environment_id, id=id_or_name)
        return _read_definition(row) if row else None

    async def all(self, environment_id: EnvironmentId) -> list[Definition]:
        rows = await self._database.all(_DEFINITIONS, environment_id=environment_id)
        return [_read_definition(row) for row in rows]

    async def update(self, session: Session, definition: Definition, moment: datetime) -> bool:
        """False when somebody else changed it since that version was read."""
        changed = await session.run(
            _UPDATE_DEFINITION,
            id=definition.id,
            environment_id=definition.environment_id,
            category=definition.category,
            definition=msgspec.json.encode(definition.definition).decode(),
            version=definition.version,
            moment=to_milliseconds(moment),
        )
        return changed > 0

    async def delete(self, session: Session, environment_id: EnvironmentId, definition_id: str) -> bool:
        return await session.run(_DELETE_DEFINITION, environment_id=environment_id, id=definition_id) > 0


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _read(row: Row) -> Installation:
    return Installation(
        id=row[0],
        environment_id=row[1],
        integration=row[2],
        is_enabled=bool(row[3]),
        show_in_catalog=bool(row[4]),
        override=msgspec.json.decode(row[5]),
        created_at=from_milliseconds(row[6]),
        updated_at=from_milliseconds(row[7]),
        unified_override=msgspec.json.decode(row[8]),
    )


def _read_definition(row: Row) -> Definition:
    return Definition(
        id=row[0],
        environment_id=row[1],
        name=row[2],
        category=row[3],
        definition=msgspec.json.decode(row[4]),
        version=row[5],
        created_at=from_milliseconds(row[6]),
        updated_at=from_milliseconds(row[7]),
    )
