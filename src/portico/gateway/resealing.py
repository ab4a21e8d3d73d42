"""Every sealed value that is kept, and how to give it a new key while everybody goes on reading and writing it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from portico.gateway import approvals, bodies, files, handover, idempotency, inbound, secrets, stored, webhooks
from portico.gateway.keyring import Keyring
from portico.store import sealed
from portico.store.database import Database, Session
from portico.store.keys import WrappedKey
from portico.store.replays import ReplayKey
from portico.store.sealed import SealedRow, SealedTable
from portico.vault.envelope import CannotOpen, Place


def _replay(row: SealedRow) -> Place:
    key = ReplayKey(environment_id=row.environment_id, place=row.keys["place"], digest=row.keys["digest"])
    return idempotency.sealed_place(key)


# A table with sealed values that is missing here would keep its old keys for ever; a test looks for such.
PLACES: Mapping[SealedTable, Callable[[SealedRow], Place]] = {
    sealed.ACCOUNTS: lambda row: secrets.sealed_place(row.environment_id, row.keys["id"]),
    sealed.WEBHOOKS: lambda row: webhooks.sealed_place(row.environment_id, row.keys["id"]),
    sealed.INBOUND_ENDPOINTS: lambda row: inbound.sealed_place(row.environment_id, row.keys["account_id"]),
    sealed.REPLAYS: _replay,
    sealed.FILE_PIECES: lambda row: files.sealed_place(row.environment_id, row.keys["file_id"], row.keys["number"]),
    sealed.APPROVALS: lambda row: approvals.sealed_place(row.environment_id, row.keys["id"]),
    sealed.HANDED_SECRETS: lambda row: handover.sealed_place(row.environment_id, row.keys["id"]),
    sealed.STORED_SECRETS: lambda row: stored.sealed_place(row.environment_id, row.keys["id"]),
    sealed.REQUEST_BODIES: lambda row: bodies.sealed_place(row.environment_id, row.keys["id"]),
}


class Swept(Struct, frozen=True, kw_only=True):
    """How many values have a new key now, and how many could not be opened and keep their old one."""

    done: int = 0
    unreadable: int = 0


async def count(database: Database) -> int:
    """How many values are under superseded keys."""
    return sum([await table.left(database) for table in PLACES])


async def sweep(database: Database, keyring: Keyring, progress: Callable[[Session, int], Awaitable[None]]) -> Swept:
    """Give every value under a superseded key a new one. `progress` is written along with each batch."""
    done = unreadable = 0
    for table, place in PLACES.items():
        after: Mapping[str, Any] = table.start
        while rows := await table.rows_after(database, after):
            after = rows[-1].keys
            fresh = [(row, await _resealed(keyring, row, place(row))) for row in rows]
            unreadable += sum(value is None for _, value in fresh)
            async with database.transaction() as session:
                for row, value in fresh:
                    if value is not None:
                        done += await table.put(session, row, value)
                await progress(session, done)
    return Swept(done=done, unreadable=unreadable)


async def uses_of(session: Session, key: WrappedKey) -> int:
    return sum([await table.uses_of(session, key.environment_id, key.id) for table in PLACES])


async def _resealed(keyring: Keyring, row: SealedRow, place: Place) -> bytes | None:
    try:
        return await keyring.seal(await keyring.open(row.sealed, place), place)
    except CannotOpen:
        return None  # damaged before we came; whoever reads it is told so
