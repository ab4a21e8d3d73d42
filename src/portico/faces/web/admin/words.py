"""What admin pages say: what was just done, what an account's state means, times and sizes as people read them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from portico.shapes import is_list, is_record

# After an act the address names one of these; anything else in its place says nothing.
SAID = {
    "account-connected": "The account is connected.",
    "account-changed": "The account is changed.",
    "account-proved": "The keys were tried again; the state below is what they showed.",
    "account-blocked": "The account is blocked: its calls are refused until it is unblocked.",
    "account-unblocked": "The account is unblocked.",
    "account-deleted-but": "The account is deleted, but its webhook endpoint could not be ended at the vendor: see why "
    "in the audit trail, and end it there.",
    "account-deleted": "The account is deleted, with its MCP servers, tokens and files.",
    "mappings-changed": "The mappings are changed, from the next call on.",
    "mappings-restored": "The mappings are rolled back, as a new version.",
    "token-revoked": "The token is revoked; it stopped working at once.",
    "server-changed": "The MCP server is changed. Programs see it when they list its tools next.",
    "server-deleted": "The MCP server is revoked; its address stopped working at once.",
    "limit-set": "The limit holds from now on.",
    "limit-lifted": "The limit is lifted.",
    "grant-revoked": "That program's access has ended.",
    "webhook-changed": "The webhook is changed.",
    "webhook-deleted": "The webhook is deleted.",
    "webhook-tested": "A test event is on its way; its delivery is below.",
    "delivery-replayed": "The message is on its way again.",
    "stretch-replayed": "The messages of that time are on their way again.",
    "link-page-changed": "The link page is changed.",
    "environment-made": "The environment is made.",
    "environment-renamed": "The environment is renamed.",
    "environment-changed": "The environment is changed.",
    "user-changed": "The user is changed.",
    "user-disabled": "The user is kept out; their sessions and programs have ended.",
    "user-enabled": "The user may sign in again.",
    "sessions-ended": "Those sessions have ended.",
    "user-linked": "The user signs in at the provider now.",
    "user-unlinked": "The user is unlinked; give them a new password, or link them again.",
    "session-ended": "That session has ended.",
    "password-set": "The password is set; every other session has ended.",
    "integration-changed": "The integration is changed.",
    "override-saved": "The changes to the catalog are saved and hold from now on.",
    "approval-given": "Approved: the call goes on, at once where its program still waits, else when it is made again.",
    "approval-refused": "Refused: whoever asked is told so.",
    "rotation-begun": "The rotation has begun; it goes on in the background.",
}

# Account state → (tone of its badge, what it means and what to do, what people call it).
STATES = {
    "connecting": ("warn", "Its keys are being tried.", "connecting"),
    "active": ("good", "Every key that was given works.", "active"),
    "post_install_error": ("bad", "Something that follows connecting failed.", "not set up"),
    "validation_error": ("bad", "A key did not work when it was tried. Give a new one below.", "key refused"),
    "needs_reauth": (
        "bad", "The vendor no longer takes a key. Calls are still tried; give a new key below.", "needs a new key",
    ),
    "blocked": ("bad", "Somebody blocked it: its calls are refused.", "blocked"),
}  # fmt: skip

# By which way a call came in.
FACES = {
    "proxy": "Proxy API",
    "custom": "Custom API",
    "passthrough": "Passthrough",
    "unified": "Unified API",
    "tools": "Tools API",
    "mcp": "MCP",
    "admin": "Admin pages",
    "jobs": "Portico itself",
}

# What is done in the background, in the order in which it is looked at.
JOBS = {
    "fan_out": "Find who hears of an event",
    "deliver": "Deliver a webhook's message",
    "watch": "Look whether a vendor's job has ended",
    "recheck": "Try an account's keys again",
    "rotate": "Seal everything with new keys",
    "forget": "Forget what is over",
    "report": "Plan the reading of an account's usage",
    "report_day": "Read one day of an account's usage",
}

# What the list of accounts is asked for to show those that need somebody.
IN_TROUBLE = ",".join(each for each in STATES if each != "active")

# State of an approval → (tone of its badge, what people call it).
APPROVALS = {
    "pending": ("warn", "waiting"),
    "approved": ("good", "approved"),
    "denied": ("bad", "refused"),
    "used": ("good", "done"),
    "expired": ("", "ran out"),
}


def when(text: str | None) -> str:
    """An API time as people read it."""
    if not text:
        return "never"
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def to_the_second(text: str) -> str:
    """The same where much happens within a minute."""
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def on_day(text: str) -> str:
    """A day as there is room for beside an axis; anything longer without its year."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text[5:] if len(text) > len("2026-11") else text
    return f"{day.day} {day:%b}"


def took(milliseconds: float) -> str:
    """How long something took."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:,.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def heard(types: Iterable[str]) -> str:
    """What a webhook hears of."""
    return "everything" if "*" in types else ", ".join(types)


def told(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to tell, without what is empty."""
    said = {name: _said(value) for name, value in facts.items()}
    return [(name.replace("_", " "), text) for name, text in said.items() if text]


def _said(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: ""}[value]
    if is_list(value):
        return ", ".join(map(_said, value))
    return ", ".join(f"{name} {text}" for name, text in told(value)) if is_record(value) else str(value)


def number(value: float) -> str:
    return f"{value:,}"


SMALLEST_SHOWN = 0.0001


def money(value: float) -> str:
    """US dollars; so many places that a small sum is none of nothing."""
    if 0 < value < SMALLEST_SHOWN:
        return f"< ${SMALLEST_SHOWN}"
    return f"${value:,.2f}" if value == 0 or abs(value) >= 1 else f"${value:,.4f}"


def short(value: float, measure: str = "") -> str:
    """A number beside an axis."""
    sign = "$" if measure == "cost_usd" else ""
    for unit, one in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= one:
            return f"{sign}{value / one:g}{unit}"
    return f"{sign}{value:g}"


def pretty(value: Any) -> str:
    """JSON as people read it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def size(count: int) -> str:
    for unit, one in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= one:
            return f"{count / one:.1f} {unit}"
    return f"{count} B"
