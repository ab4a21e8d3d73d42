"""Events that happened, written in the transaction that made them happen; jobs carry them to the webhooks."""

from datetime import datetime
from typing import Any

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.event import Event
from portico.store.database import Database, Row, Session
from portico.store.ids import new_id
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO events (id, environment_id, name, payload, created_at) "
    "VALUES (:id, :environment_id, :name, :payload, :created_at)"
)
_GET = Statement(
    "SELECT id, environment_id, name, payload, created_at FROM events "
    "WHERE environment_id = :environment_id AND id = :id"
)
_BETWEEN = Statement(
    "SELECT id, environment_id, name, payload, created_at FROM events WHERE environment_id = :environment_id "
    "AND (created_at, id) > (:since, :after) AND created_at < :until ORDER BY created_at, id LIMIT :count"
)


class Events:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, session: Session, environment_id: EnvironmentId, name: str, payload: dict[str, Any], moment: datetime
    ) -> Event:
        event = Event(
            id=new_id(),
            environment_id=environment_id,
            name=name,
            payload=msgspec.json.encode(payload).decode(),
            created_at=moment,
        )
        await session.run(
            _ADD,
            id=event.id,
            environment_id=environment_id,
            name=name,
            payload=event.payload,
            created_at=to_milliseconds(moment),
        )
        return event

    async def get(self, environment_id: EnvironmentId, event_id: str) -> Event | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=event_id)
        return _read(row) if row else None

    async def between(
        self, environment_id: EnvironmentId, since: datetime, until: datetime, after: str, count: int
    ) -> list[Event]:
        """Oldest first. To go on, `since` and `after` are time and id of the last one."""
        rows = await self._database.all(
            _BETWEEN,
            environment_id=environment_id,
            since=to_milliseconds(since),
            until=to_milliseconds(until),
            after=after,
            count=count,
        )
        return [_read(row) for row in rows]


def _read(row: Row) -> Event:
    return Event(id=row[0], environment_id=row[1], name=row[2], payload=row[3], created_at=from_milliseconds(row[4]))
