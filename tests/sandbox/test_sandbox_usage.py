"""Usage and cost reports: buckets, filters, groups and pages, and that they add up to what was used."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.resources.admin.organization import Organization

from portico.sandbox import charges
from portico.sandbox.charges import NANO
from portico.sandbox.roster import PUBLISHED
from portico.sandbox.state import Usage, World

# Wednesday 2026-11-18, 12:00:00 UTC.
NOON = 1_795_003_200
DAY, HOUR, MINUTE = 86_400, 3_600, 60
PATH = "/v1/organization/usage/completions"
CHAT: list[Any] = [{"role": "user", "content": "Say hello to the world"}]

KINDS = (
    "completions",
    "decisions",
    "embeddings",
    "moderations",
    "images",
    "audio_speeches",
    "audio_transcriptions",
    "vector_stores",
    "code_interpreter_sessions",
    "file_search_calls",
    "web_search_calls",
)


@pytest.fixture(autouse=True)
def _noon(world: World) -> None:
    world.turn_to(NOON + 0.5)


def put(world: World, at: int, kind: str = "completions", model: str = "gpt-4o", **details: Any) -> Usage:
    """Write a row of usage into the organization `test`."""
    held = world.organization("test")
    labels = {name: value for name, value in details.items() if isinstance(value, str)}
    amounts = {name: value for name, value in details.items() if isinstance(value, int)}
    project = labels.pop("project", held.default_project.id)
    user, key = labels.pop("user", held.owner.id), labels.pop("key", "key_1")
    is_batch = bool(amounts.pop("is_batch", False))
    used = Usage(at, kind, project, user, key, model, amounts, is_batch, labels)
    held.usage.append(used)
    return used


def pages(call: Caller, path: str) -> Iterator[dict[str, Any]]:
    """All buckets of all pages."""
    page = call("GET", path).json
    while True:
        assert (page["object"], set(page)) == ("page", {"object", "data", "has_more", "next_page"})
        yield from page["data"]
        assert page["has_more"] == (page["next_page"] is not None)
        if not page["has_more"]:
            return
        page = call("GET", f"{path}&page={page['next_page']}").json


def test_calls_appear_in_usage_and_costs(administration: Organization, client: OpenAI, world: World) -> None:
    made = client.chat.completions.create(model="gpt-4o", messages=CHAT)
    assert made.usage is not None
    (bucket,) = administration.usage.completions(start_time=NOON - HOUR, group_by=["model", "user_id"]).data
    (result,) = bucket.results
    assert result.object == "organization.usage.completions.result"
    assert (result.input_tokens, result.output_tokens) == (made.usage.prompt_tokens, made.usage.completion_tokens)
    assert (result.num_model_requests, result.user_id) == (1, world.organization("test").owner.id)
    spent = Decimal("2.5") * made.usage.prompt_tokens + Decimal(10) * made.usage.completion_tokens
    (bucket,) = administration.usage.costs(start_time=NOON - HOUR).data
    (cost,) = bucket.results
    assert cost.object == "organization.costs.result"
    assert cost.amount is not None
    assert cost.amount.value == float(spent / 1_000_000)


@pytest.mark.parametrize("kind", KINDS)
def test_every_report_has_its_shape(administration: Organization, world: World, kind: str) -> None:
    amounts = {"images": 2, "characters": 3, "seconds": 4, "usage_bytes": 5, "num_sessions": 6, "num_requests": 7}
    row: dict[str, Any] = {"kind": kind, "input_tokens": 8, "output_tokens": 9, **amounts}
    put(world, NOON - HOUR, **row)
    report = getattr(administration.usage, kind)(start_time=NOON - DAY)
    assert [len(bucket.results) for bucket in report.data] == [0, 1]
    (result,) = report.data[1].results
    sums: dict[str, object] = result.to_dict()
    known = {**amounts, "input_tokens": 8, "output_tokens": 9, "num_model_requests": 1}
    shown = {name: value for name, value in sums.items() if name in known}
    assert shown
    assert shown == {name: known[name] for name in shown}
    assert {value for name, value in sums.items() if name in ("project_id", "user_id", "api_key_id", "model")} == {None}


@pytest.mark.parametrize(
    ("width", "seconds", "default", "most"), [("1d", DAY, 7, 31), ("1h", HOUR, 24, 168), ("1m", MINUTE, 60, 1440)]
)
def test_buckets_have_their_width_and_number(
    admin_call: Caller, width: str, seconds: int, default: int, most: int
) -> None:
    path = f"{PATH}?bucket_width={width}&start_time={NOON - NOON % DAY - 40 * DAY}"
    page = admin_call("GET", path).json
    assert len(page["data"]) == default
    assert all(bucket["end_time"] - bucket["start_time"] == seconds for bucket in page["data"])
    assert len(admin_call("GET", f"{path}&limit={most}").json["data"]) == most
    assert admin_call("GET", f"{path}&limit={most + 1}").error["param"] == "limit"


def test_costs_have_up_to_180_days(admin_call: Caller) -> None:
    path = f"/v1/organization/costs?start_time={NOON - 200 * DAY}"
    assert len(admin_call("GET", path).json["data"]) == 7
    assert len(admin_call("GET", f"{path}&limit=180").json["data"]) == 180
    assert admin_call("GET", f"{path}&limit=181").status == 400
    assert admin_call("GET", f"{path}&bucket_width=1h").status == 400


def test_start_counts_and_end_does_not(admin_call: Caller, world: World) -> None:
    for at in (NOON - 101, NOON - 100, NOON - 51, NOON - 50):
        put(world, at, input_tokens=1, output_tokens=0)
    (bucket,) = admin_call("GET", f"{PATH}?start_time={NOON - 100}&end_time={NOON - 50}").json["data"]
    assert (bucket["start_time"], bucket["end_time"]) == (NOON - 100, NOON - 50)
    assert bucket["results"][0]["input_tokens"] == 2


def test_pages_join_without_gap_or_repetition(admin_call: Caller, world: World) -> None:
    start = NOON - 10 * DAY + 77
    for day in range(10):
        put(world, start + day * DAY, input_tokens=10**day, output_tokens=0)
    buckets = list(pages(admin_call, f"{PATH}?start_time={start}&limit=3"))
    assert [bucket["end_time"] for bucket in buckets[:-1]] == [bucket["start_time"] for bucket in buckets[1:]]
    assert (buckets[0]["start_time"], len(buckets)) == (start, 11)
    assert sum(result["input_tokens"] for bucket in buckets for result in bucket["results"]) == 1_111_111_111


@pytest.mark.parametrize("width", ["1m", "1h", "1d"])
def test_every_width_adds_up_to_the_same(admin_call: Caller, world: World, width: str) -> None:
    for place in range(50):
        put(world, NOON - place * 997, input_tokens=place, output_tokens=0)
    path = f"{PATH}?start_time={NOON - 50 * 997}&bucket_width={width}"
    total = sum(result["input_tokens"] for bucket in pages(admin_call, path) for result in bucket["results"])
    assert total == sum(range(50))


def test_usage_is_grouped_as_asked(admin_call: Caller, world: World) -> None:
    put(world, NOON - 5, input_tokens=1, output_tokens=1, key="key_1")
    put(world, NOON - 4, input_tokens=2, output_tokens=1, key="key_2", is_batch=1)
    put(world, NOON - 3, "completions", "o3", input_tokens=4, output_tokens=1, key="key_1", service_tier="flex")
    put(world, NOON - 2, "completions", "o3", input_tokens=8, output_tokens=1, key="key_2", api_source="agents_api")

    def by(*names: str) -> dict[tuple[object, ...], int]:
        query = "&".join(f"group_by[]={name}" for name in names)
        (bucket,) = admin_call("GET", f"{PATH}?start_time={NOON - HOUR}&{query}").json["data"]
        return {tuple(result[name] for name in names): result["input_tokens"] for result in bucket["results"]}

    assert by("model") == {("gpt-4o",): 3, ("o3",): 12}
    assert by("api_key_id", "model") == {
        ("key_1", "gpt-4o"): 1,
        ("key_2", "gpt-4o"): 2,
        ("key_1", "o3"): 4,
        ("key_2", "o3"): 8,
    }
    assert by("batch") == {(True,): 2, (False,): 13}
    assert by("service_tier") == {("default",): 11, ("flex",): 4}
    assert by("api_source") == {("unlabeled",): 7, ("agents_api",): 8}


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("", 31),
        ("project_ids[]=proj_a", 1),
        ("project_ids=proj_a&project_ids=proj_b", 3),
        ("project_ids=proj_a,proj_b", 3),
        ("user_ids[]=user-a", 4),
        ("api_key_ids[]=key_a", 8),
        ("models[]=o3", 16),
        ("batch=true", 16),
        ("batch=false", 15),
        ("models[]=o3&batch=false", 0),
    ],
)
def test_usage_is_filtered(admin_call: Caller, world: World, query: str, total: int) -> None:
    put(world, NOON, input_tokens=1, output_tokens=0, project="proj_a")
    put(world, NOON, input_tokens=2, output_tokens=0, project="proj_b")
    put(world, NOON, input_tokens=4, output_tokens=0, user="user-a")
    put(world, NOON, input_tokens=8, output_tokens=0, key="key_a")
    put(world, NOON, "completions", "o3", input_tokens=16, output_tokens=0, is_batch=1)
    (bucket,) = admin_call("GET", f"{PATH}?start_time={NOON - HOUR}&{query}").json["data"]
    assert sum(result["input_tokens"] for result in bucket["results"]) == total


@pytest.mark.parametrize(
    ("kind", "label", "filter_name", "value"),
    [
        ("images", "size", "sizes", "1024x1024"),
        ("images", "source", "sources", "image.edit"),
        ("web_search_calls", "context_level", "context_levels", "high"),
        ("file_search_calls", "vector_store_id", "vector_store_ids", "vs_1"),
    ],
)
def test_labels_are_grouped_and_filtered(
    admin_call: Caller, world: World, kind: str, label: str, filter_name: str, value: str
) -> None:
    put(world, NOON, kind, images=1, num_requests=1)
    put(world, NOON, kind, images=2, num_requests=2, **{label: value})
    path = f"/v1/organization/usage/{kind}?start_time={NOON - HOUR}"
    (bucket,) = admin_call("GET", f"{path}&group_by[]={label}").json["data"]
    assert {result[label] for result in bucket["results"]} == {None, value}
    (bucket,) = admin_call("GET", f"{path}&{filter_name}[]={value}").json["data"]
    (result,) = bucket["results"]
    assert result.get("images", result.get("num_requests")) == 2
    assert result[label] is None


def test_tokens_are_told_apart(admin_call: Caller, world: World) -> None:
    row: dict[str, Any] = {"input_tokens": 100, "input_cached_tokens": 40, "input_audio_tokens": 20}
    put(world, NOON, **row, output_tokens=50, output_audio_tokens=30)
    (bucket,) = admin_call("GET", f"{PATH}?start_time={NOON - HOUR}").json["data"]
    (result,) = bucket["results"]
    assert (result["input_uncached_tokens"], result["input_text_tokens"], result["output_text_tokens"]) == (60, 40, 20)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        (PATH, "start_time"),
        (f"{PATH}?start_time=soon", "start_time"),
        (f"{PATH}?start_time=5&end_time=5", "end_time"),
        (f"{PATH}?start_time=5&bucket_width=2d", "bucket_width"),
        (f"{PATH}?start_time=5&group_by[]=size", "group_by"),
        (f"{PATH}?start_time=5&page=nonsense", "page"),
        (f"{PATH}?start_time=5&batch=maybe", "batch"),
        ("/v1/organization/usage/images?start_time=5&sources[]=a", "sources"),
        ("/v1/organization/costs?start_time=5&group_by[]=model", "group_by"),
    ],
)
def test_bad_reports_are_refused(admin_call: Caller, path: str, param: str) -> None:
    got = admin_call("GET", path)
    assert (got.status, got.error["param"]) == (400, param)


@pytest.mark.parametrize(
    ("row", "costs"),
    [
        (
            {"input_tokens": 1000, "input_cached_tokens": 400, "output_tokens": 200},
            {
                "gpt-4o, input": (600, "0.0015"),
                "gpt-4o, cached input": (400, "0.0005"),
                "gpt-4o, output": (200, "0.002"),
            },
        ),
        (
            {"input_tokens": 1000, "output_tokens": 0, "is_batch": 1},
            {"gpt-4o, input (batch)": (1000, "0.00125")},
        ),
        (
            {"input_tokens": 1000, "output_tokens": 0, "service_tier": "priority"},
            {"gpt-4o, input (priority)": (1000, "0.005")},
        ),
        (
            {"model": "gpt-realtime", "input_tokens": 10, "input_audio_tokens": 10, "output_tokens": 0},
            {"gpt-realtime, audio input": (10, "0.00032")},
        ),
        (
            {"model": "ft:gpt-4o-mini:test::x", "input_tokens": 1000, "output_tokens": 0},
            {"ft:gpt-4o-mini:test::x, input": (1000, "0.00015")},
        ),
        ({"kind": "images", "model": "dall-e-3", "images": 3}, {"dall-e-3, image": (3, "0.12")}),
        (
            {"kind": "audio_transcriptions", "model": "whisper-1", "seconds": 90},
            {"whisper-1, transcription": (90, "0.009")},
        ),
        ({"kind": "audio_speeches", "model": "tts-1", "characters": 2000}, {"tts-1, speech": (2000, "0.03")}),
        ({"kind": "web_search_calls", "num_requests": 3}, {"web search tool calls": (3, "0.03")}),
        ({"kind": "vector_stores", "usage_bytes": 2**30}, {"vector store storage": (24, "0.1024")}),
        ({"kind": "moderations", "model": "omni-moderation-latest", "input_tokens": 50}, {}),
    ],
)
def test_costs_follow_from_usage(
    admin_call: Caller, world: World, row: dict[str, Any], costs: dict[str, tuple[float, str]]
) -> None:
    put(world, NOON, **row)
    (bucket,) = admin_call("GET", f"/v1/organization/costs?start_time={NOON}&group_by[]=line_item").json["data"]
    shown = {
        result["line_item"]: (result["quantity"], Decimal(str(result["amount"]["value"])))
        for result in bucket["results"]
    }
    assert shown == {item: (quantity, Decimal(value)) for item, (quantity, value) in costs.items()}


def test_costs_are_filtered_and_grouped(admin_call: Caller, world: World) -> None:
    put(world, NOON, input_tokens=1_000_000, output_tokens=0, project="proj_a", key="key_a")
    put(world, NOON, input_tokens=2_000_000, output_tokens=100_000, project="proj_b", key="key_b")

    def spent(query: str) -> list[float]:
        path = f"/v1/organization/costs?start_time={NOON}&{query}"
        return [result["amount"]["value"] for result in admin_call("GET", path).json["data"][0]["results"]]

    assert spent("") == [8.5]
    assert spent("group_by[]=project_id") == [2.5, 6.0]
    assert spent("group_by[]=api_key_id&project_ids[]=proj_b") == [6.0]
    assert spent("api_key_ids[]=key_a") == [2.5]
    assert spent("line_items[]=gpt-4o, output".replace(" ", "%20")) == [1.0]
    assert spent("line_items=gpt-4o,%20input") == [7.5]
    assert spent("group_by[]=project_id&group_by[]=line_item") == [2.5, 5.0, 1.0]


def test_what_nobody_called_has_no_key(admin_call: Caller, world: World) -> None:
    put(world, NOON, "vector_stores", "", usage_bytes=2**20, user="", key="")
    path = f"/v1/organization/costs?start_time={NOON}&group_by[]=api_key_id&group_by[]=user_id"
    (result,) = admin_call("GET", path).json["data"][0]["results"]
    assert (result["api_key_id"], result["user_id"], result["amount"]["value"]) == (None, None, 0.0001)


def test_quantity_stands_only_beside_its_line_item(admin_call: Caller, world: World) -> None:
    put(world, NOON, input_tokens=10, output_tokens=10)
    path = f"/v1/organization/costs?start_time={NOON}"
    (whole,) = admin_call("GET", path).json["data"][0]["results"]
    assert (whole["quantity"], whole["quantity_unit"], whole["line_item"]) == (None, None, None)
    first = admin_call("GET", f"{path}&group_by[]=line_item").json["data"][0]["results"][0]
    assert (first["quantity"], first["quantity_unit"], first["project_id"]) == (10, "tokens", None)


def test_every_price_is_whole_in_every_tier() -> None:
    table = msgspec.json.decode(Path(charges.__file__).with_name("prices.json").read_bytes())
    for prices in table["tokens_per_million"].values():
        for price in prices.values():
            for percent in table["tier_percent"].values():
                nano = Decimal(price) * NANO * percent / 100 / 1_000_000
                assert nano == int(nano)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_model_has_a_price_that_can_be_told(name: str) -> None:
    row = Usage(0, "completions", "p", "u", "k", name, {"input_tokens": 1000, "output_tokens": 1000})
    assert all(charge.line_item.startswith(name) for charge in charges.charges(row))
