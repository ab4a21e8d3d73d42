"""Idempotency keys: the same request under the same key is done once, and answered alike."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from portico.sandbox.refusals import conflict, invalid
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Answer, Ask

LONGEST_KEY = 256


@dataclass(frozen=True, slots=True)
class Repeat:
    body_sha256: str
    answer: Answer


REPEATS = Kind[Repeat]("idempotency key", "")


async def once(ask: Ask, act: Callable[[Ask], Awaitable[Answer]]) -> Answer:
    key = ask.headers.get("idempotency-key")
    if key is None:
        return await act(ask)
    if not 1 <= len(key) <= LONGEST_KEY:
        raise invalid(f"An Idempotency-Key has 1 to {LONGEST_KEY} characters.", "Idempotency-Key")
    known_as = f"{ask.path} {key}"
    earlier = ask.held(REPEATS).look(known_as)
    if earlier is None:
        earlier = Repeat(ask.raw.sha256, await act(ask))
        ask.held(REPEATS).add(known_as, earlier)
    if earlier.body_sha256 != ask.raw.sha256:
        raise conflict("This Idempotency-Key was used with another request.", "idempotency_conflict")
    return earlier.answer
