"""Quotas where calls pass: may this one still go, and what did it use. All replicas count as one, in the database.

Requests are drawn before they are sent, in small lots, so that nothing is let through too much and the database is not
asked at every call. Tokens and spend are known only afterwards: each call is let through as long as there is something
left, what it used is added when its row is written, and every replica knows of it within a second.
"""

import asyncio
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from portico.clock import Clock, from_milliseconds, iso
from portico.errors import QuotaSpent, Unavailable
from portico.gateway.later import Later
from portico.gateway.lookup import Connected
from portico.gateway.remembered import Remembered
from portico.log import logger
from portico.model.account import EnvironmentId
from portico.model.quota import LEVELS, TOLD_PERIODS, Bearer, Quota, sentence, told
from portico.model.request import RequestRow
from portico.store.changes import Changes
from portico.store.database import Database
from portico.store.quotas import Quotas, Use, UseKey, key_of
from portico.tasks import end

FRESH_SECONDS = 0.5
IDLE_SECONDS = 1.0
MOST_DRAWN = 500
# Of what is left, one replica takes at most this part at once: the less is left, the smaller the lots.
SHARE = 20
_REMEMBER_SECONDS, _MOST_ENVIRONMENTS, _MOST_PURSES = 30.0, 10_000, 50_000
_log = logger("quotas")


class Rules:
    """The quotas of one environment. What is said of one tenant, account or server stands instead of what is said of
    each of them."""

    def __init__(self, quotas: Iterable[Quota]) -> None:
        self._by: dict[tuple[Bearer, str], dict[tuple[str, str], Quota]] = {}
        self.are_any = False
        for each in quotas:
            self._by.setdefault((each.bearer, each.subject), {})[each.measure, each.period] = each
            self.are_any = True

    def own(self, bearer: Bearer, subject: str) -> Collection[Quota]:
        """What is said of this one alone."""
        return self._by.get((bearer, subject), {}).values()

    def of(self, tenant_id: str, account_id: str, server_id: str) -> list[tuple[Quota, str]]:
        """Those that bear on a call, each with the subject that it is counted for."""
        found: list[tuple[Quota, str]] = []
        subjects: tuple[tuple[Bearer, str], ...] = (
            ("environment", ""), ("tenant", tenant_id), ("account", account_id), ("server", server_id),
        )  # fmt: skip
        for bearer, subject in subjects:
            if subject or bearer == "environment":
                each, own = self._by.get((bearer, ""), {}), self._by.get((bearer, subject), {})
                found += [(quota, subject) for quota in (each | own).values()]
        return found


class Purse:
    """What this process knows of one counter, and the requests that it has drawn and not let through yet."""

    __slots__ = ("drawn_at", "drawn_of", "held", "key", "lock", "lot", "quota", "read_at", "told", "unwritten", "used")

    def __init__(self, key: UseKey, quota: Quota) -> None:
        self.key, self.quota = key, quota
        self.lock = asyncio.Lock()
        self.held = self.lot = self.used = self.unwritten = self.told = self.drawn_of = 0
        self.drawn_at = self.read_at = -math.inf

    def learn(self, use: Use) -> None:
        self.used, self.told, self.read_at = use.used, use.told, time.monotonic()

    @property
    def is_overdrawn(self) -> bool:
        """Whether what is held was drawn while the quota allowed more than it does now: it may be too much already."""
        return self.held > 0 and self.quota.maximum < self.drawn_of

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() - self.read_at < FRESH_SECONDS


class Limits:
    def __init__(self, database: Database, changes: Changes, later: Later, clock: Clock) -> None:
        self._database, self._later, self._clock = database, later, clock
        self._store = Quotas(database)
        self._rules: Remembered[EnvironmentId, Rules] = Remembered(_MOST_ENVIRONMENTS, _REMEMBER_SECONDS)
        self._purses: dict[UseKey, Purse] = {}
        self._holding: set[Purse] = set()
        self._task: asyncio.Task[None] | None = None
        changes.listen("quotas", self._rules.forget)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task:
            await end([self._task])
        try:
            await self.give_back()
        except Unavailable as problem:
            _log.warning("drawn requests are not given back", reason=problem.sentence)

    async def rules(self, environment_id: EnvironmentId) -> Rules:
        async def look_up() -> Rules:
            return Rules(await self._store.all(environment_id))

        return await self._rules.get(environment_id, look_up)

    async def take(self, connected: Connected, server_id: str) -> None:
        """Count one request that is about to be sent, or refuse it."""
        account = connected.account
        rules = self._rules.peek(account.environment_id) or await self.rules(account.environment_id)
        bearing = rules.of(account.tenant_id, account.id, server_id) if rules.are_any else []
        if not bearing:
            return
        moment = self._clock()
        spent = [each for each in bearing if each[0].measure != "requests" and not await self._is_left(each, moment)]
        drawn: list[Purse] = []
        # Also where it is refused already: how long to wait is told by the one that takes longest.
        for each in bearing:
            if each[0].measure != "requests":
                continue
            purse = self._purse(each[0], key_of(*each, moment))
            if await self._draw(purse):
                drawn.append(purse)
            else:
                spent.append(each)
        if spent:
            for purse in drawn:
                self._hold(purse, purse.held + 1)
            raise _refusal(spent, moment)

    async def _is_left(self, bearing: tuple[Quota, str], moment: datetime) -> bool:
        quota, subject = bearing
        purse = self._purse(quota, key_of(quota, subject, moment))
        if not purse.is_fresh:
            async with purse.lock:
                if not purse.is_fresh:
                    purse.learn(await self._store.use(purse.key))
        if purse.used + purse.unwritten < quota.maximum:
            return True
        await self._tell(purse)
        return False

    async def _draw(self, purse: Purse) -> bool:
        """One request of this quota, if there is one left."""
        if not purse.held or purse.is_overdrawn:
            async with purse.lock:
                if purse.is_overdrawn:
                    await self._return(purse)
                if not purse.held and not await self._draw_lot(purse):
                    await self._tell(purse)
                    return False
        self._hold(purse, purse.held - 1)
        await self._tell(purse)
        return True

    async def _draw_lot(self, purse: Purse) -> bool:
        """Lots grow while they are used up quickly, and shrink as the end comes near."""
        maximum = purse.quota.maximum
        if purse.used >= maximum and purse.is_fresh:
            return False
        is_busy = time.monotonic() - purse.drawn_at < IDLE_SECONDS
        most = max((maximum - purse.used) // SHARE, 1)
        lot = min(2 * purse.lot if is_busy else 1, MOST_DRAWN, most) or 1
        for amount in dict.fromkeys((lot, 1)):
            if use := await self._store.take(purse.key, amount, maximum):
                purse.learn(use)
                purse.lot, purse.drawn_of, purse.drawn_at = amount, maximum, time.monotonic()
                self._hold(purse, purse.held + amount)
                return True
        purse.learn(await self._store.use(purse.key))
        return False

    async def _return(self, purse: Purse) -> None:
        """What is held, so that others may have it or nobody."""
        held = purse.held
        self._hold(purse, 0)
        try:
            await self._store.give_back({purse.key: held})
        except BaseException:
            self._hold(purse, purse.held + held)
            raise
        purse.lot, purse.read_at = 0, -math.inf

    def _hold(self, purse: Purse, count: int) -> None:
        purse.held = count
        (self._holding.add if count else self._holding.discard)(purse)

    def _purse(self, quota: Quota, key: UseKey) -> Purse:
        purse = self._purses.get(key)
        if purse is None:
            if len(self._purses) >= _MOST_PURSES:
                self._forget_past()
            purse = self._purses[key] = Purse(key, quota)
        purse.quota = quota  # the newest: how much it is may have been changed
        return purse

    def _forget_past(self) -> None:
        now = self._clock().timestamp() * 1000
        self._purses = {key: purse for key, purse in self._purses.items() if key.ends_at > now}
        if len(self._purses) >= _MOST_PURSES:
            self._purses = {purse.key: purse for purse in self._holding}

    async def give_back(self, idle_seconds: float = -1.0) -> None:
        """The requests that were drawn and have not been asked for since so long."""
        before = time.monotonic() - idle_seconds
        idle = {purse: purse.held for purse in self._holding if purse.drawn_at < before}
        for purse in idle:
            self._hold(purse, 0)
        if not idle:
            return
        try:
            await self._store.give_back({purse.key: held for purse, held in idle.items()})
        except BaseException:
            for purse, held in idle.items():
                self._hold(purse, purse.held + held)
            raise
        for purse in idle:
            purse.read_at = -math.inf

    def note(self, row: RequestRow) -> None:
        """What a call has used counts here at once, before it is written."""
        rules = self._rules.peek(row.environment_id)
        if rules is not None and rules.are_any:
            for quota, key, amount in _amounts(rules, row):
                self._purse(quota, key).unwritten += amount

    async def owed(self, rows: Sequence[RequestRow]) -> dict[UseKey, int]:
        """What these rows add to which counters."""
        sums = dict[UseKey, int]()
        for row in rows:
            rules = self._rules.peek(row.environment_id) or await self.rules(row.environment_id)
            for quota, key, amount in _amounts(rules, row) if rules.are_any else ():
                self._purse(quota, key)
                sums[key] = sums.get(key, 0) + amount
        return sums

    async def written(self, owed: Mapping[UseKey, int], uses: Mapping[UseKey, Use]) -> None:
        """Where the counters stand now that the rows have been written."""
        for key, use in uses.items():
            if purse := self._purses.get(key):
                purse.learn(use)
                purse.unwritten = max(purse.unwritten - owed.get(key, 0), 0)
                await self._tell(purse)

    async def _tell(self, purse: Purse) -> None:
        """Webhooks hear of each level once for each window, whichever replica comes upon it."""
        quota = purse.quota
        if quota.period not in TOLD_PERIODS or not quota.maximum:
            return
        used = purse.used - purse.held
        for level, name in LEVELS.items():
            if purse.told >= level or used * 100 < quota.maximum * level:
                continue
            async with self._database.transaction() as session:
                if await self._store.note_told(session, purse.key, level):
                    payload = about(quota, purse.key, used)
                    await self._later.announce(session, quota.environment_id, name, payload)
            purse.told = level

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FRESH_SECONDS)
            try:
                await self.give_back(IDLE_SECONDS)
            except Exception as problem:
                _log.warning("drawn requests are not given back", reason=str(problem))


def about(quota: Quota, key: UseKey, used: int) -> dict[str, object]:
    """A budget as events tell of it."""
    return {
        "quota_id": quota.id,
        "applies_to": WIRE[quota.bearer],
        "subject": key.subject or None,
        "measure": quota.measure,
        "period": quota.period,
        "maximum": told(quota.maximum, quota.measure),
        "used": told(used, quota.measure),
        "percent": used * 100 // quota.maximum,
        "window_began_at": iso(from_milliseconds(key.began_at)),
        "resets_at": iso(from_milliseconds(key.ends_at)),
    }


# How bearers are called outside.
WIRE: dict[Bearer, str] = {
    "environment": "environment", "tenant": "tenant", "account": "integrated_account", "server": "mcp_server",
}  # fmt: skip


def _amounts(rules: Rules, row: RequestRow) -> Iterable[tuple[Quota, UseKey, int]]:
    amounts = {"tokens": row.input_tokens + row.output_tokens, "spend": row.cost_nanos or 0}
    if any(amounts.values()):
        for quota, subject in rules.of(row.tenant_id, row.account_id, row.server_id):
            if amount := amounts.get(quota.measure):
                yield quota, key_of(quota, subject, row.moment), amount


def _refusal(spent: Sequence[tuple[Quota, str]], moment: datetime) -> QuotaSpent:
    """By the one that takes longest to come back: before that, the call would be refused again."""
    quota, subject = max(spent, key=lambda each: key_of(*each, moment).ends_at)
    ends_at = from_milliseconds(key_of(quota, subject, moment).ends_at)
    seconds = max(math.ceil((ends_at - moment).total_seconds()), 1)
    own = f" ({WIRE[quota.bearer]} {subject!r})" if quota.is_for_each else ""
    return QuotaSpent(
        f"The quota of {sentence(quota)}{own} is used up. It resets in {seconds} s, at {iso(ends_at)}.",
        headers={
            "retry-after": str(seconds),
            "ratelimit-limit": f"{told(quota.maximum, quota.measure):g}"
            if quota.measure == "spend"
            else str(quota.maximum),
            "ratelimit-remaining": "0",
            "ratelimit-reset": str(seconds),
        },
    )
