"""Rotations of keys: what was asked for and how far it has come; and the keys of all environments, as one sees them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.store import keys
from portico.store.database import Database, Row, Session
from portico.store.keys import WrappedKey
from portico.store.statement import Statement

What = Literal["all", "root", "data"]
RotationState = Literal["waiting", "working", "settling", "done"]

_ADD = Statement(
    "INSERT INTO rotations (id, what, state, root_key, total, done, note, started_by, started_at, updated_at) "
    "VALUES (:id, :what, 'waiting', :root_key, 0, 0, '', :started_by, :moment, :moment)"
)
_UPDATE = Statement(
    "UPDATE rotations SET state = :state, total = :total, done = :done, note = :note, updated_at = :moment, "
    "settled_at = :settled_at, finished_at = :finished_at WHERE id = :id"
)
_GET = Statement(
    "SELECT id, what, state, root_key, total, done, note, started_by, started_at, updated_at, settled_at, finished_at "
    "FROM rotations WHERE id = :id"
)
_LAST = Statement(
    "SELECT id, what, state, root_key, total, done, note, started_by, started_at, updated_at, settled_at, finished_at "
    "FROM rotations ORDER BY id DESC LIMIT :count"
)
_OUTDATED = Statement(
    "SELECT DISTINCT environment_id FROM data_keys "
    "WHERE superseded_at IS NULL AND retired_at IS NULL AND created_at < :moment ORDER BY environment_id"
)
_SUPERSEDE = Statement(
    "UPDATE data_keys SET superseded_at = :moment WHERE environment_id = :environment_id AND id <> :id "
    "AND superseded_at IS NULL AND retired_at IS NULL AND created_at < :before"
)
_WRAPPED_ELSEWHERE = Statement(
    "SELECT id, environment_id, wrapped, wrapper, created_at FROM data_keys "
    "WHERE wrapper <> :wrapper AND retired_at IS NULL ORDER BY environment_id, id LIMIT :count"
)
_SUPERSEDED = Statement(
    "SELECT id, environment_id, wrapped, wrapper, created_at FROM data_keys "
    "WHERE superseded_at IS NOT NULL AND superseded_at <= :moment AND retired_at IS NULL ORDER BY environment_id, id"
)
# The material goes; that the key has been stays known.
_RETIRE = Statement(
    "UPDATE data_keys SET retired_at = :moment, wrapped = :nothing WHERE environment_id = :environment_id AND id = :id"
)
_DROP_UNNAMED_ROOT = Statement("DELETE FROM root_keys WHERE id = 'unnamed'")
_NAME_WRAPPER = Statement("UPDATE data_keys SET wrapper = :id WHERE wrapper = 'local'")
_WRAPPED_BY = Statement("SELECT COUNT(*) FROM data_keys WHERE wrapper = :wrapper AND retired_at IS NULL")
_COUNTS = Statement(
    "SELECT COUNT(*), SUM(CASE WHEN superseded_at IS NULL AND retired_at IS NULL THEN 1 ELSE 0 END), "
    "SUM(CASE WHEN superseded_at IS NOT NULL AND retired_at IS NULL THEN 1 ELSE 0 END), "
    "MIN(CASE WHEN superseded_at IS NULL AND retired_at IS NULL THEN created_at END) FROM data_keys"
)


class Rotation(Struct, frozen=True, kw_only=True):
    """`root_key` is the root key that is to wrap everything, "" where only data keys are rotated."""

    id: str
    what: What
    state: RotationState
    root_key: str
    total: int = 0
    done: int = 0
    note: str = ""
    started_by: str
    started_at: datetime
    updated_at: datetime
    settled_at: datetime | None = None
    finished_at: datetime | None = None


class KeyCounts(Struct, frozen=True, kw_only=True):
    in_use: int
    superseded: int
    retired: int
    oldest_in_use: datetime | None


class Rotations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, rotation: Rotation) -> None:
        await session.run(
            _ADD,
            id=rotation.id,
            what=rotation.what,
            root_key=rotation.root_key,
            started_by=rotation.started_by,
            moment=to_milliseconds(rotation.started_at),
        )

    async def update(self, session: Session, rotation: Rotation, moment: datetime) -> None:
        await session.run(
            _UPDATE,
            id=rotation.id,
            state=rotation.state,
            total=rotation.total,
            done=rotation.done,
            note=rotation.note,
            moment=to_milliseconds(moment),
            settled_at=_milliseconds(rotation.settled_at),
            finished_at=_milliseconds(rotation.finished_at),
        )

    async def get(self, rotation_id: str) -> Rotation | None:
        row = await self._database.one(_GET, id=rotation_id)
        return _read(row) if row else None

    async def last(self, session: Session | None = None, count: int = 1) -> list[Rotation]:
        """Newest first."""
        return [_read(row) for row in await (session or self._database).all(_LAST, count=count)]

    async def outdated(self, moment: datetime) -> list[EnvironmentId]:
        """Environments whose data key in use is older than that."""
        return [EnvironmentId(row[0]) for row in await self._database.all(_OUTDATED, moment=to_milliseconds(moment))]

    async def supersede(self, session: Session, key: WrappedKey, before: datetime, moment: datetime) -> None:
        """The environment's data keys older than that are no longer in use; this one is."""
        await session.run(
            _SUPERSEDE,
            environment_id=key.environment_id,
            id=key.id,
            before=to_milliseconds(before),
            moment=to_milliseconds(moment),
        )

    async def wrapped_elsewhere(self, wrapper: str, count: int, session: Session | None = None) -> list[WrappedKey]:
        """Data keys that another root key wraps; every one, where none is named."""
        rows = await (session or self._database).all(_WRAPPED_ELSEWHERE, wrapper=wrapper, count=count)
        return [each for row in rows if (each := keys.read(row)) is not None]

    async def superseded(self, until: datetime) -> list[WrappedKey]:
        """Data keys superseded before that and still readable."""
        rows = await self._database.all(_SUPERSEDED, moment=to_milliseconds(until))
        return [each for row in rows if (each := keys.read(row)) is not None]

    async def retire(self, session: Session, key: WrappedKey, moment: datetime) -> None:
        await session.run(
            _RETIRE,
            environment_id=key.environment_id,
            id=key.id,
            moment=to_milliseconds(moment),
            nothing=b"",
        )

    async def wrapped_by(self, session: Session, wrapper: str) -> int:
        row = await session.one(_WRAPPED_BY, wrapper=wrapper)
        return row[0] if row else 0

    async def name_root(self, session: Session, root_id: str) -> None:
        """What was kept before root keys had names is this one's."""
        await session.run(_DROP_UNNAMED_ROOT)
        await session.run(_NAME_WRAPPER, id=root_id)

    async def counts(self) -> KeyCounts:
        row = await self._database.one(_COUNTS) or (0, 0, 0, None)
        every, in_use, superseded = int(row[0]), int(row[1] or 0), int(row[2] or 0)
        oldest = None if row[3] is None else from_milliseconds(row[3])
        return KeyCounts(
            in_use=in_use, superseded=superseded, retired=every - in_use - superseded, oldest_in_use=oldest
        )


def _read(row: Row) -> Rotation:
    return Rotation(
        id=row[0],
        what=row[1],
        state=row[2],
        root_key=row[3],
        total=row[4],
        done=row[5],
        note=row[6],
        started_by=row[7],
        started_at=from_milliseconds(row[8]),
        updated_at=from_milliseconds(row[9]),
        settled_at=None if row[10] is None else from_milliseconds(row[10]),
        finished_at=None if row[11] is None else from_milliseconds(row[11]),
    )


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_milliseconds(moment)
