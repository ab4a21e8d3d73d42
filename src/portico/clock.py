"""What time it is. Everything that needs the time is given a clock, so that tests can hold it still."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


def to_milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def from_milliseconds(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1000, UTC)


def iso(moment: datetime) -> str:
    """RFC 3339 with milliseconds and Z, as all our answers carry it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_seconds(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


monotonic = time.monotonic
