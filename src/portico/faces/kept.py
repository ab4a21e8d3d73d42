"""What was read out of a piece of text, kept for the next time that the same text comes: most calls look alike."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")
MOST_KEPT = 1000
# Longer texts are hardly ever sent twice, and would fill the memory of whoever keeps them.
LONGEST_KEPT = 300


def kept(read: Callable[[str], T]) -> Callable[[str], T]:
    """The same reader with a memory. What it gives is shared, so nobody may change it; what it raises is not kept."""
    remembering = lru_cache(MOST_KEPT)(read)

    @wraps(read)
    def either(text: str) -> T:
        return remembering(text) if len(text) <= LONGEST_KEPT else read(text)

    return either
