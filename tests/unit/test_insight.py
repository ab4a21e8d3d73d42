"""What a failure says about itself by the reference's names: each where it is true, and nowhere else."""

from typing import Any

import pytest

from portico.errors import Failure, InvalidArguments, NotAllowed, QuotaSpent, Refusal, VendorFailure, VendorTimeout
from portico.faces.insight import insight

QUERY, BODY = "missing_required_query_parameters", "missing_required_body_fields"
RATE, FORBIDDEN, REMOTE = "rate_limit_error", "forbidden_error", "remote_error"


def values(problem: Refusal) -> dict[str, Any]:
    told = insight(problem)
    assert all(set(each) == {"description", "value"} and each["description"] for each in told.values())
    return {name: each["value"] for name, each in told.items()}


def remote(status: int, **more: Any) -> VendorFailure:
    return VendorFailure(status, b'{"secret": "sk-1"}', sentence="No.", **more)


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ([Failure("id", "is required", missing="query")], {QUERY: ["id"]}),
        ([Failure("name", "is required", missing="body")], {BODY: ["name"]}),
        (
            [
                Failure("id", "is required", missing="query"),
                Failure("name", "is required", missing="body"),
                Failure("size", "has the wrong type", "integer"),
                Failure("since", "is required", missing="query"),
                Failure("since", "is required", missing="query"),
            ],
            {QUERY: ["id", "since"], BODY: ["name"]},
        ),
        ([Failure("limit", "is 0", "1 to 100"), Failure("version", "is required")], {}),
        ([], {}),
    ],
)
def test_what_was_missing_is_told_by_its_place(failures: list[Failure], expected: dict[str, Any]) -> None:
    assert values(InvalidArguments(failures)) == expected


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (remote(500), {REMOTE: "No."}),
        (remote(401), {REMOTE: "No."}),
        (remote(403), {FORBIDDEN: {"missing_scopes": []}, REMOTE: "No."}),
        (remote(403, missing_scopes=("a.b",)), {FORBIDDEN: {"missing_scopes": ["a.b"]}, REMOTE: "No."}),
        (remote(401, missing_scopes=("a.b",)), {FORBIDDEN: {"missing_scopes": ["a.b"]}, REMOTE: "No."}),
        (remote(429), {RATE: {"retry_after": None}, REMOTE: "No."}),
    ],
)
def test_what_the_vendor_held_against_a_call_is_told(problem: VendorFailure, expected: dict[str, Any]) -> None:
    assert values(problem) == expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0.2", 1),
        ("-3", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
)
def test_how_long_to_wait_is_told_in_whole_seconds_or_not_at_all(header: str, seconds: int | None) -> None:
    assert values(remote(429, vendor_headers=[("Retry-After", header)]))[RATE] == {"retry_after": seconds}


@pytest.mark.parametrize("problem", [NotAllowed(), QuotaSpent(), VendorTimeout(), Refusal()])
def test_of_other_refusals_nothing_is_told(problem: Refusal) -> None:
    assert insight(problem) == {}
