"""Same Idempotency-Key, same request → the first answer again. Two at once: one acts, the other waits for it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from portico.clock import Clock, to_milliseconds
from portico.errors import Failure, InvalidArguments, KeyReused, NotReplayable, OutcomeUnknown, VendorFailure
from portico.gateway.keyring import Keyring
from portico.model.call import Answer
from portico.model.caller import Caller
from portico.store.replays import Replay, ReplayKey, Replays
from portico.vault.envelope import Place

MOST_KEPT_BYTES = 1_048_576
LONGEST_KEY = 255
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 0.5


class Kept(Struct, frozen=True, kw_only=True):
    """A first answer as it is stored: success, or the vendor's failure."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes
    is_failure: bool = False
    sentence: str = ""
    missing_scopes: list[str] = []


class Fingerprint:
    """A digest of what was asked. A body that flows through is digested as it flows."""

    def __init__(self, *parts: str) -> None:
        self._hash = hashlib.sha256("\n".join(parts).encode())

    def add(self, content: bytes) -> None:
        self._hash.update(content)

    async def watch(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in stream:
            self._hash.update(piece)
            yield piece

    def digest(self) -> bytes:
        return self._hash.digest()


class Claim:
    """The right to act under a key. Must be settled: kept, marked, or given back."""

    def __init__(self, idempotency: "Idempotency", key: ReplayKey, fingerprint: Fingerprint) -> None:
        self._idempotency, self._key, self.fingerprint = idempotency, key, fingerprint

    async def keep(self, kept: Kept) -> None:
        await self._idempotency.store(self._key, self.fingerprint, kept)

    async def mark_unkept(self) -> None:
        """It was answered, by something that cannot be stored."""
        await self._idempotency.mark(self._key, self.fingerprint, "unkept")

    async def mark_unknown(self) -> None:
        """It was cut off, and may have acted."""
        await self._idempotency.mark(self._key, self.fingerprint, "unknown")

    async def give_back(self) -> None:
        await self._idempotency.give_back(self._key)


class Idempotency:
    def __init__(
        self, replays: Replays, keyring: Keyring, clock: Clock, *, lease_seconds: float, keep_hours: int
    ) -> None:
        self._replays, self._keyring, self._clock = replays, keyring, clock
        self._lease = timedelta(seconds=lease_seconds)
        self._keep = timedelta(hours=keep_hours)

    async def claim(
        self, caller: Caller, place: str, key: str, fingerprint: Fingerprint, body: AsyncIterator[bytes] | None = None
    ) -> Claim | Kept:
        """The right to act, or the first answer. `body` is a streamed body, read only to be compared with the first."""
        if not 1 <= len(key) <= LONGEST_KEY:
            raise InvalidArguments([Failure("Idempotency-Key", f"must have 1 to {LONGEST_KEY} characters")])
        moment = self._clock()
        replay_key = _replay_key(caller, place, key)
        if await self._replays.claim(replay_key, b"", moment, moment + self._lease, moment + self._keep):
            return Claim(self, replay_key, fingerprint)
        if body is not None:
            async for piece in body:
                fingerprint.add(piece)
        return await self._earlier(replay_key, fingerprint)

    async def hold(self, caller: Caller, place: str, what: str) -> Claim | None:
        """The right to be the only one at something, in all replicas, until it is given back; None: another is at it.

        `what` must be longer than any key that a caller may give.
        """
        moment = self._clock()
        key = _replay_key(caller, place, what)
        until = moment + self._lease
        is_ours = await self._replays.claim(key, b"", moment, until, until)
        return Claim(self, key, Fingerprint()) if is_ours else None

    def take_over(self, caller: Caller, place: str, key: str, fingerprint: Fingerprint) -> Claim:
        """For work that was cut off and whose every call has a key of its own: whoever goes on repeats nothing."""
        return Claim(self, _replay_key(caller, place, key), fingerprint)

    async def _earlier(self, key: ReplayKey, fingerprint: Fingerprint) -> Kept:
        earlier = await self._settled(key)
        if earlier.state == "unknown":  # its body may have been cut off as well, so there is nothing to compare
            raise OutcomeUnknown
        if earlier.fingerprint != fingerprint.digest():
            raise KeyReused
        if earlier.state == "unkept":
            raise NotReplayable
        plain = await self._keyring.open(earlier.sealed, sealed_place(key))
        return msgspec.msgpack.decode(plain, type=Kept)

    async def _settled(self, key: ReplayKey) -> Replay:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            earlier = await self._replays.get(key)
            if earlier is None:
                raise OutcomeUnknown(
                    "The first request with this Idempotency-Key was refused before it acted; send it again."
                )
            if earlier.state != "pending":
                return earlier
            if earlier.lease_until_ms < to_milliseconds(self._clock()):
                raise OutcomeUnknown
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def store(self, key: ReplayKey, fingerprint: Fingerprint, kept: Kept) -> None:
        sealed = await self._keyring.seal(msgspec.msgpack.encode(kept), sealed_place(key))
        await self._replays.keep(key, "done", sealed, fingerprint.digest())

    async def mark(self, key: ReplayKey, fingerprint: Fingerprint, state: Literal["unkept", "unknown"]) -> None:
        await self._replays.keep(key, state, b"", fingerprint.digest())

    async def give_back(self, key: ReplayKey) -> None:
        await self._replays.free(key)


async def gathered(answer: Answer) -> Answer:
    """The answer in one piece if it is small enough to be kept. Events are not waited for."""
    if answer.stream is None or (answer.header("content-type") or "").startswith("text/event-stream"):
        return answer
    stream, pieces, total = answer.stream, list[bytes](), 0
    async for piece in stream:
        pieces.append(piece)
        total += len(piece)
        if total > MOST_KEPT_BYTES:
            return structs.replace(answer, stream=_chained(pieces, stream))
    headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
    return structs.replace(answer, headers=headers, content=b"".join(pieces), stream=None)


async def _chained(pieces: list[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        for piece in pieces:
            yield piece
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- an async generator


def to_kept(answer: Answer) -> Kept | None:
    """What can be stored of an answer; None for streams and for what is too large."""
    if answer.stream is not None or answer.content is None or len(answer.content) > MOST_KEPT_BYTES:
        return None
    return Kept(status=answer.status, headers=answer.headers, content=answer.content)


def from_failure(problem: VendorFailure) -> Kept:
    return Kept(
        status=problem.vendor_status,
        headers=problem.vendor_headers,
        content=problem.raw,
        is_failure=True,
        sentence=problem.sentence,
        missing_scopes=problem.missing_scopes,
    )


def replayed(kept: Kept) -> Answer:
    """The first answer once more, marked as such; a vendor's failure fails again."""
    headers: list[Any] = [*kept.headers, ("idempotent-replayed", "true")]
    if kept.is_failure:
        raise VendorFailure(
            kept.status,
            kept.content,
            sentence=kept.sentence,
            vendor_headers=headers,
            missing_scopes=kept.missing_scopes,
        )
    return Answer(status=kept.status, headers=headers, content=kept.content, is_replay=True)


def _replay_key(caller: Caller, place: str, key: str) -> ReplayKey:
    return ReplayKey(environment_id=caller.environment_id, place=place, digest=hashlib.sha256(key.encode()).digest())


def sealed_place(key: ReplayKey) -> Place:
    return Place("replay", key.environment_id, f"replays.sealed:{key.place}:{key.digest.hex()}")
