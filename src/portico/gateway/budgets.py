"""The budget of an MCP server: quotas of its own, by the day, written and read with its config."""

from collections.abc import Sequence

from msgspec import structs

from portico.gateway.limits import WIRE, Rules
from portico.gateway.parts import Parts
from portico.model.caller import Caller
from portico.model.price import NANOS
from portico.model.quota import Measure, Quota, told
from portico.model.server import Budget, McpServer
from portico.store.database import Session
from portico.store.ids import new_id
from portico.store.quotas import Quotas

NO_BUDGET = Budget()


def of(rules: Rules, server_id: str) -> Budget | None:
    """As it stands, whoever set it: here, or as a quota of the server."""
    found: dict[Measure, int | float] = {
        each.measure: told(each.maximum, each.measure) for each in rules.own("server", server_id) if _is_budget(each)
    }
    if not found:
        return None
    calls = found.get("requests")
    return Budget(calls_per_day=None if calls is None else int(calls), spend_per_day=found.get("spend"))


async def keep(session: Session, caller: Caller, server: McpServer, budget: Budget | None, parts: Parts) -> None:
    """The budget as it is from now on, and nothing beside it. Whoever calls this applies the change of quotas once the
    transaction is done."""
    quotas = Quotas(parts.database)
    present = {
        each.measure: each
        for each in await quotas.of(session, server.environment_id, "server", server.id)
        if _is_budget(each)
    }
    for measure, maximum in _maxima(budget or NO_BUDGET):
        known = present.get(measure)
        if maximum is None and known is not None:
            await quotas.delete(session, server.environment_id, known.id)
            await _note(session, caller, "quota.deleted", known, parts)
        elif maximum is not None and known is None:
            made = _quota(server, caller, measure, maximum, parts)
            await quotas.add(session, made)
            await _note(session, caller, "quota.created", made, parts)
        elif maximum is not None and known is not None and known.maximum != maximum:
            changed = structs.replace(known, maximum=maximum, updated_at=parts.clock())
            await quotas.change(session, changed)
            await _note(session, caller, "quota.updated", changed, parts)
    await parts.changes.tell(session, "quotas")


def _maxima(budget: Budget) -> Sequence[tuple[Measure, int | None]]:
    spend = budget.spend_per_day
    return ("requests", budget.calls_per_day), ("spend", None if spend is None else round(spend * NANOS))


def _is_budget(quota: Quota) -> bool:
    return quota.period == "day" and quota.measure in {"requests", "spend"}


def _quota(server: McpServer, caller: Caller, measure: Measure, maximum: int, parts: Parts) -> Quota:
    moment = parts.clock()
    return Quota(
        id=new_id(), environment_id=server.environment_id, bearer="server", subject=server.id, measure=measure,
        period="day", maximum=maximum, created_by=caller.token_id, created_at=moment, updated_at=moment,
    )  # fmt: skip


async def _note(session: Session, caller: Caller, act: str, quota: Quota, parts: Parts) -> None:
    await parts.audit.add(
        session, caller, act, quota.id, parts.clock(), applies_to=WIRE[quota.bearer], subject=quota.subject,
        measure=quota.measure, period=quota.period, maximum=told(quota.maximum, quota.measure),
    )  # fmt: skip
