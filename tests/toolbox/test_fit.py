"""Answers that fit: cut ones go on with their cursor, lists come as tables, and what nobody reads stays out."""

from dataclasses import replace
from typing import Any

import pytest

from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
USERS, PROJECTS = "list_all_openai_users", "list_all_openai_projects"
ANSWER, EMBED, CHAT = "create_a_openai_response", "create_a_openai_embedding", "create_a_openai_chat_completion"
WORDS = " ".join(f"word{number}" for number in range(2000))
ASKED: Json = {"model": "gpt-4o", "input": f"Say: {WORDS}"}


async def followed(call: Any, name: str, first: Json) -> list[Json]:
    """The answer and whatever its cursors lead to; nothing but the cursor is said again."""
    parts = [first]
    while cursor := parts[-1].get("next_cursor"):
        parts.append(await call(name, {"next_cursor": cursor}))
        assert len(parts) < 100
    return parts


async def test_list_goes_on_item_by_item_and_then_with_the_vendors_next_page(larkfield: Desk) -> None:
    whole = (await larkfield.value(USERS, {"limit": 100}))["result"]
    server = await larkfield.maker.server(result_limit=2000)
    larkfield.stage.clear()
    parts = await followed(server.value, USERS, await server.value(USERS, {"limit": 7}))
    assert [each["id"] for part in parts for each in part["result"]] == [each["id"] for each in whole]
    pages = -(-len(whole) // 7)
    assert len(parts) > pages == len(larkfield.stage.seen("/v1/organization/users"))
    assert parts[0]["truncated"] == f"{parts[0]['result_count']} of 7 items fit. Call again with next_cursor to go on."


async def test_long_text_goes_on_without_being_made_once_more(desk: Desk) -> None:
    server = await desk.maker.server(result_limit=3000)
    desk.stage.clear()
    parts = await followed(server.value, ANSWER, await server.value(ANSWER, ASKED))
    place = "output[0].content[0].text"
    pieces = [each for part in parts[1:] for each in part["continues"]]
    assert {each["at"] for each in pieces} == {place}
    beginning = parts[0]["output"][0]["content"][0]["text"].partition("…")[0]
    assert beginning + "".join(each["text"] for each in pieces) == WORDS
    assert pieces[-1]["to"] == pieces[-1]["of"] == len(WORDS)
    assert len(desk.stage.seen("/v1/responses")) == 1


async def test_report_goes_on_too(larkfield: Desk) -> None:
    asked = {"by": ["line_item", "day"], "start_time": "last 30 days", "compare": False}
    whole = await larkfield.value("openai_costs_report", asked)
    server = await larkfield.maker.server(result_limit=1800)
    parts = await followed(server.value, "openai_costs_report", await server.value("openai_costs_report", asked))
    assert len(parts) > 1
    rows = [*parts[0]["tables"]["day"]["rows"]]
    for piece in (each for part in parts[1:] for each in part["continues"] if each["at"] == "tables.day.rows"):
        assert piece["from"] == len(rows)
        rows += piece["items"]
    assert rows == whole["tables"]["day"]["rows"]


async def test_cursor_serves_only_where_it_was_given(desk: Desk) -> None:
    server = await desk.maker.server(result_limit=3000)
    cursor = (await server.value(ANSWER, ASKED))["next_cursor"]
    other = await desk.maker.server(result_limit=3000)
    file_id, start, proof = cursor.removeprefix("rest.").split(".")
    refusals = [
        await other.refusal(ANSWER, {"next_cursor": cursor}),
        await desk.refusal(ANSWER, {"next_cursor": cursor}),
        await server.refusal(CHAT, {"next_cursor": cursor}),
        await server.refusal(ANSWER, {"next_cursor": f"rest.{file_id}.{int(start) + 1}.{proof}"}),
        await server.refusal(ANSWER, {"next_cursor": "rest.x.0.y"}),
        await server.refusal(ANSWER, {"next_cursor": "rest."}),
    ]
    assert [each["failures"][0]["problem"] for each in refusals] == ["was not given by this tool here"] * 6
    assert (await server.value(ANSWER, {"next_cursor": cursor}))["continues"]


async def test_rest_is_no_file_that_anybody_finds(desk: Desk) -> None:
    server = await desk.maker.server(result_limit=3000)
    cursor = (await server.value(ANSWER, ASKED))["next_cursor"]
    file_id = cursor.split(".")[1]
    client = desk.stage.client
    assert file_id not in [each["id"] for each in (await client.get("/file")).json["result"]]
    assert (await client.get(f"/file/{file_id}")).status == 404
    refused = await server.refusal("create_a_openai_file", {"purpose": "user_data", "file": {"file": file_id}})
    assert file_id in refused["error"]


async def test_rest_is_over_after_an_hour(desk: Desk) -> None:
    server = await desk.maker.server(result_limit=3000)
    cursor = (await server.value(ANSWER, ASKED))["next_cursor"]
    desk.time.clock.advance(minutes=61)
    refused = await server.refusal(ANSWER, {"next_cursor": cursor})
    assert refused["failures"][0]["problem"] == "is over: what did not fit was kept for an hour"
    assert refused["failures"][0]["allowed"].startswith("make the call again without it")


async def test_cursor_of_a_changing_tool_is_nothing_for_who_may_only_read(desk: Desk) -> None:
    client, path = desk.stage.client, f"/integrated-account/{desk.stage.account_id}/tools/{ANSWER}"
    made = (await client.post("/api-token", {"name": "reader", "scopes": ["call:read"]})).json
    reader = replace(client, token=made["token"])
    long = {**ASKED, "input": f"Say: {WORDS * 5}"}
    cursor = (await desk.value(ANSWER, long))["next_cursor"]
    result = (await reader.post(path, {"next_cursor": cursor})).json
    assert result["structured"]["code"] == "not_allowed"
    assert (await desk.value(ANSWER, {"next_cursor": cursor}))["continues"]


async def test_list_as_a_table_holds_the_same_in_fewer_characters(larkfield: Desk) -> None:
    plain = await larkfield.tool(PROJECTS, {"limit": 20})
    table = await larkfield.tool(PROJECTS, {"limit": 20, "as": "table"})
    shown, items = table["structured"]["result"], plain["structured"]["result"]
    assert [dict(zip(shown["columns"], row, strict=True)) for row in shown["rows"]] == items
    assert len(table["content"][0]["text"]) < len(plain["content"][0]["text"]) * 0.75
    assert table["structured"]["result_count"] == plain["structured"]["result_count"]


async def test_table_that_is_cut_goes_on_as_a_table(larkfield: Desk) -> None:
    server = await larkfield.maker.server(result_limit=1000)
    asked = {"limit": 100, "as": "table", "fields": "id,email,added_at"}
    parts = await followed(server.value, USERS, await server.value(USERS, asked))
    assert len(parts) > 1
    assert {tuple(each["result"]["columns"]) for each in parts} == {("id", "email", "added_at")}
    whole = (await larkfield.value(USERS, {"limit": 100}))["result"]
    assert [row[0] for each in parts for row in each["result"]["rows"]] == [each["id"] for each in whole]


async def test_vectors_stay_out_until_they_are_named(desk: Desk) -> None:
    asked = {"model": "text-embedding-3-small", "input": "hello"}
    slim = await desk.value(EMBED, asked)
    assert "embedding" not in slim["data"][0]
    assert slim["left_out"] == "data.embedding; name it in fields to see it."
    whole = await desk.value(EMBED, {**asked, "fields": "data[].embedding"})
    assert len(whole["data"][0]["embedding"]) > 100
    off = await desk.maker.server(comforts_off=["lean"])
    assert len((await off.value(EMBED, asked))["data"][0]["embedding"]) > 100


async def test_logprobs_come_for_who_asks_the_vendor_for_them_and_for_nobody_later(desk: Desk) -> None:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "store": True}
    made = await desk.value(CHAT, {**asked, "extra": {"logprobs": True}})
    assert made["choices"][0]["logprobs"]["content"]
    got = await desk.value("get_single_openai_chat_completion_by_id", {"id": made["id"]})
    assert "logprobs" not in got["choices"][0]
    assert got["left_out"].startswith("choices.logprobs")
    named = await desk.value("get_single_openai_chat_completion_by_id", {"id": made["id"], "fields": "choices"})
    assert "logprobs" not in named["choices"][0]


async def test_field_that_is_nowhere_is_told_with_those_that_there_are(larkfield: Desk) -> None:
    value = await larkfield.value(PROJECTS, {"limit": 2, "fields": ["result[].id", "nmae"]})
    assert value["result"][0].keys() == {"id"}
    assert value["fields"]["not_found"] == ["nmae"]
    assert value["fields"]["there_are"][0] == "name"


async def test_what_stands_beside_the_items_is_found_whatever_was_selected(larkfield: Desk) -> None:
    asked = {"limit": 2, "fields": ["result[].id", "next_cursor", "result_count"]}
    value = await larkfield.value(PROJECTS, asked)
    assert value["next_cursor"]
    assert "fields" not in value
    report = await larkfield.value("openai_costs_report", {"start_time": "7 days ago", "fields": "understood,total"})
    assert report["understood"]["start_time"]
    assert "fields" not in report, report["fields"]


async def test_path_that_cannot_be_read_is_refused_before_anything_is_sent(desk: Desk) -> None:
    desk.stage.clear()
    refused = await desk.refusal("create_a_openai_vector_store", {"name": "x", "fields": "id,a..b"})
    assert refused["failures"][0]["problem"] == "'a..b' has an empty name"
    assert desk.stage.seen() == []


async def test_word_for_a_page_is_refused_where_there_are_none(desk: Desk) -> None:
    refused = await desk.refusal("create_a_openai_vector_store", {"name": "x", "limit": 3})
    assert refused["failures"][0]["argument"] == "limit"


async def test_what_is_bulky_stays_out_of_what_is_waited_for_by_its_handle_too(desk: Desk) -> None:
    asked = {"model": "gpt-4o", "input": "hello", "background": True, "include": ["message.output_text.logprobs"]}
    handle = (await desk.value("create_a_openai_response", {**asked, "wait_seconds": 0}))["waiting"]["handle"]
    lean = await desk.value("openai_wait_for", {"handle": handle, "wait_seconds": 60})
    assert "logprobs" not in lean["output"][0]["content"][0]
    assert lean["left_out"].startswith("output.content.logprobs")
    named = await desk.value("openai_wait_for", {"handle": handle, "fields": "output.content.logprobs"})
    assert named["output"][0]["content"][0]["logprobs"]
    off = await desk.maker.server(comforts_off=["lean"])
    assert (await off.value("openai_wait_for", {"handle": handle}))["output"][0]["content"][0]["logprobs"]
