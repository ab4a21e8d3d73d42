"""What the gateway leaves to be done later: events to be told, broken accounts to be tried again.

All of it is rows, written in the transaction of whatever makes them necessary, so nothing that was acknowledged is
forgotten. Workers (portico.jobs) take the rows up; without one they wait.
"""

import zlib
from datetime import UTC, datetime, timedelta

from portico.clock import Clock, iso
from portico.gateway import facts
from portico.model.account import Account, AccountState, EnvironmentId
from portico.model.caller import FULL_SCOPES, Caller
from portico.model.event import account_events
from portico.model.server import McpServer
from portico.shapes import Json
from portico.store.database import Database, Session
from portico.store.deliveries import Deliveries
from portico.store.events import Events
from portico.store.inbound import Inbound
from portico.store.jobs import Jobs
from portico.store.reported import Reported
from portico.store.watches import Watches
from portico.store.webhooks import Webhooks

# States out of which an account may come by itself, when its key is mended at the vendor.
BROKEN: frozenset[AccountState] = frozenset({"needs_reauth", "validation_error", "post_install_error"})
FIRST_RECHECK = timedelta(minutes=5)
# All of them share one, so that only a few accounts are looked at at once.
LANE_OF_RECHECKS = "recheck"
# Bodies of the last calls are written a moment after these have ended.
FORGET_AFTER = timedelta(seconds=5)
DAILY_FROM = timedelta(days=1, hours=1)
_SYSTEM = "system"


class Later:
    """The stores of what comes later, and the few things that the gateway writes into them."""

    def __init__(self, database: Database, clock: Clock, recheck_hours: float) -> None:
        self._clock = clock
        self._recheck_every = timedelta(hours=recheck_hours)
        self.jobs = Jobs(database)
        self.events = Events(database)
        self.webhooks = Webhooks(database)
        self.deliveries = Deliveries(database)
        self.watches = Watches(database)
        self.inbound = Inbound(database)
        self.reported = Reported(database)

    async def announce(self, session: Session, environment_id: EnvironmentId, name: str, payload: Json) -> str:
        """Tell the environment's webhooks, once the transaction holds; the event's id. No secrets in the payload."""
        moment = self._clock()
        event = await self.events.add(session, environment_id, name, facts.fit(payload), moment)
        await self.jobs.add(session, environment_id, "fan_out", event.id, moment)
        return event.id

    async def account_changed(
        self,
        session: Session,
        before: AccountState | None,
        account: Account,
        *,
        is_update: bool = False,
        is_again: bool = False,
    ) -> None:
        """To be called wherever an account is written; `before` is the state that it had, None if it is new.

        `is_again`: somebody connected it again. How that went is told then even if it was in that state all along.
        """
        names = ["integrated_account:updated"] if is_update else []
        names += account_events(before, account.status)
        if is_again:
            names += [each for each in account_events("connecting", account.status) if each not in names]
        for name in names:
            await self.announce(session, account.environment_id, name, about_account(account))
        if before is None or is_update:  # it may have the key for its vendor's reports now
            run_at = daily_at(account.id, self._clock())
            await self.jobs.ensure(session, account.environment_id, "report", account.id, run_at)
        if account.status in BROKEN and (is_update or account.status != before):
            await self._recheck(session, account, FIRST_RECHECK, anew=True)
        elif before is None or is_update:
            await self._recheck(session, account, self._first_look(account.id), anew=False)

    async def _recheck(self, session: Session, account: Account, pause: timedelta, *, anew: bool) -> None:
        put = self.jobs.add if anew else self.jobs.ensure
        run_at = self._clock() + pause
        await put(session, account.environment_id, "recheck", account.id, run_at, lane=LANE_OF_RECHECKS)

    def _first_look(self, account_id: str) -> timedelta:
        """At half of the interval or later, each account at a time of its own."""
        return self._recheck_every * (0.5 + zlib.crc32(account_id.encode()) / (1 << 33))

    async def account_deleted(self, session: Session, account: Account) -> None:
        """With everything that would have happened to it later."""
        await self.watches.delete_of_account(session, account.environment_id, account.id)
        await self.inbound.delete(session, account.environment_id, account.id)
        for kind in ("recheck", "report"):
            await self.jobs.remove(session, account.environment_id, kind, account.id)
        await self.reported.delete_of_account(session, account.environment_id, account.id)
        await self.jobs.add(session, account.environment_id, "forget", account.id, self._clock() + FORGET_AFTER)
        await self.announce(session, account.environment_id, "integrated_account:deleted", about_account(account))

    async def server_expired(self, session: Session, server: McpServer) -> None:
        await self.announce(session, server.environment_id, "mcp_server:expired", about_server(server))


def daily_at(account_id: str, moment: datetime) -> datetime:
    """When the next day (of UTC) is an hour old, and each account at a time of its own within the hour after that."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + DAILY_FROM + timedelta(seconds=zlib.crc32(account_id.encode()) % 3600)


def system_caller(environment_id: EnvironmentId) -> Caller:
    """Who acts when nobody asked."""
    return Caller(environment_id=environment_id, token_id=_SYSTEM, name=_SYSTEM, scopes=FULL_SCOPES)


def about_account(account: Account) -> Json:
    """An account as events tell of it: nothing of its context, in which keys live."""
    return {
        "id": account.id,
        "tenant_id": account.tenant_id,
        "environment_id": account.environment_id,
        "environment_integration_id": account.installation_id,
        "integration": {"name": account.integration},
        "status": account.status,
        "authentication_method": account.authentication_method,
        "is_sandbox": account.is_sandbox,
        "last_error": _error(account.last_error),
        "created_at": iso(account.created_at),
        "updated_at": iso(account.updated_at),
    }


def about_server(server: McpServer) -> Json:
    return {
        "id": server.id,
        "name": server.name,
        "integrated_account_id": server.account_id,
        "environment_id": server.environment_id,
        "expires_at": iso(server.expires_at) if server.expires_at else None,
        "created_at": iso(server.created_at),
    }


def _error(error: Json | None) -> Json | None:
    # A vendor's sentence may quote the key that it refuses.
    return {name: facts.hidden(value) for name, value in error.items()} if error else None
