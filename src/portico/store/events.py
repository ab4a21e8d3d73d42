"""Events that happened, written in the transaction that made them happen; jobs carry them to the webhooks."""

from datetime import datetime
from typing import Any

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.event import Event
from portico.store.database import Database, Session
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
        if row is None:
            return None
        return Event(
            id=row[0], environment_id=row[1], name=row[2], payload=row[3], created_at=from_milliseconds(row[4])
        )
