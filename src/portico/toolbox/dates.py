"""Times as people say them → a half-open range of Unix seconds. What the grammar does not know is an error. Pure.

Days, weeks (from Monday), months, quarters and years begin at midnight in the given zone. Anything that is not listed
in FORMS is refused with that list: a guess would be a wrong report that looks right.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from portico.errors import Failure, InvalidArguments

# One example of each form; every one of them is understood just as it stands here.
FORMS = (
    "1795000000 (Unix seconds)", "2026-10-31T08:00Z", "2026-10-31T08:00 (in the account's zone)", "2026-10-31",
    "2026-10", "2026", "2026-W45", "Q3 2026", "Q3", "H1 2026", "October 2026", "October", "31 October 2026",
    "October 31", "now", "today", "yesterday", "tomorrow", "day before yesterday", "yesterday 14:30", "Monday",
    "last Monday", "next Monday", "Monday at 9:00", "this week", "last month", "next quarter", "last 7 days",
    "past 24 hours", "past week", "next 3 days", "7 days ago", "an hour ago", "in 2 weeks", "2 weeks from now",
    "start of month", "end of last quarter", "first of the month", "last day of October",
    "7d", "24h ago", "month to date", "ytd", "since Monday", "since 2026-10-01",
    "2026-10-01 to 2026-10-15", "from Monday to now", "between October 1 and October 15", "2026-09..2026-10",
)  # fmt: skip
UNITS = "minute, hour, day, week, month, quarter, year"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_UNIT = r"(minute|hour|day|week|month|quarter|year)s?"
_ONE_UNIT = _UNIT.removesuffix("s?")
_COUNT = rf"(\d+|{'|'.join(_NUMBERS)})"
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_DAY = "|".join(f"{name}|{name[:3]}" for name in _DAYS)
_FURTHEST_COUNT = 5000
_LONGEST_PHRASE = 80


class Range(NamedTuple):
    """From `start` up to, and not including, `end`. `is_date`: said as one day of the calendar, which is a stretch of
    time only where both ends are asked for at once."""

    start: datetime
    end: datetime
    is_date: bool = False


class _Unknown(Exception):
    """No form fits."""


def read_range(text: str, now: datetime, zone: tzinfo = UTC, argument: str = "") -> Range:
    """The range that a phrase means. A moment (`7 days ago`, `now`) is a range of no length."""
    phrase = " ".join(text.strip().lower().replace("–", "..").split())
    try:
        if len(phrase) > _LONGEST_PHRASE:
            raise _Unknown
        read = _Reader(now.astimezone(zone)).range(phrase)
    except (_Unknown, ValueError, OverflowError):
        problem = f"{text[:_LONGEST_PHRASE]!r} is not a time that is understood here"
        raise InvalidArguments([Failure(argument, problem, f"{'; '.join(FORMS)} (units: {UNITS})")]) from None
    if read.end < read.start:
        raise InvalidArguments([Failure(argument, f"{text!r} ends before it begins")])
    return read


class _Reader:
    def __init__(self, now: datetime) -> None:
        self._now = now
        self._today = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

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
        return _moment(datetime.fromtimestamp(int(match[0]), self._now.tzinfo))

    def stamp(self, match: re.Match[str]) -> Range:
        moment = datetime.fromisoformat(match[0].upper())
        return _moment(moment if moment.tzinfo else moment.replace(tzinfo=self._now.tzinfo))

    def date(self, match: re.Match[str]) -> Range:
        return self._one_day(self._date(int(match[1]), int(match[2]), int(match[3])))

    def year_month(self, match: re.Match[str]) -> Range:
        return self._unit("month", self._date(int(match[1]), int(match[2]), 1))

    def year(self, match: re.Match[str]) -> Range:
        return self._unit("year", self._date(int(match[1]), 1, 1))

    def week(self, match: re.Match[str]) -> Range:
        first = datetime.fromisocalendar(int(match[1]), int(match[2]), 1)
        return self._unit("week", first.replace(tzinfo=self._now.tzinfo))

    def quarter(self, match: re.Match[str]) -> Range:
        number, year = (match[1], match[2]) if match[1] else (match[4], match[3])
        first = int(number) * 3 - 2
        return self._unit("quarter", self._date(self._latest_year(year, first), first, 1))

    def half(self, match: re.Match[str]) -> Range:
        start = self._date(int(match[2]), int(match[1]) * 6 - 5, 1)
        return Range(start, self._moved(start, "quarter", 2))

    def month(self, match: re.Match[str]) -> Range:
        number = _index(_MONTHS, match[1])
        return self._unit("month", self._date(self._latest_year(match[2], number), number, 1))

    def day_of_month(self, match: re.Match[str]) -> Range:
        number, day = _index(_MONTHS, match["month"]), int(match["day"])
        if match["year"]:
            return self._one_day(self._date(int(match["year"]), number, day))
        start = self._date(self._now.year, number, day)
        return self._one_day(start if start <= self._now else self._date(self._now.year - 1, number, day))

    def right_now(self, _match: re.Match[str]) -> Range:
        return _moment(self._now)

    def near_day(self, match: re.Match[str]) -> Range:
        days = {"day before yesterday": -2, "yesterday": -1, "today": 0, "tomorrow": 1}
        return self._unit("day", self._moved(self._today, "day", days[match[1]]))

    def unit(self, match: re.Match[str]) -> Range:
        shift = {"this": 0, "current": 0, "last": -1, "previous": -1, "next": 1}[match[1]]
        return self._unit(match[2], self._moved(self._start_of(match[2]), match[2], shift))

    def last_units(self, match: re.Match[str]) -> Range:
        return Range(self._moved(self._now, match[2], -_count(match[1])), self._now)

    def past_unit(self, match: re.Match[str]) -> Range:
        return Range(self._moved(self._now, match[1], -1), self._now)

    def next_units(self, match: re.Match[str]) -> Range:
        return Range(self._now, self._moved(self._now, match[2], _count(match[1])))

    def ago(self, match: re.Match[str]) -> Range:
        return _moment(self._moved(self._now, match[2], -_count(match[1])))

    def ahead(self, match: re.Match[str]) -> Range:
        return _moment(self._moved(self._now, match[2], _count(match[1])))

    def weekday(self, match: re.Match[str]) -> Range:
        back = (self._now.weekday() - (_index(_DAYS, match[2]) - 1)) % 7
        if match[1] == "next":
            back -= 7
        elif match[1] and back == 0:
            back = 7  # "last Monday", said on a Monday, is a week ago
        return self._unit("day", self._moved(self._today, "day", -back))

    def time_of_day(self, match: re.Match[str]) -> Range:
        day = self.range(match[1])
        if day.end - day.start != timedelta(days=1):  # by the calendar, whatever the clocks did that day
            raise _Unknown
        return _moment(day.start.replace(hour=int(match[2]), minute=int(match[3])))

    def edge(self, match: re.Match[str]) -> Range:
        whole = self._stretch(match[2])
        return _moment(whole.end if match[1] == "end" else whole.start)

    def edge_day(self, match: re.Match[str]) -> Range:
        whole = self._stretch(match[2])
        if whole.end - whole.start < timedelta(hours=23):
            raise _Unknown
        day = whole.start if match[1] == "first" else self._moved(whole.end, "day", -1)
        return self._one_day(day.replace(hour=0, minute=0, second=0, microsecond=0))

    def short(self, match: re.Match[str]) -> Range:
        """`7d` is the last seven days; `-7d` and `7d ago` are the moment at which they began."""
        unit = {"h": "hour", "d": "day", "w": "week"}[match[3]]
        start = self._moved(self._now, unit, -_count(match[2]))
        return _moment(start) if match[1] == "-" or match[4] else Range(start, self._now)

    def to_date(self, match: re.Match[str]) -> Range:
        unit = {"wtd": "week", "mtd": "month", "qtd": "quarter", "ytd": "year"}.get(match[0]) or match[1]
        return Range(self._start_of(unit), self._now)

    def _stretch(self, said: str) -> Range:
        """`month`, `the month`, `last month`, `2026-10` …: whatever has a beginning and an end."""
        phrase = said.removeprefix("the ")
        whole = self._unit(phrase, self._start_of(phrase)) if phrase in UNITS.split(", ") else self.range(phrase)
        if whole.end == whole.start:
            raise _Unknown
        return whole

    def _one_day(self, start: datetime) -> Range:
        return self._unit("day", start)._replace(is_date=True)

    def _unit(self, unit: str, start: datetime) -> Range:
        return Range(start, self._moved(start, unit, 1))

    def _date(self, year: int, month: int, day: int) -> datetime:
        return datetime(year, month, day, tzinfo=self._now.tzinfo)

    def _latest_year(self, said: str | None, month: int) -> int:
        """The year that was said, else the one in which that month last began."""
        return int(said) if said else self._now.year - (month > self._now.month)

    def _start_of(self, unit: str) -> datetime:
        today = self._today
        starts: dict[str, Callable[[], datetime]] = {
            "minute": lambda: self._sooner(timedelta(seconds=self._now.second, microseconds=self._now.microsecond)),
            "hour": lambda: self._sooner(self._now - self._now.replace(minute=0, second=0, microsecond=0)),
            "day": lambda: today,
            "week": lambda: self._moved(today, "day", -today.weekday()),
            "month": lambda: today.replace(day=1),
            "quarter": lambda: today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
            "year": lambda: today.replace(month=1, day=1),
        }
        return starts[unit]()

    def _sooner(self, step: timedelta) -> datetime:
        """In the time of the world: where clocks went back by half an hour, the wall has no such hour's beginning."""
        return (self._now.astimezone(UTC) - step).astimezone(self._now.tzinfo)

    def _moved(self, moment: datetime, unit: str, count: int) -> datetime:
        """Hours and minutes by the clock on the wall of the world; days and longer by the calendar of the zone."""
        if unit in {"minute", "hour"}:
            step = timedelta(minutes=count) if unit == "minute" else timedelta(hours=count)
            return (moment.astimezone(UTC) + step).astimezone(self._now.tzinfo)
        if unit in {"day", "week"}:
            return moment + timedelta(days=count * (7 if unit == "week" else 1))
        months = moment.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
        year, month = moment.year + months // 12, months % 12 + 1
        return moment.replace(year=year, month=month, day=min(moment.day, _last_day(year, month)), fold=0)


def _moment(moment: datetime) -> Range:
    return Range(moment, moment)


def _last_day(year: int, month: int) -> int:
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return (following - timedelta(days=1)).day


def _index(names: tuple[str, ...], text: str) -> int:
    return next(number for number, name in enumerate(names, 1) if name.startswith(text[:3]))


def _count(text: str) -> int:
    count = _NUMBERS.get(text) or int(text)
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
        (r"(\d{4})-?w(\d{1,2})", _Reader.week),
        (r"(\d{4})", _Reader.year),
        (r"q([1-4])(?: (\d{4}))?|(\d{4})[- ]q([1-4])", _Reader.quarter),
        (r"h([12]) (\d{4})", _Reader.half),
        (rf"({_MONTH})(?: (\d{{4}}))?", _Reader.month),
        (rf"(?P<day>\d{{1,2}})\.? (?P<month>{_MONTH})(?: (?P<year>\d{{4}}))?", _Reader.day_of_month),
        (rf"(?P<month>{_MONTH}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year>\d{{4}}))?", _Reader.day_of_month),
        (r"now", _Reader.right_now),
        (r"(?:the )?(day before yesterday|yesterday|today|tomorrow)", _Reader.near_day),
        (rf"(this|current|last|previous|next) {_ONE_UNIT}", _Reader.unit),
        (rf"(?:the )?(?:last|past|previous) {_COUNT} ?{_UNIT}", _Reader.last_units),
        (rf"(?:the )?past {_ONE_UNIT}", _Reader.past_unit),
        (rf"(?:the )?next {_COUNT} ?{_UNIT}", _Reader.next_units),
        (rf"{_COUNT} ?{_UNIT} ago", _Reader.ago),
        (rf"in {_COUNT} ?{_UNIT}", _Reader.ahead),
        (rf"{_COUNT} ?{_UNIT} from now", _Reader.ahead),
        (rf"(?:(last|next) )?({_DAY})", _Reader.weekday),
        (r"(-|last |past )?(\d+) ?(h|d|w)( ago)?", _Reader.short),
        (r"wtd|mtd|qtd|ytd|(week|month|quarter|year) to date", _Reader.to_date),
        (r"since (.+)", _Reader.since),
        (r"between (.+?) and (.+)", _Reader.between),
        (r"(?:from )?(.+?)(?: to | until | till |\.\.)(.+)", _Reader.between),
        (r"(.+?)(?: at)? (\d{1,2}):(\d{2})", _Reader.time_of_day),
        (r"(?:the )?(start|beginning|end) of (.+)", _Reader.edge),
        (r"(?:the )?(first|last)(?: day)? of (.+)", _Reader.edge_day),
    )
)
