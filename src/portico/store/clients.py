"""OAuth clients that registered themselves. One that nobody has let in yet is forgotten after a day."""

from datetime import datetime

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.store.database import Database, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO oauth_clients (id, name, redirect_uris, created_at) VALUES (:id, :name, :redirect_uris, :created_at)"
)
_GET = Statement("SELECT id, name, redirect_uris, created_at, used_at FROM oauth_clients WHERE id = :id")
_USED = Statement("UPDATE oauth_clients SET used_at = :used_at WHERE id = :id")
_COUNT_UNUSED = Statement("SELECT COUNT(*) FROM oauth_clients WHERE used_at IS NULL AND created_at > :since")


class RegisteredClient(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    redirect_uris: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None = None


class RegisteredClients:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, client: RegisteredClient) -> None:
        await self._database.run(
            _ADD,
            id=client.id,
            name=client.name,
            redirect_uris=msgspec.json.encode(client.redirect_uris).decode(),
            created_at=to_milliseconds(client.created_at),
        )

    async def get(self, client_id: str) -> RegisteredClient | None:
        row = await self._database.one(_GET, id=client_id)
        if row is None:
            return None
        return RegisteredClient(
            id=row[0],
            name=row[1],
            redirect_uris=msgspec.json.decode(row[2], type=tuple[str, ...]),
            created_at=from_milliseconds(row[3]),
            used_at=from_milliseconds(row[4]) if row[4] is not None else None,
        )

    async def used(self, session: Session, client_id: str, moment: datetime) -> None:
        await session.run(_USED, id=client_id, used_at=to_milliseconds(moment))

    async def count_unused(self, since: datetime) -> int:
        row = await self._database.one(_COUNT_UNUSED, since=to_milliseconds(since))
        return int(row[0]) if row else 0
