"""/log: what calls there were. Filters, cursors, one call by its id, and all of it as a stream of lines."""

import re
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, cursor_of, missing, position
from portico.faces.query import Range, Span, commas, earlier_than, later_than
from portico.model.price import NANOS
from portico.model.request import RequestRow
from portico.store.requests import LAST, MOST_STATUS, RequestFilter

TAG = "Request log"
EXPORTED_AT_ONCE = 1_000
MOST_PARTS = 200
Face = Literal["proxy", "custom", "passthrough", "unified", "tools", "mcp", "admin", "jobs"]
_STATUS = re.compile(r"[1-5](xx|[0-9]{2})")
# The reference's kinds of log: which face they mean here, or that there is no such kind.
_LOG_TYPES: dict[str, dict[str, Any] | None] = {
    "": {},
    "unified_proxy_api": {"other_than": "mcp"},
    "mcp": {"face": ("mcp",)},
    "rapid_bridge": None,
    "webhook": None,
    "sync_job_cron_trigger": None,
}
_STATUSES = "a status such as 404, or a class such as 4xx"
# What the reference calls some of the filters.
_OTHER_NAMES = {"request_type": "face", "http_status_code": "status", "tool_name": "tool"}
# What it has beside them. A row is of one environment, and of MCP's methods only the call of a tool has one.
_ENVIRONMENT, _MCP_METHOD, _LOGGED_METHOD = "environment_id", "mcp_method", "tools/call"
_encoder = msgspec.json.Encoder()


class LogQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`status` is 404 or 4xx, or a span such as `status[gte]=400`; `q` is any part of a row's texts.

    `client_name` is what stands before the version in `client`. `log_type`, `log_type_filter[…]` and
    `http_status_code`, which is the status, are for clients of the reference; `log_type_filter` takes the names of
    these filters, and the reference's `request_type`, `tool_name`, `environment_id` and `mcp_method`.
    """

    integrated_account_id: tuple[str, ...] = ()
    tenant_id: tuple[str, ...] = ()
    integration: tuple[str, ...] = ()
    status: tuple[str, ...] | Span = ()
    http_status_code: tuple[str, ...] | Span = ()
    face: tuple[Face, ...] = ()
    tool: tuple[str, ...] = ()
    mcp_server_id: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    api_token_id: tuple[str, ...] = ()
    request_id: tuple[str, ...] = ()
    vendor_request_id: tuple[str, ...] = ()
    client_name: str = ""
    q: str = ""
    has_bodies: bool | None = None
    created_at: Range | None = None
    log_type: str = ""
    log_type_filter: dict[str, str] | None = None


class ExportQuery(LogQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`limit` 0: all there are."""

    limit: int = 0


class LogShown(Struct, frozen=True, kw_only=True):
    """Durations in milliseconds; `fetch_duration` is the vendor's part. Tokens as the answer told them, or a guess.

    `cost_usd` is an estimate by the price list; null where there is no price. What belongs to one request of a client
    shares `request_id`: a tool, and the calls that it made. `result_count` is how many items a list answered; null
    where it was none. `logs` has `problem` as its line, where there is one: for clients of the reference.
    """

    id: str
    timestamp: str
    environment_id: str
    integrated_account_id: str
    tenant_id: str
    integration: str
    face: str
    tool: str
    mcp_server_id: str
    resource: str
    method: str
    http_method: str
    path: str
    http_status_code: int
    code: str
    problem: str
    is_replay: bool
    vendor_status: int
    vendor_request_id: str
    request_id: str
    trace_id: str
    api_token_id: str
    client: str
    duration: float
    fetch_duration: float
    bytes_in: int
    bytes_out: int
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    tokens_are_estimated: bool
    cost_usd: float | None
    has_bodies: bool
    result_count: int | None
    logs: list[str]


class OneQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`bodies=false`: without them, which leaves no entry in the audit trail."""

    bodies: bool = True


class RequestShown(Struct, frozen=True, kw_only=True):
    """What was sent to the vendor, or wanted to be. `body` is JSON or a text, `note` says what of it is not there."""

    method: str
    url: str
    query: dict[str, Any]
    content_type: str
    bytes: int | None
    body: Any
    note: str


class ResponseShown(Struct, frozen=True, kw_only=True):
    status: int
    content_type: str
    bytes: int | None
    body: Any
    note: str


class LogWhole(LogShown, frozen=True, kw_only=True):
    """`parts` are the other rows of the same request. `request` and `response` are null where no bodies are kept."""

    parts: list[LogShown]
    request: RequestShown | None
    response: ResponseShown | None


def show(row: RequestRow) -> dict[str, Any]:
    shown = structs.asdict(row)
    kept = {name: shown[name] for name in LogShown.__struct_fields__ if name in shown}
    return kept | {
        "timestamp": iso(row.moment),
        "integrated_account_id": row.account_id,
        "mcp_server_id": row.server_id,
        "http_method": row.verb,
        "http_status_code": row.status,
        "api_token_id": row.token_id,
        "duration": round(row.duration_us / 1000, 3),
        "fetch_duration": round(row.vendor_us / 1000, 3),
        "tokens_are_estimated": row.is_estimated,
        "logs": [row.problem] if row.problem else [],
        "cost_usd": None if row.cost_nanos is None else row.cost_nanos / NANOS,
    }


async def list_log(asked: Asked) -> Any:
    query: LogQuery = asked.query
    before, count = position(query)
    where = _filter(asked, query)
    await asked.parts.recorder.catch_up()  # so that a call made just now is there
    found = await asked.parts.requests.search(asked.environment_id, before, count + 1, where) if where else None
    rows, more = (found.rows, found.before) if found else ([], "")
    if len(rows) > count:
        rows = rows[:count]
        more = rows[-1].id
    return {
        "result": [show(row) for row in rows],
        "next_cursor": more or None,
        "prev_cursor": None,
        "result_count": len(rows),
        "limit": count,
    }


async def get_log(asked: Asked) -> Any:
    await asked.parts.recorder.catch_up()
    row = await asked.parts.requests.get(asked.environment_id, asked.path["id"])
    if row is None:
        raise missing("call", asked.path["id"])
    wanted = RequestFilter(request_id=(row.request_id,))
    same = await asked.parts.requests.page(asked.environment_id, LAST, MOST_PARTS, wanted) if row.request_id else []
    query: OneQuery = asked.query
    bodies = await asked.parts.bodies.read(asked.caller, row) if query.bodies else None
    told = bodies or {"request": None, "response": None}
    return show(row) | told | {"parts": [show(each) for each in same if each.id != row.id]}


async def export_log(asked: Asked) -> Any:
    query: ExportQuery = asked.query
    if query.limit < 0:
        raise InvalidArguments([Failure("limit", f"is {query.limit}", "0 for all, or how many rows at most")])
    before, where = cursor_of(query), _filter(asked, query)
    await asked.parts.recorder.catch_up()
    return _lines(asked, before, query.limit or -1, where)


async def _lines(asked: Asked, before: str, left: int, where: RequestFilter | None) -> AsyncIterator[bytes]:
    """`left`: how many rows at most; below zero all there are."""
    while where is not None and before and left:
        count = EXPORTED_AT_ONCE if left < 0 else min(left, EXPORTED_AT_ONCE)
        found = await asked.parts.requests.search(asked.environment_id, before, count, where)
        if found.rows:
            yield _encoder.encode_lines([show(row) for row in found.rows])
        before, left = found.before, left - len(found.rows) if left > 0 else left


def _filter(asked: Asked, query: LogQuery) -> RequestFilter | None:
    """What to look for; None where it is a kind of log that is never written here."""
    said = {name: getattr(query, name) for name in _FILTERS}
    said["status"] = said["status"] or query.http_status_code
    given = {_OTHER_NAMES.get(name, name): value for name, value in (query.log_type_filter or {}).items()}
    kinds = [_of_environment(asked, given), _of_method(given)]
    failures = [Failure(f"log_type_filter.{name}", "is not a filter", _TAKEN) for name in given if name not in said]
    if query.log_type not in _LOG_TYPES:
        failures.append(Failure("log_type", f"is {query.log_type!r}", ", ".join(filter(None, _LOG_TYPES))))
    said |= {name: value if name in _NOT_SEVERAL else tuple(commas(value)) for name, value in given.items()}
    statuses: Span | tuple[str, ...] = said["status"]
    told = () if isinstance(statuses, Span) else statuses
    failures += [Failure("status", f"is {each!r}", _STATUSES) for each in told if not _STATUS.fullmatch(each)]
    if isinstance(said["has_bodies"], str) and said["has_bodies"] not in _TRUTHS:
        failures.append(Failure("has_bodies", f"is {said['has_bodies']!r}", ", ".join(_TRUTHS)))
    if failures:
        raise InvalidArguments(failures)
    values = {ours: said[theirs] for theirs, ours in _FILTERS.items() if theirs not in {"status", "has_bodies"}}
    for kind in (_LOG_TYPES[query.log_type], *kinds):
        if kind is None or (values["face"] and "face" in kind and not {*kind["face"]} & {*values["face"]}):
            return None
        values |= kind
    return RequestFilter(
        **values | _statuses(statuses),
        has_bodies=_truth(said["has_bodies"]),
        after=later_than(query.created_at),
        until=earlier_than(query.created_at),
    )


def _of_environment(asked: Asked, given: dict[str, str]) -> dict[str, Any] | None:
    """The log is the token's environment's alone: another one has nothing in it. Taken out of what is given."""
    wanted = commas(given.pop(_ENVIRONMENT, ""))
    return {} if not wanted or asked.environment_id in wanted else None


def _of_method(given: dict[str, str]) -> dict[str, Any] | None:
    """Of MCP's methods, one has rows. Taken out of what is given."""
    wanted = commas(given.pop(_MCP_METHOD, ""))
    if not wanted:
        return {}
    return _LOG_TYPES["mcp"] if _LOGGED_METHOD in wanted else None


def _statuses(wanted: Span | tuple[str, ...]) -> dict[str, Any]:
    if isinstance(wanted, tuple):
        return {"status": tuple(int(each.removesuffix("xx")) for each in wanted)}
    least = [each for each in (wanted.gte, None if wanted.gt is None else wanted.gt + 1) if each is not None]
    most = [each for each in (wanted.lte, None if wanted.lt is None else wanted.lt - 1) if each is not None]
    return {
        "least_status": min(max([*least, 0]), MOST_STATUS + 1),
        "most_status": max(min([*most, MOST_STATUS]), -1),
    }


def _truth(said: bool | str | None) -> bool | None:
    return _TRUTHS[said] if isinstance(said, str) else said


_TRUTHS = {"true": True, "false": False}
# The wire's names of the filters, and ours.
_FILTERS = {
    "integrated_account_id": "account_id",
    "tenant_id": "tenant_id",
    "integration": "integration",
    "status": "status",
    "face": "face",
    "tool": "tool",
    "mcp_server_id": "server_id",
    "resource": "resource",
    "method": "method",
    "code": "code",
    "model": "model",
    "api_token_id": "token_id",
    "request_id": "request_id",
    "vendor_request_id": "vendor_request_id",
    "client_name": "client_name",
    "q": "words",
    "has_bodies": "has_bodies",
}
# Those that take one value.
_NOT_SEVERAL = frozenset({"client_name", "q", "has_bodies"})
_TAKEN = ", ".join([*_FILTERS, *_OTHER_NAMES, _ENVIRONMENT, _MCP_METHOD])

ENDPOINTS = (
    Endpoint(
        verb="GET", path="/log", name="listLog", summary="The request log", tag=TAG,
        description="One row for each call through any face, newest first. However much there is, a look costs the "
        "same: where few rows fit, a page may hold fewer than asked for, or none, and `next_cursor` goes on.",
        handler=list_log, query=LogQuery, returns=list[LogShown], scope="logs",
    ),
    Endpoint(
        verb="GET", path="/log/export", name="exportLog", summary="The request log as lines of JSON", tag=TAG,
        description="Newest first, with the filters of the list, streamed.", media="application/x-ndjson",
        handler=export_log, query=ExportQuery, returns=LogShown, scope="logs",
    ),
    Endpoint(
        verb="GET", path="/log/{id}", name="getLog", summary="One call", tag=TAG,
        description="By the row's id, or by the `x-portico-request-id` that came with the answer. Where bodies are "
        "kept (`log_bodies` of the account or the environment), with both of them, without secrets; that is audited.",
        handler=get_log, query=OneQuery, returns=LogWhole, scope="logs",
    ),
)  # fmt: skip
