"""wait_seconds: the finished object in one call, a handle where it takes longer, nothing from who leaves."""

import asyncio
from typing import Any

import msgspec
import pytest

from portico.toolbox.waiting import LONGEST_PAUSE_SECONDS
from tests.faces.mcp.speaker import NEW, Json, Line, events
from tests.toolbox.conftest import Desk
from tests.wire import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
BATCH, CANCEL, GET_BATCH = "create_a_openai_batch", "openai_batches_cancel", "get_single_openai_batch_by_id"
STORE, STORE_FILE = "create_a_openai_vector_store", "create_a_openai_vector_store_file"
WAIT = "openai_wait_for"
LINE = {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {"model": "gpt-5.4-mini", "input": "Hi"}}


async def requests_file(desk: Desk) -> str:
    file = {"text": msgspec.json.encode(LINE).decode(), "filename": "requests.jsonl"}
    return (await desk.value("create_a_openai_file", {"purpose": "batch", "file": file}))["id"]


async def batch(desk: Desk, **more: Any) -> Json:
    asked = {"input_file_id": await requests_file(desk), "endpoint": "/v1/responses", **more}
    return await desk.value(BATCH, asked)


async def test_finished_object_comes_in_one_call(desk: Desk) -> None:
    made = await batch(desk, wait_seconds=60)
    assert made["status"] == "completed"
    assert made["output_file_id"]
    waiting = made["waiting"]
    assert waiting == {
        "is_over": True,
        "status": "completed",
        "went_well": True,
        "waited_seconds": waiting["waited_seconds"],
    }
    assert 5 <= waiting["waited_seconds"] <= 10


async def test_note_of_the_waiting_is_there_whatever_was_selected(desk: Desk) -> None:
    made = await batch(desk, wait_seconds=60, fields="waiting, status, understood")
    assert (made["status"], made["waiting"]["is_over"]) == ("completed", True)
    assert made["fields"]["not_found"] == ["understood"]
    begun = await batch(desk, wait_seconds=0, fields="waiting.handle")
    assert begun.keys() == {"waiting"}
    handle = begun["waiting"]["handle"]
    later = await desk.value(WAIT, {"handle": handle, "fields": "status"})
    assert later.keys() == {"status", "waiting"}
    assert later["waiting"]["handle"] == handle
    at_once = await batch(desk, fields="id,waiting")
    assert at_once["fields"]["not_found"] == ["waiting"]


async def test_looks_come_ever_more_rarely_and_never_in_step(desk: Desk) -> None:
    desk.stage.world.pace = 200
    try:
        made = await batch(desk, wait_seconds=300)
    finally:
        desk.stage.world.pace = 1.0
    assert not made["waiting"]["is_over"]
    pauses = desk.time.pauses
    assert pauses[0] <= 1.7
    assert max(pauses) <= LONGEST_PAUSE_SECONDS * 1.1
    assert len(pauses) < 30
    assert len({round(each, 6) for each in pauses[10:]}) > 5
    assert sum(pauses) == pytest.approx(300)
    assert len(desk.stage.seen("/v1/batches/")) == len(pauses)


async def test_time_out_gives_a_handle_with_which_anybody_goes_on(desk: Desk) -> None:
    made = await batch(desk, wait_seconds=2)
    assert made["status"] in {"validating", "in_progress"}
    waiting = made["waiting"]
    assert waiting["handle"] == f"{BATCH}:{made['id']}"
    assert WAIT in waiting["go_on"]
    later = await desk.mcp.value(WAIT, {"handle": waiting["handle"]})
    assert (later["id"], later["waiting"]["is_over"]) == (made["id"], False)
    done = await desk.mcp.value(WAIT, {"handle": waiting["handle"], "wait_seconds": 30})
    assert (done["status"], done["waiting"]["is_over"], done["waiting"]["went_well"]) == ("completed", True, True)
    assert done["output_file_id"]


@pytest.mark.parametrize("form", ["{id}", BATCH + ":{id}", GET_BATCH + ":{id}", CANCEL + ":{id}"])
async def test_handle_may_be_an_id_alone_or_a_tool_with_an_id(desk: Desk, form: str) -> None:
    made = await batch(desk)
    done = await desk.value(WAIT, {"handle": form.format(id=made["id"]), "wait_seconds": 30})
    assert (done["id"], done["status"]) == (made["id"], "completed")


@pytest.mark.parametrize(
    "handle",
    ["nothing", "batch", f"{BATCH}:", f"{BATCH}:a/b", "list_all_openai_models:x", "openai_costs_report:x", ":x", ""],
)
async def test_what_is_no_handle_is_told_which_forms_there_are(desk: Desk, handle: str) -> None:
    refusal = await desk.refusal(WAIT, {"handle": handle})
    assert refusal["failures"][0]["argument"] == "handle"
    assert desk.stage.seen() == []


@pytest.mark.parametrize("seconds", [0, 2, 60])
async def test_handle_of_what_is_not_there_is_refused_as_the_vendor_refuses_it(desk: Desk, seconds: int) -> None:
    refusal = await desk.refusal(WAIT, {"handle": f"{BATCH}:batch_none", "wait_seconds": seconds})
    assert (refusal["code"], refusal["status"]) == ("vendor_failure", 404)


async def test_what_looks_can_wait_too(desk: Desk) -> None:
    made = await batch(desk)
    done = await desk.value(GET_BATCH, {"id": made["id"], "wait_seconds": 30})
    assert (done["status"], done["waiting"]["is_over"]) == ("completed", True)


async def test_what_is_over_already_is_answered_at_once(desk: Desk) -> None:
    made = await batch(desk, wait_seconds=60)
    desk.stage.clear()
    desk.time.pauses.clear()
    done = await desk.value(GET_BATCH, {"id": made["id"], "wait_seconds": 60})
    assert done["waiting"]["is_over"]
    assert desk.time.pauses == []
    assert len(desk.stage.seen()) == 1


async def test_without_wait_seconds_nothing_is_waited_for(desk: Desk) -> None:
    made = await batch(desk)
    assert "waiting" not in made
    assert desk.time.pauses == []


async def test_cancelling_waits_for_the_end_that_it_wants(desk: Desk) -> None:
    made = await batch(desk)
    over = await desk.value(CANCEL, {"id": made["id"], "wait_seconds": 30})
    assert (over["status"], over["waiting"]["went_well"]) == ("cancelled", True)


async def test_bad_end_is_an_end_and_no_error(desk: Desk) -> None:
    bad = {"text": '{"custom_id": "a"}', "filename": "bad.jsonl"}
    file = await desk.value("create_a_openai_file", {"purpose": "batch", "file": bad})
    made = await desk.value(BATCH, {"input_file_id": file["id"], "endpoint": "/v1/responses", "wait_seconds": 30})
    assert (made["status"], made["waiting"]["is_over"], made["waiting"]["went_well"]) == ("failed", True, False)


async def test_things_inside_others_are_found_again_by_their_handle(desk: Desk) -> None:
    store = await desk.value(STORE, {"name": "Manuals"})
    file = {"text": "Water the fern on Mondays.", "filename": "fern.txt"}
    kept = await desk.value("create_a_openai_file", {"purpose": "user_data", "file": file})
    asked = {"vector_store_id": store["id"], "file_id": kept["id"], "wait_seconds": 0}
    made = await desk.value(STORE_FILE, asked)
    assert made["waiting"]["handle"] == f"{STORE_FILE}:{store['id']}/{kept['id']}"
    done = await desk.value(WAIT, {"handle": made["waiting"]["handle"], "wait_seconds": 20})
    assert done["status"] == "completed"


async def test_background_response_is_waited_for_and_any_other_is_not(desk: Desk) -> None:
    asked: Json = {"model": "gpt-5.4-mini", "input": "Say hello", "wait_seconds": 60}
    at_once = await desk.value("create_a_openai_response", asked)
    assert "waiting" not in at_once
    later = await desk.value("create_a_openai_response", {**asked, "background": True})
    assert (later["status"], later["waiting"]["is_over"]) == ("completed", True)


async def test_run_that_needs_something_ends_the_wait_and_says_what(desk: Desk) -> None:
    function: Json = {
        "type": "function",
        "function": {"name": "get_price", "parameters": {"type": "object", "properties": {}}},
    }
    assistant = await desk.value("create_a_openai_assistant", {"model": "gpt-4o", "tools": [function]})
    thread = {"messages": [{"role": "user", "content": "Use get_price, please."}]}
    asked = {"assistant_id": assistant["id"], "thread": thread, "tool_choice": "required", "wait_seconds": 60}
    run = await desk.value("openai_runs_create_and_run", asked)
    assert run["status"] == "requires_action"
    assert run["waiting"]["is_over"]
    assert "openai_runs_submit_tool_outputs" in run["waiting"]["go_on"]
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": each["id"], "output": "4.20"} for each in calls]
    asked = {"thread_id": run["thread_id"], "id": run["id"], "tool_outputs": outputs, "wait_seconds": 60}
    done = await desk.value("openai_runs_submit_tool_outputs", asked)
    assert (done["status"], done["waiting"]["went_well"]) == ("completed", True)


async def test_upload_is_waited_for_at_the_file_that_it_became(desk: Desk) -> None:
    announced = {"filename": "a.txt", "purpose": "user_data", "bytes": 5, "mime_type": "text/plain"}
    upload = await desk.value("create_a_openai_upload", announced)
    part = await desk.value("openai_uploads_add", {"id": upload["id"], "data": {"text": "hello"}})
    asked = {"id": upload["id"], "part_ids": [part["id"]], "wait_seconds": 30}
    done = await desk.value("openai_uploads_complete", asked)
    assert (done["object"], done["filename"], done["waiting"]["status"]) == ("file", "a.txt", "processed")


async def test_message_to_a_session_is_waited_for_at_the_session(desk: Desk) -> None:
    session = await desk.value(
        "create_a_openai_agent_session", {"model": "gpt-5.5", "input": "Say hello", "wait_seconds": 60}
    )
    assert session["status"] == "idle"
    said = [{"type": "input_text", "text": "And goodbye"}]
    event = {"type": "agent.session.input.message", "input": [{"role": "user", "content": said}]}
    asked = {"session_id": session["id"], "events": [event], "wait_seconds": 60}
    done = await desk.value("create_a_openai_agent_session_event", asked)
    assert (done["id"], done["waiting"]["is_over"]) == (session["id"], True)


@pytest.mark.parametrize("given", [-1, 3601, "soon", True, [5]])
async def test_wait_that_is_no_wait_is_refused_before_anything_is_begun(desk: Desk, given: Any) -> None:
    refusal = await desk.refusal(BATCH, {"input_file_id": "file-1", "endpoint": "/v1/responses", "wait_seconds": given})
    assert refusal["failures"] == [{"argument": "wait_seconds", "problem": f"is {given!r}", "allowed": "0 to 3600"}]
    assert desk.stage.seen() == []


async def test_argument_is_shown_only_where_there_is_something_to_wait_for(desk: Desk) -> None:
    waiting = {
        name for name, tool in (await desk.mcp.tools()).items() if "wait_seconds" in tool["inputSchema"]["properties"]
    }
    assert {BATCH, CANCEL, GET_BATCH, STORE, STORE_FILE, WAIT, "create_a_openai_response"} < waiting
    assert not waiting & {"list_all_openai_batches", "create_a_openai_chat_completion", "list_all_openai_models"}
    refusal = await desk.mcp.refusal("list_all_openai_models", {"wait_seconds": 5})
    assert refusal["failures"][0]["argument"] == "wait_seconds"


async def test_passing_trouble_does_not_end_the_wait(desk: Desk) -> None:
    file = await requests_file(desk)
    desk.stage.fault("status=503", path="/v1/batches/", verb="GET", times=2)
    desk.stage.fault("status=429", path="/v1/batches/", verb="GET", times=1)
    made = await desk.value(BATCH, {"input_file_id": file, "endpoint": "/v1/responses", "wait_seconds": 60})
    assert made["status"] == "completed"


async def test_lasting_trouble_ends_the_wait_without_losing_what_was_begun(desk: Desk) -> None:
    file = await requests_file(desk)
    desk.stage.fault("status=403", path="/v1/batches/", verb="GET")
    made = await desk.value(BATCH, {"input_file_id": file, "endpoint": "/v1/responses", "wait_seconds": 60})
    waiting = made["waiting"]
    assert made["id"].startswith("batch_")
    assert waiting["handle"] == f"{BATCH}:{made['id']}"
    assert "cannot be looked at" in waiting["problem"]
    assert len(desk.time.pauses) == 1
    refusal = await desk.refusal(WAIT, {"handle": waiting["handle"], "wait_seconds": 5})
    assert refusal["status"] == 403


async def test_watch_is_left_behind_and_webhooks_hear_of_the_end(desk: Desk) -> None:
    made = await batch(desk, wait_seconds=1, then="webhook")
    watch = made["waiting"]["watch"]
    assert "No webhook" in watch["note"]
    found = await desk.stage.client.get(f"/integrated-account/{desk.stage.account_id}/watch/{watch['id']}")
    assert (found.json["object_id"], found.json["state"]) == (made["id"], "watching")
    again = await desk.value(WAIT, {"handle": made["id"], "then": "webhook"})
    assert again["waiting"]["watch"]["id"] == watch["id"]
    refusal = await desk.refusal(WAIT, {"handle": made["id"], "then": "letter"})
    assert refusal["failures"] == [{"argument": "then", "problem": "is 'letter'", "allowed": "webhook"}]


async def test_progress_says_how_it_stands(desk: Desk) -> None:
    file = await requests_file(desk)
    arguments = {"input_file_id": file, "endpoint": "/v1/responses", "wait_seconds": 60}
    modern = desk.mcp.speaking(NEW)
    params: Json = {"name": BATCH, "arguments": arguments, "_meta": {"progressToken": "t"}}
    message, headers = modern.message("tools/call", params)
    got = await modern.send(msgspec.json.encode(message), headers=headers)
    *progress, last = events(got.content)
    told = [each["params"] for each in progress]
    assert all(each["total"] == 60 for each in told)
    assert [each["progress"] for each in told] == sorted({each["progress"] for each in told})
    assert told[0]["message"] == "validating, 0 of 0"
    assert any("in_progress" in each["message"] for each in told)
    assert last["result"]["structuredContent"]["status"] == "completed"


async def test_client_that_hangs_up_stops_the_waiting(desk: Desk) -> None:
    file = await requests_file(desk)
    desk.time.stands_still = True
    arguments = {"input_file_id": file, "endpoint": "/v1/responses", "wait_seconds": 60}
    message, headers = desk.mcp.message("tools/call", {"name": BATCH, "arguments": arguments})
    line = Line(desk.mcp, msgspec.json.encode(message), headers)
    async with asyncio.timeout(5):
        await until(lambda: desk.time.pauses)
        line.hang_up()
        await line.task
    looks = len(desk.stage.seen("/v1/batches/"))
    desk.time.stands_still = False
    desk.time.pass_(60)
    await asyncio.sleep(0)
    assert len(desk.stage.seen("/v1/batches/")) == looks


async def test_comfort_that_is_switched_off_is_neither_shown_nor_taken(desk: Desk) -> None:
    server = await desk.maker.server(comforts_off=["waiting"])
    tools = await server.tools()
    assert WAIT not in tools
    assert "wait_seconds" not in tools[BATCH]["inputSchema"]["properties"]
    refusal = await server.refusal(BATCH, {"input_file_id": "x", "endpoint": "/v1/responses", "wait_seconds": 1})
    assert "switched off" in refusal["failures"][0]["problem"]
    assert (await server.refusal(WAIT, {"handle": "batch_1"}))["status"] == 403


async def test_filter_holds_for_what_goes_on_with_a_handle(desk: Desk) -> None:
    """The waiting tool may be called where it can go on with something, reaches nothing else, and is listed as the
    filter says."""
    batches = await desk.maker.server(methods=[BATCH])
    assert set(await batches.tools()) == {BATCH}
    made = await batch(desk)
    assert (await batches.value(WAIT, {"handle": f"{BATCH}:{made['id']}"}))["id"] == made["id"]
    store = await desk.value(STORE, {"name": "Hidden"})
    refusal = await batches.refusal(WAIT, {"handle": store["id"]})
    assert refusal["status"] == 403
    models = await desk.maker.server(methods=["list_all_openai_models"])
    assert set(await models.tools()) == {"list_all_openai_models"}
    assert (await models.refusal(WAIT, {"handle": f"{BATCH}:{made['id']}"}))["status"] == 403
    assert WAIT not in await (await desk.maker.server(methods=["write"])).tools()
    for methods in (["read"], [BATCH, WAIT]):
        assert WAIT in await (await desk.maker.server(methods=methods)).tools()
    assert WAIT not in await (await desk.maker.server(tags=["batches"])).tools()


async def test_proxy_takes_no_such_argument(desk: Desk) -> None:
    got = await desk.stage.proxy("POST", "vector_stores", json={"name": "Plain", "wait_seconds": 5})
    assert got.status == 400
    assert "wait_seconds" in got.sentence
    assert desk.time.pauses == []
