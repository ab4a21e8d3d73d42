"""Usage and cost: what passed through Portico, over time, by account and model, drawn, as tables and as CSV."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from starlette.routing import Route

from portico.errors import Failure, InvalidArguments, Refusal
from portico.faces.admin.usage import USUALLY, days_of
from portico.faces.web.admin import chart
from portico.faces.web.admin.frame import Frame, Turn, with_query
from portico.faces.web.page import Download, Reply
from portico.shapes import Json
from portico.sheets import as_csv

MOST_ACCOUNTS = 1000
PERIODS = ("last 7 days", "last 30 days", "last 90 days", "this month", "last month", "year to date")
MEASURES = (("cost_usd", "Cost (estimate)"), ("tokens", "Tokens"), ("requests", "Requests"))
# What the figures are told apart by, what that is called, and which of the page's filters it sets.
SPLITS = (("model", "Model", "model"), ("account", "Account", "account"))
FIELDS = {"model": "model", "account": "integrated_account_id"}
FILTERS = {"account": "integrated_account_id", "model": "model"}
COLUMNS = (
    "requests", "input_tokens", "cached_tokens", "output_tokens", "estimated_requests", "unpriced_requests", "cost_usd",
)  # fmt: skip
# Days of a longer time would be thinner than a line: they are joined to weeks or months.
_MOST_DAYS, _MOST_WEEKS = 100, 700


def routes(frame: Frame) -> list[Route]:
    return [frame.route("/usage", show), frame.route("/usage/csv", download)]


async def show(turn: Turn) -> Reply:
    measure = turn.asked("measure") if turn.asked("measure") in dict(MEASURES) else MEASURES[0][0]
    accounts = (await turn.do("listIntegratedAccounts", query=[("limit", str(MOST_ACCOUNTS))]))["result"]
    called = {each["id"]: each["tenant_id"] for each in accounts}
    found: list[Json] = []
    places: list[str] = []
    try:
        found = await _used(turn, "day,account,model")
        places = _days(turn)
    except Refusal as problem:
        turn.problem = problem

    def address(**changes: str) -> str:
        return with_query(turn.at("/usage"), _kept(turn) | changes)

    def csv_address(by: str) -> str:
        return with_query(turn.at("/usage/csv"), _kept(turn) | {"by": by})

    return turn.page(
        "usage.html",
        "usage",
        period=_period(turn),
        periods=PERIODS,
        measures=MEASURES,
        measure=measure,
        measure_called=dict(MEASURES)[measure],
        accounts=[("", "All accounts"), *((each["id"], each["tenant_id"]) for each in accounts)],
        chosen={name: turn.asked(name) for name in FILTERS if turn.asked(name)},
        total=added(found),
        figures=[_figure(found, places, measure, each, called) for each in SPLITS] if found else [],
        called=called,
        address=address,
        csv_address=csv_address,
    )


async def download(turn: Turn) -> Reply:
    by = turn.asked("by", "day")
    found = await _used(turn, by)
    named = [name for name in ("day", "integrated_account_id", "tenant_id", "mcp_server_id", "model") if found]
    named = [name for name in named if found[0][name] is not None]
    rows = [[each[name] for name in (*named, *COLUMNS)] for each in found]
    return download_of(f"usage-by-{by.replace(',', '-')}.csv", (*named, *COLUMNS), rows)


def download_of(filename: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Download:
    """A table as a CSV file."""
    safe = "".join(each if each.isalnum() or each in "-_." else "-" for each in filename)
    return Download(filename=safe, content=as_csv(columns, rows).encode(), content_type="text/csv; charset=utf-8")


async def _used(turn: Turn, by: str) -> list[Json]:
    filters = [(name, turn.asked(ours)) for ours, name in FILTERS.items()]
    found = await turn.do("listUsage", query=[("period", _period(turn)), ("by", by), *filters])
    return found["result"]


def _period(turn: Turn) -> str:
    return turn.asked("period").strip() or USUALLY


def _kept(turn: Turn) -> dict[str, str]:
    return {name: turn.asked(name) for name in ("period", "measure", *FILTERS) if turn.asked(name)}


def _days(turn: Turn) -> list[str]:
    """Every day of the period up to today, so that days without calls show as such."""
    first, last = (date.fromisoformat(each) for each in days_of(_period(turn), turn.parts.clock()))
    last = min(last, turn.parts.clock().date())
    if (last - first).days > 10_000:
        raise InvalidArguments([Failure("period", "is longer than 27 years", "a shorter one")])
    return [(first + timedelta(days=each)).isoformat() for each in range((last - first).days + 1)]


def _figure(found: list[Json], days: list[str], measure: str, by: tuple[str, str, str], called: Json) -> Json:
    """One chart with its table: over time, told apart by one thing."""
    name, label, sets = by
    field = FIELDS[name]
    names = {key: _called(name, key, called) for key in {str(each[field]) for each in found}}
    place = _place_of(len(days))
    places = list(dict.fromkeys(place(each) for each in days))
    rows = [(place(each["day"]), str(each[field]), _value(each, measure)) for each in found]
    least = chart.LEAST_COST if measure == "cost_usd" else 0
    drawn = chart.columns(places, chart.split(places, rows, names), least)
    table = [
        {"key": key, "name": names[key], **added([each for each in found if str(each[field]) == key])} for key in names
    ]
    table.sort(key=lambda each: (-_value(each, measure), each["name"]))
    over_time = [(at, added([each for each in found if place(each["day"]) == at])) for at in places]
    return {"name": name, "label": label, "sets": sets, "chart": drawn, "rows": table, "over_time": over_time}


def _place_of(count: int) -> Callable[[str], str]:
    """Where on the axis a day stands: itself, its week's Monday, or its month."""
    if count <= _MOST_DAYS:
        return str
    if count <= _MOST_WEEKS:
        return _monday
    return _month


def _month(day: str) -> str:
    return day[:7]


def _monday(day: str) -> str:
    moment = date.fromisoformat(day)
    return (moment - timedelta(days=moment.weekday())).isoformat()


def _called(name: str, key: str, called: Json) -> str:
    if name == "account":
        return called.get(key, "a deleted account")
    return key or "no model"


def _value(row: Json, measure: str) -> float:
    return float(row["input_tokens"] + row["output_tokens"] if measure == "tokens" else row[measure])


def added(rows: Sequence[Json]) -> Json:
    return {name: sum(each[name] for each in rows) for name in COLUMNS}
