"""Times as people say them → a half-open range of Unix seconds. What the grammar does not know is an error. Pure.

Days, weeks (from Monday), months, quarters and years begin at midnight in the given zone. Anything that is not listed
in FORMS is refused with that list: a guess would be a wrong report that looks right.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from portico.errors import Failure, InvalidArguments

FORMS = (
    "Unix seconds", "2026", "2026-10", "2026-10-31", "2026-10-31T08:00 (with Z or an offset, else the account's zone)",
    "Q3 2026", "October 2026", "October", "1 October 2026", "now", "today", "yesterday", "tomorrow",
    "this week|month|quarter|year", "last week|month|quarter|year", "next week|month|quarter|year",
    "last 7 days (minutes, hours, weeks, months, years)", "7 days ago", "in 7 days", "Monday", "last Monday",
    "start of week|month|quarter|year", "end of week|month|quarter|year", "month to date (week, quarter, year)",
    "since Monday (or any of these)", "A to B, or A..B",
)  # fmt: skip
_UNITS = ("minute", "hour", "day", "week", "month", "quarter", "year")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_UNIT = r"(minute|hour|day|week|month|quarter|year)s?"
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_DAY = "|".join(f"{name}|{name[:3]}" for name in _DAYS)
_FURTHEST_COUNT = 5000


class Range(NamedTuple):
    """From `start` up to, and not including, `end`."""

    start: datetime
    end: datetime


class _Unknown(Exception):
    """No form fits."""


def read_range(text: str, now: datetime, zone: tzinfo = UTC, argument: str = "") -> Range:
    """The range that a phrase means. A moment (`7 days ago`, `now`) is a range of no length."""
    phrase = " ".join(text.strip().lower().replace("–", "..").split())
    try:
        return _Reader(now.astimezone(zone)).range(phrase)
    except (_Unknown, ValueError, OverflowError):
        problem = f"{text!r} is not a time that is understood here"
        raise InvalidArguments([Failure(argument, problem, "; ".join(FORMS))]) from None


class _Reader:
    def __init__(self, now: datetime) -> None:
        self._now = now
        self._today = now.replace(hour=0, minute=0, second=0, microsecond=0)

    def range(self, phrase: str) -> Range:
        for pattern, read in _FORMS:
            if match := pattern.fullmatch(phrase):
                return read(self, match)
        raise _Unknown

    # Each of these reads one form; the patterns that lead here stand in _FORMS.

    def between(self, match: re.Match[str]) -> Range:
        return Range(self.range(match[1]).start, self.range(match[2]).end)

    def since(self, match: re.Match[str]) -> Range:
        return Range(self.range(match[1]).start, self._now)

    def seconds(self, match: re.Match[str]) -> Range:
        if len(match[0]) > 11:
            raise _Unknown  # milliseconds, or worse: not a guess to make
        return self._moment(datetime.fromtimestamp(int(match[0]), self._now.tzinfo))

    def stamp(self, match: re.Match[str]) -> Range:
        moment = datetime.fromisoformat(match[0].upper())
        return self._moment(moment if moment.tzinfo else moment.replace(tzinfo=self._now.tzinfo))

    def date(self, match: re.Match[str]) -> Range:
        return self._unit("day", self._date(int(match[1]), int(match[2]), int(match[3])))

    def year_month(self, match: re.Match[str]) -> Range:
        return self._unit("month", self._date(int(match[1]), int(match[2]), 1))

    def year(self, match: re.Match[str]) -> Range:
        return self._unit("year", self._date(int(match[1]), 1, 1))

    def quarter(self, match: re.Match[str]) -> Range:
        number, year = (match[1], match[2]) if match[1] else (match[4], match[3])
        return self._unit("quarter", self._date(int(year), int(number) * 3 - 2, 1))

    def month(self, match: re.Match[str]) -> Range:
        number = _index(_MONTHS, match[1])
        year = int(match[2]) if match[2] else self._now.year - (number > self._now.month)
        return self._unit("month", self._date(year, number, 1))

    def day_of_month(self, match: re.Match[str]) -> Range:
        number = _index(_MONTHS, match["month"])
        day = int(match["day"])
        start = self._date(int(match["year"] or self._now.year), number, day)
        if not match["year"] and start > self._now:
            start = self._date(self._now.year - 1, number, day)
        return self._unit("day", start)

    def right_now(self, _match: re.Match[str]) -> Range:
        return self._moment(self._now)

    def near_day(self, match: re.Match[str]) -> Range:
        return self._unit(
            "day", self._moved(self._today, "day", {"yesterday": -1, "today": 0, "tomorrow": 1}[match[0]])
        )

    def unit(self, match: re.Match[str]) -> Range:
        shift = {"this": 0, "current": 0, "last": -1, "previous": -1, "next": 1}[match[1]]
        return self._unit(match[2], self._moved(self._start_of(match[2]), match[2], shift))

    def last_units(self, match: re.Match[str]) -> Range:
        return Range(self._moved(self._now, match[2], -_count(match[1])), self._now)

    def ago(self, match: re.Match[str]) -> Range:
        return self._moment(self._moved(self._now, match[2], -_count(match[1])))

    def ahead(self, match: re.Match[str]) -> Range:
        return self._moment(self._moved(self._now, match[2], _count(match[1])))

    def weekday(self, match: re.Match[str]) -> Range:
        back = (self._now.weekday() - (_index(_DAYS, match[2]) - 1)) % 7
        if match[1] and back == 0:
            back = 7  # "last Monday", said on a Monday, is a week ago
        return self._unit("day", self._moved(self._today, "day", -back))

    def edge(self, match: re.Match[str]) -> Range:
        whole = self._unit(match[2], self._start_of(match[2]))
        return self._moment(whole.start if match[1] in {"start", "beginning"} else whole.end)

    def to_date(self, match: re.Match[str]) -> Range:
        unit = {"wtd": "week", "mtd": "month", "qtd": "quarter", "ytd": "year"}.get(match[0]) or match[1]
        return Range(self._start_of(unit), self._now)

    def _moment(self, moment: datetime) -> Range:
        return Range(moment, moment)

    def _unit(self, unit: str, start: datetime) -> Range:
        return Range(start, self._moved(start, unit, 1))

    def _date(self, year: int, month: int, day: int) -> datetime:
        return datetime(year, month, day, tzinfo=self._now.tzinfo)

    def _start_of(self, unit: str) -> datetime:
        today = self._today
        starts: dict[str, Callable[[], datetime]] = {
            "minute": lambda: self._now.replace(second=0, microsecond=0),
            "hour": lambda: self._now.replace(minute=0, second=0, microsecond=0),
            "day": lambda: today,
            "week": lambda: self._moved(today, "day", -today.weekday()),
            "month": lambda: today.replace(day=1),
            "quarter": lambda: today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
            "year": lambda: today.replace(month=1, day=1),
        }
        return starts[unit]()

    def _moved(self, moment: datetime, unit: str, count: int) -> datetime:
        """Hours and minutes by the clock on the wall of the world; days and longer by the calendar of the zone."""
        if unit in {"minute", "hour"}:
            step = timedelta(minutes=count) if unit == "minute" else timedelta(hours=count)
            return (moment.astimezone(UTC) + step).astimezone(self._now.tzinfo)
        if unit in {"day", "week"}:
            return moment + timedelta(days=count * (7 if unit == "week" else 1))
        months = moment.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
        year, month = moment.year + months // 12, months % 12 + 1
        return moment.replace(year=year, month=month, day=min(moment.day, _last_day(year, month)))


def _last_day(year: int, month: int) -> int:
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return (following - timedelta(days=1)).day


def _index(names: tuple[str, ...], text: str) -> int:
    return next(number for number, name in enumerate(names, 1) if name.startswith(text[:3]))


def _count(text: str) -> int:
    count = 1 if text in {"a", "an", "one", ""} else int(text)
    if count > _FURTHEST_COUNT:
        raise _Unknown
    return count


_Read = Callable[[_Reader, re.Match[str]], Range]
_FORMS: tuple[tuple[re.Pattern[str], _Read], ...] = tuple(
    (re.compile(pattern), read)
    for pattern, read in (
        (r"\d{6,}", _Reader.seconds),
        (r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:z|[+-]\d{2}:?\d{2})?", _Reader.stamp),
        (r"(\d{4})-(\d{1,2})-(\d{1,2})", _Reader.date),
        (r"(\d{4})-(\d{1,2})", _Reader.year_month),
        (r"(\d{4})", _Reader.year),
        (r"q([1-4]) (\d{4})|(\d{4})[- ]q([1-4])", _Reader.quarter),
        (rf"({_MONTH})(?: (\d{{4}}))?", _Reader.month),
        (rf"(?P<day>\d{{1,2}})\.? (?P<month>{_MONTH})(?: (?P<year>\d{{4}}))?", _Reader.day_of_month),
        (rf"(?P<month>{_MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?", _Reader.day_of_month),
        (r"now", _Reader.right_now),
        (r"yesterday|today|tomorrow", _Reader.near_day),
        (rf"(this|current|last|previous|next) {_UNIT}", _Reader.unit),
        (rf"(?:the )?(?:last|past) (\d+|an?|one) ?{_UNIT}", _Reader.last_units),
        (rf"(\d+|an?|one) ?{_UNIT} ago", _Reader.ago),
        (rf"in (\d+|an?|one) ?{_UNIT}", _Reader.ahead),
        (rf"(last )?({_DAY})", _Reader.weekday),
        (r"(start|beginning|end) of (?:the |this )?(day|week|month|quarter|year)", _Reader.edge),
        (r"wtd|mtd|qtd|ytd|(week|month|quarter|year) to date", _Reader.to_date),
        (r"since (.+)", _Reader.since),
        (r"(?:from )?(.+?)(?: to | until | till |\.\.)(.+)", _Reader.between),
    )
)
