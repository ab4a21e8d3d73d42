"""A server's budget: calls and dollars per day, told to a model in words that it can act on, and no other server's."""

from typing import Any

import pytest

from tests.faces.mcp.speaker import Speaker, path_of
from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
MODELS, CHAT = "list_all_openai_models", "create_a_openai_chat_completion"
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


async def budgeted(desk: Desk, measure: str, maximum: float) -> tuple[Speaker, str]:
    """A server with that budget for each day, and the server's id."""
    server = await desk.maker.server()
    client = desk.stage.client
    path = f"/integrated-account/{desk.stage.account_id}/mcp"
    server_id = (await client.get(path, limit=1)).json["result"][0]["id"]
    body = {"applies_to": "mcp_server", "subject": server_id, "measure": measure, "period": "day", "maximum": maximum}
    made = await client.post("/quota", body)
    assert made.status == 201, made.content
    return server, server_id


async def test_calls_of_a_day_are_counted_and_the_next_one_is_refused_until_midnight(desk: Desk) -> None:
    server, server_id = await budgeted(desk, "requests", 2)
    assert [(await server.call(MODELS))["isError"] for _ in range(2)] == [False, False]
    desk.stage.clear()
    told = await server.refusal(MODELS)
    assert told["code"] == "quota_spent"
    assert told["status"] == 429
    sentence = f"The quota of 2 requests per day for the MCP server {server_id!r} is used up. It resets in "
    assert told["error"].startswith(sentence)
    assert told["error"].endswith(f"Wait {told['retry_after_seconds']:g} seconds, then call again.")
    assert desk.stage.seen() == []
    assert (await desk.mcp.value(MODELS))["result"], "another server of the account goes on"
    desk.time.clock.advance(seconds=told["retry_after_seconds"])
    assert (await server.value(MODELS))["result"]


async def test_what_a_tool_looks_up_counts_too(desk: Desk) -> None:
    server, _ = await budgeted(desk, "requests", 1)
    await server.refusal("get_single_openai_project_by_id", {"id": "No such project"})
    assert (await server.refusal(MODELS))["code"] == "quota_spent"


async def test_dollars_of_a_day_end_calls_that_cost_and_those_that_do_not(desk: Desk) -> None:
    server, server_id = await budgeted(desk, "spend", 0.0001)
    recorder = desk.stage.gateway.parts.recorder
    for _ in range(20):
        result = await server.call(CHAT, ASKED)
        await recorder.flush()
        if result["isError"]:
            break
    told = await server.refusal(CHAT, ASKED)
    assert told["code"] == "quota_spent"
    assert told["error"].startswith(
        f"The quota of 0.00 US dollars per day for the MCP server {server_id!r} is used up."
    )
    assert (await server.refusal(MODELS))["code"] == "quota_spent"
    assert (await desk.mcp.value(CHAT, ASKED))["choices"]


async def test_going_on_with_a_cut_answer_is_no_call_and_a_dry_run_is_none(desk: Desk) -> None:
    server, _ = await budgeted(desk, "requests", 1)
    words = "word " * 12_000
    first = await server.value("create_a_openai_response", {"model": "gpt-4o", "input": f"Say: {words}"})
    assert (await server.value("create_a_openai_response", {"next_cursor": first["next_cursor"]}))["continues"]
    assert (await server.value("create_a_openai_vector_store", {"name": "x", "dry_run": True}))["request"]
    assert (await server.refusal(MODELS))["code"] == "quota_spent"


async def test_budget_in_the_config_is_the_servers_quotas_of_a_day(desk: Desk) -> None:
    client, path = desk.stage.client, f"/integrated-account/{desk.stage.account_id}/mcp"
    made = (await client.post(path, {"name": "x", "config": {"budget": {"calls_per_day": 1}}})).json
    assert made["config"]["budget"] == {"calls_per_day": 1}
    server = Speaker(client.gateway, path_of(made))
    assert (await server.value(MODELS))["result"]
    assert (await server.refusal(MODELS))["code"] == "quota_spent"
    one = f"{path}/{made['id']}"
    both = {"budget": {"calls_per_day": 2, "spend_per_day": 0.5}}
    assert (await client.patch(one, {"config": both})).json["config"]["budget"] == both["budget"]
    assert (await server.value(MODELS))["result"], "what was used stays used, and there is one more"
    assert (await server.refusal(MODELS))["code"] == "quota_spent"
    listed = (await client.get("/quota", subject=made["id"])).json["result"]
    assert {(each["measure"], each["period"], each["maximum"]) for each in listed} == {
        ("requests", "day", 2), ("spend", "day", 0.5)
    }  # fmt: skip
    spend = next(each for each in listed if each["measure"] == "spend")
    await client.patch(f"/quota/{spend['id']}", {"maximum": 7})
    for shown in ((await client.get(path)).json["result"][0], (await client.get("/mcp-server")).json["result"][0]):
        assert shown["config"]["budget"] == {"calls_per_day": 2, "spend_per_day": 7}
    assert (await client.patch(one, {"name": "y"})).json["config"]["budget"] is not None, "what is not named stays"
    assert (await client.patch(one, {"config": {"budget": None}})).json["config"]["budget"] is None
    assert (await server.value(MODELS))["result"]
    assert (await client.get("/quota", subject=made["id"])).json["result"] == []


async def test_budget_goes_with_its_server(desk: Desk) -> None:
    client, path = desk.stage.client, f"/integrated-account/{desk.stage.account_id}/mcp"
    made = (await client.post(path, {"name": "x", "config": {"budget": {"spend_per_day": 0}}})).json
    assert (await Speaker(client.gateway, path_of(made)).refusal(MODELS))["code"] == "quota_spent"
    await client.delete(f"{path}/{made['id']}")
    assert (await client.get("/quota", subject=made["id"])).json["result"] == []


@pytest.mark.parametrize(
    ("budget", "where"),
    [
        (5, "config.budget"),
        ({"calls": 5}, "config.budget.calls"),
        ({"calls_per_day": -1}, "config.budget.calls_per_day"),
        ({"calls_per_day": 1.5}, "config.budget.calls_per_day"),
        ({"spend_per_day": "much"}, "config.budget.spend_per_day"),
    ],
)
async def test_budget_that_is_none_is_refused_by_its_place(desk: Desk, budget: Any, where: str) -> None:
    client, path = desk.stage.client, f"/integrated-account/{desk.stage.account_id}/mcp"
    refused = await client.post(path, {"name": "x", "config": {"budget": budget}})
    server_id = (await client.post(path, {"name": "x"})).json["id"]
    changed = await client.patch(f"{path}/{server_id}", {"config": {"budget": budget}})
    for got in (refused, changed):
        assert (got.status, got.json["details"]["failures"][0]["path"]) == (400, where)
