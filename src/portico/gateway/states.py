"""What a vendor's answer says about an account: a 401 means connect again, a 403 is remembered, success heals."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from portico.clock import Clock, iso
from portico.errors import Unavailable
from portico.gateway.later import Later
from portico.gateway.lookup import Connected
from portico.model.account import AccountState
from portico.model.operation import Operation
from portico.store.accounts import Accounts
from portico.store.changes import Changes
from portico.store.database import Database


class States:
    def __init__(self, database: Database, accounts: Accounts, changes: Changes, clock: Clock, later: Later) -> None:
        self._database, self._accounts, self._changes, self._clock = database, accounts, changes, clock
        self._later = later

    async def note(
        self,
        connected: Connected,
        operation: Operation | None,
        credential: str,
        status: int,
        missing_scopes: Sequence[str] = (),
    ) -> None:
        """Nothing to do for nearly every answer, and then nothing is done."""
        state = connected.account.status
        try:
            # A key that lacks a scope is known, and good for other calls: some vendors say so with a 401.
            if status == 403 or missing_scopes:
                await self._forbidden(connected, operation, missing_scopes)
            elif status == 401 and state == "active":
                await self._needs_reauth(connected, credential)
            elif status < 400 and state == "needs_reauth":
                await self._heal(connected, credential)
        except Unavailable:
            return  # the answer matters more to the caller than this note about it

    async def _needs_reauth(self, connected: Connected, credential: str) -> None:
        facts = {
            "message": f"The vendor refused the account's {credential} (401).",
            "credential": credential,
            "occurred_at": iso(self._clock()),
        }
        await self._move(connected, "needs_reauth", facts)

    async def _heal(self, connected: Connected, credential: str) -> None:
        failed = (connected.account.last_error or {}).get("credential", credential)
        if failed != credential:
            return  # the other key still works; that says nothing about the one that failed
        await self._move(connected, "active", None)

    async def _move(self, connected: Connected, status: AccountState, error: dict[str, Any] | None) -> None:
        """Told to the outside once, by the call that really moved it."""
        seen, moment = connected.account, self._clock()
        moved = structs.replace(seen, status=status, last_error=error, updated_at=moment)
        async with self._database.transaction() as session:
            if await self._accounts.move(session, seen, status, moment, error):
                await self._later.account_changed(session, seen.status, moved)
            await self._changes.tell(session, "accounts")
        self._changes.apply("accounts")

    async def _forbidden(
        self, connected: Connected, operation: Operation | None, missing_scopes: Sequence[str]
    ) -> None:
        facts: dict[str, Any] = {
            "resource": operation.resource if operation else "",
            "method": operation.method if operation else "",
            "missing_scopes": list(missing_scopes),
        }
        known = connected.account.last_forbidden_error or {}
        if all(known.get(name) == fact for name, fact in facts.items()):
            return
        facts["occurred_at"] = iso(self._clock())
        async with self._database.transaction() as session:
            await self._accounts.note_forbidden(session, connected.account, facts, self._clock())
            await self._changes.tell(session, "accounts")
        self._changes.apply("accounts")
