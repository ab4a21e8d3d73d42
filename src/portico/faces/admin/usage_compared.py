"""/integrated-account/{id}/usage: day by day, what was metered here, what the vendor reports, and the difference."""

from datetime import UTC, date, timedelta
from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.admin.accounts import found
from portico.faces.endpoint import Asked, Endpoint
from portico.gateway.reporting import compared, reports_of
from portico.model.reporting import ReportedDay
from portico.store.metered import Metered, MeteredDay

TAG = "Usage"
MOST_DAYS = 366


class ComparedQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`since` and `until` are days of UTC, both included; today and the 30 days before it, if nothing is said.

    `limit`: how many days of the calendar a page goes through; those on which there was nothing are left out.
    """

    since: date | None = None
    until: date | None = None
    limit: int = 31
    next_cursor: date | None = None


class SumsShown(Struct, frozen=True, kw_only=True):
    """Cached tokens are part of the input."""

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float


class MeteredShown(SumsShown, frozen=True, kw_only=True):
    """`estimated`: requests whose tokens were guessed; `unpriced`: those with tokens and no price."""

    estimated: int
    unpriced: int


class TokensShown(Struct, frozen=True, kw_only=True):
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


class ModelShown(Struct, frozen=True, kw_only=True):
    model: str
    metered: SumsShown
    reported: TokensShown | None
    difference: TokensShown | None


class OtherShown(Struct, frozen=True, kw_only=True):
    kind: str
    item: str
    amounts: dict[str, int]


class CostShown(Struct, frozen=True, kw_only=True):
    line_item: str
    cost_usd: float


class UsageDay(Struct, frozen=True, kw_only=True):
    """`difference` is what the vendor reports more than was metered: what went past Portico, or is not metered.

    `reported` is null as long as the vendor was not asked, which happens once a day is over; `is_final` says that it
    will not be asked again. `narrowed_to`: to what the report was narrowed, such as the account's project; empty: it
    covers everything that the account's key sees. `other`: what is counted in other units.
    """

    day: str
    metered: MeteredShown
    reported: SumsShown | None
    difference: SumsShown | None
    models: list[ModelShown]
    other: list[OtherShown]
    costs: list[CostShown]
    narrowed_to: dict[str, str]
    reported_at: str | None
    is_final: bool
    can_be_reported: bool


async def list_usage(asked: Asked) -> Any:
    account = await found(asked, asked.path["id"])
    first, last, count = _window(asked)
    await asked.parts.recorder.catch_up()
    start = max(first, last - timedelta(days=count - 1))
    span = (start.isoformat(), last.isoformat())
    metered: dict[str, list[MeteredDay]] = {}
    for each in await Metered(asked.parts.database).days(asked.environment_id, account.id, *span):
        metered.setdefault(each.day, []).append(each)
    told = await asked.parts.later.reported.days(asked.environment_id, account.id, *span)
    reported = {each.day: each for each in told}
    connected = await asked.parts.lookup.connect(account)
    can = reports_of(connected.view.integration, account) is not None
    days = sorted({*metered, *reported}, reverse=True)
    result = [
        compared(day, metered.get(day, []), reported.get(day)) | _about(reported.get(day)) | {"can_be_reported": can}
        for day in days
    ]
    more = (start - timedelta(days=1)).isoformat() if start > first else None
    return {"result": result, "next_cursor": more, "prev_cursor": None, "result_count": len(result), "limit": count}


def _window(asked: Asked) -> tuple[date, date, int]:
    """(the first day, the last day of this page, how many days it goes through)."""
    query: ComparedQuery = asked.query
    last = query.until or asked.parts.clock().astimezone(UTC).date()
    first = query.since or last - timedelta(days=30)
    failures: list[Failure] = []
    if first > last:
        failures.append(Failure("since", f"is {first}, after {last}", "a day that is not after `until`"))
    if not 1 <= query.limit <= MOST_DAYS:
        failures.append(Failure("limit", f"is {query.limit}", f"1 to {MOST_DAYS}"))
    if query.next_cursor is not None and not first <= query.next_cursor <= last:
        failures.append(Failure("next_cursor", "is not a cursor of this list"))
    if failures:
        raise InvalidArguments(failures)
    return first, query.next_cursor or last, query.limit


def _about(reported: ReportedDay | None) -> dict[str, Any]:
    return {
        "narrowed_to": reported.narrowed if reported else {},
        "reported_at": iso(reported.reported_at) if reported else None,
        "is_final": reported.is_final if reported else False,
    }


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/integrated-account/{id}/usage", name="listAccountUsage",
        summary="What was used by day, metered and as the vendor reports it", tag=TAG,
        description="Newest first. Of accounts with the key for it, the vendor's reports of each whole day are fetched "
        "the night after, and twice more until they stand.",
        handler=list_usage, query=ComparedQuery, returns=list[UsageDay], scope="accounts:read",
    ),
)  # fmt: skip
