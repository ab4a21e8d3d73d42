"""What ends by itself: servers, whose end is told once, and rows that nobody needs any more or that may not stay."""

from collections.abc import Awaitable, Callable

from portico.clock import in_seconds
from portico.gateway.later import system_caller
from portico.gateway.lifted import lift
from portico.gateway.parts import Parts
from portico.jobs.outcome import DONE, Outcome
from portico.model.account import AccountId
from portico.store.bodies import Bodies
from portico.store.changes import Topic
from portico.store.jobs import Job
from portico.store.replays import Replays

SERVER_SECONDS = 5.0
CLEAN_SECONDS = 3600.0
# Calls that were under way when their account was deleted are over by then.
LATE_SECONDS = 3600.0
_DAY_SECONDS = 86_400
_AT_ONCE = 100
_OF_SERVERS: tuple[Topic, ...] = ("servers", "quotas")

Regular = tuple[Callable[[], Awaitable[None]], float]


class Expiries:
    """Safe in any number of workers at once: a row is deleted by one of them, and that one tells."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def regular(self) -> tuple[Regular, ...]:
        """What is to be done from time to time, and every how many seconds."""
        return (self.servers, SERVER_SECONDS), (self.clean, CLEAN_SECONDS), (self.lapsed, CLEAN_SECONDS)

    async def servers(self) -> None:
        """An expired server has been refused since its very second; this takes it away."""
        parts, moment = self._parts, self._parts.clock()
        if not await parts.operators.has_expired_servers(moment):
            return
        async with parts.database.transaction() as session:
            for server in await parts.operators.drop_expired_servers(session, moment):
                await lift(session, system_caller(server.environment_id), "server", server.id, parts)
                await parts.later.server_expired(session, server)
            for topic in _OF_SERVERS:
                await parts.changes.tell(session, topic)
        for topic in _OF_SERVERS:
            parts.changes.apply(topic)

    async def forget(self, job: Job) -> Outcome:
        """What was kept of a deleted account's calls; nobody could read it any more as it is."""
        database, account_id = self._parts.database, AccountId(job.subject)
        await Bodies(database).drop_of_account(job.environment_id, account_id)
        await Replays(database).drop_of_account(job.environment_id, account_id)
        if job.tries:
            return DONE
        return Outcome(again_at=in_seconds(self._parts.clock(), LATE_SECONDS), tries=1)

    async def lapsed(self) -> None:
        """Programs of people whose provider has not vouched for them for so long that they may have left."""
        parts = self._parts
        since = in_seconds(parts.clock(), -_DAY_SECONDS * parts.settings.oidc_again_days)
        while found := await parts.operators.lapsed_grants(since, _AT_ONCE):
            for environment_id, server_id, grant_id in found:
                await parts.grants.revoke(system_caller(environment_id), server_id, grant_id)

    async def clean(self) -> None:
        moment = self._parts.clock()
        settings = self._parts.settings
        oldest = in_seconds(moment, -_DAY_SECONDS * settings.log_days)
        oldest_bodies = in_seconds(moment, -_DAY_SECONDS * min(settings.log_body_days, settings.log_days))
        await self._parts.operators.clean(moment, oldest, oldest_bodies)
