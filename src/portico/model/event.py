"""What Portico tells the outside about: the names of its events, and which of them somebody has asked to hear."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from portico.model.account import EnvironmentId

# Events of vendors come under this word and their own type: vendor:batch.completed.
VENDOR = "vendor"

EVENTS: dict[str, str] = {
    "integrated_account:created": "an account was connected, whatever its keys are worth",
    "integrated_account:active": "a new account's keys were proved",
    "integrated_account:updated": "an account was changed",
    "integrated_account:reactivated": "an account that did not work, or was blocked, works again",
    "integrated_account:authentication_error": "the vendor refused a key that had worked; the account needs a new one",
    "integrated_account:validation_error": "a key could not be proved",
    "integrated_account:post_install_error": "what has to follow a connection failed",
    "integrated_account:deleted": "an account was deleted",
    "mcp_server:expired": "an MCP server reached its end and is gone",
    "job:completed": "a watched job at a vendor ended well",
    "job:failed": "a watched job at a vendor ended badly, or can no longer be watched",
    "batch_job:completed": "a batch request was worked through",
    "batch_job:failed": "a batch request failed",
    "budget:warning": "80 % of a budget are spent",
    "budget:exhausted": "a budget is spent",
    "approval:requested": "a call waits for somebody's approval",
    "approval:decided": "somebody approved or refused a waiting call",
    "webhook:disabled": "a webhook was switched off because it could not be reached",
    "test": "sent when somebody asks for it",
}


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened. `payload` is JSON text, kept as it was first written: retries send the same bytes."""

    id: str
    environment_id: EnvironmentId
    name: str
    payload: str
    created_at: datetime


def is_known(pattern: str) -> bool:
    """Whether this can be asked for: an event's name, `group:*` or `*`. A vendor's own types are not checked."""
    group, colon, rest = pattern.partition(":")
    if pattern in EVENTS or pattern == "*":
        return True
    if group == VENDOR and colon:
        return bool(rest)
    return rest == "*" and any(name.startswith(f"{group}:") for name in EVENTS)


def is_wanted(patterns: Sequence[str], name: str) -> bool:
    group = name.partition(":")[0]
    return any(pattern in {name, "*", f"{group}:*"} for pattern in patterns)


def account_events(before: str | None, after: str) -> list[str]:
    """What a move of an account from one state to another means to the outside; None: there was no account before."""
    told = ["created"] if before is None else []
    if before == after:
        return []
    if after == "active":
        told.append("active" if before in {None, "connecting"} else "reactivated")
    elif after == "needs_reauth":
        told.append("authentication_error")
    elif after in {"validation_error", "post_install_error"}:
        told.append(after)
    return [f"integrated_account:{each}" for each in told]
