"""Costs and usage in reports: every figure is added up again here from the sandbox's own rows, in whole numbers."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from portico.catalog.find import View
from portico.integrations.openai.breakdown import DIMENSIONS
from portico.integrations.openai.costs_report import BY as COSTS_BY
from portico.integrations.openai.costs_report import COSTS as SPENT
from portico.integrations.openai.usage_report import KINDS as SUBJECTS
from portico.model.account import AccountId
from portico.sandbox.charges import charges
from portico.sandbox.people import accounts
from portico.sandbox.state import DEMO, Organization, Usage
from tests.faces.mcp.speaker import Json
from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
COSTS, USAGE = "openai_costs_report", "openai_usage_report"
NANO = 10**9
AMOUNT = re.compile(r"\d+\.\d{2,}")
BY = ["project", "line_item", "model", "key", "user", "day"]
Row = dict[str, object]


def seconds(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp())  # pyright: ignore[reportArgumentType] -- a date's numbers


NOW = seconds(2026, 11, 18, 9, 30, 8)
MONTH = seconds(2026, 11, 1)
BEFORE = MONTH - (NOW - MONTH)
WHOLE_MONTH = seconds(2026, 12, 1) - MONTH


def organization(desk: Desk) -> Organization:
    return desk.stage.world.organizations[DEMO]


def rows_of(table: Json) -> list[Row]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def used(desk: Desk, start: int, end: int) -> list[Usage]:
    return [each for each in organization(desk).all_usage() if start <= each.at < end]


def spent(desk: Desk, start: int, end: int, name: str) -> Counter[str]:
    """Nano-dollars by what is asked for, from the sandbox's rows."""
    keys: dict[str, Callable[[Usage, str], str]] = {
        "project": lambda each, _: each.project_id,
        "line_item": lambda _, item: item,
        "model": lambda each, item: each.model if item.startswith(f"{each.model}, ") else "(none)",
        "key": lambda each, _: each.api_key_id or "(none)",
        "user": lambda each, _: each.user_id or "(none)",
        "day": lambda each, _: datetime.fromtimestamp(each.at, UTC).date().isoformat(),
    }
    found: Counter[str] = Counter()
    for each in used(desk, start, end):
        for charge in charges(each):
            found[keys[name](each, charge.line_item)] += charge.nano_dollars
    return found


def names_of(desk: Desk) -> dict[str, str]:
    """What the ids of projects, people, service accounts and keys are called."""
    held = organization(desk)
    found = {each.id: each.name for each in held.projects.values()} | {
        each.id: each.email for each in held.users.values()
    }
    for project in held.projects.values():
        if project.status == "active":
            found |= {each.id: each.name for each in accounts(project)}
    return found | {each.id: each.name for each in desk.stage.world.keys.by_secret.values()}


def tenth(part: int, whole: int) -> float | None:
    """A percentage to one decimal, halves to the even."""
    return float(round(Fraction(part * 1000, whole))) / 10 if whole else None


def ranked(now: Counter[str], before: Counter[str]) -> list[str]:
    return sorted(now.keys() | before.keys(), key=lambda key: (-now[key], -before[key], key))


@pytest.mark.parametrize("name", BY)
async def test_costs_are_those_of_the_ledger_to_the_last_digit(larkfield: Desk, name: str) -> None:
    report = await larkfield.value(COSTS, {"by": [name], "top": 200})
    rows = rows_of(report["tables"][name])
    now, before = spent(larkfield, MONTH, NOW, name), spent(larkfield, BEFORE, MONTH, name)
    order = sorted(now) if name == "day" else ranked(now, before)
    shown = "id" if "id" in rows[0] else name
    assert [row[shown] for row in rows] == order
    assert all(AMOUNT.fullmatch(str(row["usd"])) for row in rows)
    assert [Decimal(str(row["usd"])) for row in rows] == [Decimal(now[key]) / NANO for key in order]
    assert [row["share_percent"] for row in rows] == [tenth(now[key], now.total()) for key in order]
    assert ("usd_before" in rows[0]) == (name != "day"), "no day of the period is one of those before"
    if name != "day":
        assert [Decimal(str(row["usd_before"])) for row in rows] == [Decimal(before[key]) / NANO for key in order]
        assert [row["change_percent"] for row in rows] == [tenth(now[key] - before[key], before[key]) for key in order]
    if shown == "id":
        called = names_of(larkfield)
        assert [row[name] for row in rows] == [called.get(key, key) for key in order]
    total = report["total"]
    assert Decimal(total["usd"]) == Decimal(now.total()) / NANO
    assert total["change_percent"] == tenth(now.total() - before.total(), before.total())
    assert "incomplete" not in report


async def test_costs_beyond_the_top_are_summed_up_in_one_row(larkfield: Desk) -> None:
    report = await larkfield.value(COSTS, {"by": ["line_item"], "top": 3})
    *first, others = rows_of(report["tables"]["line_item"])
    now, before = (spent(larkfield, *span, "line_item") for span in ((MONTH, NOW), (BEFORE, MONTH)))
    rest = ranked(now, before)[3:]
    assert [row["line_item"] for row in first] == ranked(now, before)[:3]
    assert others["line_item"] == f"others ({len(rest)})"
    assert Decimal(str(others["usd"])) == Decimal(sum(now[key] for key in rest)) / NANO
    assert others["share_percent"] == tenth(sum(now[key] for key in rest), now.total())


async def test_forecast_stretches_the_month_so_far_over_the_whole_of_it(larkfield: Desk) -> None:
    report = await larkfield.value(COSTS, {"start_time": "last 7 days", "compare": False})
    so_far = spent(larkfield, MONTH, NOW, "project").total()
    cents = round(Fraction(so_far * WHOLE_MONTH, (NOW - MONTH) * NANO // 100))
    assert Decimal(report["forecast"]["month_to_date_usd"]) == Decimal(so_far) / NANO
    assert report["forecast"]["month_end_usd"] == f"{cents // 100}.{cents % 100:02}"
    assert report["forecast"]["by"] == "2026-11-30"


async def test_period_that_goes_on_is_compared_with_one_as_long_as_what_has_passed_of_it(larkfield: Desk) -> None:
    report = await larkfield.value(COSTS, {"start_time": "this month", "by": ["project"]})
    now, before = (spent(larkfield, *span, "project").total() for span in ((MONTH, NOW), (BEFORE, MONTH)))
    assert report["period"]["end"] == "2026-11-18T09:30:08+00:00"
    assert Decimal(report["total"]["usd_before"]) == Decimal(before) / NANO
    assert report["total"]["change_percent"] == tenth(now - before, before)
    assert "forecast" in report


async def test_no_forecast_is_made_for_a_period_that_is_over(larkfield: Desk) -> None:
    report = await larkfield.value(COSTS, {"start_time": "last month", "by": ["project"], "compare": False})
    october = seconds(2026, 10, 1)
    assert report["period"]["end"] == "2026-11-01T00:00:00+00:00"
    assert Decimal(report["total"]["usd"]) == Decimal(spent(larkfield, october, MONTH, "project").total()) / NANO
    assert "forecast" not in report
    assert "usd_before" not in report["total"]


@pytest.mark.parametrize("tool", [COSTS, USAGE])
async def test_period_that_has_not_begun_is_compared_with_nothing_and_says_so(larkfield: Desk, tool: str) -> None:
    report = await larkfield.value(tool, {"start_time": "tomorrow", "by": ["project"]})
    assert report["tables"]["project"]["rows"] == []
    assert report["incomplete"] == [{"what": "all of the period", "reason": "it has not begun yet"}]
    assert not {"forecast", "before"} & report.keys()


async def test_costs_of_one_project_by_its_name_are_only_its_own(larkfield: Desk) -> None:
    report = await larkfield.value(COSTS, {"project_ids": ["Marketing-Gen"], "by": ["line_item"], "top": 200})
    project = next(each for each in organization(larkfield).projects.values() if each.name == "Marketing-Gen")
    mine: Counter[str] = Counter()
    for each in used(larkfield, MONTH, NOW):
        if each.project_id == project.id:
            mine.update({charge.line_item: charge.nano_dollars for charge in charges(each)})
    rows = rows_of(report["tables"]["line_item"])
    found = {str(row["line_item"]): Decimal(str(row["usd"])) for row in rows if row["usd"] != "0.00"}
    assert found == {item: Decimal(nano) / NANO for item, nano in mine.items()}


KINDS = {
    "completions": ("num_model_requests", "input_tokens", "input_cached_tokens", "output_tokens"),
    "embeddings": ("num_model_requests", "input_tokens"),
    "images": ("num_model_requests", "images"),
    "audio_transcriptions": ("num_model_requests", "seconds"),
    "vector_stores": ("usage_bytes",),
    "file_search_calls": ("num_requests",),
    "code_interpreter_sessions": ("num_sessions",),
}
COLUMNS = {"num_model_requests": "requests", "usage_bytes": "byte_days"}


@pytest.mark.parametrize("kind", KINDS)
async def test_usage_by_project_is_that_of_the_ledger(larkfield: Desk, kind: str) -> None:
    report = await larkfield.value(USAGE, {"kind": kind, "by": ["project"], "start_time": "since 2026-11-01"})
    sums: dict[str, Counter[str]] = {}
    for each in used(larkfield, MONTH, NOW - 1):
        if each.kind == kind:
            sums.setdefault(each.project_id, Counter()).update(each.amounts)
    rows = {str(row["id"]): row for row in rows_of(report["tables"]["project"])}
    assert sums.keys() == rows.keys()
    for field in KINDS[kind]:
        column = COLUMNS.get(field, field.removeprefix("num_"))
        assert {key: row[column] for key, row in rows.items()} == {key: each[field] for key, each in sums.items()}
        assert report["total"][column] == sum(each[field] for each in sums.values())


@pytest.mark.parametrize("name", ["model", "user"])
async def test_share_of_cached_input_and_change_follow_from_the_exact_sums(larkfield: Desk, name: str) -> None:
    report = await larkfield.value(USAGE, {"by": [name], "top": 200})
    now, before, read, cached = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for each in used(larkfield, BEFORE, NOW):
        if each.kind != "completions":
            continue
        key = each.model if name == "model" else each.user_id
        tokens = each.amounts["input_tokens"] + each.amounts["output_tokens"]
        (now if each.at >= MONTH else before)[key] += tokens
        if each.at >= MONTH:
            read[key] += each.amounts["input_tokens"]
            cached[key] += each.amounts["input_cached_tokens"]
    rows = rows_of(report["tables"][name])
    keys = [str(row["id" if name == "user" else name]) for row in rows]
    assert keys == ranked(now, before)
    assert [row["tokens"] for row in rows] == [now[key] for key in keys]
    assert [row["tokens_before"] for row in rows] == [before[key] for key in keys]
    assert [row["cache_hit_percent"] for row in rows] == [tenth(cached[key], read[key]) for key in keys]
    assert [row["share_percent"] for row in rows] == [tenth(now[key], now.total()) for key in keys]
    assert [row["change_percent"] for row in rows] == [tenth(now[key] - before[key], before[key]) for key in keys]
    assert report["total"]["tokens"] == now.total()
    assert report["total"]["cache_hit_percent"] == tenth(cached.total(), read.total())


async def test_kind_that_cannot_be_split_so_is_refused_with_what_can(larkfield: Desk) -> None:
    refusal = await larkfield.refusal(USAGE, {"kind": "vector_stores", "by": ["model"]})
    assert "cannot be split by model" in str(refusal)
    assert "project, day" in str(refusal)


async def test_one_failing_split_is_named_while_the_others_stand(larkfield: Desk) -> None:
    larkfield.stage.fault("status=403", path="/v1/organization/costs", times=1)
    report = await larkfield.value(COSTS, {"by": ["project", "line_item"], "compare": False})
    lost = [each["what"] for each in report["incomplete"]]
    assert len(lost) == 1
    assert lost[0] in ("by project", "by line_item")
    assert report["tables"].keys() == {"project", "line_item"} - {lost[0].removeprefix("by ")}
    whole = spent(larkfield, MONTH, NOW, "project").total()
    assert Decimal(report["total"]["usd"]) == Decimal(whole) / NANO


async def test_projects_keep_their_ids_where_their_names_cannot_be_had(larkfield: Desk) -> None:
    larkfield.stage.fault("status=403", path="/v1/organization/projects")
    report = await larkfield.value(COSTS, {"by": ["project"], "top": 200})
    rows = rows_of(report["tables"]["project"])
    assert [each["what"] for each in report["incomplete"]] == ["names of projects"]
    assert all(row["project"] == row["id"] for row in rows)
    now = spent(larkfield, MONTH, NOW, "project")
    assert sum(Decimal(str(row["usd"])) for row in rows) == Decimal(now.total()) / NANO


async def test_report_of_which_nothing_could_be_had_is_refused(larkfield: Desk) -> None:
    larkfield.stage.fault("status=403", path="/v1/organization/costs")
    refusal = await larkfield.refusal(COSTS)
    assert "403" in str(refusal)


@pytest.mark.parametrize("kind", SUBJECTS)
async def test_every_kind_of_usage_is_split_by_everything_that_the_vendor_splits_it_by(
    larkfield: Desk, kind: str
) -> None:
    """Whatever it is split by, the parts add up to the same; and no group of the vendor's is out of reach."""
    subject = SUBJECTS[kind]
    asked: Json = {"kind": kind, "by": list(subject.dimensions), "top": 200, "start_time": "last 2 days"}
    report = await larkfield.value(USAGE, {**asked, "compare": False})
    assert report["tables"].keys() == set(subject.dimensions)
    sums = {name: total_of(table, subject.columns[0]) for name, table in report["tables"].items()}
    assert len(set(sums.values())) == 1, sums
    view = await view_of(larkfield)
    resource, _, method = subject.call.partition(".")
    groups = next(each for each in view.find(resource, method).parameters if each.name == "group_by")
    reached = {group for name in subject.dimensions for group in DIMENSIONS[name].group_by}
    assert reached == set(groups.schema["items"]["enum"])


async def test_costs_are_split_by_every_group_of_the_vendors(larkfield: Desk) -> None:
    view = await view_of(larkfield)
    groups = next(each for each in view.find("costs", "list").parameters if each.name == "group_by")
    reached = {group for name in COSTS_BY for group in (SPENT.own.get(name) or DIMENSIONS[name]).group_by}
    assert reached == set(groups.schema["items"]["enum"])
    report = await larkfield.value(COSTS, {"by": ["api_source"], "start_time": "last 7 days", "compare": False})
    assert report["tables"]["api_source"]["columns"][0] == "api_source"


async def test_pictures_are_counted_by_size_and_only_those_that_are_asked_for(larkfield: Desk) -> None:
    asked: Json = {"kind": "images", "start_time": "last 60 days", "compare": False}
    every = rows_of((await larkfield.value(USAGE, {**asked, "by": ["size"]}))["tables"]["size"])
    (first, *_) = every
    some = await larkfield.value(USAGE, {**asked, "by": ["size"], "extra": {"sizes": [first["size"]]}})
    assert rows_of(some["tables"]["size"])[0]["images"] == first["images"]
    refused = await larkfield.refusal(USAGE, {**asked, "by": ["batch"]})
    assert refused["failures"][0]["problem"] == "images cannot be split by batch"
    assert "size, source" in refused["failures"][0]["allowed"]


def total_of(table: Json, column: str) -> int:
    at = table["columns"].index(column)
    return sum(row[at] for row in table["rows"])


async def view_of(desk: Desk) -> View:
    parts = desk.stage.gateway.parts
    caller = await parts.lookup.caller(desk.stage.client.token or "")
    return (await parts.lookup.connected(caller.environment_id, AccountId(desk.stage.account_id))).view
