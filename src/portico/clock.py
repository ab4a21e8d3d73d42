"""What time it is, and how to let some pass. Both are given to whatever needs them, so that tests hold time still.

And how a moment is written, where it comes in and goes out.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Clock = Callable[[], datetime]
Pause = Callable[[float], Awaitable[None]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
MOMENT_FORM = "a moment in ISO 8601, such as 2026-11-01 or 2026-11-01T08:00:00Z, or in Unix seconds"
# Fewer digits may be a day of ISO 8601, and more are milliseconds: neither is to be guessed at.
_SECONDS = re.compile(r"[0-9]{9,11}(\.[0-9]+)?")


def now() -> datetime:
    return datetime.now(UTC)


def to_milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND  # whole numbers: a float would be a millisecond off now and then


def from_milliseconds(value: int) -> datetime:
    return _EPOCH + value * _MILLISECOND


def iso(moment: datetime) -> str:
    """RFC 3339 with milliseconds and Z, as all our answers carry it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_seconds(text: str) -> bool:
    """Whether it is a moment in Unix seconds."""
    return _SECONDS.fullmatch(text) is not None


def read_moment(text: str) -> datetime | None:
    """What MOMENT_FORM says; a day is its first moment, without a zone it is UTC. None for what is no moment."""
    try:
        moment = datetime.fromtimestamp(float(text), UTC) if is_seconds(text) else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_sayable(moment: datetime) -> bool:
    """Whether it has a date in UTC too: the last hours of the year 9999 west of Greenwich have none."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of that name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def in_seconds(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


monotonic = time.monotonic
pause: Pause = asyncio.sleep
