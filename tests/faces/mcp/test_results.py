"""What a tool gives back: cut to size with a word on how to go on, clean, files as links, small pictures shown."""

import base64
from typing import Any

import msgspec
import pytest

from portico.sandbox.state import World
from tests.faces.mcp.speaker import NEW, OLD, Json, Maker, Speaker
from tests.gateways import Got, exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIST_PROJECTS, LIST_USERS = "list_all_openai_projects", "list_all_openai_users"
SPEECH, IMAGE = "create_a_openai_speech", "create_a_openai_image_generation"


async def fetched(server: Speaker, url: str) -> Got:
    path = "/" + url.partition("//")[2].partition("/")[2]
    return await exchange(server.gateway, "GET", path, "", {"host": "portico.test"}, b"")


def kinds(result: Json) -> list[str]:
    return [block["type"] for block in result["content"]]


def size(value: Any) -> int:
    return len(msgspec.json.encode(value))


@pytest.mark.parametrize("version", ["", "2024-11-05", "2025-03-26", "2025-06-18", OLD, NEW])
async def test_value_comes_as_text_and_from_2025_06_18_on_also_structured(
    standing_speaker: Speaker, version: str
) -> None:
    params: Json = {"name": "list_all_openai_models", "arguments": {}}
    result = await standing_speaker.speaking(version).result("tools/call", params)
    assert kinds(result) == ["text"]
    if version in {"2024-11-05", "2025-03-26"}:
        assert "structuredContent" not in result
    else:
        assert msgspec.json.decode(result["content"][0]["text"]) == result["structuredContent"]
    assert ("resultType" in result) == (version == NEW)


async def test_list_goes_on_with_its_cursor_until_it_ends(standing_demo: Maker) -> None:
    server = await standing_demo.server()
    whole = await server.value(LIST_PROJECTS, {"limit": 100})
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await server.value(LIST_PROJECTS, {"limit": 2} | ({"next_cursor": cursor} if cursor else {}))
        assert page["result_count"] == len(page["result"]) <= 2
        ids += [each["id"] for each in page["result"]]
        cursor = page["next_cursor"]
    assert ids == [each["id"] for each in whole["result"]]


async def test_list_that_does_not_fit_is_cut_and_says_how_to_go_on(standing_demo: Maker) -> None:
    """Following the advice reaches every item, and each of the answers fits."""
    whole = await (await standing_demo.server()).value(LIST_USERS, {"limit": 100})
    server = await standing_demo.server(result_limit=2000, comforts_off=["cursors"])
    cut = await server.value(LIST_USERS, {"limit": 100})
    assert size(cut) <= 2000
    kept = len(cut["result"])
    assert 1 < kept < whole["result_count"]
    assert cut["truncated"] == (
        f"{kept} of {whole['result_count']} items fit. Call again with limit={kept} to go through all of them, "
        "or name fields to keep."
    )
    assert cut["next_cursor"] is None
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await server.value(LIST_USERS, {"limit": kept} | ({"next_cursor": cursor} if cursor else {}))
        assert size(page) <= 2000
        ids += [each["id"] for each in page["result"]]
        cursor = page["next_cursor"]
    assert ids == [each["id"] for each in whole["result"]]


async def test_fields_make_a_list_fit(standing_demo: Maker) -> None:
    server = await standing_demo.server(result_limit=2000)
    slim = await server.value(LIST_PROJECTS, {"limit": 100, "fields": ["id", "name"]})
    assert "truncated" not in slim
    assert all(set(each) == {"id", "name"} for each in slim["result"])
    assert slim == await server.value(LIST_PROJECTS, {"limit": 100, "fields": "id, name"})


async def test_long_text_in_a_value_is_cut_where_it_is_longest(standing: Maker) -> None:
    server = await standing.server(result_limit=3000)
    words = "word " * 3000
    value = await server.value("create_a_openai_response", {"model": "gpt-4o", "input": f"Say: {words}"})
    assert size(value) <= 3000
    assert "more characters)" in str(value["output"])
    assert value["id"].startswith("resp_")
    place = "output[0].content[0].text"
    assert value["truncated"] == f"Shortened: {place}. Call again with next_cursor to go on."
    slim = await standing.server(result_limit=3000, comforts_off=["cursors"])
    value = await slim.value("create_a_openai_response", {"model": "gpt-4o", "input": f"Say: {words}"})
    assert value["truncated"] == f"Shortened: {place}. Name fields to see a part whole."


async def test_characters_that_mislead_are_taken_out(standing: Maker) -> None:
    server = await standing.server()
    made = await server.value("create_a_openai_vector_store", {"name": "a\u202eb\u200bc\x1b[31md\u2066e\U000e0041f"})
    assert made["name"] == "abc[31mdef"
    listed = await server.value("list_all_openai_vector_stores", {"limit": 1})
    assert listed["result"][0]["name"] == "abc[31mdef"


async def test_words_that_need_joiners_keep_them(standing: Maker) -> None:
    server = await standing.server()
    name = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f468\u200d\U0001f469"
    assert (await server.value("create_a_openai_vector_store", {"name": name}))["name"] == name


async def test_sound_becomes_a_file_with_a_link_and_is_heard_when_it_is_short(standing: Maker) -> None:
    server = await standing.server()
    short = await server.call(SPEECH, {"model": "tts-1", "input": "Hello", "voice": "alloy"})
    assert kinds(short) == ["text", "resource_link", "audio"]
    facts, link, sound = short["structuredContent"], short["content"][1], short["content"][2]
    assert (facts["content_type"], link["mimeType"], sound["mimeType"]) == ("audio/mpeg",) * 3
    got = await fetched(server, facts["url"])
    assert (got.status, got.headers["content-type"]) == (200, "audio/mpeg")
    assert base64.b64decode(sound["data"]) == got.content
    assert len(got.content) == facts["bytes"] == link["size"]
    assert link["uri"] == facts["url"]


async def test_long_sound_is_a_link_alone(standing: Maker) -> None:
    server = await standing.server()
    asked = {"model": "tts-1", "input": "A long story. " * 100, "voice": "alloy", "response_format": "wav"}
    result = await server.call(SPEECH, asked)
    assert kinds(result) == ["text", "resource_link"]
    assert size(result) < 2000
    assert len((await fetched(server, result["structuredContent"]["url"])).content) > 262_144


async def test_picture_in_json_becomes_a_file_and_is_seen_when_it_is_small(standing: Maker) -> None:
    server = await standing.server()
    result = await server.call(IMAGE, {"model": "gpt-image-1.5", "prompt": "a red lighthouse", "size": "1024x1024"})
    assert kinds(result) == ["text", "resource_link", "image"]
    told = result["structuredContent"]["data"][0]["b64_json"]
    assert set(told) == {"file", "url", "content_type", "bytes", "width", "height"}
    picture = await fetched(server, told["url"])
    assert (picture.headers["content-type"], len(picture.content)) == ("image/png", told["bytes"])
    assert base64.b64decode(result["content"][2]["data"]) == picture.content


async def test_binary_of_no_known_kind_never_comes_as_base64(standing: Maker) -> None:
    server = await standing.server()
    content = bytes(range(256)) * 20
    file = {"base64": base64.b64encode(content).decode(), "filename": "blob.bin"}
    made = await server.value("create_a_openai_file", {"purpose": "user_data", "file": file})
    result = await server.call("openai_files_content", {"id": made["id"]})
    assert kinds(result) == ["text", "resource_link"]
    assert base64.b64encode(content[:60]).decode() not in str(result)
    assert (await fetched(server, result["structuredContent"]["url"])).content == content


async def test_text_file_has_a_preview(standing: Maker) -> None:
    server = await standing.server()
    lines = "".join(f'{{"n": {i}}}\n' for i in range(1000))
    made = await server.value(
        "create_a_openai_file", {"purpose": "user_data", "file": {"text": lines, "filename": "a.jsonl"}}
    )
    value = await server.value("openai_files_content", {"id": made["id"]})
    assert value["preview"] == lines[:2000]


async def test_stored_file_can_be_given_to_the_next_tool(standing: Maker) -> None:
    server = await standing.server()
    spoken = await server.value(SPEECH, {"model": "tts-1", "input": "Good morning everyone", "voice": "alloy"})
    heard = await server.value(
        "create_a_openai_transcription", {"model": "whisper-1", "file": {"file": spoken["file"]}}
    )
    assert heard["text"] == "Good morning everyone"


async def test_plain_text_comes_as_text_and_whole_as_a_file_when_it_is_long(standing: Maker) -> None:
    server = await standing.server()
    story = " ".join(f"Sentence number {i}." for i in range(100))
    spoken = await server.value(SPEECH, {"model": "tts-1", "input": story, "voice": "alloy"})
    asked = {"model": "whisper-1", "file": {"file": spoken["file"]}, "response_format": "text"}
    whole = (await server.value("create_a_openai_transcription", asked))["text"]
    assert story in whole
    narrow = await standing.server(result_limit=1000)
    result = await narrow.call("create_a_openai_transcription", asked)
    value = result["structuredContent"]
    left = f"{len(whole) - len(value['text'])} more characters; the whole text is at the url."
    assert value["truncated"] == f"{left} Call again with next_cursor to go on."
    parts = [value]
    while cursor := parts[-1].get("next_cursor"):
        parts.append(await narrow.value("create_a_openai_transcription", {"next_cursor": cursor}))
    assert "".join(each["text"] for each in parts) == whole
    assert max(size(each) for each in parts) <= 1000
    assert (await fetched(narrow, value["url"])).content.decode() == whole
    assert kinds(result) == ["text", "resource_link"]


async def test_notes_and_previews_count_like_everything_else(standing: Maker) -> None:
    server = await standing.server(result_limit=1000)
    text = '"Quoted", and\n' * 1000
    made = await server.value("create_a_openai_file", {"purpose": "user_data", "file": {"text": text, "name": "a.txt"}})
    content = await server.value("openai_files_content", {"id": made["id"]})
    assert text.startswith(content["preview"])
    assert size(content) <= 1000
    fields = ["id", "filename", *(f"nothing_of_that_name_{number}" for number in range(12))]
    listed = await server.value("list_all_openai_files", {"limit": 100, "fields": fields})
    assert listed["fields"]["not_found"]
    assert size(listed) <= 1000


async def test_answer_without_a_body_says_that_it_is_done(standing: Maker, standing_world: World) -> None:
    server = await standing.server()
    made = await server.value("create_a_openai_vector_store", {"name": "x"})
    assert (await server.value("delete_a_openai_vector_store_by_id", {"id": made["id"]}))["deleted"] is True


async def test_dry_run_shows_the_request_without_the_key_and_sends_nothing(
    standing: Maker, standing_world: World
) -> None:
    server = await standing.server()
    before = len(standing_world.requests)
    value = await server.value("create_a_openai_vector_store", {"name": "x", "dry_run": True})
    assert len(standing_world.requests) == before
    assert value["request"]["body"] == {"name": "x"}
    assert "sk-" not in str(value)


async def test_stream_that_a_model_asks_for_comes_as_one_answer(standing: Maker) -> None:
    server = await standing.server()
    asked = {"model": "gpt-4o", "input": "Say: hi", "extra": {"stream": True}}
    assert (await server.value("create_a_openai_response", asked))["status"] == "completed"


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26"])
async def test_links_and_sounds_are_text_for_clients_from_before_there_were_blocks_for_them(
    standing: Maker, version: str
) -> None:
    server = (await standing.server()).speaking(version)
    arguments = {"model": "tts-1", "input": "Hello", "voice": "alloy"}
    result = await server.result("tools/call", {"name": SPEECH, "arguments": arguments})
    assert kinds(result)[:2] == ["text", "text"]
    assert result["content"][1]["text"].startswith("speech.mp3: https://portico.test/file/")
    assert kinds(result)[2] == ("text" if version == "2024-11-05" else "audio")
