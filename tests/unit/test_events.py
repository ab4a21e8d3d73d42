"""Events: which names can be asked for, what an account's moves mean, and what is small enough to travel."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.gateway import facts
from portico.model.event import EVENTS, account_events, is_known, is_wanted


@pytest.mark.parametrize("pattern", [*EVENTS, "*", "job:*", "vendor:*", "vendor:batch.completed"])
def test_pattern_can_be_asked_for(pattern: str) -> None:
    assert is_known(pattern)


@pytest.mark.parametrize("pattern", ["", "job", "job:", "job:done", "jobs:*", "vendor", "vendor:", "test:*", "*:*"])
def test_pattern_means_nothing(pattern: str) -> None:
    assert not is_known(pattern)


@pytest.mark.parametrize(
    ("patterns", "name", "is_asked"),
    [
        (["*"], "job:failed", True),
        (["job:*"], "job:failed", True),
        (["job:failed"], "job:failed", True),
        (["test", "job:completed"], "job:failed", False),
        (["batch_job:*"], "job:failed", False),
        (["vendor:*"], "vendor:batch.completed", True),
        (["vendor:batch.failed"], "vendor:batch.completed", False),
        ([], "job:failed", False),
    ],
)
def test_event_reaches_whoever_asked(patterns: list[str], name: str, is_asked: bool) -> None:
    assert is_wanted(patterns, name) is is_asked


MOVES: list[tuple[str | None, str, list[str]]] = [
    (None, "active", ["created", "active"]),
    (None, "validation_error", ["created", "validation_error"]),
    (None, "connecting", ["created"]),
    ("connecting", "active", ["active"]),
    ("connecting", "post_install_error", ["post_install_error"]),
    ("active", "needs_reauth", ["authentication_error"]),
    ("active", "validation_error", ["validation_error"]),
    ("needs_reauth", "active", ["reactivated"]),
    ("validation_error", "active", ["reactivated"]),
    ("blocked", "active", ["reactivated"]),
    ("active", "blocked", []),
    ("active", "active", []),
    ("needs_reauth", "needs_reauth", []),
]


@pytest.mark.parametrize(("before", "after", "told"), MOVES)
def test_move_of_an_account_is_told_as(before: str | None, after: str, told: list[str]) -> None:
    assert account_events(before, after) == [f"integrated_account:{each}" for each in told]
    assert set(account_events(before, after)) <= EVENTS.keys()


def test_small_facts_leave_out_what_is_long_nested_listed_or_secret() -> None:
    found = facts.small(
        {
            "id": "batch_1", "status": "completed", "created_at": 17, "error": None, "is_new": True,
            "request_counts": {"completed": 2, "failed": 0, "deep": {"er": 1}}, "output": ["long"],
            "instructions": "x" * 301, "metadata": {}, "client_secret": "ek_1", "signing": "hush",
            "note": "key sk-proj-abcdefgh",
        },
        secrets=("signing",),
    )  # fmt: skip
    assert found == {
        "id": "batch_1",
        "status": "completed",
        "created_at": 17,
        "error": None,
        "is_new": True,
        "request_counts": {"completed": 2, "failed": 0},
        "note": "key sk-proj[hidden]",
    }


def test_payload_that_fits_is_left_as_it_is() -> None:
    payload = {"id": "x", "data": {"items": [1, 2, 3]}}
    assert facts.fit(payload) is payload


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5000),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=20),
    max_leaves=30,
)


@given(payload=st.dictionaries(st.text(max_size=50), json_values, max_size=80))
def test_payload_never_outgrows_what_webhooks_take(payload: dict[str, Any]) -> None:
    assert len(msgspec.json.encode(facts.fit(payload))) <= facts.MOST_BYTES


def test_shortened_payload_says_so() -> None:
    shortened = facts.fit({"id": "x", "text": "y" * 50_000})
    assert shortened == {"is_shortened": True, "id": "x", "text": "y" * 300}
