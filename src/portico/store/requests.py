"""The request log: one row for each call through any face, written in batches away from the hot path.

A look at it costs the same whether there are a thousand rows or ten million: it walks down one index, a bounded number
of entries, and says where it stopped. Whatever was asked for beyond that index is picked out on the way.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from msgspec import Struct, structs

from portico.clock import to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.request import RequestRow
from portico.store import bodies, metered
from portico.store.bodies import SealedBodies
from portico.store.database import Database, Row
from portico.store.ids import lowest_id
from portico.store.quotas import Use, UseKey, add_use
from portico.store.statement import Statement, one_of

LAST_MILLISECOND = 1 << 47
# How many entries of an index one search walks, in growing strides: what is common is found in the first of them.
STRIDES = (1_000, 4_000, 15_000)
MOST_STATUS = 999
LAST = "~"  # sorts after every id

_COLUMNS = (
    "id, environment_id, at, account_id, tenant_id, integration, face, resource, method, verb, path, tool, server_id, "
    "client, token_id, request_id, trace_id, status, code, vendor_status, vendor_request_id, bytes_in, bytes_out, "
    "duration_us, vendor_us, class, problem, is_replay, model, input_tokens, cached_tokens, output_tokens, "
    "is_estimated, cost_nanos, has_bodies, result_count"
)
_WANTED = (
    "AND ONE_OF(account_id, :account_id) AND ONE_OF(tenant_id, :tenant_id) AND ONE_OF(face, :face) "
    "AND (:other_than = '' OR face <> :other_than) AND ONE_OF(tool, :tool) AND ONE_OF(server_id, :server_id) "
    "AND ONE_OF(resource, :resource) AND ONE_OF(method, :method) AND ONE_OF(code, :code) "
    "AND ONE_OF(token_id, :token_id) AND ONE_OF(model, :model) AND ONE_OF(request_id, :request_id) "
    "AND ONE_OF(vendor_request_id, :vendor_request_id) AND ONE_OF(integration, :integration) "
    "AND (:client_name = '' OR client = :client_name OR "
    "SUBSTR(client, 1, LENGTH(:client_name) + 1) = :client_name || '/') "
    # Statuses and classes stand in one list: none of the ones looks like one of the others.
    "AND (ONE_OF(status, :status) OR ONE_OF(class, :status)) "
    "AND status >= :least_status AND status <= :most_status "
    "AND (:has_bodies < 0 OR has_bodies = (:has_bodies > 0)) "
    "AND (:words = '' OR LOWER(path || ' ' || code || ' ' || problem || ' ' || tool || ' ' || resource || '.' || "
    "method || ' ' || client || ' ' || model || ' ' || tenant_id || ' ' || request_id || ' ' || vendor_request_id || "
    "' ' || trace_id) LIKE :words ESCAPE '!') AND at > :after AND at < :until"
)


def _spelled(text: LiteralString, index: LiteralString = "", along: LiteralString = "") -> Statement:
    """With the words in capitals filled in. PostgreSQL takes no hint; a test looks at which index it chooses."""
    text = text.replace("COLUMNS", _COLUMNS).replace("ALONG", along).replace("WANTED", _WANTED)
    hint: LiteralString = f"INDEXED BY {index} " if index else ""
    return Statement(text.replace("HINT ", hint), postgres=text.replace("HINT ", ""))


_ADD = _spelled(
    "INSERT INTO requests (COLUMNS) VALUES (:id, :environment_id, :at, :account_id, :tenant_id, "
    ":integration, :face, :resource, :method, :verb, :path, :tool, :server_id, :client, :token_id, :request_id, "
    ":trace_id, :status, :code, :vendor_status, :vendor_request_id, :bytes_in, :bytes_out, :duration_us, :vendor_us, "
    ":class, :problem, :is_replay, :model, :input_tokens, :cached_tokens, :output_tokens, :is_estimated, :cost_nanos, "
    ":has_bodies, :result_count)"
)
_GET = _spelled("SELECT COLUMNS FROM requests WHERE environment_id = :environment_id AND id = :id")
# The call itself ends after its parts, so it has the last id of those that share its request.
_OF_REQUEST = _spelled(
    "SELECT COLUMNS FROM requests WHERE environment_id = :environment_id AND request_id = :id ORDER BY id DESC LIMIT 1"
)


def _along(index: LiteralString, along: LiteralString) -> tuple[Statement, Statement]:
    """(where a stride along this index ends, what is wanted of the entries in it)."""
    edge = _spelled(
        "SELECT MIN(id), COUNT(*) FROM (SELECT id FROM requests HINT WHERE environment_id = :environment_id ALONG"
        "AND id < :before AND id >= :lowest ORDER BY id DESC LIMIT :stride) AS walked",
        index,
        along,
    )
    wanted = _spelled(
        "SELECT COLUMNS FROM requests HINT WHERE environment_id = :environment_id ALONGAND id < :before "
        "AND id >= :lowest WANTED ORDER BY id DESC LIMIT :count",
        index,
        along,
    )
    return edge, wanted


# The narrowest first: the first of these of which one value was asked for is the index that is walked.
PATHS: dict[str, tuple[Statement, Statement]] = {
    "request_id": _along("requests_by_request", "AND request_id = :only_request_id "),
    "server_id": _along("requests_by_server", "AND server_id = :only_server_id AND server_id <> '' "),
    "account_id": _along("requests_by_account", "AND account_id = :only_account_id "),
    "tool": _along("requests_by_tool", "AND tool = :only_tool AND tool <> '' "),
    "tenant_id": _along("requests_by_tenant", "AND tenant_id = :only_tenant_id "),
    "with_bodies": _along("requests_by_bodies", "AND has_bodies "),
    "class": _along("requests_by_class", "AND class = :only_class "),
    "": _along("", ""),
}


class RequestFilter(Struct, frozen=True, kw_only=True):
    """What is empty is not asked for. Of `status`, 4 is every 4xx; `words` is any part of the row's texts;
    `other_than` is a face that is not wanted; `client_name` is what stands before the slash and the version."""

    account_id: tuple[str, ...] = ()
    tenant_id: tuple[str, ...] = ()
    integration: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    least_status: int = 0
    most_status: int = MOST_STATUS
    face: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    server_id: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    token_id: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    request_id: tuple[str, ...] = ()
    vendor_request_id: tuple[str, ...] = ()
    client_name: str = ""
    other_than: str = ""
    words: str = ""
    has_bodies: bool | None = None
    after: datetime | None = None
    until: datetime | None = None


class Sighting(Struct, frozen=True, kw_only=True):
    """What one search has found. `before` is where to go on; empty: there is no more."""

    rows: list[RequestRow]
    before: str


class Requests:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, rows: list[RequestRow], owed: Mapping[UseKey, int] | None = None, kept: Sequence[SealedBodies] = ()
    ) -> dict[UseKey, Use]:
        """All of them with their bodies, and what they add to their days' sums and to quotas, or nothing; where those
        stand then."""
        async with self._database.transaction() as session:
            await session.run_many(_ADD, [_written(row) for row in rows])
            await bodies.add(session, kept)
            await metered.add(session, rows)
            return await add_use(session, owed or {})

    async def get(self, environment_id: EnvironmentId, row_id: str) -> RequestRow | None:
        """By the row's own id, or by that of the request, which every answer carries."""
        for statement in (_GET, _OF_REQUEST):
            if row := await self._database.one(statement, environment_id=environment_id, id=row_id):
                return _read(row)
        return None

    async def page(
        self, environment_id: EnvironmentId, before: str, count: int, where: RequestFilter
    ) -> list[RequestRow]:
        """What one search finds."""
        return (await self.search(environment_id, before, count, where)).rows

    async def search(self, environment_id: EnvironmentId, before: str, count: int, where: RequestFilter) -> Sighting:
        """The newest rows older than `before`: fewer than `count`, or none, where much lies between those wanted."""
        values = _values(where) | {"environment_id": environment_id}
        before = min(before, values.pop("highest"))
        asked = values | {"only_with_bodies": where.has_bodies}
        edge, wanted = PATHS[next((name for name in PATHS if asked.get(f"only_{name}")), "")]
        found: list[RequestRow] = []
        for stride in STRIDES:
            end, length = await self._walk(edge, values | {"before": before, "stride": stride})
            if not length:
                return Sighting(rows=found, before="")
            bounds = {"before": before, "lowest": end, "count": count - len(found)}
            found += [_read(row) for row in await self._database.all(wanted, **values | bounds)]
            if len(found) == count:
                return Sighting(rows=found, before=found[-1].id)
            if length < stride:
                return Sighting(rows=found, before="")
            before = end
        return Sighting(rows=found, before=before)

    async def _walk(self, edge: Statement, values: dict[str, Any]) -> tuple[str, int]:
        """The last id of a stride, and how many entries it has."""
        row = await self._database.one(edge, **values)
        return (row[0] or "", row[1]) if row else ("", 0)


def _values(where: RequestFilter) -> dict[str, Any]:
    values = structs.asdict(where)
    after, until = values.pop("after"), values.pop("until")
    lists: dict[str, tuple[Any, ...]] = {name: each for name, each in values.items() if isinstance(each, tuple)}
    values |= {name: one_of(str(each) for each in wanted) for name, wanted in lists.items()}
    only: dict[str, Any] = {f"only_{name}": each[0] if len(each) == 1 else "" for name, each in lists.items()}
    values["after"] = -1 if after is None else to_milliseconds(after)
    values["until"] = LAST_MILLISECOND if until is None else to_milliseconds(until)
    values["has_bodies"] = -1 if where.has_bodies is None else int(where.has_bodies)
    values["lowest"] = "" if after is None else lowest_id(values["after"])
    values["highest"] = LAST if until is None else lowest_id(values["until"])
    return values | only | {"only_class": _only_class(where), "words": _pattern(where.words)}


def _only_class(where: RequestFilter) -> int:
    """The class that all statuses belong to that can be found; 0 where there are several."""
    classes = {each if each < 10 else each // 100 for each in where.status}
    if not classes and where.least_status // 100 == where.most_status // 100:
        classes = {where.least_status // 100}
    return classes.pop() if len(classes) == 1 else 0


def _pattern(words: str) -> str:
    escaped = words.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%" if escaped else ""


def _written(row: RequestRow) -> dict[str, Any]:
    values = structs.asdict(row)
    values["class"] = values.pop("status_class")
    return values


_FIELDS = RequestRow.__struct_fields__


def _read(row: Row) -> RequestRow:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in ("is_replay", "is_estimated", "has_bodies"):
        values[name] = bool(values[name])
    return RequestRow(**values)
