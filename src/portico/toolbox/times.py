"""Arguments that are points in time, given as people say them: one phrase fills both ends of a range."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from portico.clock import zone_named
from portico.errors import Failure, InvalidArguments
from portico.gateway.connect import ZONE_FIELD
from portico.model.account import Account
from portico.model.offered import Offered
from portico.shapes import Json
from portico.toolbox.dates import Range, read_range


def zone_of(account: Account) -> ZoneInfo:
    """The zone in which the account's days begin: its context's `timezone`, else UTC."""
    name = str(account.context.get(ZONE_FIELD) or "UTC")
    zone = zone_named(name)
    if zone is None:
        raise InvalidArguments([Failure(f"context.{ZONE_FIELD}", f"{name!r} is not a time zone", "Europe/Berlin …")])
    return zone


def understand(operation: Offered, arguments: Json, account: Account, now: datetime) -> tuple[Json, Json]:
    """The arguments with Unix seconds where times were said, and what was understood, for the answer to tell."""
    said = {name: arguments[name] for name in operation.times if _is_said(arguments.get(name))}
    if not said:
        return arguments, {}
    zone = zone_of(account)
    filled, understood = dict(arguments), Json()
    for name, text in said.items():
        read = read_range(text, now, zone, name)
        for argument, moment in _ends(operation, name, read, filled).items():
            filled[argument] = int(moment.timestamp())
            understood[argument] = f"{text} = {moment.astimezone(zone).isoformat(timespec='seconds')}"
    _check_order(operation, filled, understood)
    return filled, understood


def _is_said(value: Any) -> bool:
    return isinstance(value, str) and not value.strip().isdigit()


def _ends(operation: Offered, name: str, read: Range, arguments: Json) -> dict[str, datetime]:
    """Which arguments a phrase fills: its own end of the range, and the other one where nothing was said of that.

    A date (`2026-11-01`) says where something begins or ends and no more: the other end stays open. A phrase that is a
    stretch of time (`last month`, `2026-10`, `yesterday`) says both.
    """
    start, end = (*operation.times, "", "")[:2]
    says_both = read.end != read.start and not read.is_date
    if name == end:
        lent = {start: read.start} if start not in arguments and says_both else {}
        return {**lent, end: read.end}
    if name == start and end and end not in arguments and says_both:
        return {start: read.start, end: read.end}
    return {name: read.start}


def _check_order(operation: Offered, filled: Json, understood: Json) -> None:
    start, end = (*operation.times, "", "")[:2]
    first, last = filled.get(start), filled.get(end)
    if end and isinstance(first, int) and isinstance(last, int) and last <= first:
        told = "; ".join(f"{name}: {understood[name]}" for name in (start, end) if name in understood)
        raise InvalidArguments([Failure(end, f"must be after {start} ({told})")])
