"""What may be sent and how it is answered, message by message, in both eras."""

from typing import Any

import msgspec
import pytest

from portico.faces.mcp.endpoint import MOST_BODY_BYTES
from portico.faces.mcp.wire import DEEPEST
from tests.faces.mcp.speaker import NEW, OLD, Json, Speaker, meta_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
PARSE, INVALID, NO_METHOD, PARAMS, MISMATCH, VERSION = -32700, -32600, -32601, -32602, -32020, -32022
LIST = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
MALFORMED: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", PARSE),
    "not JSON": (b"{", PARSE),
    "not UTF-8": (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', PARSE),
    "nested without end": (b'{"params":' + b"[" * 100_000, PARSE),
    "a batch": (b"[" + LIST + b"]", INVALID),
    "an empty batch": (b"[]", INVALID),
    "a text": (b'"tools/list"', INVALID),
    "no version": (b'{"id":1,"method":"tools/list"}', INVALID),
    "an old version": (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', INVALID),
    "no version, and another method": (b'{"id":1,"method":"ping"}', INVALID),
    "no version and no id": (b'{"method":"tools/list"}', INVALID),
    "no version, and an id that is null": (b'{"id":null,"method":"initialize"}', INVALID),
    "no version, and an answer": (b'{"id":1,"result":{}}', INVALID),
    "no method": (b'{"jsonrpc":"2.0"}', INVALID),
    "neither a method nor an answer": (b'{"jsonrpc":"2.0","id":1}', INVALID),
    "a method that is a number": (b'{"jsonrpc":"2.0","id":1,"method":5}', INVALID),
    "an id that is null": (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', INVALID),
    "an id that is an object": (b'{"jsonrpc":"2.0","id":{},"method":"tools/list"}', INVALID),
    "an id that is true": (b'{"jsonrpc":"2.0","id":true,"method":"tools/list"}', INVALID),
    "an id beyond all numbers": (b'{"jsonrpc":"2.0","id":1e400,"method":"tools/call","params":{"name":"x"}}', INVALID),
    "an id that is no text": (b'{"jsonrpc":"2.0","id":"\xff","method":"ping"}', INVALID),
    "an answer to what is beyond all numbers": (b'{"jsonrpc":"2.0","id":1e400,"result":{}}', INVALID),
    "params that are a list": (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}', PARAMS),
    "params nested too deep": (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":' + b"[" * DEEPEST + b"]" * DEEPEST + b"}}",
        PARAMS,
    ),
}


@pytest.mark.parametrize("content", [given for given, _ in MALFORMED.values()], ids=list(MALFORMED))
@pytest.mark.parametrize("version", [OLD, NEW])
async def test_malformed_message_is_told_what_is_wrong_with_it(
    standing_speaker: Speaker, content: bytes, version: str
) -> None:
    expected = next(code for given, code in MALFORMED.values() if given == content)
    got = await standing_speaker.speaking(version).send(content)
    assert got.status == 400
    assert got.json["jsonrpc"] == "2.0"
    assert got.json["id"] == (1 if expected == PARAMS else None)
    assert got.json["error"]["code"] == expected
    assert set(got.json["error"]) == {"code", "message"}


async def test_clients_of_the_reference_are_answered_though_they_say_no_version(standing_speaker: Speaker) -> None:
    async def said(content: bytes) -> Any:
        return await standing_speaker.speaking("").sending(accept="application/json").send(content)

    told = {"protocolVersion": OLD, "clientInfo": {"name": "sdk", "version": "1"}}
    begun = await said(msgspec.json.encode({"method": "initialize", "params": told}))
    assert (begun.status, begun.json["id"], begun.json["result"]["protocolVersion"]) == (200, None, OLD)
    listed = await said(b'{"method":"tools/list","id":1}')
    assert (listed.status, listed.json["id"], bool(listed.json["result"]["tools"])) == (200, 1, True)
    asked = {"name": "list_all_openai_models", "arguments": {"limit": 1}}
    called = await said(msgspec.json.encode({"method": "tools/call", "id": 2, "params": asked}))
    assert called.json["result"]["structuredContent"]["result_count"] == 1
    for content in (b'{"id":1,"method":"ping"}', b'{"method":"tools/list"}', b'{"id":null,"method":"initialize"}'):
        refused = await said(content)
        assert (refused.status, refused.json["error"]["code"]) == (400, INVALID), content


@pytest.mark.parametrize(
    "number", [0, 1, -7, 2**53 - 1, 12345678901234567890, "a", "", "7", "\u00e9\U0001f600", 1.5], ids=repr
)
async def test_id_comes_back_as_it_was_written(standing_speaker: Speaker, number: Any) -> None:
    got = await standing_speaker.ask("ping", number=number)
    assert got.json == {"jsonrpc": "2.0", "id": number, "result": {}}


async def test_body_above_the_limit_is_refused_before_it_is_read(standing_speaker: Speaker) -> None:
    got = await standing_speaker.send(b"{}", headers={"content-length": str(MOST_BODY_BYTES + 1)})
    assert got.status == 413


async def test_more_headers_than_anybody_needs_are_refused(standing_speaker: Speaker) -> None:
    assert (await standing_speaker.send(LIST, headers={f"x-{i}": "1" for i in range(100)})).status == 431
    assert (await standing_speaker.send(LIST, headers={"x-long": "a" * 40_000})).status == 431


@pytest.mark.parametrize("version", ["", *("2024-11-05", "2025-03-26", "2025-06-18", OLD, NEW)])
@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "notifications/whatever"])
async def test_notification_is_taken_and_not_answered(standing_speaker: Speaker, version: str, method: str) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": {"requestId": 1}}
    got = await standing_speaker.speaking(version).send(msgspec.json.encode(message))
    assert (got.status, got.content) == (202, b"")


async def test_answer_of_a_client_is_taken_and_not_answered(standing_speaker: Speaker) -> None:
    bodies: tuple[Json, ...] = ({"result": {}}, {"error": {"code": 1, "message": "no"}})
    for body in bodies:
        got = await standing_speaker.send(msgspec.json.encode({"jsonrpc": "2.0", "id": 1, **body}))
        assert (got.status, got.content) == (202, b"")


async def test_notification_in_an_unknown_version_is_refused(standing_speaker: Speaker) -> None:
    got = await standing_speaker.speaking("1999-01-01").send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
    assert (got.status, got.json["error"]["code"]) == (400, VERSION)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        (None, "2025-11-25"),
    ],
)
async def test_handshake_settles_on_the_version_asked_for_or_our_newest(
    standing_speaker: Speaker, asked: str | None, answered: str
) -> None:
    params: Json = {"capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
    result = await standing_speaker.speaking("").result(
        "initialize", params | ({"protocolVersion": asked} if asked else {})
    )
    assert result["protocolVersion"] == answered
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"] == {"name": "portico", "title": "tests", "version": result["serverInfo"]["version"]}


@pytest.mark.parametrize("version", ["", "2024-11-05", "2025-03-26", "2025-06-18", OLD, NEW])
async def test_every_version_lists_the_same_tools(standing_speaker: Speaker, version: str) -> None:
    listed = await standing_speaker.speaking(version).tools()
    assert listed == await standing_speaker.tools()


async def test_newer_era_says_what_is_spoken_and_how_long_a_list_may_be_kept(standing_speaker: Speaker) -> None:
    modern = standing_speaker.speaking(NEW)
    found, listed = await modern.result("server/discover"), await modern.result("tools/list")
    assert found["supportedVersions"] == [NEW]
    assert found["capabilities"] == {"tools": {}}
    assert found["instructions"].startswith("OpenAI account of acme: ")
    for result in (found, listed):
        assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
        assert result["ttlMs"] == 60_000
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["title"] == "tests"


async def test_handshake_era_has_nothing_of_the_newer_one(standing_speaker: Speaker) -> None:
    assert set(await standing_speaker.result("tools/list")) == {"tools"}
    result = await standing_speaker.result("tools/call", {"name": "list_all_openai_models", "arguments": {}})
    assert set(result) == {"content", "structuredContent", "isError"}


METHODS = (
    "initialize",
    "ping",
    "server/discover",
    "logging/setLevel",
    "resources/list",
    "prompts/list",
    "nonsense",
    "",
)


@pytest.mark.parametrize("method", METHODS)
async def test_method_that_is_not_there_is_404_in_the_newer_era_and_an_error_before(
    standing_speaker: Speaker, method: str
) -> None:
    if method not in {"initialize", "ping"}:
        status, error = await standing_speaker.fault(method)
        assert (status, error["code"]) == (200, NO_METHOD)
        assert error["message"].endswith("here; there are initialize, ping, tools/list, tools/call.")
    if method != "server/discover":
        status, error = await standing_speaker.speaking(NEW).fault(method)
        assert (status, error["code"]) == (404, NO_METHOD)
        assert error["message"] == (
            f"There is no method {method!r} here; there are server/discover, tools/list, tools/call."
        )


def _modern(meta: Json | None = None, *, without: str = "", **params: Any) -> bytes:
    given: Json = {"_meta": meta_of() if meta is None else meta, **params}
    given["_meta"] = {name: value for name, value in given["_meta"].items() if not name.endswith(without or "!")}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": given})


CALL: Json = {"name": "list_all_openai_models", "arguments": {}}
RIGHT = {"mcp-method": "tools/call", "mcp-name": "list_all_openai_models"}
MODERN: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no version in the body": (_modern(without="protocolVersion", **CALL), RIGHT, PARAMS),
    "no capabilities": (_modern(without="clientCapabilities", **CALL), RIGHT, PARAMS),
    "capabilities that are a list": (
        _modern({**meta_of(), "io.modelcontextprotocol/clientCapabilities": []}),
        RIGHT,
        PARAMS,
    ),
    "no _meta": (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}', RIGHT, PARAMS),
    "no params": (b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', RIGHT, PARAMS),
    "versions differ": (_modern(meta_of("2025-11-25"), **CALL), RIGHT, MISMATCH),
    "methods differ": (_modern(**CALL), {**RIGHT, "mcp-method": "tools/list"}, MISMATCH),
    "no method header": (_modern(**CALL), {"mcp-name": RIGHT["mcp-name"]}, MISMATCH),
    "names differ": (_modern(**CALL), {**RIGHT, "mcp-name": "list_all_openai_files"}, MISMATCH),
    "no name header": (_modern(**CALL), {"mcp-method": "tools/call"}, MISMATCH),
    "another case": (_modern(**CALL), {**RIGHT, "mcp-method": "Tools/Call"}, MISMATCH),
    "base64 that is none": (_modern(**CALL), {**RIGHT, "mcp-name": "=?base64?****?="}, MISMATCH),
    "base64 with bits left over": (_modern(**CALL), {**RIGHT, "mcp-name": "=?base64?YWI?="}, MISMATCH),
}


@pytest.mark.parametrize("case", list(MODERN))
async def test_newer_era_holds_headers_and_body_against_each_other(standing_speaker: Speaker, case: str) -> None:
    content, headers, code = MODERN[case]
    got = await standing_speaker.speaking(NEW).send(content, headers=headers)
    assert (got.status, got.json["error"]["code"], got.json["id"]) == (400, code, 1)


@pytest.mark.parametrize("version", [OLD, NEW])
async def test_header_that_is_there_twice_is_refused_in_both_eras(standing_speaker: Speaker, version: str) -> None:
    twice = {"MCP-Protocol-Version": version, "mcp-protocol-version": version, **RIGHT}
    got = await standing_speaker.speaking(version).send(LIST, headers=twice)
    assert (got.status, got.json["error"]["code"]) == (400, MISMATCH)


@pytest.mark.parametrize("version", ["", "2024-11-05", OLD])
async def test_message_of_the_newer_era_without_its_header_is_no_older_one(
    standing_speaker: Speaker, version: str
) -> None:
    for content in (_modern(**CALL), LIST[:-1] + b',"params":{"_meta":' + msgspec.json.encode(meta_of()) + b"}}"):
        got = await standing_speaker.speaking(version).send(content, headers=RIGHT)
        assert (got.status, got.json["error"]["code"], got.json["id"]) == (400, MISMATCH, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {**RIGHT, "mcp-name": "=?base64?bGlzdF9hbGxfb3BlbmFpX21vZGVscw==?="},
        {"mcp-method": " tools/call ", "mcp-name": "\tlist_all_openai_models ", "mcp-protocol-version": f" {NEW} "},
    ],
    ids=["as base64", "with blanks around"],
)
async def test_headers_may_be_spelt_in_base64_or_with_blanks_around(
    standing_speaker: Speaker, headers: dict[str, str]
) -> None:
    got = await standing_speaker.speaking(NEW).send(_modern(**CALL), headers=headers)
    assert (got.status, got.json["result"]["isError"]) == (200, False)


async def test_version_that_is_not_spoken_is_refused_with_those_that_are(standing_speaker: Speaker) -> None:
    got = await standing_speaker.speaking("2099-01-01").send(_modern(meta_of("2099-01-01"), **CALL), headers=RIGHT)
    assert got.status == 400
    assert got.json["error"]["code"] == VERSION
    assert got.json["error"]["data"] == {"supported": [NEW], "requested": "2099-01-01"}


@pytest.mark.parametrize("version", ["2024-10-07", "2025-6-18", "x" * 3000])
async def test_program_of_an_older_era_hears_which_versions_are_spoken(standing_speaker: Speaker, version: str) -> None:
    got = await standing_speaker.speaking(version).ask("tools/list")
    assert (got.status, got.json["error"]["code"], got.json["id"]) == (400, VERSION, 1)
    assert got.json["error"]["message"] == (
        f"MCP {version[:100]} is not spoken here; spoken are 2024-11-05, 2025-03-26, 2025-06-18, {OLD}, {NEW}."
    )


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "params.name must be the name of a tool"),
        ({"name": 5}, "params.name must be the name of a tool"),
        ({"name": "list_all_openai_models", "arguments": []}, "params.arguments must be an object"),
        ({"name": "list_all_openai_model"}, "Unknown tool: 'list_all_openai_model'; nearest: list_all_openai_models"),
        ({"name": "zzz"}, "Unknown tool: 'zzz'; tools/list has them all."),
        ({"name": "search_tools"}, "Unknown tool: 'search_tools'"),
    ],
)
async def test_call_of_no_tool_is_a_protocol_error_that_helps(
    standing_speaker: Speaker, params: Json, words: str
) -> None:
    status, error = await standing_speaker.fault("tools/call", params)
    assert (status, error["code"]) == (200, PARAMS)
    assert words in error["message"]


async def test_unknown_tool_is_400_in_the_newer_era(standing_speaker: Speaker) -> None:
    status, error = await standing_speaker.speaking(NEW).fault("tools/call", {"name": "zzz", "arguments": {}})
    assert (status, error["code"]) == (400, PARAMS)


@pytest.mark.parametrize("version", [OLD, NEW])
async def test_list_has_one_page(standing_speaker: Speaker, version: str) -> None:
    _, error = await standing_speaker.speaking(version).fault("tools/list", {"cursor": "x"})
    assert (error["code"], error["message"]) == (PARAMS, "The list has one page; there is no cursor to go on from.")


async def test_argument_that_is_absent_counts_as_none_given(standing_speaker: Speaker) -> None:
    result = await standing_speaker.result("tools/call", {"name": "list_all_openai_models"})
    assert not result["isError"]
