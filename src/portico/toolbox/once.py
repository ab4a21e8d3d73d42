"""Work of several calls that is done once under a key: finished, it is told again; cut off, it is gone on with.

Each of its calls has a key of its own, made of this one. So whoever goes on repeats nothing that has happened already.
"""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import AlreadyExists, OutcomeUnknown
from portico.gateway.idempotency import LONGEST_KEY, Claim, Fingerprint, Idempotency, Kept
from portico.model.caller import Caller
from portico.shapes import Json

_encoder = msgspec.json.Encoder(order="sorted")


class Begun(Struct, frozen=True, kw_only=True):
    """Either the right to work (and whether somebody began before and was cut off), or what came of it before."""

    claim: Claim | None = None
    kept: Kept | None = None
    is_resumed: bool = False


class Once:
    """The keys of one caller, for one tool and account: the same key elsewhere is another."""

    def __init__(self, idempotency: Idempotency, caller: Caller, place: str) -> None:
        self._idempotency, self._caller, self._place = idempotency, caller, place

    async def begin(self, key: str, asked: Json) -> Begun:
        """Waits while somebody else is at it under the same key."""
        fingerprint = Fingerprint(self._place, _encoder.encode(asked).decode())
        try:
            found = await self._idempotency.claim(self._caller, self._place, key, fingerprint)
        except OutcomeUnknown:
            claim = self._idempotency.take_over(self._caller, self._place, key, fingerprint)
            return Begun(claim=claim, is_resumed=True)
        return Begun(claim=found) if isinstance(found, Claim) else Begun(kept=found)

    @asynccontextmanager
    async def alone(self, what: str) -> AsyncGenerator[None]:
        """Meanwhile nobody else does the same for this account, in any replica. Raises AlreadyExists."""
        hold = await self._idempotency.hold(self._caller, self._place, what.ljust(LONGEST_KEY + 1))
        if hold is None:
            raise AlreadyExists(f"Another call is making {what} just now; look whether it is there, then ask again.")
        try:
            yield
        finally:
            await hold.give_back()


def step_key(key: str, call: str, arguments: Json) -> str:
    """The key of one call of the work: the same call has the same, in whatever order the calls come."""
    digest = hashlib.sha256(_encoder.encode([call, arguments])).hexdigest()
    return f"{key[:100]}/{call}/{digest}" if key else ""


def keep(value: Json, *, is_failure: bool = False) -> Kept:
    return Kept(status=200, headers=[], content=_encoder.encode(value), is_failure=is_failure)


def told(kept: Kept) -> Any:
    return msgspec.json.decode(kept.content)
