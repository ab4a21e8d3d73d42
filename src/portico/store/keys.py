"""Root keys as the database knows them, and the wrapped data keys: one in use for each environment, older ones beside.

A key is in use until it is superseded; it stays readable until it is retired, and then its material is gone.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

# What wrapped a data key before root keys had names of their own.
UNNAMED = "unnamed"

_ROOTS = Statement(
    "SELECT id, pepper, check_value, created_at, superseded_at, retired_at FROM root_keys ORDER BY created_at, id"
)
_ADD_ROOT = Statement(
    "INSERT INTO root_keys (id, pepper, created_at) VALUES (:id, :pepper, :moment) "
    "ON CONFLICT (id) DO UPDATE SET pepper = :pepper, created_at = :moment, superseded_at = NULL, retired_at = NULL"
)
_SUPERSEDE_ROOTS = Statement("UPDATE root_keys SET superseded_at = :moment WHERE superseded_at IS NULL AND id <> :id")
_RETIRE_ROOT = Statement("UPDATE root_keys SET pepper = NULL, check_value = NULL, retired_at = :moment WHERE id = :id")

_NEWEST = Statement(
    "SELECT id, environment_id, wrapped, wrapper, created_at FROM data_keys WHERE environment_id = :environment_id "
    "AND superseded_at IS NULL AND retired_at IS NULL ORDER BY created_at DESC, id LIMIT 1"
)
_GET = Statement(
    "SELECT id, environment_id, wrapped, wrapper, created_at FROM data_keys "
    "WHERE environment_id = :environment_id AND id = :id AND retired_at IS NULL"
)
# Only under a root key that is still in use, so that nothing new hangs on one that is about to go.
_ADD = Statement(
    "INSERT INTO data_keys (id, environment_id, wrapped, wrapper, created_at) "
    "SELECT :id, :environment_id, :wrapped, :wrapper, :created_at FROM root_keys "
    "WHERE root_keys.id = :wrapper AND root_keys.superseded_at IS NULL",
    postgres="INSERT INTO data_keys (id, environment_id, wrapped, wrapper, created_at) "
    "SELECT :id, :environment_id, :wrapped, :wrapper, CAST(:created_at AS BIGINT) FROM root_keys "
    "WHERE root_keys.id = :wrapper AND root_keys.superseded_at IS NULL",
)
_REWRAP = Statement(
    "UPDATE data_keys SET wrapped = :wrapped, wrapper = :wrapper "
    "WHERE environment_id = :environment_id AND id = :id AND wrapped = :seen"
)


class RootKey(Struct, frozen=True, kw_only=True):
    """`pepper` and `check_value` are wrapped by it; a retired one has neither."""

    id: str
    pepper: bytes | None
    check_value: bytes | None
    created_at: datetime
    superseded_at: datetime | None
    retired_at: datetime | None


class WrappedKey(Struct, frozen=True, kw_only=True):
    id: bytes
    environment_id: EnvironmentId
    wrapped: bytes
    wrapper: str
    created_at: datetime


class Keys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def roots(self, session: Session | None = None) -> list[RootKey]:
        """Every root key there was, oldest first."""
        return [read_root(row) for row in await (session or self._database).all(_ROOTS)]

    async def current_root(self, session: Session | None = None) -> RootKey | None:
        return next((each for each in await self.roots(session) if each.superseded_at is None), None)

    async def use_root(self, session: Session, root_id: str, pepper: bytes, moment: datetime) -> None:
        """From now on this one wraps; those before it stay readable."""
        now = to_milliseconds(moment)
        await session.run(_ADD_ROOT, id=root_id, pepper=pepper, moment=now)
        await session.run(_SUPERSEDE_ROOTS, id=root_id, moment=now)

    async def retire_root(self, session: Session, root_id: str, moment: datetime) -> None:
        await session.run(_RETIRE_ROOT, id=root_id, moment=to_milliseconds(moment))

    async def newest(self, environment_id: EnvironmentId) -> WrappedKey | None:
        return read(await self._database.one(_NEWEST, environment_id=environment_id))

    async def get(self, environment_id: EnvironmentId, key_id: bytes) -> WrappedKey | None:
        return read(await self._database.one(_GET, environment_id=environment_id, id=key_id))

    async def add(self, session: Session, key: WrappedKey) -> bool:
        """False when its root key has been superseded meanwhile."""
        changed = await session.run(
            _ADD,
            id=key.id,
            environment_id=key.environment_id,
            wrapped=key.wrapped,
            wrapper=key.wrapper,
            created_at=to_milliseconds(key.created_at),
        )
        return changed > 0

    async def rewrap(self, session: Session, key: WrappedKey, wrapped: bytes, wrapper: str) -> None:
        """Unless somebody else has done it meanwhile."""
        await session.run(
            _REWRAP,
            environment_id=key.environment_id,
            id=key.id,
            wrapped=wrapped,
            wrapper=wrapper,
            seen=key.wrapped,
        )


def read(row: Row | None) -> WrappedKey | None:
    if row is None:
        return None
    key_id, environment_id, wrapped, wrapper, created_at = row
    return WrappedKey(
        id=bytes(key_id),
        environment_id=EnvironmentId(environment_id),
        wrapped=bytes(wrapped),
        wrapper=wrapper,
        created_at=from_milliseconds(created_at),
    )


def read_root(row: Row) -> RootKey:
    """The columns in the order of the table."""
    root_id, pepper, check_value, created_at, superseded_at, retired_at = row
    return RootKey(
        id=root_id,
        pepper=_bytes(pepper),
        check_value=_bytes(check_value),
        created_at=from_milliseconds(created_at),
        superseded_at=_moment(superseded_at),
        retired_at=_moment(retired_at),
    )


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_milliseconds(value)
