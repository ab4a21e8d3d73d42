"""Bodies beside rows of the request log: made ready and sealed as the rows are written, opened for whoever looks.

They wait in memory up to a bound, and what goes wrong with one costs neither its row nor its call.
"""

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import structs

from portico.clock import Clock
from portico.errors import KeysUnavailable, Unavailable
from portico.gateway.heard import Heard
from portico.gateway.keyring import Keyring
from portico.gateway.metrics import Metrics
from portico.log import logger
from portico.model.account import AccountId
from portico.model.caller import Caller
from portico.model.request import RequestRow
from portico.shapes import Json
from portico.store.accounts import Accounts
from portico.store.audit import Audit
from portico.store.bodies import Bodies, SealedBodies
from portico.store.database import Database
from portico.vault.envelope import CannotOpen, Place

MOST_WAITING_BYTES = 67_108_864
READ = "log.bodies_read"
_log = logger("bodies")


class Keeper:
    """Holds what was heard of calls until their rows are written."""

    def __init__(self, keyring: Keyring, metrics: Metrics, limit_bytes: int) -> None:
        self._keyring, self._metrics, self._limit_bytes = keyring, metrics, limit_bytes
        self._waiting: dict[str, Heard] = {}
        self._bytes = 0

    def hold(self, row_id: str, heard: Heard) -> None:
        if self._bytes + heard.held_bytes > MOST_WAITING_BYTES:
            self._metrics.bodies_dropped.inc()
            return
        self._waiting[row_id] = heard
        self._bytes += heard.held_bytes

    def forget(self, rows: Sequence[RequestRow]) -> None:
        """They have been written, or never will be."""
        for row in rows:
            if heard := self._waiting.pop(row.id, None):
                self._bytes -= heard.held_bytes

    def give_up(self) -> None:
        """There is no time left for them: their rows go without."""
        self._metrics.bodies_dropped.inc(len(self._waiting))
        self._waiting.clear()
        self._bytes = 0

    async def sealed(self, rows: Sequence[RequestRow]) -> tuple[list[RequestRow], list[SealedBodies]]:
        """The rows as they are to be written, and the bodies of those that have some."""
        heard = {row.id: self._waiting[row.id] for row in rows if row.id in self._waiting}
        if not heard:
            return list(rows), []
        ready = await asyncio.to_thread(self._ready, heard)
        kept = [each for row in rows if row.id in ready and (each := await self._sealed(row, heard, ready))]
        with_bodies = {each.id for each in kept}
        return [structs.replace(row, has_bodies=True) if row.id in with_bodies else row for row in rows], kept

    def _ready(self, heard: dict[str, Heard]) -> dict[str, bytes]:
        """Off the loop: reading and redacting takes longer than a call may wait."""
        made: dict[str, bytes] = {}
        for row_id, each in heard.items():
            try:
                made[row_id] = msgspec.json.encode(each.kept(self._limit_bytes))
            except Exception as problem:
                self._drop(row_id, problem)
        return made

    async def _sealed(self, row: RequestRow, heard: dict[str, Heard], ready: dict[str, bytes]) -> SealedBodies | None:
        try:
            sealed = await self._keyring.seal(ready[row.id], sealed_place(row.environment_id, row.id))
        except KeysUnavailable as problem:
            self._drop(row.id, problem)
            return None
        except Unavailable:
            raise  # the row cannot be written either, and both are tried again
        except Exception as problem:
            self._drop(row.id, problem)
            return None
        return SealedBodies(
            environment_id=row.environment_id, id=row.id, account_id=heard[row.id].account_id, sealed=sealed
        )

    def _drop(self, row_id: str, problem: Exception) -> None:
        self._metrics.bodies_dropped.inc()
        _log.warning("bodies of a call cannot be kept", row=row_id, reason=type(problem).__name__)


class Reader:
    """Shows bodies to whoever may see the log, and writes down that they were shown."""

    def __init__(self, database: Database, accounts: Accounts, keyring: Keyring, audit: Audit, clock: Clock) -> None:
        self._database, self._accounts, self._keyring = database, accounts, keyring
        self._audit, self._clock = audit, clock
        self._bodies = Bodies(database)

    async def read(self, caller: Caller, row: RequestRow) -> Json | None:
        """Both sides of the call; None where nothing is kept, or its account is gone. Unaudited, nothing is shown."""
        sealed = await self._bodies.get(row.environment_id, row.id) if row.has_bodies else None
        if sealed is None or await self._accounts.get(row.environment_id, AccountId(row.account_id)) is None:
            return None
        try:
            plain = await self._keyring.open(sealed, sealed_place(row.environment_id, row.id))
        except CannotOpen:
            _log.error("bodies of a call cannot be opened", row=row.id)
            return None
        async with self._database.transaction() as session:
            await self._audit.add(session, caller, READ, row.id, self._clock(), integrated_account_id=row.account_id)
        return msgspec.json.decode(plain)


def sealed_place(environment_id: str, row_id: str) -> Place:
    return Place("logged bodies", environment_id, f"request_bodies.sealed:{row_id}")
