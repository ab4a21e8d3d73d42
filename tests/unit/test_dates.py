"""Times as people say them, in a zone with daylight saving, at the ends of months, in leap years."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portico.errors import InvalidArguments
from portico.toolbox.dates import FORMS, read_range

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
CAIRO, HAVANA = ZoneInfo("Africa/Cairo"), ZoneInfo("America/Havana")
LORD_HOWE, KATHMANDU = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")
_NEAR = ("last", "this", "next")
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
        ("start of last month", "2026-10-01T00:00:00", "2026-10-01T00:00:00"),
        ("end of last month", "2026-11-01T00:00:00", "2026-11-01T00:00:00"),
        ("the beginning of Q3 2026", "2026-07-01T00:00:00", "2026-07-01T00:00:00"),
        ("start of today", "2026-11-18T00:00:00", "2026-11-18T00:00:00"),
        ("end of yesterday", "2026-11-18T00:00:00", "2026-11-18T00:00:00"),
        ("first of the month", "2026-11-01T00:00:00", "2026-11-02T00:00:00"),
        ("the first day of last month", "2026-10-01T00:00:00", "2026-10-02T00:00:00"),
        ("last day of October", "2026-10-31T00:00:00", "2026-11-01T00:00:00"),
        ("since the first of this month", "2026-11-01T00:00:00", "2026-11-18T15:30:20"),
        ("first of October to last day of October", "2026-10-01T00:00:00", "2026-11-01T00:00:00"),
        ("start of last month to now", "2026-10-01T00:00:00", "2026-11-18T15:30:20"),
        ("7d", "2026-11-11T15:30:20", "2026-11-18T15:30:20"),
        ("last 24h", "2026-11-17T15:30:20", "2026-11-18T15:30:20"),
        ("2w ago", "2026-11-04T15:30:20", "2026-11-04T15:30:20"),
        ("-7d", "2026-11-11T15:30:20", "2026-11-11T15:30:20"),
        ("month to date", "2026-11-01T00:00:00", "2026-11-18T15:30:20"),
        ("ytd", "2026-01-01T00:00:00", "2026-11-18T15:30:20"),
        ("since Monday", "2026-11-16T00:00:00", "2026-11-18T15:30:20"),
        ("since 1 October", "2026-10-01T00:00:00", "2026-11-18T15:30:20"),
        ("2026-10-01 to 2026-10-15", "2026-10-01T00:00:00", "2026-10-16T00:00:00"),
        ("2026-09..2026-10", "2026-09-01T00:00:00", "2026-11-01T00:00:00"),
        ("from last Monday to yesterday", "2026-11-16T00:00:00", "2026-11-18T00:00:00"),
        ("between 1 October and 15 October", "2026-10-01T00:00:00", "2026-10-16T00:00:00"),
        ("2026-W01", "2025-12-29T00:00:00", "2026-01-05T00:00:00"),
        ("2026w45", "2026-11-02T00:00:00", "2026-11-09T00:00:00"),
        ("Q3", "2026-07-01T00:00:00", "2026-10-01T00:00:00"),
        ("Q4", "2026-10-01T00:00:00", "2027-01-01T00:00:00"),
        ("H1 2026", "2026-01-01T00:00:00", "2026-07-01T00:00:00"),
        ("h2 2025", "2025-07-01T00:00:00", "2026-01-01T00:00:00"),
        ("the day before yesterday", "2026-11-16T00:00:00", "2026-11-17T00:00:00"),
        ("yesterday 14:30", "2026-11-17T14:30:00", "2026-11-17T14:30:00"),
        ("Monday at 9:05", "2026-11-16T09:05:00", "2026-11-16T09:05:00"),
        ("2026-10-31 at 23:59", "2026-10-31T23:59:00", "2026-10-31T23:59:00"),
        ("since yesterday 14:30", "2026-11-17T14:30:00", "2026-11-18T15:30:20"),
        ("Monday 9:00 to Tuesday 17:00", "2026-11-16T09:00:00", "2026-11-17T17:00:00"),
        ("next Wednesday", "2026-11-25T00:00:00", "2026-11-26T00:00:00"),
        ("next Friday", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
        ("past week", "2026-11-11T15:30:20", "2026-11-18T15:30:20"),
        ("the past hour", "2026-11-18T14:30:20", "2026-11-18T15:30:20"),
        ("two weeks ago", "2026-11-04T15:30:20", "2026-11-04T15:30:20"),
        ("last three days", "2026-11-15T15:30:20", "2026-11-18T15:30:20"),
        ("next 3 days", "2026-11-18T15:30:20", "2026-11-21T15:30:20"),
        ("2 weeks from now", "2026-12-02T15:30:20", "2026-12-02T15:30:20"),
        ("last minute", "2026-11-18T15:29:00", "2026-11-18T15:30:00"),
        ("this hour", "2026-11-18T15:00:00", "2026-11-18T16:00:00"),
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
        ("last 3 months", datetime(2027, 5, 31, 12, tzinfo=UTC), UTC, "2027-02-28T12:00:00", 92 * 24),
        ("end of month", datetime(2027, 1, 31, 23, 59, tzinfo=UTC), UTC, "2027-02-01T00:00:00", 0),
        ("last month", datetime(2028, 3, 31, tzinfo=UTC), UTC, "2028-02-01T00:00:00", 29 * 24),
        ("29 February 2028", NOW, UTC, "2028-02-29T00:00:00", 24),
        ("a year ago", datetime(2028, 2, 29, 12, tzinfo=UTC), UTC, "2027-02-28T12:00:00", 0),
        # A day that begins at one o'clock, and one whose first hour comes twice (the earlier one begins it): long
        # past, for what zones will do is decided anew again and again.
        ("2026-04-24", NOW, CAIRO, "2026-04-23T22:00:00", 23),
        ("today", datetime(2024, 11, 3, 5, 30, tzinfo=UTC), HAVANA, "2024-11-03T04:00:00", 25),
        ("this week", datetime(2024, 11, 3, 5, 30, tzinfo=UTC), HAVANA, "2024-10-28T04:00:00", 169),
        # Half an hour of daylight saving, and a quarter of an hour of difference.
        ("2026-04-05", NOW, LORD_HOWE, "2026-04-04T13:00:00", 24.5),
        ("today", NOW, KATHMANDU, "2026-11-17T18:15:00", 24),
        # Three in the morning of the night when it comes from two at once; two, which there is not, is three.
        ("2026-03-29T03:00", NOW, BERLIN, "2026-03-29T01:00:00", 0),
        ("2026-03-29T02:00", NOW, BERLIN, "2026-03-29T01:00:00", 0),
        ("2026-03-28 9:00 to 2026-03-29 9:00", NOW, BERLIN, "2026-03-28T08:00:00", 23),
        ("past 36 hours", datetime(2026, 3, 29, 12, tzinfo=UTC), BERLIN, "2026-03-28T00:00:00", 36),
        # Whose today it is depends on where one stands.
        ("today", datetime(2026, 11, 18, 2, tzinfo=UTC), NEW_YORK, "2026-11-17T05:00:00", 24),
    ],
)
def test_calendar_is_that_of_the_zone(phrase: str, now: datetime, zone: ZoneInfo, start: str, hours: float) -> None:
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
        "2026-W54",
        "last days",
        "the last week",
        "since since " * 20 + "Monday",
        "this month 9:00",
        "yesterday 25:00",
        "31.10.2026",
        "10/31/2026",
        "a week",
    ],
)
def test_what_is_not_a_form_is_refused_with_the_forms(phrase: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        read_range(phrase, NOW, argument="start_time")
    assert caught.value.failures[0].path == "start_time"
    assert "last 7 days" in caught.value.failures[0].allowed


def test_forms_are_some_forty_and_each_is_understood_as_it_is_told() -> None:
    assert 40 <= len(FORMS) <= 60
    for form in FORMS:
        read = read_range(form.partition(" (")[0], NOW, BERLIN)
        assert read.start <= read.end, form


@pytest.mark.parametrize("phrase", ["2026-10-15 to 2026-10-01", "since tomorrow", "tomorrow..yesterday"])
def test_range_that_ends_before_it_begins_is_refused(phrase: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        read_range(phrase, NOW, argument="start_time")
    assert caught.value.failures[0].problem == f"{phrase!r} ends before it begins"


@given(st.integers(1_577_836_800, 2_051_222_400), st.sampled_from([BERLIN, CAIRO, HAVANA, LORD_HOWE]))
@example(1_680_361_200, LORD_HOWE)  # clocks have just gone back by half an hour
@example(1_696_086_000, LORD_HOWE)  # and forward
def test_calendar_units_meet_without_gap_or_overlap(moment: int, zone: ZoneInfo) -> None:
    """What is last ends where this begins, and this where next begins, in every zone at every moment."""
    now = datetime.fromtimestamp(moment, UTC)
    for unit in ("hour", "day", "week", "month", "quarter", "year"):
        last, this, following = (read_range(f"{word} {unit}", now, zone) for word in _NEAR)
        assert last.end.timestamp() == this.start.timestamp() <= moment < this.end.timestamp()
        assert this.end.timestamp() == following.start.timestamp()


@given(st.text(max_size=40))
def test_any_text_is_a_range_or_a_refusal(text: str) -> None:
    try:
        read = read_range(text, NOW)
    except InvalidArguments:
        return
    assert read.start.tzinfo is not None
