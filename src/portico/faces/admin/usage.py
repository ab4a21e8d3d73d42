"""/usage: what passed through Portico to vendors, added up by day, account, customer, MCP server and model."""

from datetime import datetime, timedelta
from typing import Any, get_args

from msgspec import Struct

from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint
from portico.model.price import NANOS
from portico.store.metered import BY, By, Metered, Sum, UseFilter
from portico.toolbox.dates import read_range

TAG = "Usage"
USUALLY = "last 30 days"
MOST_ROWS = 10_000


class UsageQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`period` is said as for tools, in UTC: `last 30 days`, `this month`, `2026-10`, `2026-10-01 to 2026-10-15` …

    `by` is one or several of day, account, tenant, server and model, with commas between them; empty: one sum.
    """

    period: str = USUALLY
    by: str = "day"
    integrated_account_id: str = ""
    tenant_id: str = ""
    mcp_server_id: str = ""
    model: str = ""


class UsageShown(Struct, frozen=True, kw_only=True):
    """Null: not told apart by this. An empty `model` or `mcp_server_id`: calls that name none, or come another way.

    `estimated_requests` are those whose tokens were guessed. `cost_usd` is an estimate by the price list; requests with
    tokens that have no price are left out of it, and counted in `unpriced_requests`.
    """

    day: str | None
    integrated_account_id: str | None
    tenant_id: str | None
    mcp_server_id: str | None
    model: str | None
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    estimated_requests: int
    unpriced_requests: int
    cost_usd: float


async def list_usage(asked: Asked) -> Any:
    query: UsageQuery = asked.query
    by = _split(query.by)
    first, last = days_of(query.period, asked.parts.clock())
    where = UseFilter(
        first=first,
        last=last,
        account_id=query.integrated_account_id,
        tenant_id=query.tenant_id,
        server_id=query.mcp_server_id,
        model=query.model,
    )
    await asked.parts.recorder.catch_up()  # so that a call made just now counts
    rows = await Metered(asked.parts.database).sums(asked.environment_id, where, by, MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        problem = f"gives more than {MOST_ROWS} rows"
        raise InvalidArguments([Failure("by", problem, "fewer of these, a shorter period, or one account or model")])
    shown = [_show(row, by) for row in rows if row.used.requests]
    return {"result": shown, "next_cursor": None, "prev_cursor": None, "result_count": len(shown)}


def days_of(period: str, moment: datetime) -> tuple[str, str]:
    """The first and the last day (of UTC) that a phrase covers; a day of which it covers a part counts as a whole."""
    start, end, _ = read_range(period, moment, argument="period")
    last = end - timedelta(microseconds=1) if end > start else end
    return start.date().isoformat(), last.date().isoformat()


def _split(text: str) -> tuple[By, ...]:
    wanted = [each.strip() for each in text.split(",") if each.strip()]
    if unknown := [each for each in wanted if each not in get_args(By)]:
        raise InvalidArguments([Failure("by", f"names {unknown[0]!r}", ", ".join(BY))])
    return tuple(name for name in BY if name in wanted)


def _show(row: Sum, by: tuple[By, ...]) -> dict[str, Any]:
    used = row.used
    names = {"day": used.day, "account": row.account_id, "tenant": row.tenant_id, "server": row.server_id}
    told = {name: value if name in by else None for name, value in {**names, "model": used.model}.items()}
    return {
        "day": told["day"],
        "integrated_account_id": told["account"],
        "tenant_id": told["tenant"],
        "mcp_server_id": told["server"],
        "model": told["model"],
        "requests": used.requests,
        "input_tokens": used.input_tokens,
        "cached_tokens": used.cached_tokens,
        "output_tokens": used.output_tokens,
        "estimated_requests": used.estimated,
        "unpriced_requests": used.unpriced,
        "cost_usd": used.cost_nanos / NANOS,
    }


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/usage", name="listUsage", summary="What passed through Portico", tag=TAG,
        description="Requests, tokens and an estimate of their cost, by day (of UTC) unless `by` says otherwise. What "
        "the vendor itself has counted and billed is told by the reports among an account's tools.",
        handler=list_usage, query=UsageQuery, returns=list[UsageShown], scope="logs",
    ),
)  # fmt: skip
