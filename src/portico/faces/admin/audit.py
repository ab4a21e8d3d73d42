"""/audit: who changed what, and whether anybody has changed what is written of it."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, count_of, page
from portico.faces.query import Range, earlier_than, later_than
from portico.store.audit import LAST, AuditEntry, AuditFilter

TAG = "Audit"


class AuditQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`act` is one such as api_token.created, or the group before the dot; `target` is the id of what it was about."""

    actor: tuple[str, ...] = ()
    act: str = ""
    target: tuple[str, ...] = ()
    created_at: Range | None = None


class VerifyQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Number and hash of an entry that were noted elsewhere earlier: it must still be the same."""

    number: int = 0
    hash: str = ""


class Verified(Struct, frozen=True, kw_only=True):
    """`entries` follow from each other, and `hash` is the last one's: note both elsewhere to compare them later."""

    holds: bool
    entries: int
    hash: str
    first_broken: int | None
    problem: str


class AuditShown(Struct, frozen=True, kw_only=True):
    id: str
    number: int
    created_at: str
    actor: str
    actor_name: str
    act: str
    target: str
    facts: dict[str, Any]
    hash: str


def _show_audit(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "number": entry.number,
        "created_at": iso(entry.at),
        "actor": entry.actor,
        "actor_name": entry.actor_name,
        "act": entry.act,
        "target": entry.target,
        "facts": entry.facts,
        "hash": entry.hash.hex(),
    }


async def list_audit(asked: Asked) -> Any:
    query: AuditQuery = asked.query
    count = count_of(query)
    if query.next_cursor and not query.next_cursor.isdigit():
        raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
    before = int(query.next_cursor) if query.next_cursor else LAST
    where = AuditFilter(
        actor=query.actor,
        act=query.act,
        target=query.target,
        after=later_than(query.created_at),
        until=earlier_than(query.created_at),
    )
    rows = await asked.parts.audit.page(asked.environment_id, before, count + 1, where)
    return page(rows, query, _show_audit, lambda row: str(row.number))


async def verify_audit(asked: Asked) -> Any:
    query: VerifyQuery = asked.query
    if bool(query.hash) != bool(query.number) or query.number < 0:
        raise InvalidArguments([Failure("number", "and hash belong together", "both as an entry showed them, or none")])
    checked = await asked.parts.audit.check(asked.environment_id)
    broken, problem = checked.first_broken, ""
    if broken is not None:
        problem = (
            f"Entry {broken} does not follow from entry {broken - 1}: it or the one before was changed or removed."
        )
    elif query.number:
        found = await asked.parts.audit.page(asked.environment_id, query.number + 1, 1)
        if not found or found[0].number != query.number or found[0].hash.hex() != query.hash.lower():
            broken = query.number
            problem = f"Entry {broken} is not the one that was noted: the trail was rewritten from there or before."
    return {
        "holds": broken is None,
        "entries": checked.entries,
        "hash": checked.hash.hex(),
        "first_broken": broken,
        "problem": problem,
    }


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/audit", name="listAudit", summary="The audit trail", tag=TAG,
        description="Every administrative act. Each entry's hash covers the one before it.",
        handler=list_audit, query=AuditQuery, returns=list[AuditShown], scope="logs",
    ),
    Endpoint(
        verb="GET", path="/audit/verify", name="verifyAudit", summary="Follow the trail's chain to its end", tag=TAG,
        description="Whoever rewrites all of it with the database in hand is found out by an entry noted elsewhere.",
        handler=verify_audit, query=VerifyQuery, returns=Verified, scope="logs",
    ),
)  # fmt: skip
