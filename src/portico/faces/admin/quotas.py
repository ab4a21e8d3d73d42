"""/quota: how much may be used, by whom, and how much of it is used."""

import math
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, count_of, missing, page, position
from portico.faces.query import Name
from portico.gateway.limits import WIRE
from portico.model.account import AccountId
from portico.model.price import NANOS
from portico.model.quota import Bearer, Measure, Period, Quota, told, window_of
from portico.store.ids import new_id
from portico.store.quotas import MOST, Quotas, key_of

TAG = "Quotas"
AppliesTo = Literal["environment", "tenant", "integrated_account", "mcp_server"]
_BEARERS: dict[str, Bearer] = {wire: bearer for bearer, wire in WIRE.items()}
_LARGEST = 10**15
Maximum = Annotated[float, Meta(ge=0, le=_LARGEST)]


class QuotaBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`subject`: a tenant's name, an account's or a server's id; left out: each of them for itself.

    `maximum`: requests, tokens, or US dollars. Windows are the minutes, days and months of UTC.
    """

    applies_to: AppliesTo
    measure: Measure
    period: Period
    maximum: Maximum
    subject: Annotated[str, Meta(max_length=300)] | None = None


class QuotaChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    maximum: Maximum


class QuotaQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    applies_to: tuple[Literal["environment", "tenant", "integrated_account", "mcp_server"], ...] = ()
    subject: tuple[Name, ...] = ()
    measure: tuple[Literal["requests", "tokens", "spend"], ...] = ()
    period: tuple[Literal["minute", "day", "month"], ...] = ()


class UseQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Those who used most come first."""


class BearingQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mcp_server_id`: with the quotas of that server, too."""

    mcp_server_id: str = ""


class QuotaShown(Struct, frozen=True, kw_only=True):
    """`used` and `remaining` are of the window that ends at `resets_at`; null where each subject has its own count."""

    id: str
    applies_to: AppliesTo
    subject: str | None
    measure: Measure
    period: Period
    maximum: float
    used: float | None
    remaining: float | None
    resets_at: str
    environment_id: str
    created_by: str
    created_at: str
    updated_at: str


class UseShown(Struct, frozen=True, kw_only=True):
    subject: str | None
    used: float
    remaining: float
    maximum: float
    resets_at: str


class Deleted(Struct, frozen=True, kw_only=True):
    id: str


def show(quota: Quota, used: int | None, moment: datetime) -> dict[str, Any]:
    return {
        "id": quota.id,
        "applies_to": WIRE[quota.bearer],
        "subject": quota.subject or None,
        "measure": quota.measure,
        "period": quota.period,
        "maximum": told(quota.maximum, quota.measure),
        "used": None if used is None else told(used, quota.measure),
        "remaining": None if used is None else told(max(quota.maximum - used, 0), quota.measure),
        "resets_at": iso(window_of(quota.period, moment).ends_at),
        "environment_id": quota.environment_id,
        "created_by": quota.created_by,
        "created_at": iso(quota.created_at),
        "updated_at": iso(quota.updated_at),
    }


async def list_quotas(asked: Asked) -> Any:
    query: QuotaQuery = asked.query
    before, count = position(query)
    bearers = tuple(_BEARERS[each] for each in query.applies_to)
    where = {"bearer": bearers, "subject": query.subject, "measure": query.measure, "period": query.period}
    await _settle(asked)
    rows = await _store(asked).page(asked.environment_id, before, count + 1, where)
    shown = {row.id: await _shown(asked, row) for row in rows[:count]}
    return page(rows, query, lambda row: shown[row.id], lambda row: row.id)


async def get_quota(asked: Asked) -> Any:
    await _settle(asked)
    return await _shown(asked, await _found(asked))


async def create_quota(asked: Asked) -> Any:
    body: QuotaBody = asked.body
    moment = asked.parts.clock()
    quota = Quota(
        id=new_id(),
        environment_id=asked.environment_id,
        bearer=_BEARERS[body.applies_to],
        subject=(body.subject or "").strip(),
        measure=body.measure,
        period=body.period,
        maximum=_maximum(body.maximum, body.measure),
        created_by=asked.caller.token_id,
        created_at=moment,
        updated_at=moment,
    )
    await _check_subject(asked, quota)
    await _settle(asked)
    async with asked.parts.database.transaction() as session:
        await _store(asked).add(session, quota)
        await _note(asked, session, "quota.created", quota)
    asked.parts.changes.apply("quotas")
    return await _shown(asked, quota)


async def change_quota(asked: Asked) -> Any:
    body: QuotaChange = asked.body
    quota = await _found(asked)
    changed = structs.replace(quota, maximum=_maximum(body.maximum, quota.measure), updated_at=asked.parts.clock())
    async with asked.parts.database.transaction() as session:
        if not await _store(asked).change(session, changed):
            raise missing("quota", quota.id)
        await _note(asked, session, "quota.updated", changed)
    asked.parts.changes.apply("quotas")
    return await _shown(asked, changed)


async def delete_quota(asked: Asked) -> Any:
    quota = await _found(asked)
    async with asked.parts.database.transaction() as session:
        if not await _store(asked).delete(session, asked.environment_id, quota.id):
            raise missing("quota", quota.id)
        await _note(asked, session, "quota.deleted", quota)
    asked.parts.changes.apply("quotas")
    return {"id": quota.id}


async def list_use(asked: Asked) -> Any:
    query: UseQuery = asked.query
    count = count_of(query)
    quota = await _found(asked)
    await _settle(asked)
    moment = asked.parts.clock()
    rows = await _store(asked).uses(quota, moment, _after(query.next_cursor), count + 1)
    resets_at = iso(window_of(quota.period, moment).ends_at)

    def shown(row: tuple[str, int]) -> dict[str, Any]:
        return {
            "subject": row[0] or None,
            "used": told(row[1], quota.measure),
            "remaining": told(max(quota.maximum - row[1], 0), quota.measure),
            "maximum": told(quota.maximum, quota.measure),
            "resets_at": resets_at,
        }

    return page(rows, query, shown, lambda row: f"{row[1]}:{row[0]}")


async def list_bearing(asked: Asked) -> Any:
    query: BearingQuery = asked.query
    found = await asked.parts.accounts.get(asked.environment_id, AccountId(asked.path["id"]))
    if found is None:
        raise missing("integrated account", asked.path["id"])
    await _settle(asked)
    moment = asked.parts.clock()
    rules = await asked.parts.limits.rules(asked.environment_id)
    bearing = rules.of(found.tenant_id, found.id, query.mcp_server_id)
    result = [
        show(quota, (await _store(asked).use(key_of(quota, subject, moment))).used, moment)
        | {"subject": subject or None}
        for quota, subject in bearing
    ]
    return {"result": result, "next_cursor": None, "prev_cursor": None, "result_count": len(result)}


def _store(asked: Asked) -> Quotas:
    return Quotas(asked.parts.database)


async def _settle(asked: Asked) -> None:
    """So that what has passed here counts, and what was only drawn does not."""
    await asked.parts.recorder.catch_up()
    await asked.parts.limits.give_back()


async def _found(asked: Asked) -> Quota:
    found = await _store(asked).get(asked.environment_id, asked.path["id"])
    if found is None:
        raise missing("quota", asked.path["id"])
    return found


async def _shown(asked: Asked, quota: Quota) -> dict[str, Any]:
    moment = asked.parts.clock()
    if quota.is_for_each:
        return show(quota, None, moment)
    return show(quota, (await _store(asked).use(key_of(quota, quota.subject, moment))).used, moment)


async def _note(asked: Asked, session: Any, act: str, quota: Quota) -> None:
    await asked.parts.audit.add(
        session, asked.caller, act, quota.id, asked.parts.clock(), applies_to=WIRE[quota.bearer],
        subject=quota.subject, measure=quota.measure, period=quota.period,
        maximum=told(quota.maximum, quota.measure),
    )  # fmt: skip
    await asked.parts.changes.tell(session, "quotas")


async def _check_subject(asked: Asked, quota: Quota) -> None:
    if quota.bearer == "environment" and quota.subject:
        raise InvalidArguments([Failure("subject", "is not taken: an environment is one", "leave it out")])
    if quota.bearer == "account" and quota.subject:
        found = await asked.parts.accounts.get(asked.environment_id, AccountId(quota.subject))
        if found is None:
            raise missing("integrated account", quota.subject)
    if (
        quota.bearer == "server"
        and quota.subject
        and not await asked.parts.servers.exists(asked.environment_id, quota.subject)
    ):
        raise missing("MCP server", quota.subject)


def _maximum(value: float, measure: Measure) -> int:
    if measure == "spend":
        return round(value * NANOS)
    if not math.isfinite(value) or value != int(value):
        raise InvalidArguments([Failure("maximum", f"is {value}", f"a whole number of {measure}")])
    return int(value)


def _after(cursor: str) -> tuple[int, str]:
    if not cursor:
        return MOST, ""
    used, colon, subject = cursor.partition(":")
    if not colon or not used.isdigit() or int(used) > MOST:
        raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
    return int(used), subject


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/quota", name="listQuotas", summary="Quotas and how much of them is used", tag=TAG,
        description="Newest first.", handler=list_quotas, query=QuotaQuery, returns=list[QuotaShown],
        scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path="/quota", name="createQuota", summary="Limit what may be used", tag=TAG,
        description="From then on; of a day or a month, what was used before counts, too. What is said of one subject "
        "stands instead of what is said of each.",
        handler=create_quota, body=QuotaBody, returns=QuotaShown, scope="accounts", status=201,
    ),
    Endpoint(
        verb="GET", path="/quota/{id}", name="getQuota", summary="One quota", tag=TAG,
        handler=get_quota, returns=QuotaShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/quota/{id}", name="updateQuota", summary="Change how much may be used", tag=TAG,
        description="What is used stays used.", handler=change_quota, body=QuotaChange, returns=QuotaShown,
        scope="accounts",
    ),
    Endpoint(
        verb="DELETE", path="/quota/{id}", name="deleteQuota", summary="Lift a quota", tag=TAG,
        handler=delete_quota, returns=Deleted, scope="accounts",
    ),
    Endpoint(
        verb="GET", path="/quota/{id}/use", name="listQuotaUse", summary="Who has used how much of a quota", tag=TAG,
        description="In the window that is open. Those who have used nothing are not named.",
        handler=list_use, query=UseQuery, returns=list[UseShown], scope="accounts:read",
    ),
    Endpoint(
        verb="GET", path="/integrated-account/{id}/quota", name="listAccountQuotas",
        summary="Every quota that bears on an account's calls", tag=TAG,
        description="Its own, its tenant's and the environment's, with what is left.",
        handler=list_bearing, query=BearingQuery, returns=list[QuotaShown], scope="accounts:read",
    ),
)  # fmt: skip
