"""Pauses that grow and never fall into step. Pure: the dice (a number from 0 up to 1) are given to it."""

from collections.abc import Callable

Dice = Callable[[], float]
_JITTER = 0.1


def growing(first: float, growth: float, most: float, tries: int, dice: Dice) -> float:
    """The pause after so many tries, at most `most`."""
    # Beyond twenty the power only grows towards the ceiling that it has reached long since.
    return jittered(min(most, first * growth ** min(tries, 20)), dice)


def jittered(seconds: float, dice: Dice) -> float:
    """Ten per cent more or less, so that what failed together does not come back together."""
    return seconds * (1 - _JITTER + 2 * _JITTER * dice())
