"""Files for tools and from tools: every form goes in, a link and a look come out, and base64 only for who asks."""

import base64
import re
import struct
from typing import Any

import pytest

from tests.faces.mcp.speaker import Json
from tests.forms import form
from tests.gateways import Got, connect_account, exchange
from tests.toolbox.conftest import Desk
from tests.toolbox.pictures import noise, png

pytestmark = pytest.mark.asyncio(loop_scope="module")
SPEECH, TRANSCRIBE = "create_a_openai_speech", "create_a_openai_transcription"
FILE, CONTENT, IMAGE = "create_a_openai_file", "openai_files_content", "create_a_openai_image_generation"
SPOKEN = {"model": "tts-1", "voice": "alloy"}


async def fetched(desk: Desk, url: str, verb: str = "GET") -> Got:
    path = "/" + url.partition("//")[2].partition("/")[2]
    return await exchange(desk.stage.gateway, verb, path, "", {"host": "portico.test"}, b"")


async def kept(desk: Desk, content: bytes, name: str = "a.bin", **query: str) -> Json:
    body, kind = form(("file", name, "application/octet-stream", content))
    got = await desk.stage.client.send("POST", "/file", content=body, query=query, headers={"content-type": kind})
    assert got.status == 201, got.content
    return got.json


async def stored(desk: Desk, content: bytes, filename: str) -> Json:
    """The vendor's file with this content, as the tool that downloads it shows it."""
    file = {"base64": base64.b64encode(content).decode(), "filename": filename}
    made = await desk.value(FILE, {"purpose": "user_data", "file": file})
    return await desk.tool(CONTENT, {"id": made["id"]})


def words(result: Json) -> str:
    """All that a model reads: the text blocks and the structured value."""
    return str([each for each in result["content"] if each["type"] == "text"]) + str(result["structured"])


async def test_podcast_is_made_without_a_byte_of_base64_in_the_context(desk: Desk) -> None:
    """Transcribe the recording, summarise it, draw a cover: three calls, and a model reads words and links alone."""
    recording = (
        await desk.stage.proxy("POST", "speech", json={**SPOKEN, "input": "Welcome to the garden show"})
    ).content
    file = (await kept(desk, recording, "show.mp3"))["id"]
    for run in (desk.tool, by_mcp(desk)):
        heard = await run(TRANSCRIBE, {"model": "gpt-4o-transcribe", "file": {"file": file}})
        assert heard["structured"]["text"] == "Welcome to the garden show"
        asked = {"model": "gpt-5.4-mini", "input": f"Summarise: {heard['structured']['text']}"}
        summary = await run("create_a_openai_response", asked)
        cover = await run(IMAGE, {"model": "gpt-image-1.5", "prompt": "A garden, as a podcast cover"})
        link = cover["structured"]["data"][0]["b64_json"]["url"]
        picture = await fetched(desk, link)
        assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
        for result in (heard, summary, cover):
            assert not re.search(r"[A-Za-z0-9+/]{200}", words(result))


def by_mcp(desk: Desk) -> Any:
    async def run(name: str, arguments: Json) -> Json:
        result = await desk.mcp.call(name, arguments)
        return {"content": result["content"], "structured": result["structuredContent"], "is_error": result["isError"]}

    return run


@pytest.mark.parametrize("shape", ["text", "base64", "data", "file", "link"])
async def test_file_argument_takes_every_form(desk: Desk, shape: str) -> None:
    plain = "Água mole em pedra dura"
    encoded = base64.b64encode(plain.encode()).decode()
    stand = await kept(desk, plain.encode(), "proverb.txt")
    given: dict[str, Json] = {
        "text": {"text": plain, "filename": "proverb.txt"},
        "base64": {"base64": encoded, "filename": "proverb.txt"},
        "data": {"base64": f"data:text/plain;base64,{encoded}", "filename": "proverb.txt"},
        "file": {"file": stand["id"]},
        "link": {"url": stand["url"]},
    }
    made = await desk.value(FILE, {"purpose": "user_data", "file": given[shape]})
    assert made["filename"] == "proverb.txt"
    back = await desk.value(CONTENT, {"id": made["id"]})
    assert (await fetched(desk, back["url"])).content.decode() == plain


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"text": "a", "base64": "YQ=="},
        "a.txt",
        {"name": "a"},
        {"base64": "?"},
        {"file": "unknown"},
        {"url": "http://a.b/c"},
    ],
)
async def test_what_is_no_file_is_refused_with_what_would_be_one(desk: Desk, given: Any) -> None:
    refusal = await desk.refusal(FILE, {"purpose": "user_data", "file": given})
    assert refusal["failures"][0]["argument"] == "file"
    assert desk.stage.seen() == []


@pytest.mark.parametrize("address", ["https://127.0.0.1/a", "https://localhost/a", "https://169.254.169.254/latest"])
async def test_private_addresses_are_never_fetched(desk: Desk, address: str) -> None:
    refusal = await desk.refusal(FILE, {"purpose": "user_data", "file": {"url": address}})
    assert "is in a private network" in refusal["failures"][0]["problem"]


@pytest.mark.parametrize("kind", ["mp3", "wav", "flac", "opus", "aac"])
async def test_sound_says_how_long_it_lasts(desk: Desk, kind: str) -> None:
    story = "The quick brown fox jumps over the lazy dog. " * 6
    wave = await desk.value(SPEECH, {**SPOKEN, "input": story, "response_format": "wav"})
    told = await desk.value(SPEECH, {**SPOKEN, "input": story, "response_format": kind})
    truth = (wave["bytes"] - 44) / 48_000
    assert told["duration_seconds"] == pytest.approx(truth, rel=0.05, abs=0.2)


async def test_picture_says_its_size_and_a_large_one_is_shown_small(desk: Desk) -> None:
    result = await stored(desk, png(800, 600), "noise.png")
    facts = result["structured"]
    assert (facts["content_type"], facts["width"], facts["height"]) == ("image/png", 800, 600)
    assert facts["bytes"] > 1_000_000
    (shown,) = [each for each in result["content"] if each["type"] == "image"]
    small = base64.b64decode(shown["data"])
    assert shown["mimeType"] == "image/png"
    assert struct.unpack_from(">II", small, 16) == (266, 200)
    assert len(small) < facts["bytes"] / 5


async def test_small_picture_is_shown_as_it_is(desk: Desk) -> None:
    picture = png(20, 10)
    result = await stored(desk, picture, "small.png")
    (shown,) = [each for each in result["content"] if each["type"] == "image"]
    assert base64.b64decode(shown["data"]) == picture


@pytest.mark.parametrize("spoilt", [b"", b"\0" * 100])
async def test_picture_that_cannot_be_read_is_a_link_alone(desk: Desk, spoilt: bytes) -> None:
    broken = png(800, 600)[:700_000] + spoilt
    result = await stored(desk, broken, "broken.png")
    assert [each["type"] for each in result["content"]] == ["text", "resource_link"]


async def test_document_says_how_many_pages_it_has(desk: Desk) -> None:
    paper = b"%PDF-1.4\n1 0 obj\n<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>\nendobj\n" + bytes(300)
    facts = (await stored(desk, paper, "paper.pdf"))["structured"]
    assert (facts["content_type"], facts["pages"]) == ("application/pdf", 2)


async def test_text_shows_how_it_begins_and_how_long_it_is(desk: Desk) -> None:
    facts = (await stored(desk, b"one\ntwo\nthree\n", "a.txt"))["structured"]
    assert (facts["preview"], facts["lines"]) == ("one\ntwo\nthree\n", 3)


async def test_base64_comes_for_who_asks_where_it_fits(desk: Desk) -> None:
    asked = {**SPOKEN, "input": "Hi", "response_format": "opus", "as": "base64"}
    facts = await desk.value(SPEECH, asked)
    assert base64.b64decode(facts["base64"]) == (await fetched(desk, facts["url"])).content
    long = await desk.value(SPEECH, {**asked, "input": "A long story. " * 60, "response_format": "wav"})
    assert "base64" not in long
    assert "do not fit" in long["note"]
    assert (await desk.refusal(SPEECH, {**asked, "as": "bytes"}))["failures"][0]["allowed"] == "base64, table"


async def test_base64_of_what_nobody_knows_is_never_given(desk: Desk) -> None:
    file = {"base64": base64.b64encode(noise(3000)).decode(), "filename": "blob.bin"}
    made = await desk.value(FILE, {"purpose": "user_data", "file": file})
    result = await desk.tool(CONTENT, {"id": made["id"], "as": "base64"})
    assert "base64" not in result["structured"]
    assert "nobody knows" in result["structured"]["note"]
    assert not re.search(r"[A-Za-z0-9+/]{200}", str(result))


async def test_files_switched_off_are_neither_kept_nor_taken(desk: Desk) -> None:
    server = await desk.maker.server(comforts_off=["files"])
    told = await server.value(SPEECH, {**SPOKEN, "input": "Hi"})
    assert set(told) == {"content_type", "note"}
    picture = await server.value(IMAGE, {"model": "gpt-image-1.5", "prompt": "A pond"})
    assert set(picture["data"][0]["b64_json"]) == {"content_type", "bytes", "note"}
    refusal = await server.refusal(FILE, {"purpose": "user_data", "file": {"file": "x"}})
    assert "{url}" not in refusal["failures"][0]["allowed"]
    assert (await server.value(FILE, {"purpose": "user_data", "file": {"text": "a"}}))["bytes"] == 1
    assert "as" not in (await server.tools())[SPEECH]["inputSchema"]["properties"]
    assert "switched off" in (await server.refusal(SPEECH, {**SPOKEN, "input": "Hi", "as": "base64"}))["error"]


async def test_file_of_one_account_serves_no_other(desk: Desk) -> None:
    other = await connect_account(desk.stage.client, "other")
    ours = await kept(desk, b"hello", "ours.txt", integrated_account_id=desk.stage.account_id)
    theirs = await kept(desk, b"hello", "theirs.txt", integrated_account_id=other["id"])
    anybodys = await kept(desk, b"hello", "anybodys.txt")
    for file, is_seen in ((ours, True), (theirs, False), (anybodys, True)):
        result = await desk.mcp.call(FILE, {"purpose": "user_data", "file": {"file": file["id"]}})
        assert result["isError"] is not is_seen
    linked = await desk.mcp.call(FILE, {"purpose": "user_data", "file": {"url": theirs["url"]}})
    assert linked["isError"]
