"""The vendor's rate-limit headers under our three names, and the durations in which OpenAI writes its resets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.gateway import rates
from portico.model.operation import RateHeaders

NAMES = RateHeaders(limit="x-limit", remaining="x-left", reset="x-reset")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0), ("0s", 0.0), ("12ms", 0.012), ("6m0s", 360.0), ("1h2m3s", 3723.0), ("1.5s", 1.5), (".5s", 0.5),
        ("1m30.25s", 90.25), ("250us", 0.00025), ("250µs", 0.00025), ("999ns", 9.99e-7), ("24h0m0s", 86_400.0),
        ("59.999s", 59.999), ("7", 7.0), ("0.25", 0.25), (" 3s ", 3.0),
    ],
)  # fmt: skip
def test_durations_are_read(text: str, seconds: float) -> None:
    assert rates.seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "s", "1d", "-1s", "1s2", "1 s", "1s-", "1..5s", "1,5s", "+1", "1e3", "NaN", "1m s"]
)
def test_what_is_no_duration_is_nothing(text: str) -> None:
    assert rates.seconds_of(text) is None


@given(st.integers(0, 999), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_any_duration_of_the_vendors_adds_up(hours: int, minutes: int, seconds: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{seconds}s{milliseconds}ms"
    assert rates.seconds_of(text) == pytest.approx(hours * 3600 + minutes * 60 + seconds + milliseconds / 1000)


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        (
            {"x-limit": "60", "x-left": "59", "x-reset": "1s"},
            [("ratelimit-limit", "60"), ("ratelimit-remaining", "59"), ("ratelimit-reset", "1")],
        ),
        ({"x-reset": "12ms"}, [("ratelimit-reset", "1")]),
        ({"x-reset": "6m0.001s"}, [("ratelimit-reset", "361")]),
        ({"x-reset": "0s"}, [("ratelimit-reset", "0")]),
        ({"x-limit": "many", "x-left": "-1", "x-reset": "soon"}, []),
        ({"x-limit": "60", "x-left": ""}, [("ratelimit-limit", "60")]),
        ({}, []),
    ],
)
def test_resets_are_whole_seconds_rounded_up_and_only_what_was_said_is_told(
    headers: dict[str, str], ours: list[tuple[str, str]]
) -> None:
    assert rates.normalise(NAMES, lambda name: headers.get(name, "")) == ours


def test_a_vendor_without_rate_headers_gets_none() -> None:
    assert rates.normalise(RateHeaders(), {"": "1", "x-limit": "60"}.__getitem__) == []
