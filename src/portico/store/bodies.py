"""Bodies beside rows of the request log: sealed, and gone before their rows or together with their account."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from portico.model.account import AccountId, EnvironmentId
from portico.store.database import Database, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO request_bodies (environment_id, id, account_id, sealed) "
    "VALUES (:environment_id, :id, :account_id, :sealed)"
)
_GET = Statement("SELECT sealed FROM request_bodies WHERE environment_id = :environment_id AND id = :id")
_DROP_OLD = Statement(
    "DELETE FROM request_bodies WHERE environment_id = :environment_id AND id IN (SELECT id FROM request_bodies "
    "WHERE environment_id = :environment_id AND id < :oldest ORDER BY id LIMIT :count) RETURNING id"
)
_DROP_OF_ACCOUNT = Statement(
    "DELETE FROM request_bodies WHERE environment_id = :environment_id AND id IN (SELECT id FROM request_bodies "
    "WHERE environment_id = :environment_id AND account_id = :account_id ORDER BY id LIMIT :count) RETURNING id"
)
_NOTE_GONE = Statement("UPDATE requests SET has_bodies = FALSE WHERE environment_id = :environment_id AND id = :id")
DROPPED_AT_ONCE = 500


class SealedBodies(Struct, frozen=True, kw_only=True):
    """`id` is that of the row."""

    environment_id: EnvironmentId
    id: str
    account_id: str
    sealed: bytes


class Bodies:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, environment_id: EnvironmentId, row_id: str) -> bytes | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=row_id)
        return bytes(row[0]) if row else None

    async def drop_old(self, environment_id: EnvironmentId, oldest: str) -> int:
        """Those of rows with smaller ids. Each batch is a short transaction, and everybody else gets a turn between."""
        return await self._drop(_DROP_OLD, environment_id, oldest=oldest)

    async def drop_of_account(self, environment_id: EnvironmentId, account_id: AccountId) -> int:
        return await self._drop(_DROP_OF_ACCOUNT, environment_id, account_id=account_id)

    async def _drop(self, statement: Statement, environment_id: EnvironmentId, **values: Any) -> int:
        dropped, batch = 0, DROPPED_AT_ONCE
        while batch == DROPPED_AT_ONCE:
            async with self._database.transaction() as session:
                rows = await session.all(statement, environment_id=environment_id, **values, count=DROPPED_AT_ONCE)
                if rows:
                    gone = [{"environment_id": environment_id, "id": each[0]} for each in rows]
                    await session.run_many(_NOTE_GONE, gone)
            batch = len(rows)
            dropped += batch
        return dropped


async def add(session: Session, bodies: Sequence[SealedBodies]) -> None:
    """In the transaction that writes their rows."""
    if bodies:
        await session.run_many(_ADD, [structs.asdict(each) for each in bodies])
