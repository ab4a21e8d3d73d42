"""/audit: who changed what."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, page, position
from portico.store.audit import LAST, AuditEntry

TAG = "Audit"


class AuditQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Newest first."""


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
    _, count = position(query)
    if query.next_cursor and not query.next_cursor.isdigit():
        raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
    before = int(query.next_cursor) if query.next_cursor else LAST
    rows = await asked.parts.audit.page(asked.environment_id, before, count + 1)
    return page(rows, query, _show_audit, lambda row: str(row.number))


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/audit", name="listAudit", summary="The audit trail", tag=TAG,
        description="Every administrative act. Each entry's hash covers the one before it.",
        handler=list_audit, query=AuditQuery, returns=list[AuditShown], scope="logs",
    ),
)  # fmt: skip
