"""The usage meter: every figure is added up again from the sandbox's rows, and the toolbox's reports say the same."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portico.sandbox.charges import charges
from tests.toolbox.conftest import Desk
from tests.unified.meter import END, METERED, NANO, START, Meter, amount, quantities, resource

pytestmark = pytest.mark.asyncio(loop_scope="module")
REPORTED = {"workspace": "project", "line_item": "line_item", "user": "user"}


@pytest.fixture
def meter(larkfield: Desk) -> Meter:
    return Meter(larkfield)


@pytest.mark.parametrize("split", REPORTED)
async def test_costs_are_those_of_the_ledger_and_of_the_report_to_the_last_digit(meter: Meter, split: str) -> None:
    records = await meter.all(report_type="cost", group_by=split)
    sums: Counter[str | None] = Counter()
    for each in records:
        sums[resource(each, split)] += amount(each)  # pyright: ignore[reportArgumentType] -- decimals add up exactly
    assert sums == {key: Decimal(nano) / NANO for key, nano in meter.spent(split).items()}
    named = REPORTED[split]
    asked = {"start_time": START, "end_time": f"{END}T00:00:00Z", "by": [named], "top": 200, "compare": False}
    table = (await meter.desk.value("openai_costs_report", asked))["tables"][named]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    told = {row.get("id", row.get(named)): Decimal(row["usd"]) for row in rows}
    assert told == {"(none)" if key is None else key: value for key, value in sums.items()}


async def test_usage_of_all_products_is_that_of_the_ledger_and_of_the_reports(meter: Meter) -> None:
    records = await meter.all(report_type="project_usage")
    found = quantities(records, "workspace")
    assert found == meter.counted("workspace")
    for kind, metric, column in (("completions", "output_tokens", "output_tokens"), ("images", "images", "images")):
        asked = {"kind": kind, "start_time": START, "end_time": f"{END}T00:00:00Z", "by": ["project"], "top": 200}
        report = await meter.desk.value("openai_usage_report", asked | {"compare": False})
        table = report["tables"]["project"]
        rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
        assert {(kind, metric, row["id"]): row[column] for row in rows if row[column]} == {
            key: value for key, value in found.items() if key[:2] == (kind, metric)
        }


async def test_usage_by_user_leaves_out_what_is_not_told_by_user(meter: Meter) -> None:
    found = quantities(await meter.all(report_type="user_usage"), "user")
    without = {"vector_stores", "code_interpreter_sessions"}
    assert found == {key: value for key, value in meter.counted("user").items() if key[0] not in without}


async def test_a_summary_has_usage_and_costs_and_is_what_comes_unless_asked_otherwise(meter: Meter) -> None:
    records = await meter.all()
    assert records == await meter.all(report_type="summary")
    assert quantities([each for each in records if each["product"]["id"] != "costs"]) == meter.counted()
    costs = [each for each in records if each["product"]["id"] == "costs"]
    assert sum(map(amount, costs)) == Decimal(meter.spent("workspace").total()) / NANO
    assert [each["start_date"][:10] for each in costs] == ["2026-11-09", "2026-11-10", "2026-11-11"]
    assert all(each["end_date"] > each["start_date"] for each in records)


async def test_a_record_has_one_shape(meter: Meter) -> None:
    page = await meter.got("usage", product_ids="embeddings", group_by="model", metric_names="input_tokens", limit=1)
    (record,) = page["result"]
    remote = record.pop("remote_data")
    assert (remote["parent"]["object"], remote["input_tokens"]) == ("bucket", record["usage"]["quantity"])
    model = record["resources"][0]["id"]
    assert record == {
        "id": f"2026-11-09T00:00:00.000Z/day/embeddings/model={model}/input_tokens",
        "product": {"id": "embeddings", "name": "Embeddings"},
        "metric_name": "input_tokens",
        "resources": [{"type": "model", "id": model}],
        "charges": [],
        "usage": {"quantity": remote["input_tokens"], "unit": "tokens"},
        "start_date": "2026-11-09T00:00:00.000Z",
        "end_date": "2026-11-10T00:00:00.000Z",
    }


@pytest.mark.parametrize("limit", [5, 16])
async def test_pages_of_any_size_give_every_record_once(meter: Meter, limit: int) -> None:
    query: dict[str, Any] = {"product_ids": "images,costs", "group_by": "workspace", "truto_ignore_remote_data": "true"}
    pieces = await meter.all(limit=limit, **query)
    assert pieces == await meter.all(**query)
    assert len({each["id"] for each in pieces}) == len(pieces) > limit


async def test_cursors_lead_back_ten_pages(meter: Meter) -> None:
    there = [await meter.got("products", limit=1)]
    while there[-1]["next_cursor"]:
        there.append(await meter.got("products", limit=1, next_cursor=there[-1]["next_cursor"]))
    assert max(len(each["next_cursor"] or "") for each in there) < 1000
    here, before = there[-1], there[1:-1]
    for expected in reversed(before):
        here = await meter.got("products", limit=1, prev_cursor=here["prev_cursor"])
        assert here["result"] == expected["result"]
    assert (len(before), here["prev_cursor"]) == (10, None)


async def test_hours_add_up_to_their_day(meter: Meter) -> None:
    asked: dict[str, Any] = {"product_ids": "completions", "metric_names": "output_tokens", "end_date": "2026-11-10"}
    hours = await meter.all(bucket="hour", **asked)
    (day,) = await meter.all(**asked)
    assert len(hours) > 12
    assert sum(each["usage"]["quantity"] for each in hours) == day["usage"]["quantity"]
    assert hours[0]["id"].split("/")[1] == "hour"


async def test_filters_narrow_as_the_rows_do(meter: Meter) -> None:
    spent = meter.spent("user")
    someone = next(key for key in spent if key)
    costs = await meter.all(report_type="cost", user_ids=someone)
    assert sum(map(amount, costs)) == Decimal(spent[someone]) / NANO
    rows = [each for each in meter.rows() if each.model == "gpt-4o"]
    of_model = await meter.all(report_type="usage", model_ids="gpt-4o")
    assert {each["product"]["id"] for each in of_model} == {each.kind for each in rows}
    workspace = rows[0].project_id
    within = await meter.all(report_type="usage", workspace_ids=workspace, metric_names="usage_bytes,num_requests")
    wanted = {key: value for key, value in meter.counted("workspace").items()
              if key[2] == workspace and key[1] in {"usage_bytes", "num_requests"}}  # fmt: skip
    assert quantities(within) == {key[:2]: value for key, value in wanted.items()}


async def test_costs_of_one_line_item_and_of_one_surface(meter: Meter) -> None:
    items = meter.spent("line_item")
    item = next(iter(items))
    found = await meter.all(report_type="cost", **dict[str, Any]({"line_items[]": [str(item)]}))
    assert sum(map(amount, found)) == Decimal(items[item]) / NANO
    unlabeled = await meter.all(report_type="cost", surfaces="unlabeled")
    labels = [each for each in meter.rows() if each.labels.get("api_source", "unlabeled") == "unlabeled"]
    assert (
        sum(map(amount, unlabeled)) == Decimal(sum(one.nano_dollars for row in labels for one in charges(row))) / NANO
    )
    assert await meter.all(report_type="cost", surfaces="the moon") == []


async def test_order_is_what_was_asked_for(meter: Meter) -> None:
    found = await meter.all(product_ids="completions,images", sort_by="-start_date", limit=20)
    dates = [each["start_date"] for each in found]
    assert dates == sorted(dates, reverse=True)
    assert len({each["product"]["id"] for each in found[:12]}) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"start_date": None}, "start_date: is required; allowed: a moment in ISO 8601, such as 2026-11-01"),
        ({"start_date": "soon"}, "start_date: is 'soon'; allowed: a moment in ISO 8601"),
        ({"end_date": "2026-11-01"}, "end_date: must be after start_date"),
        ({"report_type": "activity"}, "report_type: is 'activity'; allowed: cost, project_usage"),
        ({"bucket": "week"}, "bucket: is 'week'; allowed: day, hour, minute"),
        ({"bucket": "hour"}, "bucket: costs come by the day only; allowed: day; report_type=usage"),
        ({"product_ids": "shoes"}, "product_ids: is 'shoes'; allowed: completions"),
        ({"metric_names": "requests"}, "metric_names: is 'requests'; allowed: num_model_requests, input_tokens"),
        ({"product_ids": "images", "report_type": "cost"}, "product_ids: images has no part in report_type=cost"),
        ({"product_ids": "vector_stores", "group_by": "model"}, "group_by: vector_stores cannot be split by model; al"),
        ({"product_ids": "images", "surfaces": "x"}, "surfaces: images cannot be filtered by this; allowed: workspac"),
        ({"report_type": "cost", "group_by": "model"}, "group_by: costs cannot be split by model; allowed: workspace"),
        ({"model_ids": "gpt-4o"}, "model_ids: costs cannot be filtered by this"),
        ({"group_by": "colour"}, "group_by: is 'colour'; allowed: workspace"),
        ({"include_deleted_users": "true"}, "include_deleted_users: is not taken here"),
        ({"sort_by": "charges"}, "sort_by: is 'charges'; allowed: start_date"),
    ],
)
async def test_what_cannot_be_honoured_is_a_clear_400(meter: Meter, query: dict[str, Any], words: str) -> None:
    assert (await meter.refused(**query)).sentence[: len(words)] == words


async def test_times_may_be_unix_seconds(meter: Meter) -> None:
    seconds = {name: f"{datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp():.0f}"
               for name, day in (("start_date", START), ("end_date", END))}  # fmt: skip
    assert await meter.all(product_ids="images", **dict[str, Any](seconds)) == await meter.all(product_ids="images")
    days = await meter.all(product_ids="images", start_date=seconds["start_date"], end_date="2026-11-10")
    assert {each["start_date"][:10] for each in days} == {START}


async def test_products_say_what_they_take(meter: Meter) -> None:
    products = await meter.all("products")
    assert {each["id"]: tuple(one["name"] for one in each["metrics"]) for each in products} == {
        **METERED, "costs": ("cost",),
    }  # fmt: skip
    (stores,) = await meter.all("products", name="vector stores")
    assert (stores["dimensions"], stores["filters"]) == (["workspace"], ["workspace_ids"])
    assert await meter.got("products/vector_stores") == stores
    for product in products:
        narrowed = {"product_ids": product["id"], "group_by[]": product["dimensions"], "end_date": "2026-11-10"}
        assert (await meter.got("usage", limit=1, **narrowed))["result_count"] <= 1
        metrics = ",".join(one["name"] for one in product["metrics"])
        assert await meter.got("usage", limit=1, product_ids=product["id"], metric_names=metrics)


async def test_the_organization_is_told(meter: Meter) -> None:
    (organization,) = await meter.all("organizations")
    assert organization["remote_data"]["object"] == "organization"
    assert organization["name"] == organization["remote_data"]["title"]
    assert await meter.got(f"organizations/{organization['id']}") == organization
    assert await meter.all("organizations", name="another") == []
    assert (await meter.send("organizations/org-nobodys")).status == 404


async def test_users_and_workspaces_name_what_usage_is_split_by(meter: Meter) -> None:
    people = {each["id"]: each for each in await meter.all("users")}
    places = {each["id"]: each for each in await meter.all("workspaces", sort_by="name")}
    assert {str(each.project_id) for each in meter.rows()} <= places.keys()
    assert {each["status"] for each in places.values()} == {"active", "archived"}
    someone = next(iter(people.values()))
    alone = await meter.got(f"users/{someone['id']}", truto_ignore_remote_data="true")
    # The owner of the account's own key is active with every call, so that one moment may be a second later.
    assert alone.keys() == someone.keys() - {"remote_data"}
    assert {name for name, value in alone.items() if value != someone[name]} <= {"last_active_at"}
    assert str(alone["last_active_at"]) >= str(someone["last_active_at"])
    assert [each["id"] for each in await meter.all("users", emails=someone["email"])] == [someone["id"]]
    place = next(iter(places.values()))
    assert await meter.got(f"workspaces/{place['id']}") == place


@pytest.mark.parametrize("path", ["usage/x", "products/shoes", "shops"])
async def test_what_is_not_there_says_so(meter: Meter, path: str) -> None:
    assert (await meter.send(path)).status == 404
