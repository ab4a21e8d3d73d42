"""When to try again: only where the caller asked for it, only what is safe, never longer than was allowed. Pure."""

from typing import Any

from portico.errors import Failure, InvalidArguments
from portico.model.call import Patience
from portico.model.operation import Effect
from portico.shapes import decode_or_text, is_record

ASKED_BY = "portico_retry"
LONGEST_SECONDS = 300.0
_WORTH_WAITING = frozenset({429, 503})
_DEFAULT_WAIT_SECONDS = 1.0


def asked_for(value: Any) -> Patience:
    """`{"max_seconds": 30}`, as it is or written as text, or the number alone."""
    said = decode_or_text(value) if isinstance(value, str) else value
    seconds = said.get("max_seconds") if is_record(said) and len(said) == 1 else said
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_SECONDS:
        problem = "must be seconds to wait at most, alone or as {max_seconds}"
        raise InvalidArguments([Failure(ASKED_BY, problem, f"0 to {LONGEST_SECONDS:.0f}")])
    return Patience(max_seconds=float(seconds))


def decide(effect: Effect, status: int, retry_after: str, patience: Patience, waited_seconds: float) -> float | None:
    """How many seconds to wait before the next attempt; None: hand the answer to the caller."""
    if patience.max_seconds <= 0 or effect != "read" or status not in _WORTH_WAITING:
        return None
    try:
        wait = max(float(retry_after), 0.05) if retry_after else _DEFAULT_WAIT_SECONDS
    except ValueError:
        return None
    return wait if waited_seconds + wait <= patience.max_seconds else None
