"""/log and /audit: what calls there were, and who changed what."""

from typing import Any

from msgspec import Struct, structs

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, Range, page, position
from portico.store.audit import LAST, AuditEntry
from portico.store.requests import RequestFilter, RequestRow

TAG = "History"


class LogQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`log_type` is accepted for clients of the reference; there is one kind of log here."""

    log_type: str = ""
    integrated_account_id: str = ""
    status: int = 0
    created_at: Range | None = None


class LogShown(Struct, frozen=True, kw_only=True):
    id: str
    timestamp: str
    integrated_account_id: str
    tenant_id: str
    integration: str
    face: str
    resource: str
    method: str
    http_method: str
    path: str
    http_status_code: int
    code: str
    vendor_status: int
    vendor_request_id: str
    request_id: str
    duration: float
    fetch_duration: float
    bytes_in: int
    bytes_out: int
    client: str


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


def _show(row: RequestRow) -> dict[str, Any]:
    shown = structs.asdict(row)
    kept = {name: shown[name] for name in LogShown.__struct_fields__ if name in shown}
    return kept | {
        "timestamp": iso(row.moment),
        "integrated_account_id": row.account_id,
        "http_method": row.verb,
        "http_status_code": row.status,
        "duration": round(row.duration_us / 1000, 3),
        "fetch_duration": round(row.vendor_us / 1000, 3),
    }


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


async def list_log(asked: Asked) -> Any:
    query: LogQuery = asked.query
    before, count = position(query)
    await asked.parts.recorder.flush()  # so that a call made just now is there
    where = RequestFilter(
        account_id=query.integrated_account_id,
        status=query.status,
        after=query.created_at.gt if query.created_at else None,
        until=query.created_at.lt if query.created_at else None,
    )
    rows = await asked.parts.requests.page(asked.environment_id, before, count + 1, where)
    return page(rows, query, _show, lambda row: row.id)


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
        verb="GET", path="/log", name="listLog", summary="The request log", tag=TAG,
        description="One row for each call through any face, newest first.",
        handler=list_log, query=LogQuery, returns=list[LogShown], scope="logs",
    ),
    Endpoint(
        verb="GET", path="/audit", name="listAudit", summary="The audit trail", tag=TAG,
        description="Every administrative act. Each entry's hash covers the one before it.",
        handler=list_audit, query=AuditQuery, returns=list[AuditShown], scope="logs",
    ),
)  # fmt: skip
