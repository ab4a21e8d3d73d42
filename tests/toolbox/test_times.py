"""Times as people say them, from the phrase to the vendor: both ends filled, in the account's zone, told back."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.demo import Demo
from tests.gateways import connect_account
from tests.toolbox.test_names import sentence

pytestmark = pytest.mark.asyncio(loop_scope="module")
COSTS = "/v1/organization/costs"


def sent(demo: Demo, path: str = COSTS) -> dict[str, str]:
    """The query that came to the sandbox."""
    (entry,) = demo.seen(path)
    return {name: values[-1] for name, values in parse_qs(entry.query).items()}


def unix(text: str) -> str:
    return str(int(datetime.fromisoformat(text).timestamp()))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ({"start_time": "last month"}, "2026-10-01T00:00Z", "2026-11-01T00:00Z"),
        ({"start_time": "2026-10", "end_time": "2026-10-15"}, "2026-10-01T00:00Z", "2026-10-16T00:00Z"),
        ({"end_time": "last month"}, "2026-10-01T00:00Z", "2026-11-01T00:00Z"),
        ({"start_time": "2026-11-01"}, "2026-11-01T00:00Z", None),
        ({"start_time": "31 October 2026"}, "2026-10-31T00:00Z", None),
        ({"start_time": "October 31"}, "2026-10-31T00:00Z", None),
        ({"start_time": "2026-11-01", "end_time": "2026-11-01"}, "2026-11-01T00:00Z", "2026-11-02T00:00Z"),
        ({"start_time": "2026-11-01 to 2026-11-01"}, "2026-11-01T00:00Z", "2026-11-02T00:00Z"),
        ({"start_time": "2026-10"}, "2026-10-01T00:00Z", "2026-11-01T00:00Z"),
        ({"start_time": "yesterday"}, "2026-11-17T00:00Z", "2026-11-18T00:00Z"),
        ({"start_time": "Monday"}, "2026-11-16T00:00Z", "2026-11-17T00:00Z"),
        ({"start_time": "7 days ago"}, "2026-11-11T15:30:20Z", None),
        ({"start_time": "since Monday"}, "2026-11-16T00:00Z", "2026-11-18T15:30:20Z"),
        ({"start_time": 1793491200}, "2026-11-01T00:00Z", None),
        ({"start_time": "1793491200", "end_time": "now"}, "2026-11-01T00:00Z", "2026-11-18T15:30:20Z"),
    ],
)
async def test_one_phrase_fills_both_ends(demo: Demo, asked: dict[str, Any], start: str, end: str | None) -> None:
    await demo.value("list_all_openai_costs", asked)
    query = sent(demo)
    assert query["start_time"] == unix(start)
    assert query.get("end_time") == (unix(end) if end else None)


async def test_date_as_an_end_leaves_the_beginning_open(demo: Demo) -> None:
    told = sentence(await demo.refusal("list_all_openai_costs", {"end_time": "2026-11-10"}))
    assert "start_time" in told, "which the vendor wants"
    value = await demo.value("openai_costs_report", {"end_time": "2026-11-10", "by": ["day"]})
    assert value["period"] == {"start": "2026-11-01T00:00:00+00:00", "end": "2026-11-11T00:00:00+00:00"}


async def test_report_from_a_date_on_goes_until_now(demo: Demo) -> None:
    asked = {"start_time": "2026-11-05", "by": ["day"], "compare": False}
    value = await demo.value("openai_costs_report", asked)
    assert value["period"] == {"start": "2026-11-05T00:00:00+00:00", "end": "2026-11-18T15:30:21+00:00"}
    assert value["understood"] == {"start_time": "2026-11-05 = 2026-11-05T00:00:00+00:00"}
    days = [row[0] for row in value["tables"]["day"]["rows"]]
    assert (days[0], days[-1]) == ("2026-11-05", "2026-11-18")


async def test_what_was_understood_is_in_the_answer(demo: Demo) -> None:
    value = await demo.value("list_all_openai_costs", {"start_time": "last week"})
    assert value["understood"] == {
        "start_time": "last week = 2026-11-09T00:00:00+00:00",
        "end_time": "last week = 2026-11-16T00:00:00+00:00",
    }


async def test_days_begin_where_the_account_is(demo: Demo) -> None:
    keys = {"api_key": "sk-proj-demo", "admin_key": "sk-admin-demo"}
    other = await connect_account(demo.client, "new-york", **keys, timezone="America/New_York")
    demo.clear()
    result = await demo.tool("list_all_openai_costs", {"start_time": "yesterday"}, account_id=other["id"])
    assert sent(demo)["start_time"] == unix("2026-11-17T00:00-05:00")
    assert result["structured"]["understood"]["end_time"] == "yesterday = 2026-11-18T00:00:00-05:00"


async def test_account_in_no_zone_of_this_world_is_refused(demo: Demo) -> None:
    context = {"api_key": "sk-proj-demo", "timezone": "Mars/Olympus"}
    body = {"tenant_id": "mars", "integration": "openai", "context": context}
    got = await demo.client.post("/integrated-account", body)
    assert got.status == 400
    assert "context.timezone: 'Mars/Olympus' is not a time zone" in got.sentence


async def test_phrase_that_is_not_understood_is_refused_with_the_forms(demo: Demo) -> None:
    told = sentence(await demo.refusal("list_all_openai_costs", {"start_time": "when I was young"}))
    assert "start_time: 'when I was young' is not a time that is understood here" in told
    assert "last 7 days" in told
    assert demo.seen(COSTS) == []


async def test_end_before_the_start_is_refused_with_what_was_understood(demo: Demo) -> None:
    asked = {"start_time": "yesterday", "end_time": "2026-10"}
    told = sentence(await demo.refusal("list_all_openai_costs", asked))
    assert "end_time: must be after start_time" in told
    assert "yesterday = 2026-11-17T00:00:00+00:00" in told
    assert demo.seen(COSTS) == []


async def test_audit_log_takes_times_in_its_own_way(demo: Demo) -> None:
    await demo.value("list_all_openai_audit_logs", {"start_time": "past 24 hours"})
    query = sent(demo, "/v1/organization/audit_logs")
    assert query["effective_at[gte]"] == unix("2026-11-17T15:30:20Z")
    assert query["effective_at[lt]"] == unix("2026-11-18T15:30:20Z")


async def test_time_to_come_is_one_moment(demo: Demo) -> None:
    agent = await demo.value("create_a_openai_agent", {"name": "Gardener", "model": "gpt-5.4-mini"})
    asked = {"name": "Once", "run_at": "tomorrow 9:00", "agent_id": agent["id"]}
    asked |= {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Water."}]}]}
    value = await demo.value("create_a_openai_agent_automation", asked)
    assert str(value["run_at"]) == unix("2026-11-19T09:00Z")


async def test_every_argument_that_is_a_time_says_so(demo: Demo) -> None:
    """By their names: whoever adds one must add it to `times` of its operation."""
    got = await demo.client.get(f"/integrated-account/{demo.account_id}/tools", methods="read,write,custom")
    for tool in got.json["result"]:
        for name, argument in tool["input_schema"]["properties"].items():
            if name in {"start_time", "end_time"} or name.endswith("_at"):
                assert argument.get("type") == "string", (tool["name"], name)


async def test_times_can_be_switched_off(demo: Demo) -> None:
    server = await demo.maker.server(comforts_off=["times"])
    schema = (await server.tools())["list_all_openai_costs"]["inputSchema"]
    assert schema["properties"]["start_time"]["type"] == "integer"
    told = sentence(await server.refusal("list_all_openai_costs", {"start_time": "last month"}))
    assert "start_time: has the wrong type" in told
