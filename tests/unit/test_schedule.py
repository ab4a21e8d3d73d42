"""When things are tried again: the published schedule, within its jitter, and no further."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.jobs import schedule

HOURS = 3600
# Standard Webhooks: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
PUBLISHED = [5, 5 * 60, 30 * 60, 2 * HOURS, 5 * HOURS, 10 * HOURS, 14 * HOURS, 20 * HOURS, 24 * HOURS]


def test_deliveries_follow_the_published_schedule() -> None:
    pauses = [schedule.stepped(schedule.DELIVERY_PAUSES, failures, lambda: 0.5) for failures in range(1, 10)]
    assert pauses == [pytest.approx(each) for each in PUBLISHED]


def test_tenth_failure_is_the_last() -> None:
    assert schedule.stepped(schedule.DELIVERY_PAUSES, 10, lambda: 0.5) is None
    assert schedule.stepped((), 1, lambda: 0.5) is None


@given(dice=st.floats(0, 1, exclude_max=True), failures=st.integers(1, 9))
def test_jitter_stays_within_a_tenth(dice: float, failures: int) -> None:
    pause = schedule.stepped(schedule.DELIVERY_PAUSES, failures, lambda: dice)
    assert pause is not None
    assert 0.9 * PUBLISHED[failures - 1] <= pause <= 1.1 * PUBLISHED[failures - 1]


def test_jitter_uses_the_whole_range() -> None:
    assert schedule.jittered(100, lambda: 0.0) == pytest.approx(90)
    assert schedule.jittered(100, lambda: 1.0) == pytest.approx(110)


def test_broken_accounts_are_tried_daily_at_last() -> None:
    pauses = [schedule.last_forever(schedule.RECHECK_PAUSES, tries, lambda: 0.5) for tries in range(1, 9)]
    assert pauses == sorted(pauses)
    assert pauses[-3:] == [pytest.approx(24 * HOURS)] * 3


def test_looks_grow_rarer_up_to_five_minutes() -> None:
    pauses = [schedule.growing(looks, lambda: 0.5) for looks in (*range(30), 10**6)]
    assert pauses == sorted(pauses)
    assert pauses[0] == pytest.approx(5)
    assert pauses[-1] == pytest.approx(300)


def test_a_day_of_looking_costs_few_calls() -> None:
    moments = accumulate(schedule.growing(looks, lambda: 0.5) for looks in range(1000))
    assert sum(moment <= 24 * HOURS for moment in moments) < 300
