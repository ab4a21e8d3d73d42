"""Vendors' messages about something that somebody waits for: whoever waits hears of them here, in whichever process.

Only a hint that it is worth looking now. Nothing is lost where a message never comes.
"""

import asyncio
from datetime import datetime

from portico.model.account import AccountId, EnvironmentId
from portico.store.changes import Changes
from portico.store.inbound import Inbound


class Arrivals:
    def __init__(self, changes: Changes, inbound: Inbound) -> None:
        self._inbound = inbound
        self._news = asyncio.Event()
        changes.listen("arrivals", self._ring)

    async def next(self) -> None:
        """Returns when the next message has come, whatever it is about."""
        await self._news.wait()

    async def has_any(
        self, environment_id: EnvironmentId, account_id: AccountId, object_id: str, since: datetime
    ) -> bool:
        """Whether a message about this object of the account's vendor has come since."""
        return await self._inbound.has_heard(environment_id, account_id, object_id, since)

    def _ring(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
