"""Windows of quotas: the minutes, days and months of UTC, whatever the zone and the length of the month."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.gateway.limits import Rules
from portico.model.account import EnvironmentId
from portico.model.quota import Bearer, Measure, Period, Quota, sentence, window_of

PERIODS: tuple[Period, ...] = ("minute", "day", "month")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("period", "moment", "began", "ends"),
    [
        ("minute", "2026-11-02T12:00:59.999Z", "2026-11-02T12:00:00Z", "2026-11-02T12:01:00Z"),
        ("day", "2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"),
        ("day", "2026-11-02T23:30:00-05:00", "2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z"),
        ("month", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("month", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("month", "2026-01-31T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    ],
)
def test_a_window_is_a_stretch_of_the_calendar(period: Period, moment: str, began: str, ends: str) -> None:
    window = window_of(period, at(moment))
    assert (window.began_at, window.ends_at) == (at(began), at(ends))


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.integers(-14, 14), st.sampled_from(PERIODS)  # noqa: DTZ001 -- the zone is put on below
)  # fmt: skip
def test_windows_follow_each_other_without_gap(naive: datetime, hours: int, period: Period) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    window = window_of(period, moment)
    assert window.began_at <= moment < window.ends_at
    assert window_of(period, window.ends_at).began_at == window.ends_at
    assert window_of(period, window.ends_at - timedelta(microseconds=1)) == window


def quota(bearer: Bearer, subject: str = "", maximum: int = 5, measure: Measure = "requests") -> Quota:
    moment = datetime(2026, 11, 2, tzinfo=UTC)
    return Quota(
        id=f"{bearer}-{subject}-{measure}-{maximum}", environment_id=EnvironmentId("e"), bearer=bearer, subject=subject,
        measure=measure, period="day", maximum=maximum, created_by="t", created_at=moment, updated_at=moment,
    )  # fmt: skip


def test_what_is_said_of_one_stands_instead_of_what_is_said_of_each() -> None:
    every, own, tokens = quota("tenant"), quota("tenant", "acme", 9), quota("tenant", measure="tokens")
    rules = Rules([every, own, tokens, quota("server", "s1"), quota("account", "other")])
    assert rules.of("acme", "a", "") == [(own, "acme"), (tokens, "acme")]
    assert rules.of("beta", "a", "") == [(every, "beta"), (tokens, "beta")]
    assert rules.of("", "a", "") == []
    assert [each.bearer for each, _ in rules.of("acme", "a", "s1")] == ["tenant", "tenant", "server"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (quota("environment", maximum=1200), "1,200 requests per day for the environment"),
        (quota("account"), "5 requests per day for each account"),
        (quota("server", "s1", measure="tokens"), "5 tokens per day for the MCP server 's1'"),
        (quota("tenant", "acme", 12_500_000_000, "spend"), "12.50 US dollars per day for the tenant 'acme'"),
    ],
)
def test_a_quota_is_told_in_words(given: Quota, told: str) -> None:
    assert sentence(given) == told
