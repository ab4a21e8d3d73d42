"""Every place where sealed values are kept, as one sees it who gives them new keys: found by key, swapped if unchanged.

A sealed value names its data key in bytes 2 to 9. Works across environments, as only a rotation may.
"""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from msgspec import Struct

from portico.model.account import EnvironmentId
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

Start = str | bytes | int

_IS_SUPERSEDED = (
    "EXISTS (SELECT 1 FROM data_keys WHERE data_keys.environment_id = {table}.environment_id "
    "AND data_keys.id = substr({table}.sealed, 2, 8) AND data_keys.superseded_at IS NOT NULL)"
)
_NEXT = (
    "SELECT environment_id, sealed, {keys} FROM {table} WHERE ({keys}) > ({after}) AND {is_superseded} "
    "ORDER BY {keys} LIMIT :count"
)
_COUNT = "SELECT COUNT(*) FROM {table} WHERE {is_superseded}"
_USES = "SELECT COUNT(*) FROM {table} WHERE environment_id = :environment_id AND substr(sealed, 2, 8) = :key_id"
_SWAP = "UPDATE {table} SET sealed = :fresh WHERE {same} AND sealed = :sealed"


class SealedRow(Struct, frozen=True, kw_only=True):
    """One row: its environment, what identifies it, and its sealed value."""

    environment_id: EnvironmentId
    keys: dict[str, Any]
    sealed: bytes


class SealedTable:
    """`keys` are the columns that identify a row, in the order of its index, each with a value below all others."""

    def __init__(self, name: LiteralString, keys: Mapping[LiteralString, Start], *, batch: int = 100) -> None:
        self.name, self.batch = name, batch
        self.start: dict[str, Start] = {str(key): value for key, value in keys.items()}
        same = " AND ".join(key + " = :" + key for key in keys)

        def spell(text: LiteralString) -> Statement:
            after = ", ".join(":after_" + key for key in keys)
            spelled = text.replace("{is_superseded}", _IS_SUPERSEDED).replace("{table}", name).replace("{same}", same)
            return Statement(spelled.replace("{keys}", ", ".join(keys)).replace("{after}", after))

        self.next, self.count = spell(_NEXT), spell(_COUNT)
        self.uses, self.swap = spell(_USES), spell(_SWAP)

    def statements(self) -> Mapping[str, Statement]:
        return {"next": self.next, "count": self.count, "uses": self.uses, "swap": self.swap}

    async def rows_after(self, database: Database, after: Mapping[str, Any]) -> list[SealedRow]:
        """The next rows under superseded keys."""
        values = {f"after_{name}": value for name, value in after.items()}
        rows = await database.all(self.next, **values, count=self.batch)
        return [self._read(row) for row in rows]

    async def put(self, session: Session, row: SealedRow, fresh: bytes) -> bool:
        """Unless it has been written anew meanwhile."""
        return await session.run(self.swap, **row.keys, sealed=row.sealed, fresh=fresh) > 0

    async def left(self, database: Database) -> int:
        row = await database.one(self.count)
        return row[0] if row else 0

    async def uses_of(self, session: Session, environment_id: EnvironmentId, key_id: bytes) -> int:
        row = await session.one(self.uses, environment_id=environment_id, key_id=key_id)
        return row[0] if row else 0

    def _read(self, row: Row) -> SealedRow:
        keys: dict[str, Any] = dict(zip(self.start, row[2:], strict=True))
        return SealedRow(environment_id=row[0], sealed=bytes(row[1]), keys=keys)


ACCOUNTS = SealedTable("accounts", {"id": ""})
WEBHOOKS = SealedTable("webhooks", {"id": ""})
INBOUND_ENDPOINTS = SealedTable("inbound_endpoints", {"account_id": ""})
REPLAYS = SealedTable("replays", {"environment_id": "", "place": "", "digest": b""}, batch=25)
FILE_PIECES = SealedTable("file_pieces", {"environment_id": "", "file_id": "", "number": -1}, batch=4)
APPROVALS = SealedTable("approvals", {"id": ""})
HANDED_SECRETS = SealedTable("handed_secrets", {"id": ""})
STORED_SECRETS = SealedTable("stored_secrets", {"id": ""})
REQUEST_BODIES = SealedTable("request_bodies", {"environment_id": "", "id": ""})
TABLES: Sequence[SealedTable] = (
    ACCOUNTS, WEBHOOKS, INBOUND_ENDPOINTS, REPLAYS, FILE_PIECES, APPROVALS, HANDED_SECRETS, STORED_SECRETS,
    REQUEST_BODIES,
)  # fmt: skip
