"""openai_costs_report: what was spent, on what, compared with before, and where the month is heading."""

from datetime import datetime
from decimal import Decimal

from portico.integrations.openai import breakdown, filters
from portico.integrations.openai.money import Number, text_of, total
from portico.integrations.openai.periods import (
    Period,
    asked_period,
    has_begun,
    month_start,
    next_month_start,
    reaches_now,
    until_now,
)
from portico.model.operation import ToolName
from portico.shapes import Json
from portico.toolbox.composed import Composed, Context

BY = ("project", "line_item", "model", "key", "user", "day", "api_source")
USUALLY = ("project", "line_item")
_FILTERS = ("project_ids", "api_key_ids", "line_items")
COSTS = breakdown.Subject(
    call="costs.list",
    columns=("usd",),
    fields=("amount.value",),
    dimensions=BY,
    main_column="usd",
    main=lambda sums: sums[0],
    show=text_of,
    buckets={"1d": 180},
    own={"model": breakdown.MODEL_OF_LINE_ITEM},
)


async def run(context: Context, arguments: Json) -> Json:
    period = asked_period(context, arguments)
    wish = breakdown.Wish(
        period=period,
        by=filters.unique(arguments.get("by"), USUALLY),
        filters=filters.chosen(arguments, *_FILTERS),
        top=int(arguments.get("top") or filters.TOP),
        compare=arguments.get("compare") is not False,
    )
    shown = await breakdown.break_down(context, COSTS, wish)
    if reaches_now(period, context.now) and has_begun(period, context.now):
        work = _forecast(context, wish)
        if forecast := await context.attempt("the forecast", work, None):
            shown["forecast"] = forecast
    if context.zone.key != "UTC" and "day" in shown["tables"]:
        shown["days"] = "of UTC, as OpenAI books costs"
    return shown


async def _forecast(context: Context, wish: breakdown.Wish) -> Json | None:
    """The month's costs if the rest of it goes on like its beginning. Nothing is said in its first hour."""
    moment = context.now.astimezone(context.zone)
    start, end = (int(each.timestamp()) for each in (month_start(moment), next_month_start(moment)))
    month = Period(start=start, end=until_now(moment))
    if month.seconds < 3600:
        return None
    sums = await breakdown.added_up(context, COSTS, month, wish.filters)
    expected = _stretched(sums[0], month.seconds, end - start)
    last_day = datetime.fromtimestamp(end - 1, context.zone).date()
    return {
        "month_to_date_usd": text_of(sums[0]),
        "month_end_usd": text_of(expected),
        "by": last_day.isoformat(),
        "assumes": "the rest of the month costs as much per hour as its beginning did",
    }


def _stretched(amount: Number, seconds: int, whole: int) -> Decimal:
    return (Decimal(total([amount])) * whole / seconds).quantize(Decimal("0.01"))


REPORT = Composed(
    comfort="reports",
    integration="openai",
    resource="costs",
    method="report",
    tool=ToolName(name="openai_costs_report"),
    title="Report what was spent",
    says=(
        "What was spent in a period, exactly, by project, line item, model, key, user or day: totals, shares, change "
        "against the period before, and where this month is heading. One call instead of list_all_openai_costs and "
        "lookups."
    ),
    alias="spend, bill, invoice, dearest, most expensive, budget, forecast, trend, how much did we pay",
    effect="read",
    tags=("billing", "usage", "admin"),
    credentials=("admin_key",),
    parameters=(
        filters.START,
        filters.END,
        filters.several("by", "A table for each of these; project and line_item if absent", allowed=BY),
        filters.PROJECTS,
        filters.several("api_key_ids", "Only these keys, by name or id", names="project_api_keys.list", rare=True),
        filters.several("line_items", "Only these line items, as the table line_item spells them", rare=True),
        filters.TOP_ROWS,
        filters.COMPARE,
    ),
    times=filters.RANGE,
    run=run,
)
