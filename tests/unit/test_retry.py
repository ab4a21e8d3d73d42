"""Trying again: only where the caller asked for it, only what changes nothing, never longer than allowed."""

import pytest

from portico.gateway.retry import decide
from portico.model.call import Patience
from portico.model.operation import Effect

PATIENT = Patience(max_seconds=10)


@pytest.mark.parametrize(
    ("status", "retry_after", "waited", "wait"),
    [
        (429, "3", 0.0, 3.0),
        (429, "", 0.0, 1.0),
        (429, "0", 0.0, 0.05),
        (429, "10", 0.0, 10.0),
        (503, "2", 8.0, 2.0),
        (429, "0.5", 9.5, 0.5),
    ],
)
def test_a_reading_call_waits_as_long_as_the_vendor_says(
    status: int, retry_after: str, waited: float, wait: float
) -> None:
    assert decide("read", status, retry_after, PATIENT, waited) == wait


@pytest.mark.parametrize(
    ("effect", "status", "retry_after", "patience", "waited"),
    [
        ("read", 429, "1", Patience(), 0.0),
        ("write", 429, "1", PATIENT, 0.0),
        ("destroy", 429, "1", PATIENT, 0.0),
        ("write", 503, "", PATIENT, 0.0),
        ("read", 200, "1", PATIENT, 0.0),
        ("read", 500, "", PATIENT, 0.0),
        ("read", 502, "1", PATIENT, 0.0),
        ("read", 401, "1", PATIENT, 0.0),
        ("read", 408, "1", PATIENT, 0.0),
        ("read", 429, "11", PATIENT, 0.0),
        ("read", 429, "1", PATIENT, 9.5),
        ("read", 429, "Wed, 21 Oct 2026 07:28:00 GMT", PATIENT, 0.0),
        ("read", 429, "inf", PATIENT, 0.0),
        ("read", 429, "nan", PATIENT, 0.0),
    ],
)
def test_everything_else_is_answered_at_once(
    effect: Effect, status: int, retry_after: str, patience: Patience, waited: float
) -> None:
    assert decide(effect, status, retry_after, patience, waited) is None


def test_waiting_always_comes_to_an_end() -> None:
    waited, attempts = 0.0, 0
    while (wait := decide("read", 429, "0", PATIENT, waited)) is not None:
        waited, attempts = waited + wait, attempts + 1
    assert waited <= PATIENT.max_seconds
    assert attempts == pytest.approx(200, abs=1)
