"""How a Proxy answer looks: every response format for every kind of answer, fields left out, text, bytes, events."""

import asyncio
import hashlib
from typing import Any

import pytest

from tests.forms import form, sound
from tests.gateways import Got
from tests.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT: dict[str, Any] = {"model": "gpt-6-astra", "messages": [{"role": "user", "content": "Say: hello there"}]}
SPEECH = {"model": "gpt-4o-mini-tts", "input": "hello", "voice": "alloy"}


async def store(stage: Stage) -> str:
    got = await stage.proxy("POST", "vector_stores", json={"name": "v", "metadata": {"a": "1", "b": "2"}})
    return str(got.json["id"])


async def asked(stage: Stage, chosen: str | None, verb: str, path: str, **more: Any) -> Got:
    query = more.pop("query", {}) | ({"truto_response_format": chosen} if chosen else {})
    got = await stage.proxy(verb, path, query=query, **more)
    assert got.status == 200, got.content
    return got


@pytest.mark.parametrize("chosen", [None, "unified", "normalized"])
async def test_a_list_is_enveloped(stage: Stage, chosen: str | None) -> None:
    got = await asked(stage, chosen, "GET", "models")
    assert list(got.json) == ["result", "next_cursor", "prev_cursor", "result_count"]
    assert got.headers["content-type"] == "application/json"
    assert int(got.headers["content-length"]) == len(got.content)


@pytest.mark.parametrize("chosen", ["raw", "stream"])
async def test_a_raw_list_is_the_vendors_own_answer(stage: Stage, chosen: str) -> None:
    got = await asked(stage, chosen, "GET", "models")
    assert got.content == (await stage.direct("GET", "models")).content
    assert list(got.json) == ["object", "data"]


async def test_the_items_of_a_list_are_the_vendors_bytes(stage: Stage) -> None:
    raw = (await asked(stage, "raw", "GET", "models")).content
    items = raw[raw.index(b"[") : raw.rindex(b"]") + 1]
    assert (await asked(stage, None, "GET", "models")).content.startswith(b'{"result":' + items + b",")


async def test_a_raw_list_still_takes_our_cursor(stage: Stage) -> None:
    for _ in range(3):
        await store(stage)
    first = (await asked(stage, None, "GET", "vector_stores", query={"limit": 1})).json
    got = await asked(stage, "raw", "GET", "vector_stores", query={"limit": 1, "next_cursor": first["next_cursor"]})
    assert got.json["data"][0]["id"] != first["result"][0]["id"]


@pytest.mark.parametrize("chosen", [None, "unified", "normalized", "raw", "stream"])
async def test_a_single_object_is_the_vendors_own_answer_in_every_format(stage: Stage, chosen: str | None) -> None:
    one = await store(stage)
    got = await asked(stage, chosen, "GET", f"vector_stores/{one}")
    itself = await stage.direct("GET", f"vector_stores/{one}", openai_beta="assistants=v2")
    assert got.content == itself.content


async def test_debug_tells_what_was_asked(stage: Stage) -> None:
    one = await store(stage)
    for path, count in ((f"vector_stores/{one}", 1), ("models", None)):
        got = await asked(stage, "debug", "GET", path)
        debug = got.json["debug"]
        assert debug["requestUrl"] == f"{stage.sandbox_url}/v1/{path}"
        assert debug["responseHeaders"]["x-request-id"] == stage.last.request_id
        assert debug["resultCount"] == (count or len(got.json["result"]))
        assert "sk-proj" not in got.content.decode()


async def test_an_unknown_format_is_refused_with_those_that_are_known(stage: Stage) -> None:
    got = await stage.proxy("GET", "models", query={"truto_response_format": "xml"})
    assert (got.status, got.json["details"]["failures"]) == (
        400,
        [
            {
                "path": "truto_response_format",
                "problem": "is 'xml'",
                "allowed": "unified, normalized, raw, stream, debug",
            }
        ],
    )


@pytest.mark.parametrize(
    ("option", "status"),
    [
        ("truto_ignore_remote_data", 200), ("truto_ignore_limit", 200), ("truto_skip_api_call", 400),
        ("truto_super_query", 200), ("truto_body_passthrough", 200), ("truto_key_by", 400), ("truto_", 400),
        ("portico_", 400), ("portico_retries", 400),
    ],
)  # fmt: skip
async def test_an_option_is_known_or_refused_and_never_sent_on(stage: Stage, option: str, status: int) -> None:
    got = await stage.proxy("GET", "models", query={option: "true"})
    assert got.status == status
    if status == 200:
        assert stage.last.query == ""
    else:
        assert got.json["details"]["failures"][0]["path"] == option


@pytest.mark.parametrize(
    "query",
    [
        {"truto_exclude_fields[]": ["name", "metadata.a"]},
        {"truto_exclude_fields": ["name", "metadata.a"]},
        {"truto_exclude_fields": "name,metadata.a"},
        {"truto_exclude_fields[]": "name,metadata.a"},
        {"truto_exclude_fields[0]": "name", "truto_exclude_fields[1]": "metadata.a"},
    ],
)
async def test_fields_are_left_out_in_every_spelling(stage: Stage, query: dict[str, Any]) -> None:
    one = await store(stage)
    whole = (await asked(stage, None, "GET", f"vector_stores/{one}")).json
    got = (await asked(stage, None, "GET", f"vector_stores/{one}", query=query)).json
    assert set(whole) - set(got) == {"name"}
    assert got["metadata"] == {"b": "2"}
    listed = (await asked(stage, None, "GET", "vector_stores", query={**query, "limit": 2})).json["result"]
    assert all("name" not in each for each in listed)


async def test_a_files_bytes_come_back_with_their_content_type(stage: Stage) -> None:
    content = bytes(range(256)) * 40
    body, kind = form(("purpose", "assistants"), ("file", "a.bin", "application/octet-stream", content))
    made = await stage.proxy("POST", "files", content=body, headers={"content-type": kind})
    for chosen in (None, "raw", "stream", "debug"):
        got = await asked(stage, chosen, "POST", "files/content", query={"id": made.json["id"]})
        assert (got.headers["content-type"], got.content) == ("application/octet-stream", content)


async def test_speech_is_sound(stage: Stage) -> None:
    got = await asked(stage, None, "POST", "speech", json=SPEECH)
    assert got.headers["content-type"] == "audio/mpeg"
    assert got.content.startswith(b"ID3")


@pytest.mark.parametrize(
    ("wanted", "kind", "start"),
    [("text", "text/plain", b""), ("srt", "text/plain", b"1\n00:00:00,000 --> "), ("json", "application/json", b"{")],
)
async def test_a_transcription_answers_in_text_where_text_is_asked_for(
    stage: Stage, wanted: str, kind: str, start: bytes
) -> None:
    body, content_type = form(
        ("model", "whisper-1"), ("response_format", wanted), ("file", "a.wav", "audio/wav", await sound(stage, SPEECH))
    )
    got = await stage.proxy("POST", "transcriptions", content=body, headers={"content-type": content_type})
    assert got.status == 200, got.content
    assert got.headers["content-type"].startswith(kind)
    assert got.content.startswith(start)
    assert b"hello" in got.content.lower()


@pytest.mark.parametrize("chosen", [None, "raw", "stream", "debug"])
async def test_events_pass_as_they_are(stage: Stage, chosen: str | None) -> None:
    got = await asked(stage, chosen, "POST", "chat_completions", json={**CHAT, "stream": True})
    assert got.headers["content-type"].startswith("text/event-stream")
    assert got.content.startswith(b"data: {")
    assert got.content.endswith(b"data: [DONE]\n\n")
    assert "content-length" not in got.headers


async def test_an_answer_of_nothing_is_nothing(stage: Stage) -> None:
    made = await stage.proxy("POST", "containers", json={"name": "c"})
    got = await stage.proxy("DELETE", f"containers/{made.json['id']}")
    assert got.status in {200, 204}
    assert got.content == b"" or got.json["deleted"] is True


async def test_an_answer_larger_than_the_reshaping_limit_can_still_be_streamed(stage: Stage) -> None:
    size = 34_000_000
    stage.fault(f"huge={size}")
    got = await stage.proxy("GET", "vector_stores")
    assert (got.status, got.json["code"]) == (502, "upstream_too_large")
    assert "truto_response_format=stream" in got.sentence
    got = await asked(stage, "stream", "GET", "vector_stores")
    assert len(got.content) == size
    digest = await asyncio.to_thread(hashlib.sha256, got.content)
    assert digest.digest() == hashlib.sha256(b'{"padding": "' + b"x" * (size - 15) + b'"}').digest()


async def test_who_wants_no_call_is_told_that_one_would_be_made(stage: Stage) -> None:
    stage.clear()
    account = f"integrated_account_id={stage.account_id}"
    for path in ("/proxy/vector_stores", "/custom/vector_stores", "/unified/user-directory/groups"):
        got = await stage.client.send("POST", f"{path}?{account}&truto_skip_api_call=true", json={"name": "never"})
        assert (got.status, got.json["details"]["failures"][0]["path"]) == (400, "truto_skip_api_call")
        assert "dry_run" in got.sentence
    assert stage.seen() == []
    assert (await stage.proxy("GET", "models", query={"truto_skip_api_call": "false"})).status == 200


async def test_a_custom_call_answers_with_the_vendors_body_and_in_the_envelope_where_that_is_asked_for(
    stage: Stage,
) -> None:
    bare = await stage.custom("GET", "models")
    assert (bare.json["object"], bool(bare.json["data"])) == ("list", True)
    for chosen in ("raw", "stream"):
        got = await stage.custom("GET", "models", query={"truto_response_format": chosen})
        assert got.content == bare.content
    for chosen in ("unified", "normalized"):
        got = await stage.custom("GET", "models", query={"truto_response_format": chosen})
        assert got.json == {"result": bare.json, "next_cursor": None, "prev_cursor": None}
    told = (await stage.custom("GET", "models", query={"truto_response_format": "debug"})).json
    assert (told["result"], told["debug"]["data"]) == (bare.json, bare.json)
    assert list(told) == ["result", "next_cursor", "prev_cursor", "debug"]
    assert told["debug"]["requestUrl"].endswith("/models")
    unknown = await stage.custom("GET", "models", query={"truto_response_format": "xml"})
    assert (unknown.status, unknown.json["details"]["failures"][0]["path"]) == (400, "truto_response_format")


async def test_a_custom_calls_refusal_is_told_as_everywhere_unless_the_bare_one_is_asked_for(stage: Stage) -> None:
    told = await stage.custom("GET", "models/nothing")
    assert (told.status, told.json["statusCode"], told.json["truto_is_remote_error"]) == (404, 404, True)
    bare = await stage.custom("GET", "models/nothing", query={"truto_response_format": "raw"})
    assert (bare.status, bare.json) == (404, told.json["raw_response"])
    assert bare.json["error"]["code"] == "model_not_found"
    assert told.headers["x-request-id"]
    through = await stage.passthrough("GET", "models/nothing")
    assert through.json.keys() == {"error"}
