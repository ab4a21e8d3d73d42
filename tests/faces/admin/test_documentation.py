"""/documentation: what definitions say, and what an environment says in its place."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("documentation")) as opened:
        yield opened


async def installed(stage: Stage) -> str:
    got = await stage.client.get("/environment-integration", **{"integration.name": "openai"})
    return got.json["result"][0]["id"]


async def rows(stage: Stage, **query: Any) -> list[Json]:
    got = await stage.client.get("/documentation", **query)
    assert got.status == 200, got.content
    assert got.json["result_count"] == len(got.json["result"])
    return got.json["result"]


async def write(stage: Stage, **body: Any) -> Json:
    got = await stage.client.post("/documentation", {"entity_id": await installed(stage), **body})
    assert got.status == 201, got.content
    return got.json


async def tool(stage: Stage, name: str, **query: Any) -> Json:
    got = await stage.client.get(f"/integrated-account/{stage.account_id}/tools", methods=name, **query)
    [found] = got.json["result"]
    return found


async def test_a_definitions_texts_are_rows(stage: Stage) -> None:
    found = await rows(stage, integration_id="openai", resource="projects", method="create")
    by_type = {each["type"]: each for each in found}
    assert set(by_type) == {"description", "body_schema", "response_schema"}
    described = by_type["description"]
    assert described["entity_type"] == "integration"
    assert described["entity_id"] == described["integration_name"] == "openai"
    assert "name" in msgspec.json.decode(by_type["body_schema"]["content"])["properties"]
    got = await stage.client.get(f"/documentation/{described['id']}")
    assert got.json == described


async def test_every_row_comes_once_over_all_pages(stage: Stage) -> None:
    everything = await rows(stage, integration_id="openai", limit="1000", type="description")
    seen: list[str] = []
    cursor = ""
    while True:
        query = {"integration_id": "openai", "type": "description", "limit": "100", "next_cursor": cursor}
        page = (await stage.client.get("/documentation", **query)).json
        seen += [each["id"] for each in page["result"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [each["id"] for each in everything]
    assert len(seen) == len(set(seen)) > 300


async def test_a_description_of_ones_own_is_the_tools_until_it_is_taken_back(stage: Stage) -> None:
    before = await tool(stage, "list_all_openai_users")
    row = await write(stage, type="description", resource="users", method="list", content="Whoever works here.")
    assert (await tool(stage, "list_all_openai_users"))["description"] == "Whoever works here."
    changed = await stage.client.patch(f"/documentation/{row['id']}", {"content": "Everybody."})
    assert changed.json == {**row, "content": "Everybody.", "updated_at": changed.json["updated_at"]}
    assert (await tool(stage, "list_all_openai_users"))["description"] == "Everybody."
    assert (await stage.client.delete(f"/documentation/{row['id']}")).json == {"id": row["id"]}
    assert await tool(stage, "list_all_openai_users") == before
    assert (await stage.client.get(f"/documentation/{row['id']}")).status == 404


async def test_a_model_reads_no_signs_that_mislead_and_no_more_than_its_program_takes(stage: Stage) -> None:
    about = {"resource": "users", "method": "list"}
    row = await write(stage, type="description", content="Who\u202e works\u200b here.\x00" + "w" * 3_000, **about)
    shown: str = (await tool(stage, "list_all_openai_users"))["description"]
    assert shown.startswith("Who works here.ww")
    assert shown.endswith("w…")
    assert len(shown) == 800
    await stage.client.delete(f"/documentation/{row['id']}")
    schema = {"type": "object", "properties": {"limit": {"description": "How\u202e many"}}}
    row = await write(stage, type="query_schema", content=msgspec.json.encode(schema).decode(), **about)
    assert (await tool(stage, "list_all_openai_users"))["query_schema"]["properties"]["limit"][
        "description"
    ] == "How many"
    await stage.client.delete(f"/documentation/{row['id']}")


async def test_what_is_written_for_the_installation_wins_over_the_integration(stage: Stage) -> None:
    about = {"type": "description", "resource": "groups", "method": "list"}
    general = {"entity_id": "openai", "entity_type": "integration", "content": "Of all.", **about}
    assert (await stage.client.post("/documentation", general)).status == 201
    assert (await tool(stage, "list_all_openai_groups"))["description"] == "Of all."
    await write(stage, content="Of ours.", **about)
    assert (await tool(stage, "list_all_openai_groups"))["description"] == "Of ours."
    contents = {each["content"] for each in await rows(stage, integration_id="openai", **about)}
    assert "Of all." in contents
    assert len(contents) == 2
    [ours] = await rows(stage, environment_integration_id=await installed(stage), **about)
    assert ours["content"] == "Of ours."


async def test_a_schema_of_ones_own_is_shown_and_enforced(stage: Stage) -> None:
    schema = {"type": "object", "properties": {"name": {"pattern": "^team-", "description": "How teams are called."}}}
    content = msgspec.json.encode(schema).decode()
    row = await write(stage, type="body_schema", resource="projects", method="create", content=content)
    shown = (await tool(stage, "create_a_openai_project"))["body_schema"]["properties"]["name"]
    assert (shown["pattern"], shown["description"]) == ("^team-", "How teams are called.")
    assert (await stage.refusal("create_a_openai_project", {"name": "other"}))["code"] == "invalid_arguments"
    await stage.client.delete(f"/documentation/{row['id']}")
    await stage.value("create_a_openai_project", {"name": "other"})


async def test_texts_about_the_whole_are_kept_as_they_are(stage: Stage) -> None:
    row = await write(stage, type="readme", content="# Ours\n\n{{not a placeholder}}")
    assert (row["resource"], row["method"], row["integration_name"]) == (None, None, "openai")
    found = await rows(stage, environment_integration_id=await installed(stage), type="readme")
    assert found == [row]


async def test_a_place_holds_one_text_of_a_type(stage: Stage) -> None:
    await write(stage, type="note", content="first")
    body = {"entity_id": await installed(stage), "type": "note", "content": "second"}
    got = await stage.client.post("/documentation", body)
    assert (got.status, got.json["code"]) == (409, "already_exists")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"type": "description", "resource": "nothing", "method": "list", "content": "x"}, "resource"),
        ({"type": "description", "resource": "users", "method": "burn", "content": "x"}, "method"),
        ({"type": "description", "resource": "users", "method": "list", "content": ""}, "content"),
        ({"type": "description", "resource": "users", "method": "list", "content": " \n "}, "content"),
        ({"type": "query_schema", "resource": "users", "content": "{}"}, "method"),
        ({"type": "query_schema", "resource": "users", "method": "list", "content": "type: object"}, "content"),
        (
            {"type": "query_schema", "resource": "users", "method": "list", "content": '{"properties": {"x": {}}}'},
            "content.properties.x",
        ),
        ({"type": "poem", "content": "x"}, "type"),
    ],
)
async def test_what_cannot_stand_there_is_refused(stage: Stage, body: Json, path: str) -> None:
    got = await stage.client.post("/documentation", {"entity_id": await installed(stage), **body})
    assert got.status == 400, got.content
    assert [each["path"] for each in got.json["details"]["failures"]] == [path]


async def test_definitions_cannot_be_written_here(stage: Stage) -> None:
    [row] = await rows(stage, integration_id="openai", resource="users", method="get", type="description")
    assert (await stage.client.patch(f"/documentation/{row['id']}", {"content": "x"})).status == 403
    assert (await stage.client.delete(f"/documentation/{row['id']}")).status == 403


async def test_a_list_needs_to_know_of_what(stage: Stage) -> None:
    assert (await stage.client.get("/documentation")).status == 400
    assert (await stage.client.get("/documentation", integration_id="nothing")).status == 404
    assert (await stage.client.get("/documentation", unified_model_id="nothing")).status == 404
    assert (await stage.client.get("/documentation", integration_id="openai", next_cursor="x")).status == 400


async def test_a_unified_model_says_what_it_is(stage: Stage) -> None:
    found = await rows(stage, unified_model_id="user-directory")
    assert {each["resource"] for each in found if each["type"] == "description"} >= {"users", "roles"}
    assert (await stage.client.get(f"/documentation/{found[1]['id']}")).json == found[1]


async def test_texts_go_with_what_they_are_about(stage: Stage) -> None:
    await write(stage, type="end_user_guide", content="x")
    identity = await installed(stage)
    assert (await stage.client.delete(f"/environment-integration/{identity}")).status == 200
    assert (await stage.client.get("/documentation", environment_integration_id=identity)).status == 404
    again = await stage.client.post("/environment-integration", {"integration": "openai"})
    assert await rows(stage, environment_integration_id=again.json["id"]) == []
