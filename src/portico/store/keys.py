"""Wrapped data keys, one or more per environment, and the value that shows whether the root key is the right one."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database, Session
from portico.store.statement import Statement

_CHECK = Statement("SELECT check_value FROM keyring WHERE id = 1")
_SET_CHECK = Statement(
    "INSERT INTO keyring (id, check_value, created_at) VALUES (1, :check_value, :moment) ON CONFLICT (id) DO NOTHING"
)
_NEWEST = Statement(
    "SELECT id, environment_id, wrapped, wrapper, created_at FROM data_keys "
    "WHERE environment_id = :environment_id AND retired_at IS NULL ORDER BY created_at DESC LIMIT 1"
)
_GET = Statement(
    "SELECT id, environment_id, wrapped, wrapper, created_at FROM data_keys "
    "WHERE environment_id = :environment_id AND id = :id"
)
_ADD = Statement(
    "INSERT INTO data_keys (id, environment_id, wrapped, wrapper, created_at) "
    "VALUES (:id, :environment_id, :wrapped, :wrapper, :created_at)"
)


class WrappedKey(Struct, frozen=True, kw_only=True):
    id: bytes
    environment_id: EnvironmentId
    wrapped: bytes
    wrapper: str
    created_at: datetime


class Keys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def check_value(self) -> bytes | None:
        row = await self._database.one(_CHECK)
        return bytes(row[0]) if row else None

    async def set_check_value(self, value: bytes, moment: datetime) -> None:
        """Kept once, on the first start; a second process that comes at the same time keeps the first one's."""
        await self._database.run(_SET_CHECK, check_value=value, moment=to_milliseconds(moment))

    async def newest(self, environment_id: EnvironmentId) -> WrappedKey | None:
        return _read(await self._database.one(_NEWEST, environment_id=environment_id))

    async def get(self, environment_id: EnvironmentId, key_id: bytes) -> WrappedKey | None:
        return _read(await self._database.one(_GET, environment_id=environment_id, id=key_id))

    async def add(self, session: Session, key: WrappedKey) -> None:
        await session.run(
            _ADD,
            id=key.id,
            environment_id=key.environment_id,
            wrapped=key.wrapped,
            wrapper=key.wrapper,
            created_at=to_milliseconds(key.created_at),
        )


def _read(row: tuple[object, ...] | None) -> WrappedKey | None:
    if row is None:
        return None
    key_id, environment_id, wrapped, wrapper, created_at = row
    return WrappedKey(
        id=bytes(key_id),  # pyright: ignore[reportArgumentType] -- a column of bytes
        environment_id=EnvironmentId(str(environment_id)),
        wrapped=bytes(wrapped),  # pyright: ignore[reportArgumentType] -- a column of bytes
        wrapper=str(wrapper),
        created_at=from_milliseconds(int(created_at)),  # pyright: ignore[reportArgumentType] -- a column of integers
    )
