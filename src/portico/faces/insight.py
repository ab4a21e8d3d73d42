"""What a program can act on in a failure, by the reference's names: what was missing, or what the vendor says.

Each is there only where it is true, and holds nothing that the rest of the error does not say too. Pure.
"""

import math
from collections.abc import Sequence
from typing import Any

from portico.errors import Failure, InvalidArguments, Refusal, VendorFailure

_MISSING = {
    "query": ("missing_required_query_parameters", "The call needs these, in its address or its query."),
    "body": ("missing_required_body_fields", "The call needs these in its body."),
}
_SCOPES = "The vendor does not let this account's key do that; missing_scopes are those that it says the key lacks."
_RATE = "The vendor takes no more calls just now; retry_after is the seconds that it says to wait, or null."
_REMOTE = "The failure is the vendor's own; raw_response is all that it said."


def insight(problem: Refusal) -> dict[str, Any]:
    """`{name: {description, value}}`; empty where nothing of it is true."""
    if isinstance(problem, InvalidArguments):
        return _missing(problem.failures)
    return _remote(problem) if isinstance(problem, VendorFailure) else {}


def _missing(failures: Sequence[Failure]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for place, (name, description) in _MISSING.items():
        lacking = list(dict.fromkeys(each.path for each in failures if each.missing == place))
        if lacking:
            told[name] = {"description": description, "value": lacking}
    return told


def _remote(problem: VendorFailure) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if problem.vendor_status == 429:
        told["rate_limit_error"] = {"description": _RATE, "value": {"retry_after": _seconds(problem)}}
    if problem.vendor_status == 403 or problem.missing_scopes:
        told["forbidden_error"] = {"description": _SCOPES, "value": {"missing_scopes": problem.missing_scopes}}
    return told | {"remote_error": {"description": _REMOTE, "value": problem.sentence}}


def _seconds(problem: VendorFailure) -> int | None:
    text = next((value for name, value in problem.vendor_headers if name.lower() == "retry-after"), "")
    try:
        return max(math.ceil(float(text)), 0)
    except (ValueError, OverflowError):
        return None  # none, or a date
