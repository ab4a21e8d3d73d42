"""When to try again: only where the caller asked for it, only what is safe, never longer than was allowed. Pure."""

from portico.model.call import Patience
from portico.model.operation import Effect

_WORTH_WAITING = frozenset({429, 503})
_DEFAULT_WAIT_SECONDS = 1.0


def decide(effect: Effect, status: int, retry_after: str, patience: Patience, waited_seconds: float) -> float | None:
    """How many seconds to wait before the next attempt; None: hand the answer to the caller."""
    if patience.max_seconds <= 0 or effect != "read" or status not in _WORTH_WAITING:
        return None
    try:
        wait = max(float(retry_after), 0.05) if retry_after else _DEFAULT_WAIT_SECONDS
    except ValueError:
        return None
    return wait if waited_seconds + wait <= patience.max_seconds else None
