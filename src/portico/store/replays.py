"""First answers to requests with an Idempotency-Key: claimed before the act, kept after it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.clock import to_milliseconds
from portico.model.account import AccountId, EnvironmentId
from portico.store.database import Database
from portico.store.statement import Statement

ReplayState = Literal["pending", "done", "unkept", "unknown"]

_CLAIM = Statement(
    "INSERT INTO replays (environment_id, place, digest, fingerprint, state, sealed, lease_until, expires_at) "
    "VALUES (:environment_id, :place, :digest, :fingerprint, 'pending', NULL, :lease_until, :expires_at) "
    "ON CONFLICT (environment_id, place, digest) DO UPDATE SET fingerprint = :fingerprint, state = 'pending', "
    "sealed = NULL, lease_until = :lease_until, expires_at = :expires_at WHERE replays.expires_at < :moment"
)
_GET = Statement(
    "SELECT fingerprint, state, sealed, lease_until FROM replays "
    "WHERE environment_id = :environment_id AND place = :place AND digest = :digest"
)
_KEEP = Statement(
    "UPDATE replays SET state = :state, sealed = :sealed, fingerprint = :fingerprint "
    "WHERE environment_id = :environment_id AND place = :place AND digest = :digest"
)
_FREE = Statement(
    "DELETE FROM replays WHERE environment_id = :environment_id AND place = :place AND digest = :digest "
    "AND state = 'pending'"
)
_DROP_OF_ACCOUNT = Statement(
    "DELETE FROM replays WHERE environment_id = :environment_id AND (place = :proxied OR place = :own "
    "OR place LIKE :tools OR place LIKE :composed)"
)


def proxied(account_id: str) -> str:
    """Where a key holds: for the vendor's calls of an account."""
    return f"account:{account_id}"


def tool_runs(account_id: str, token_id: str) -> str:
    """For the tools that a token runs; empty for the account's own."""
    return f"tools:{account_id}:{token_id}"


def composed_runs(account_id: str, tool: str) -> str:
    return f"composed:{account_id}:{tool}"


def acts(account_id: str, token_id: str) -> str:
    """For the admin API, of an account's own token or of any other."""
    return f"admin:account:{account_id}" if account_id else f"admin:token:{token_id}"


class ReplayKey(Struct, frozen=True, kw_only=True):
    """Whose key, for what, and its digest: the same key of another account is another key."""

    environment_id: EnvironmentId
    place: str
    digest: bytes


class Replay(Struct, frozen=True, kw_only=True):
    fingerprint: bytes
    state: ReplayState
    sealed: bytes
    lease_until_ms: int


class Replays:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, key: ReplayKey, fingerprint: bytes, moment: datetime, lease: datetime, until: datetime
    ) -> bool:
        """Whether this request is the first with its key; if not, `get` says what became of the first."""
        changed = await self._database.run(
            _CLAIM,
            environment_id=key.environment_id,
            place=key.place,
            digest=key.digest,
            fingerprint=fingerprint,
            moment=to_milliseconds(moment),
            lease_until=to_milliseconds(lease),
            expires_at=to_milliseconds(until),
        )
        return changed > 0

    async def get(self, key: ReplayKey) -> Replay | None:
        row = await self._database.one(_GET, environment_id=key.environment_id, place=key.place, digest=key.digest)
        if row is None:
            return None
        return Replay(fingerprint=bytes(row[0]), state=row[1], sealed=bytes(row[2] or b""), lease_until_ms=row[3])

    async def keep(self, key: ReplayKey, state: ReplayState, sealed: bytes, fingerprint: bytes) -> None:
        await self._database.run(
            _KEEP,
            environment_id=key.environment_id,
            place=key.place,
            digest=key.digest,
            state=state,
            sealed=sealed,
            fingerprint=fingerprint,
        )

    async def free(self, key: ReplayKey) -> None:
        """The act never began: the key may be used again."""
        await self._database.run(_FREE, environment_id=key.environment_id, place=key.place, digest=key.digest)

    async def drop_of_account(self, environment_id: EnvironmentId, account_id: AccountId) -> int:
        """Whichever way its calls came in: through the Proxy API, tools, composed tools, or its own token."""
        return await self._database.run(
            _DROP_OF_ACCOUNT,
            environment_id=environment_id,
            proxied=proxied(account_id),
            own=acts(account_id, ""),
            tools=tool_runs(account_id, "%"),
            composed=composed_runs(account_id, "%"),
        )
