"""What admin pages make of figures, times and facts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portico.faces.web.admin import words
from portico.faces.web.admin.log import gathered
from portico.faces.web.admin.server_form import endings


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(0.131, "0.1 ms"), (9.4, "9.4 ms"), (174.7, "175 ms"), (3079.7, "3.1 s"), (3_600_000, "3,600.0 s")],
)
def test_what_took_long_is_told_in_seconds(milliseconds: float, said: str) -> None:
    assert words.took(milliseconds) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [("2026-11-01", "1 Nov"), ("2026-11", "2026-11"), ("2026-11-01 05:00", "11-01 05:00"), ("7", "7")],
)
def test_a_day_has_a_name_beside_an_axis(text: str, said: str) -> None:
    assert words.on_day(text) == said


def test_facts_are_told_without_what_is_empty() -> None:
    facts: dict[str, Any] = {
        "account_id": "", "needs_sign_in": False, "scopes": ["mcp:read", "mcp:write"], "none": None, "count": 0,
        "limit": {"maximum": 5},
    }  # fmt: skip
    assert words.told(facts) == [
        ("needs sign in", "no"),
        ("scopes", "mcp:read, mcp:write"),
        ("count", "0"),
        ("limit", "maximum 5"),
    ]


def test_a_tool_and_what_it_calls_are_one_row() -> None:
    tool = {"id": "1", "request_id": "a", "path": "", "tool": "report", "http_status_code": 200}
    step, call = {**tool, "id": "3", "path": "/costs", "http_status_code": 404}, {**tool, "path": "/models", "tool": ""}
    batch = [{**call, "id": "4", "request_id": "c"}, {**call, "id": "5", "request_id": "c", "http_status_code": 429}]
    rows = [step, tool, {**call, "id": "2", "request_id": "b"}, *batch]
    assert [(each["id"], each["steps"]) for each in gathered(rows)] == [("1", 1), ("2", 0), ("5", 1)]


@pytest.mark.parametrize(("hour", "is_offered"), [(9, True), (23, False)])
def test_a_server_may_end_with_this_very_day(hour: int, is_offered: bool) -> None:
    offered = [label for _, label in endings(datetime(2026, 11, 27, hour, 30, tzinfo=UTC))]
    assert ("Today, Friday, at its end (UTC)" in offered) is is_offered
    assert "On Friday, 4 December, at its end (UTC)" in offered
