"""Spans of time for reports: half open, in the account's zone, with the span before of the same length. Pure."""

from datetime import UTC, datetime, tzinfo

from msgspec import Struct

from portico.errors import Failure, InvalidArguments
from portico.shapes import Json
from portico.toolbox.composed import Context

HOUR, DAY = 3600, 86_400


class Period(Struct, frozen=True, kw_only=True):
    """Unix seconds, from `start` up to and without `end`."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        return self.end - self.start

    @property
    def before(self) -> "Period":
        return Period(start=self.start - self.seconds, end=self.start)

    def shown(self, zone: tzinfo) -> Json:
        return {"start": _text(self.start, zone), "end": _text(self.end, zone)}


def asked_period(context: Context, arguments: Json) -> Period:
    """What was asked for; without a start this month, without an end until now."""
    moment = context.now.astimezone(context.zone)
    present = until_now(moment)
    given, end = arguments.get("start_time"), arguments.get("end_time")
    start = int(month_start(moment).timestamp()) if given is None else int(given)
    period = Period(start=start, end=present if end is None else int(end))
    if start < present < period.end:
        # Nothing was used in the future; with it, the period before would be longer than what it is compared with.
        period = Period(start=start, end=present)
    if period.seconds <= 0:
        problem = "must be after start_time"
        raise InvalidArguments([Failure("end_time", problem, f"after {_text(period.start, context.zone)}")])
    return period


def until_now(moment: datetime) -> int:
    """The present second belongs to it."""
    return int(moment.timestamp()) + 1


def reaches_now(period: Period, moment: datetime) -> bool:
    """`last 7 days` ends in this very second, and a period without an end just after it: both are up to now."""
    return period.end >= int(moment.timestamp())


def has_begun(period: Period, moment: datetime) -> bool:
    return period.start <= int(moment.timestamp())


def month_start(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month_start(moment: datetime) -> datetime:
    start = month_start(moment)
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def is_midnight(moment: int) -> bool:
    """In UTC, where the vendor's days begin."""
    return moment % DAY == 0


def day_of(moment: int, zone: tzinfo = UTC) -> str:
    return datetime.fromtimestamp(moment, zone).date().isoformat()


def _text(moment: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(moment, zone).isoformat()
