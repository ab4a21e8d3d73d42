"""Cron expressions of five fields, read in a time zone: minute, hour, day of the month, month, day of the week."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# 29 February comes back after eight years at the latest.
FARTHEST_DAYS = 8 * 366
PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?")


class NotCron(Exception):
    """An expression that can't be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    # As in every cron: where both kinds of days are restricted, either will do.
    any_day: bool
    zone: tzinfo

    @classmethod
    def read(cls, expression: str, timezone: str) -> "Cron":
        words = expression.split()
        if len(words) != 5:
            raise NotCron(f"it has {len(words)} fields instead of 5")
        weekdays = _numbers(words[4], 0, 7, DAYS)
        return cls(
            _numbers(words[0], 0, 59),
            _numbers(words[1], 0, 23),
            _numbers(words[2], 1, 31),
            _numbers(words[3], 1, 12, ("", *MONTHS)),
            frozenset(number % 7 for number in weekdays),
            not words[2].startswith("*") and not words[4].startswith("*"),
            _zone(timezone),
        )

    def after(self, moment: float) -> float | None:
        """The first occurrence later than a moment; None if there is none, as for 30 February."""
        start = datetime.fromtimestamp(moment, self.zone).replace(second=0, microsecond=0)
        for offset in range(FARTHEST_DAYS):
            # Days are counted on the calendar: adding to an aware time keeps the clock on the wall.
            day = start.date() + timedelta(days=offset)
            if not self._is_on(day.month, day.day, day.isoweekday() % 7):
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    found = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone).timestamp()
                    if found > moment:
                        return found
        return None

    def _is_on(self, month: int, day: int, weekday: int) -> bool:
        if month not in self.months:
            return False
        fits = (day in self.days, weekday in self.weekdays)
        return any(fits) if self.any_day else all(fits)


def _zone(name: str) -> tzinfo:
    try:
        # Machines without a time zone database still know this one.
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise NotCron(f"there is no time zone '{name}'") from None


def _numbers(word: str, low: int, high: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        read = PART.fullmatch(part)
        if read is None:
            raise NotCron(f"'{part}' is neither a number, a range nor a step")
        first, last = (low, high) if read[1] == "*" else (_number(read[1], names), _number(read[2] or read[1], names))
        step = int(read[3] or 1)
        if read[3] and read[1] != "*" and read[2] is None:
            last = high
        if step == 0 or not low <= first <= last <= high:
            raise NotCron(f"'{part}' is outside of {low} to {high}")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(word: str, names: tuple[str, ...]) -> int:
    if word.isdigit():
        return int(word)
    if word.lower()[:3] in names and word:
        return names.index(word.lower()[:3])
    raise NotCron(f"'{word}' is no number")
