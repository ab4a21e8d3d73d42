"""One row for every call, whichever way it came in and whatever became of it, with what it used and may have cost."""

import gzip
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from portico.model.request import RequestRow
from portico.store.requests import LAST, RequestFilter
from tests.faces.mcp.speaker import NEW, Speaker
from tests.gateways import Got
from tests.handmade import CHUNKED, EVENTS, HEAD, Script, Talk, Vendor, chunk, handmade
from tests.stage import Stage, open_stage, plant
from tests.wire import Exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say something long, please."}]}
NOWHERE = "00000000-0000-7000-8000-000000000000"


class Log:
    """The stage's log; each test looks at what came since it began."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._seen: set[str] = set()

    async def rows(self) -> list[RequestRow]:
        """Oldest first."""
        parts = self.stage.gateway.parts
        await parts.recorder.flush()
        caller = await parts.lookup.caller(self.stage.client.token or "")
        rows = await parts.requests.page(caller.environment_id, LAST, 1000, RequestFilter())
        fresh = [row for row in rows[::-1] if row.id not in self._seen]
        self._seen |= {row.id for row in fresh}
        return fresh

    async def row(self) -> RequestRow:
        (row,) = await self.rows()
        return row


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vendor() -> AsyncGenerator[Vendor]:
    async with handmade() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(
        tmp_path_factory.mktemp("stage"), base_urls=[vendor.base_url], reshape_limit_bytes=100_000
    ) as opened:
        opened.world.pace = 0
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def log(stage: Stage) -> Log:
    stage.clear()
    opened = Log(stage)
    await opened.rows()
    return opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speaker(stage: Stage) -> Speaker:
    made = await stage.client.post(f"/integrated-account/{stage.account_id}/mcp", {"name": "tests"})
    return Speaker(stage.gateway, f"/mcp/{made.json['token']}", NEW)


async def run(stage: Stage, name: str, arguments: Any) -> Got:
    return await stage.client.post(f"/integrated-account/{stage.account_id}/tools/{name}", arguments)


async def test_row_of_a_proxy_call_says_all_there_is_to_say(log: Log) -> None:
    stage = log.stage
    traced = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "user-agent": "some-client/1"}
    got = await stage.proxy("GET", "files", headers=traced)
    row = await log.row()
    caller = await stage.gateway.parts.lookup.caller(stage.client.token or "")
    assert (row.face, row.resource, row.method, row.verb, row.path) == ("proxy", "files", "list", "GET", "/files")
    assert (row.account_id, row.tenant_id, row.integration) == (stage.account_id, "stage", "openai")
    assert (row.status, row.status_class, row.code, row.problem) == (200, 2, "", "")
    assert (row.vendor_status, row.vendor_request_id) == (200, got.headers["x-request-id"])
    assert row.request_id == got.headers["x-portico-request-id"]
    assert (row.client, row.trace_id, row.token_id) == ("some-client/1", "ab" * 16, caller.token_id)
    assert 0 < row.vendor_us < row.duration_us
    assert (row.bytes_in, row.cost_nanos, row.model, row.has_bodies) == (0, None, "", False)
    assert row.bytes_out > 20


async def test_a_list_leaves_how_many_items_it_had(log: Log, speaker: Speaker) -> None:
    stage = log.stage
    models = (await stage.proxy("GET", "models", query={"limit": 3})).json
    assert models["result_count"] == 3
    await stage.proxy("GET", f"models/{models['result'][0]['id']}")
    await run(stage, "list_all_openai_models", {"limit": 2})
    await speaker.value("list_all_openai_models", {"limit": 2})
    await stage.custom("GET", "models")
    await stage.proxy("GET", "models", query={"limit": 0})
    found = [(row.face, row.status, row.result_count) for row in await log.rows()]
    assert found[:4] == [("proxy", 200, 3), ("proxy", 200, None), ("tools", 200, 2), ("mcp", 200, 2)]
    assert found[4:] == [("custom", 200, None), ("proxy", 400, None)]


@pytest.mark.parametrize("trace", ["", "nonsense", f"00-{'0' * 32}-{'cd' * 8}-01", f"00-{'AB' * 16}-{'cd' * 8}-01"])
async def test_a_trace_that_is_none_is_left_out(log: Log, trace: str) -> None:
    await log.stage.proxy("GET", "files", headers={"traceparent": trace})
    assert (await log.row()).trace_id == ""


async def test_other_ways_in_leave_rows_of_their_own(log: Log, speaker: Speaker) -> None:
    stage = log.stage
    await stage.custom("GET", "files")
    await stage.passthrough("GET", "files")
    await stage.passthrough("GET", "files/nothing")
    await run(stage, "list_all_openai_files", {})
    await speaker.value("list_all_openai_files")
    rows = await log.rows()
    assert [(row.face, row.tool, row.path, row.status) for row in rows] == [
        ("custom", "", "/files", 200),
        ("passthrough", "", "/files", 200),
        ("passthrough", "", "/files/{file_id}", 404),
        ("tools", "list_all_openai_files", "/files", 200),
        ("mcp", "list_all_openai_files", "/files", 200),
    ]
    assert rows[2].code == "vendor_failure"
    assert rows[4].server_id
    assert {row.account_id for row in rows} == {stage.account_id}


async def test_a_composed_tool_has_a_row_and_so_has_each_of_its_calls(log: Log) -> None:
    stage = log.stage
    got = await run(stage, "openai_key_audit", {})
    assert not got.json["is_error"], got.json
    *parts, whole = await log.rows()
    assert (whole.tool, whole.resource, whole.path, whole.vendor_status) == ("openai_key_audit", "key", "", 0)
    assert whole.status == 200
    assert len(parts) > 1
    assert {row.request_id for row in (*parts, whole)} == {got.headers["x-portico-request-id"]}
    assert {(row.tool, row.vendor_status) for row in parts} == {("openai_key_audit", 200)}


REFUSED: list[tuple[str, str, dict[str, str], tuple[str, int, str]]] = [
    ("GET", "/proxy/a/b/c", {}, ("proxy", 404, "not_found")),
    ("PUT", "/proxy/files", {}, ("proxy", 405, "verb_not_allowed")),
    ("GET", "/proxy/files", {"integrated_account_id": ""}, ("proxy", 400, "invalid_arguments")),
    ("GET", "/proxy/files", {"truto_response_format": "x"}, ("proxy", 400, "invalid_arguments")),
    ("GET", "/proxy/files", {"integrated_account_id": NOWHERE}, ("proxy", 404, "not_found")),
    ("GET", "/proxy/nothing", {}, ("proxy", 404, "no_such_operation")),
    ("GET", "/custom/files", {"truto_response_format": "x"}, ("custom", 400, "invalid_arguments")),
    ("GET", "/custom/files", {"integrated_account_id": ""}, ("custom", 400, "invalid_arguments")),
    ("GET", "/passthrough/only", {}, ("passthrough", 404, "not_found")),
    ("GET", f"/passthrough/{NOWHERE}/files", {}, ("passthrough", 404, "not_found")),
    ("POST", f"/integrated-account/{NOWHERE}/tools/x", {}, ("tools", 404, "not_found")),
]


@pytest.mark.parametrize(
    ("verb", "path", "query", "told"), REFUSED, ids=[f"{each[0]} {each[1]} {each[3][2]}" for each in REFUSED]
)
async def test_what_is_refused_at_the_door_has_a_row(
    log: Log, verb: str, path: str, query: dict[str, str], told: tuple[str, int, str]
) -> None:
    pairs = {"integrated_account_id": log.stage.account_id} | query
    got = await log.stage.client.send(verb, path, query={name: value for name, value in pairs.items() if value})
    row = await log.row()
    assert (row.face, row.status, row.code) == told
    assert row.status == got.status
    assert row.problem
    assert row.vendor_status == 0


async def test_without_a_caller_there_is_nobody_whose_row_it_could_be(log: Log) -> None:
    assert (await log.stage.client.send("GET", "/proxy/files", headers={"authorization": "Bearer no"})).status == 401
    assert await log.rows() == []


async def test_tools_that_are_refused_have_rows_that_say_so(log: Log) -> None:
    stage = log.stage
    assert (await run(stage, "no_such_tool", {})).status == 404
    assert (await run(stage, "delete_a_openai_file_by_id", {})).json["is_error"]
    assert (await run(stage, "delete_a_openai_file_by_id", {"id": "file-nothing"})).json["is_error"]
    assert (
        await stage.client.send("POST", f"/integrated-account/{stage.account_id}/tools/x", content=b"[]")
    ).status == 400
    assert [(row.tool, row.method, row.status, row.code, row.vendor_status) for row in await log.rows()] == [
        ("no_such_tool", "", 404, "not_found", 0),
        ("delete_a_openai_file_by_id", "delete", 400, "invalid_arguments", 0),
        ("delete_a_openai_file_by_id", "delete", 404, "vendor_failure", 404),
        ("x", "", 400, "invalid_arguments", 0),
    ]


async def test_mcp_calls_that_are_refused_have_rows_that_say_so(log: Log, speaker: Speaker) -> None:
    await speaker.fault("tools/call", {"name": "no_such_tool"})
    await speaker.fault("tools/call", {"name": "x", "arguments": []})
    await speaker.refusal("call_read_tool", {"tool_name": "delete_a_openai_file_by_id"})
    await speaker.value("search_tools", {"query": "files"})
    await speaker.value("call_read_tool", {"tool_name": "list_all_openai_files"})
    await speaker.result("tools/list")
    rows = await log.rows()
    assert [(row.tool, row.status, row.code) for row in rows] == [
        ("no_such_tool", 404, "not_found"),
        ("x", 400, "protocol_fault"),
        ("call_read_tool", 403, "not_allowed"),
        ("search_tools", 200, ""),
        ("list_all_openai_files", 200, ""),
    ]
    assert {(row.face, row.account_id) for row in rows} == {("mcp", log.stage.account_id)}
    assert not any("mcp/" in str(row) for row in rows), "the address of a server is its key"


async def test_a_second_answer_to_the_same_key_is_marked_and_counts_no_tokens(log: Log) -> None:
    headers = {"idempotency-key": "once"}
    for _ in range(2):
        assert (await log.stage.proxy("POST", "chat_completions", json=CHAT, headers=headers)).status == 200
    first, again = await log.rows()
    assert (first.is_replay, again.is_replay) == (False, True)
    assert first.output_tokens > 0
    assert (again.input_tokens, again.output_tokens, again.cost_nanos, again.vendor_status) == (0, 0, None, 0)


async def test_a_dry_run_only_looks_and_the_look_has_a_row_of_its_own(log: Log) -> None:
    await run(log.stage, "delete_a_openai_file_by_id", {"id": "file-1", "dry_run": True})
    look, dry = sorted(await log.rows(), key=lambda row: row.method != "get")
    assert (dry.method, dry.status, dry.vendor_status) == ("delete", 200, 0)
    assert (look.method, look.verb, look.vendor_status > 0) == ("get", "GET", True)


async def used_in_sandbox(stage: Stage) -> list[dict[str, int]]:
    rows = [row for each in stage.world.organizations.values() for row in each.usage]
    return [dict(row.amounts) for row in rows]


PLACES = ("proxy", "custom", "passthrough")


async def ask(stage: Stage, place: str, body: Any, path: str = "chat/completions") -> Got:
    send = {"proxy": stage.proxy, "custom": stage.custom, "passthrough": stage.passthrough}[place]
    target = path.replace("/", "_") if place == "proxy" else path
    got = await send("POST", target, json=body)
    assert got.status == 200, got.content
    return got


@pytest.mark.parametrize("place", PLACES)
async def test_tokens_are_taken_from_the_answer(log: Log, place: str) -> None:
    got = await ask(log.stage, place, CHAT)
    usage = (got.json.get("result") or got.json)["usage"]
    row = await log.row()
    assert (row.model, row.is_estimated) == ("gpt-4o-mini", False)
    assert (row.input_tokens, row.output_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert row.cached_tokens == usage["prompt_tokens_details"]["cached_tokens"]
    fresh = row.input_tokens - row.cached_tokens
    assert row.cost_nanos == fresh * 150 + row.cached_tokens * 75 + row.output_tokens * 600


@pytest.mark.parametrize("place", PLACES)
async def test_tokens_are_taken_from_a_stream_whose_bytes_stay_as_they_are(log: Log, place: str) -> None:
    body = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
    got = await ask(log.stage, place, body)
    said = [json.loads(line[6:]) for line in got.content.decode().splitlines() if line.startswith("data: {")][-1]
    row = await log.row()
    assert (row.input_tokens, row.output_tokens) == (
        said["usage"]["prompt_tokens"], said["usage"]["completion_tokens"],
    )  # fmt: skip
    assert not row.is_estimated
    assert row.cost_nanos


async def test_a_stream_that_does_not_say_is_guessed_and_said_to_be(log: Log) -> None:
    await ask(log.stage, "passthrough", CHAT | {"stream": True})
    row = await log.row()
    assert row.is_estimated
    assert row.output_tokens > 3
    assert row.input_tokens == len(json.dumps(CHAT | {"stream": True}, separators=(",", ":"))) // 4
    assert row.model == "gpt-4o-mini"


OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("responses", {"model": "gpt-4o-mini", "input": "Say something."}),
    ("responses", {"model": "gpt-4o-mini", "input": "Say something.", "stream": True}),
    ("embeddings", {"model": "text-embedding-3-small", "input": "some text"}),
    ("completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Say something."}),
]


@pytest.mark.parametrize(
    ("path", "body"), OTHERS, ids=[f"{path}{', streamed' * ('stream' in body)}" for path, body in OTHERS]
)
async def test_other_operations_say_it_in_their_own_words(log: Log, path: str, body: dict[str, Any]) -> None:
    before = len(await used_in_sandbox(log.stage))
    await ask(log.stage, "passthrough", body, path)
    row = await log.row()
    amounts = (await used_in_sandbox(log.stage))[before]
    assert (row.input_tokens, row.output_tokens) == (amounts["input_tokens"], amounts.get("output_tokens", 0)), amounts
    assert row.model.startswith(body["model"])


async def test_an_answer_that_names_no_model_is_of_the_one_that_was_asked(log: Log) -> None:
    got = await ask(log.stage, "passthrough", {"model": "gpt-image-1-mini", "prompt": "a door"}, "images/generations")
    row = await log.row()
    usage = got.json["usage"]
    assert (row.input_tokens, row.output_tokens) == (usage["input_tokens"], usage["output_tokens"])
    assert (row.model, row.cost_nanos) == ("gpt-image-1-mini", None)


async def test_looking_at_what_was_made_before_uses_nothing(log: Log) -> None:
    made = await ask(log.stage, "passthrough", {"model": "gpt-4o-mini", "input": "Hi."}, "responses")
    await log.rows()
    got = await log.stage.passthrough("GET", f"responses/{made.json['id']}")
    assert got.json["usage"]["input_tokens"] > 0
    row = await log.row()
    assert (row.input_tokens, row.model) == (0, "")


async def at_the_vendor(log: Log, vendor: Vendor, script: Script, verb: str = "POST", **headers: str) -> Exchange:
    vendor.perform(script)
    account = await plant(log.stage, vendor.base_url)
    sent = {
        "host": "portico.test", "authorization": f"Bearer {log.stage.client.token}", "content-type": "application/json",
        "content-length": "2", **{name.replace("_", "-"): value for name, value in headers.items()},
    }  # fmt: skip
    return Exchange(log.stage.gateway, verb, f"/passthrough/{account}/chat/completions", sent, body=b"{}")


ANSWER = json.dumps({"model": "gpt-4o", "usage": {"prompt_tokens": 9, "completion_tokens": 4}}).encode()


async def test_a_compressed_answer_is_read_along_and_passed_on_as_it_is(log: Log, vendor: Vendor) -> None:
    packed = gzip.compress(ANSWER)

    async def script(talk: Talk) -> None:
        halves = chunk(packed[:20]) + chunk(packed[20:])
        await talk.say(HEAD, b"content-encoding: gzip\r\n", CHUNKED, halves, b"0\r\n\r\n")

    exchange = await at_the_vendor(log, vendor, script, accept_encoding="br, gzip")
    assert (await exchange.rest())[0] == packed
    row = await log.row()
    assert (row.model, row.input_tokens, row.output_tokens) == ("gpt-4o", 9, 4)
    assert "accept-encoding: gzip\r\n" in vendor.talks[0].head.lower()


async def test_the_vendors_failure_is_told_without_keys(log: Log, vendor: Vendor) -> None:
    said = json.dumps({"error": {"message": "Wrong key sk-proj-abcdefghijkl given. " + "x" * 500}}).encode()

    async def script(talk: Talk) -> None:
        await talk.say(
            b"HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(said), said
        )

    vendor.perform(script)
    account = await plant(log.stage, vendor.base_url)
    got = await log.stage.client.send("GET", "/proxy/files", query={"integrated_account_id": account})
    assert got.status == 400
    row = await log.row()
    assert (row.status, row.code, row.vendor_status) == (400, "vendor_failure", 400)
    assert row.problem.startswith("Wrong key sk-proj")
    assert len(row.problem) <= 300
    assert row.problem.endswith("x…"), "what is cut says so"
    assert "abcdefghijkl" not in str(row)


async def test_a_stream_that_breaks_off_counts_what_had_come(log: Log, vendor: Vendor) -> None:
    async def script(talk: Talk) -> None:
        pieces = [chunk(b'data: {"model":"gpt-4o","choices":[{"delta":{}}]}\n\n') for _ in range(5)]
        await talk.say(EVENTS, CHUNKED, *pieces)
        talk.reset()

    exchange = await at_the_vendor(log, vendor, script)
    assert (await exchange.rest())[1]
    row = await log.row()
    assert (row.status, row.code, row.is_estimated) == (502, "upstream_interrupted", True)
    assert row.output_tokens <= 5


async def test_what_cannot_be_reshaped_is_told_as_it_was_told_to_the_client(log: Log, vendor: Vendor) -> None:
    async def script(talk: Talk) -> None:
        await talk.say(HEAD, CHUNKED, *[chunk(b"[" + b"1," * 20_000) for _ in range(4)])
        await talk.is_left()

    vendor.perform(script)
    account = await plant(log.stage, vendor.base_url)
    query = {"integrated_account_id": account, "truto_exclude_fields[]": "x"}
    got = await log.stage.client.send("GET", "/proxy/files/x", query=query)
    assert got.status == 502
    row = await log.row()
    assert (row.status, row.code) == (502, "upstream_too_large")
