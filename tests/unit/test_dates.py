"""Times as people say them, in a zone with daylight saving, at the ends of months, in leap years."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import InvalidArguments
from portico.toolbox.dates import read_range

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
# A Wednesday.
NOW = datetime(2026, 11, 18, 15, 30, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("phrase", "start", "end"),
    [
        ("1795000000", "2026-11-18T11:06:40", "2026-11-18T11:06:40"),
        ("2026", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("2026-10", "2026-10-01T00:00:00", "2026-11-01T00:00:00"),
        ("2026-10-31", "2026-10-31T00:00:00", "2026-11-01T00:00:00"),
        ("2026-10-31T08:00", "2026-10-31T08:00:00", "2026-10-31T08:00:00"),
        ("2026-10-31 08:00:05Z", "2026-10-31T08:00:05", "2026-10-31T08:00:05"),
        ("2026-10-31T08:00+02:00", "2026-10-31T06:00:00", "2026-10-31T06:00:00"),
        ("Q3 2026", "2026-07-01T00:00:00", "2026-10-01T00:00:00"),
        ("2025-Q4", "2025-10-01T00:00:00", "2026-01-01T00:00:00"),
        ("October 2025", "2025-10-01T00:00:00", "2025-11-01T00:00:00"),
        ("october", "2026-10-01T00:00:00", "2026-11-01T00:00:00"),
        ("December", "2025-12-01T00:00:00", "2026-01-01T00:00:00"),
        ("1 October 2026", "2026-10-01T00:00:00", "2026-10-02T00:00:00"),
        ("Oct 1st, 2026", "2026-10-01T00:00:00", "2026-10-02T00:00:00"),
        ("31 December", "2025-12-31T00:00:00", "2026-01-01T00:00:00"),
        ("now", "2026-11-18T15:30:20", "2026-11-18T15:30:20"),
        ("today", "2026-11-18T00:00:00", "2026-11-19T00:00:00"),
        ("Yesterday", "2026-11-17T00:00:00", "2026-11-18T00:00:00"),
        ("tomorrow", "2026-11-19T00:00:00", "2026-11-20T00:00:00"),
        ("this week", "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
        ("last week", "2026-11-09T00:00:00", "2026-11-16T00:00:00"),
        ("next month", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        ("this quarter", "2026-10-01T00:00:00", "2027-01-01T00:00:00"),
        ("previous quarter", "2026-07-01T00:00:00", "2026-10-01T00:00:00"),
        ("last year", "2025-01-01T00:00:00", "2026-01-01T00:00:00"),
        ("last 7 days", "2026-11-11T15:30:20", "2026-11-18T15:30:20"),
        ("past 24 hours", "2026-11-17T15:30:20", "2026-11-18T15:30:20"),
        ("the last 3 months", "2026-08-18T15:30:20", "2026-11-18T15:30:20"),
        ("7 days ago", "2026-11-11T15:30:20", "2026-11-11T15:30:20"),
        ("an hour ago", "2026-11-18T14:30:20", "2026-11-18T14:30:20"),
        ("in 2 weeks", "2026-12-02T15:30:20", "2026-12-02T15:30:20"),
        ("Monday", "2026-11-16T00:00:00", "2026-11-17T00:00:00"),
        ("wed", "2026-11-18T00:00:00", "2026-11-19T00:00:00"),
        ("last Wednesday", "2026-11-11T00:00:00", "2026-11-12T00:00:00"),
        ("start of month", "2026-11-01T00:00:00", "2026-11-01T00:00:00"),
        ("end of the quarter", "2027-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("month to date", "2026-11-01T00:00:00", "2026-11-18T15:30:20"),
        ("ytd", "2026-01-01T00:00:00", "2026-11-18T15:30:20"),
        ("since Monday", "2026-11-16T00:00:00", "2026-11-18T15:30:20"),
        ("since 1 October", "2026-10-01T00:00:00", "2026-11-18T15:30:20"),
        ("2026-10-01 to 2026-10-15", "2026-10-01T00:00:00", "2026-10-16T00:00:00"),
        ("2026-09..2026-10", "2026-09-01T00:00:00", "2026-11-01T00:00:00"),
        ("from last Monday to yesterday", "2026-11-16T00:00:00", "2026-11-18T00:00:00"),
    ],
)
def test_phrase_means_this_range(phrase: str, start: str, end: str) -> None:
    read = read_range(phrase, NOW)
    assert (read.start.astimezone(UTC).isoformat()[:19], read.end.astimezone(UTC).isoformat()[:19]) == (start, end)


@pytest.mark.parametrize(
    ("phrase", "now", "zone", "start", "hours"),
    [
        # The night when clocks go forward has 23 hours, the one when they go back 25.
        ("today", datetime(2026, 3, 29, 12, tzinfo=UTC), BERLIN, "2026-03-28T23:00:00", 23),
        ("today", datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN, "2026-10-24T22:00:00", 25),
        ("2026-11-01", NOW, NEW_YORK, "2026-11-01T04:00:00", 25),
        ("last 24 hours", datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN, "2026-10-24T12:00:00", 24),
        ("last 1 day", datetime(2026, 10, 25, 12, tzinfo=UTC), BERLIN, "2026-10-24T11:00:00", 25),
        # Ends of months, and a leap day.
        ("last 1 month", datetime(2026, 3, 31, 12, tzinfo=UTC), UTC, "2026-02-28T12:00:00", 31 * 24),
        ("last 1 year", datetime(2028, 2, 29, 12, tzinfo=UTC), UTC, "2027-02-28T12:00:00", 366 * 24),
        ("2028-02", NOW, UTC, "2028-02-01T00:00:00", 29 * 24),
        # Whose today it is depends on where one stands.
        ("today", datetime(2026, 11, 18, 2, tzinfo=UTC), NEW_YORK, "2026-11-17T05:00:00", 24),
    ],
)
def test_calendar_is_that_of_the_zone(phrase: str, now: datetime, zone: ZoneInfo, start: str, hours: int) -> None:
    read = read_range(phrase, now, zone)
    assert read.start.astimezone(UTC).isoformat()[:19] == start
    assert (read.end.timestamp() - read.start.timestamp()) / 3600 == hours


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "soon",
        "last",
        "7",
        "next 5 days or so",
        "31 February",
        "2026-13",
        "1795000000000",
        "last 99999 years",
        "Q5 2026",
    ],
)
def test_what_is_not_a_form_is_refused_with_the_forms(phrase: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        read_range(phrase, NOW, argument="start_time")
    assert caught.value.failures[0].path == "start_time"
    assert "last 7 days" in caught.value.failures[0].allowed


@given(st.text(max_size=40))
def test_any_text_is_a_range_or_a_refusal(text: str) -> None:
    try:
        read = read_range(text, NOW)
    except InvalidArguments:
        return
    assert read.start.tzinfo is not None
