"""The processes that share this database: each says from time to time that it lives, and which root keys it holds."""

import msgspec
from msgspec import Struct

from portico.store.database import Database
from portico.store.statement import Statement

# Told by the database's clock, so that processes need not agree on the time.
_TELL = Statement(
    "INSERT INTO replicas (id, host, version, root_keys, started_at, seen_at) "
    "VALUES (:id, :host, :version, :root_keys, DATABASE_NOW, DATABASE_NOW) "
    "ON CONFLICT (id) DO UPDATE SET root_keys = :root_keys, seen_at = DATABASE_NOW"
)
_LIVING = Statement(
    "SELECT id, host, version, root_keys, started_at FROM replicas WHERE seen_at > DATABASE_NOW - :within ORDER BY id"
)
_LEAVE = Statement("DELETE FROM replicas WHERE id = :id")
_FORGET = Statement("DELETE FROM replicas WHERE seen_at < DATABASE_NOW - :within")
_GONE_MILLISECONDS = 3_600_000


class Replica(Struct, frozen=True, kw_only=True):
    id: str
    host: str
    version: str
    root_keys: tuple[str, ...]
    started_at_ms: int = 0


class Replicas:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(self, replica: Replica) -> None:
        keys = msgspec.json.encode(replica.root_keys).decode()
        await self._database.run(_TELL, id=replica.id, host=replica.host, version=replica.version, root_keys=keys)

    async def living(self, within_seconds: float) -> list[Replica]:
        """Those that have been heard of lately."""
        rows = await self._database.all(_LIVING, within=int(within_seconds * 1000))
        return [
            Replica(
                id=row[0], host=row[1], version=row[2], root_keys=msgspec.json.decode(row[3], type=tuple[str, ...]),
                started_at_ms=row[4],
            )
            for row in rows
        ]  # fmt: skip

    async def leave(self, replica_id: str) -> None:
        await self._database.run(_LEAVE, id=replica_id)
        await self._database.run(_FORGET, within=_GONE_MILLISECONDS)
