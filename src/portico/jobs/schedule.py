"""When to try again. Pure: the dice (a number from 0 up to 1) are given, so that tests can throw them."""

from collections.abc import Sequence

from portico.gateway import backoff
from portico.gateway.backoff import Dice, jittered

# Standard Webhooks' schedule: seconds after the first, second … failure. Ten attempts in about three days.
DELIVERY_PAUSES: tuple[float, ...] = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
RECHECK_PAUSES: tuple[float, ...] = (900, 3600, 14_400, 43_200, 86_400)
FIRST_LOOK_SECONDS, MOST_LOOK_SECONDS = 5.0, 300.0
_LOOK_GROWTH = 1.5


def stepped(pauses: Sequence[float], failures: int, dice: Dice) -> float | None:
    """The pause after so many failures; None when the schedule is used up."""
    return jittered(pauses[failures - 1], dice) if failures <= len(pauses) else None


def last_forever(pauses: Sequence[float], failures: int, dice: Dice) -> float:
    """The same, but the last pause stands for all that follow."""
    return jittered(pauses[min(failures, len(pauses)) - 1], dice)


def growing(looks: int, dice: Dice) -> float:
    """The pause before the next look at something that was looked at so many times."""
    return backoff.growing(FIRST_LOOK_SECONDS, _LOOK_GROWTH, MOST_LOOK_SECONDS, looks, dice)
