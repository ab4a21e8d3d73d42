"""What may have been meant by a name that is not there. Pure."""

import difflib
from collections.abc import Iterable

# Comparing takes time that grows with the text: what is longer than any name resembles none.
_LONGEST = 200


def nearest(name: str, names: Iterable[str], count: int = 3, cutoff: float = 0.6) -> list[str]:
    """The names that resemble it most, best first."""
    return difflib.get_close_matches(name, names, n=count, cutoff=cutoff) if len(name) <= _LONGEST else []
