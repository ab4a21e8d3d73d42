"""The request log: one row for each call through any face, written in batches away from the hot path."""

from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database, Row
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO requests (id, environment_id, at, account_id, tenant_id, integration, face, resource, method, verb, "
    "path, tool, server_id, client, token_id, request_id, trace_id, status, code, vendor_status, vendor_request_id, "
    "bytes_in, bytes_out, duration_us, vendor_us) VALUES (:id, :environment_id, :at, :account_id, :tenant_id, "
    ":integration, :face, :resource, :method, :verb, :path, :tool, :server_id, :client, :token_id, :request_id, "
    ":trace_id, :status, :code, :vendor_status, :vendor_request_id, :bytes_in, :bytes_out, :duration_us, :vendor_us)"
)
_PAGE = Statement(
    "SELECT id, environment_id, at, account_id, tenant_id, integration, face, resource, method, verb, path, tool, "
    "server_id, client, token_id, request_id, trace_id, status, code, vendor_status, vendor_request_id, bytes_in, "
    "bytes_out, duration_us, vendor_us FROM requests WHERE environment_id = :environment_id AND id < :before "
    "AND (:account_id = '' OR account_id = :account_id) AND (:status = 0 OR status = :status) "
    "AND at > :after AND at < :until ORDER BY id DESC LIMIT :count"
)
LAST_MILLISECOND = 1 << 62


class RequestRow(Struct, frozen=True, kw_only=True):
    id: str
    environment_id: EnvironmentId
    at: int  # milliseconds since 1970
    account_id: str
    tenant_id: str
    integration: str
    face: str
    resource: str
    method: str
    verb: str
    path: str
    tool: str
    server_id: str
    client: str
    token_id: str
    request_id: str
    trace_id: str
    status: int
    code: str
    vendor_status: int
    vendor_request_id: str
    bytes_in: int
    bytes_out: int
    duration_us: int
    vendor_us: int

    @property
    def moment(self) -> datetime:
        return from_milliseconds(self.at)


class RequestFilter(Struct, frozen=True, kw_only=True):
    account_id: str = ""
    status: int = 0
    after: datetime | None = None
    until: datetime | None = None


class Requests:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, rows: list[RequestRow]) -> None:
        await self._database.run_many(_ADD, [structs.asdict(row) for row in rows])

    async def page(
        self, environment_id: EnvironmentId, before: str, count: int, where: RequestFilter
    ) -> list[RequestRow]:
        values: dict[str, Any] = {
            "environment_id": environment_id,
            "before": before,
            "count": count,
            "account_id": where.account_id,
            "status": where.status,
            "after": -1 if where.after is None else to_milliseconds(where.after),
            "until": LAST_MILLISECOND if where.until is None else to_milliseconds(where.until),
        }
        return [_read(row) for row in await self._database.all(_PAGE, **values)]


_FIELDS = RequestRow.__struct_fields__


def _read(row: Row) -> RequestRow:
    return RequestRow(**dict(zip(_FIELDS, row, strict=True)))
