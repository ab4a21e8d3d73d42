"""Every message that a server sends has the shape that the protocol's own types ask for, in every version."""

from typing import Any

import msgspec
import pytest

from tests.faces.mcp.speaker import NEW, OLD, Json, Maker, Speaker

mcp_types: Any = pytest.importorskip("mcp_types", reason="mcp-types is not installed; it is in the group dev")
methods: Any = pytest.importorskip("mcp_types.methods", reason="mcp-types is not installed; it is in the group dev")
jsonrpc: Any = pytest.importorskip("mcp_types.jsonrpc", reason="mcp-types is not installed; it is in the group dev")

pytestmark = pytest.mark.asyncio(loop_scope="module")
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", OLD)
VERSIONS = (*HANDSHAKE, NEW)


async def checked(speaker: Speaker, method: str, params: Json | None = None) -> Json:
    """The result, whose envelope and body are what the version's schema says."""
    got = await speaker.ask(method, params)
    assert got.status == 200, got.content
    jsonrpc.JSONRPCResponse.model_validate_json(got.content, strict=True)
    methods.validate_server_result(method, speaker.version, got.json["result"])
    return got.json["result"]


async def check_error(speaker: Speaker, method: str, params: Json | None = None) -> Json:
    got = await speaker.ask(method, params)
    jsonrpc.JSONRPCError.model_validate_json(got.content, strict=True)
    return got.json["error"]


async def test_pinned_types_know_the_newest_version_that_we_speak() -> None:
    assert mcp_types.LATEST_PROTOCOL_VERSION == NEW


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_handshake(standing_speaker: Speaker, version: str) -> None:
    hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
    assert (await checked(standing_speaker.speaking(version), "initialize", hello))["protocolVersion"] == version
    assert await checked(standing_speaker.speaking(version), "ping") == {}


async def test_discovery_of_the_server(standing_speaker: Speaker) -> None:
    assert (await checked(standing_speaker.speaking(NEW), "server/discover"))["supportedVersions"] == [NEW]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("exposure", ["all", "discovery"])
async def test_lists(standing: Maker, version: str, exposure: str) -> None:
    server = await standing.server(tool_exposure=exposure, include_removed=True)
    assert (await checked(server.speaking(version), "tools/list"))["tools"]


CALLS: dict[str, tuple[str, Json, bool]] = {
    "list": ("list_all_openai_models", {}, False),
    "value": ("create_a_openai_response", {"model": "gpt-4o", "input": "Say: hi"}, False),
    "sound": ("create_a_openai_speech", {"model": "tts-1", "input": "Hello", "voice": "alloy"}, False),
    "picture": ("create_a_openai_image_generation", {"model": "gpt-image-1.5", "prompt": "a boat"}, False),
    "dry run": ("create_a_openai_vector_store", {"name": "x", "dry_run": True}, False),
    "names and times": ("list_all_openai_costs", {"start_time": "7 days ago"}, False),
    "invalid": ("create_a_openai_response", {"modell": 1}, True),
    "missing": ("get_single_openai_file_by_id", {"id": "file-AAAAAAAAAAAAAAAAAAAAAAAA"}, True),
    "search": ("search_tools", {"query": "files"}, False),
    "all names": ("search_tools", {"query": "xyzzy"}, False),
    "description": ("get_tool_schema", {"tool_names": ["list_all_openai_files", "zzz"]}, False),
    "through the few": ("call_read_tool", {"tool_name": "list_all_openai_models"}, False),
    "refused by the few": ("call_read_tool", {"tool_name": "zzz"}, True),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", list(CALLS))
async def test_results_of_calls(standing: Maker, version: str, case: str) -> None:
    name, arguments, is_error = CALLS[case]
    server = await standing.server(tool_exposure="discovery", result_limit=2000)
    result = await checked(server.speaking(version), "tools/call", {"name": name, "arguments": arguments})
    assert result["isError"] is is_error


@pytest.mark.parametrize("version", VERSIONS)
async def test_errors(standing_speaker: Speaker, version: str) -> None:
    speaker = standing_speaker.speaking(version)
    for method, params in (("nonsense", None), ("tools/call", {"name": "zzz"}), ("tools/list", {"cursor": "x"})):
        assert set(await check_error(speaker, method, params)) == {"code", "message"}


async def test_error_of_a_version_that_is_not_spoken(standing_speaker: Speaker) -> None:
    message, headers = standing_speaker.speaking(NEW).message("tools/list")
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01"
    content = msgspec.json.encode(message)
    got = await standing_speaker.speaking("2099-01-01").send(content, headers=headers)
    error = jsonrpc.JSONRPCError.model_validate_json(got.content, strict=True).error
    mcp_types.UnsupportedProtocolVersionErrorData.model_validate(error.data)


@pytest.mark.parametrize("version", VERSIONS)
async def test_progress(standing_speaker: Speaker, version: str) -> None:
    from portico.faces.mcp.reply import Reply
    from portico.faces.mcp.wire import Message

    sent: list[Json] = []

    async def send(message: Json) -> None:
        sent.append(message)

    async def work() -> None:
        reply.report(1, 3, "one")
        reply.report(2)

    told = Message(jsonrpc="2.0", id=msgspec.Raw(b"1"), method="tools/call", params={"_meta": {"progressToken": 5}})
    reply = Reply(send, told, takes_stream=True)
    await reply.answer(work(), lambda _: b"{}")
    blocks = b"".join(each.get("body", b"") for each in sent).decode().split("\n\n")
    for block in blocks[:2]:
        notification: Json = msgspec.json.decode(block.partition("data: ")[2])
        methods.parse_server_notification(notification["method"], version, notification["params"])
