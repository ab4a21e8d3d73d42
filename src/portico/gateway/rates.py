"""The vendor's rate-limit headers under our three names: ratelimit-limit, -remaining, -reset. Pure."""

import math
import re
from collections.abc import Callable

from portico.model.operation import RateHeaders

_PART = re.compile(r"([0-9]*\.?[0-9]+)(ms|us|µs|ns|h|m|s)")
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
_SPELLED = re.compile(rf"(?:{_PART.pattern})+")
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def normalise(names: RateHeaders, header: Callable[[str], str]) -> list[tuple[str, str]]:
    """Only what the vendor said: a header that is missing or cannot be read is left out."""
    found: list[tuple[str, str]] = []
    for ours, theirs in (("ratelimit-limit", names.limit), ("ratelimit-remaining", names.remaining)):
        if theirs and (value := header(theirs)).isdigit():
            found.append((ours, value))
    if names.reset and (seconds := seconds_of(header(names.reset))) is not None:
        found.append(("ratelimit-reset", str(math.ceil(seconds))))
    return found


def seconds_of(text: str) -> float | None:
    """`6m0s`, `12ms`, `1.5s`, `1h2m3s` or a plain number of seconds; None for anything else."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return float(text)
    if not _SPELLED.fullmatch(text):
        return None
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text))
