"""Many tools behind a few: found by words, described, run, with reading and changing kept apart."""

from typing import Any

import pytest
import pytest_asyncio

from tests.faces.mcp.speaker import NEW, Maker, Speaker

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def few(standing: Maker) -> Speaker:
    return await standing.server(tool_exposure="discovery")


async def found(server: Speaker, query: str, **more: Any) -> list[str]:
    value = await server.value("search_tools", {"query": query, **more})
    return [each["name"] for each in value.get("result", ())]


async def test_few_tools_say_what_they_may_do_to_the_account(few: Speaker) -> None:
    tools = await few.tools()
    hints = {
        name: (each["annotations"]["readOnlyHint"], each["annotations"]["destructiveHint"])
        for name, each in tools.items()
    }
    assert hints == {
        "search_tools": (True, False),
        "get_tool_schema": (True, False),
        "call_read_tool": (True, False),
        "call_write_tool": (False, True),
    }
    words = (await few.result("initialize"))["instructions"]
    assert all(name in words for name in tools)
    assert (await few.speaking(NEW).result("server/discover"))["instructions"] == words


@pytest.mark.parametrize("config", [{"read_only": True}, {"methods": ["read"]}])
async def test_server_that_changes_nothing_lists_nothing_that_could(standing: Maker, config: dict[str, Any]) -> None:
    server = await standing.server(tool_exposure="discovery", **config)
    assert [*await server.tools()] == ["search_tools", "get_tool_schema", "call_read_tool"]
    assert "call_write_tool" not in (await server.result("initialize"))["instructions"]


async def test_search_answers_names_sentences_and_how_to_call(few: Speaker) -> None:
    value = await few.value("search_tools", {"query": "list projects", "limit": 3})
    assert len(value["result"]) == 3
    first = value["result"][0]
    assert first["name"] == "list_all_openai_projects"
    assert first["does"].startswith("Projects with name")
    assert (first["required"], first["call_with"]) == ([], "call_read_tool")
    made = await few.value("search_tools", {"query": "create_a_openai_project"})
    assert (made["result"][0]["name"], made["result"][0]["call_with"]) == ("create_a_openai_project", "call_write_tool")


@pytest.mark.parametrize("limit", [1, 8, 25])
async def test_search_answers_as_many_as_were_asked_for(few: Speaker, limit: int) -> None:
    assert len(await found(few, "project user role file model usage", limit=limit)) == limit


async def test_search_answers_eight_unless_told_otherwise(few: Speaker) -> None:
    assert len(await found(few, "project user role file model usage")) == 8


@pytest.mark.parametrize("limit", [-1, 0, 26, "many", 2.5, True])
async def test_search_refuses_a_limit_it_does_not_keep(few: Speaker, limit: Any) -> None:
    refusal = await few.refusal("search_tools", {"query": "files", "limit": limit})
    assert refusal["failures"] == [{"argument": "limit", "problem": "must be a whole number", "allowed": "1 to 25"}]


async def test_search_can_be_narrowed_to_an_area(few: Speaker) -> None:
    names = await found(few, "list", tag="batches") or await found(few, "batch", tag="batches")
    assert names
    assert all("batch" in name for name in names)
    refusal = await few.refusal("search_tools", {"query": "x", "tag": "filez"})
    assert refusal["failures"][0]["problem"] == "is 'filez'"
    assert "vector_stores" in refusal["failures"][0]["allowed"]


async def test_search_that_finds_nothing_shows_all_names_by_resource(few: Speaker) -> None:
    value = await few.value("search_tools", {"query": "xyzzy"})
    assert value["note"].startswith("Nothing matches")
    assert "list_all_openai_files" in value["tools"]["files"]
    narrowed = await few.value("search_tools", {"query": "", "tag": "batches"})
    assert set(narrowed["tools"]) == {"batch", "batches"}


async def test_search_finds_only_what_the_server_offers(standing: Maker) -> None:
    server = await standing.server(tool_exposure="discovery", methods=["read"], tags=["files"])
    assert set(await found(server, "file delete upload create list", limit=25)) == {
        "list_all_openai_files", "get_single_openai_file_by_id", *await found(server, "file content"),
    }  # fmt: skip
    assert "delete_a_openai_file_by_id" not in await found(server, "delete_a_openai_file_by_id")
    assert "delete_a_openai_file_by_id" not in str(await server.value("search_tools", {"query": "xyzzy"}))


async def test_description_holds_the_schema_that_the_whole_list_would(few: Speaker, standing_speaker: Speaker) -> None:
    names = ["list_all_openai_projects", "create_a_openai_response"]
    value = await few.value("get_tool_schema", {"tool_names": names})
    whole = await standing_speaker.tools()
    assert value["result"] == [
        {"name": name, "description": whole[name]["description"], "input_schema": whole[name]["inputSchema"]}
        for name in names
    ]
    alone = await few.value("get_tool_schema", {"tool_names": names[0]})
    assert alone["result"] == value["result"][:1]


async def test_description_takes_aliases_and_suggests_for_what_is_not_there(few: Speaker, standing: Maker) -> None:
    value = await few.value(
        "get_tool_schema", {"tool_names": ["list_all_open_ai_files", "list_all_openai_fils", "zzz"]}
    )
    assert value["result"][0]["name"] == "list_all_openai_files"
    assert value["result"][1]["error"].startswith(
        "There is no tool 'list_all_openai_fils'; nearest: list_all_openai_files"
    )
    assert value["result"][2]["error"] == "There is no tool 'zzz'; search_tools finds tools."
    narrow = await standing.server(tool_exposure="discovery", tags=["batches"])
    hidden = await narrow.value("get_tool_schema", {"tool_names": ["list_all_openai_files"]})
    assert "error" in hidden["result"][0]


@pytest.mark.parametrize("names", [None, [], ["a"] * 6, 5])
async def test_description_takes_one_to_five_names(few: Speaker, names: Any) -> None:
    refusal = await few.refusal("get_tool_schema", {"tool_names": names})
    assert refusal["failures"] == [{"argument": "tool_names", "problem": "must be a list", "allowed": "1 to 5 names"}]


@pytest.mark.parametrize("caller", ["call_read_tool", "call_write_tool", "call_tool"])
async def test_reading_tool_runs_under_every_caller(few: Speaker, caller: str) -> None:
    value = await few.value(caller, {"tool_name": "list_all_openai_models", "arguments": {}})
    assert value["result"][0]["object"] == "model"
    assert value == await few.value(caller, {"name": "list_all_open_ai_models"})


async def test_changing_tool_does_not_run_where_only_reading_was_approved(few: Speaker) -> None:
    asked = {"tool_name": "create_a_openai_vector_store", "arguments": {"name": "x"}}
    before = await few.value("list_all_openai_vector_stores")
    refusal = await few.refusal("call_read_tool", asked)
    assert refusal["error"] == "create_a_openai_vector_store changes something; run it with call_write_tool."
    assert (await few.value("list_all_openai_vector_stores"))["result"] == before["result"]
    alias = {"tool_name": "create_a_open_ai_vector_store", "arguments": {"name": "x"}}
    assert "run it with call_write_tool" in (await few.refusal("call_read_tool", alias))["error"]
    assert (await few.value("call_write_tool", asked))["name"] == "x"


@pytest.mark.parametrize("caller", ["call_read_tool", "call_write_tool"])
async def test_call_of_what_is_not_there_suggests_what_is(few: Speaker, caller: str) -> None:
    refusal = await few.refusal(caller, {"tool_name": "list_openai_files"})
    assert refusal["code"] == "not_found"
    assert refusal["error"].startswith("There is no tool 'list_openai_files'; nearest: list_all_openai_files")
    for arguments, words in (
        ({}, "tool_name: is required"),
        ({"tool_name": "x", "arguments": [1]}, "must be an object"),
        ({"tool_name": "x", "arguments": "[1]"}, "must be an object"),
        ({"tool_name": "x", "arguments": "one"}, "must be an object"),
    ):
        assert words in (await few.refusal(caller, arguments))["error"]


async def test_arguments_may_be_written_as_text(few: Speaker) -> None:
    call = {"tool_name": "list_all_openai_models", "arguments": '{"limit": 2, "fields": "id"}'}
    value = await few.value("call_read_tool", call)
    assert (len(value["result"]), bool(value["next_cursor"])) == (2, True)


async def test_filters_and_constraints_hold_through_the_few_too(standing: Maker) -> None:
    server = await standing.server(
        tool_exposure="discovery", tags=["responses"], arguments={"model": {"enum": ["gpt-4o"]}}
    )
    outside = await server.refusal("call_read_tool", {"tool_name": "list_all_openai_files"})
    assert "does not offer" in outside["error"]
    call = {"tool_name": "create_a_openai_response", "arguments": {"model": "gpt-5", "input": "hi"}}
    assert "a limit of this server" in (await server.refusal("call_write_tool", call))["error"]


async def test_refusal_through_the_few_carries_the_tools_schema(few: Speaker) -> None:
    refusal = await few.refusal(
        "call_read_tool", {"tool_name": "get_single_openai_file_by_id", "arguments": {"ident": 1}}
    )
    assert refusal["input_schema"]["required"] == ["id"]
    assert "is not an argument" in refusal["error"]


async def test_real_tools_can_be_called_by_name_all_the_same(few: Speaker) -> None:
    assert (await few.value("list_all_openai_models"))["result"]


@pytest.mark.parametrize("caller", ["call_write_tool", "call_tool"])
async def test_argument_in_the_wrong_place_is_refused_and_nothing_runs(few: Speaker, caller: str) -> None:
    before = await few.value("list_all_openai_vector_stores")
    asked = {"tool_name": "create_a_openai_vector_store", "arguments": {"name": "x"}, "dry_run": True}
    refusal = await few.refusal(caller, asked)
    assert refusal["error"] == (
        f"dry_run: is not an argument of {caller}; what the called tool takes goes into arguments; "
        "allowed: tool_name, arguments, name"
    )
    assert await few.value("list_all_openai_vector_stores") == before
    assert (await few.refusal("search_tools", {"qeury": "files"}))["error"].startswith("qeury: is not an argument of")
    assert (await few.refusal("get_tool_schema", {"names": ["x"]}))["failures"][0]["allowed"] == "tool_names"
    assert (await few.value("search_tools", {"query": "files", "tag": None}))["result"]


async def test_the_few_do_not_run_one_another(few: Speaker) -> None:
    refusal = await few.refusal("call_read_tool", {"tool_name": "search_tools", "arguments": {"query": "files"}})
    assert refusal["error"] == "There is no tool 'search_tools' behind another; call it by its own name."


async def test_search_keeps_to_the_size_of_answers(standing: Maker) -> None:
    server = await standing.server(tool_exposure="discovery", result_limit=1000)
    result = await server.call("search_tools", {"query": "files", "limit": 25})
    found = result["structuredContent"]
    assert len(result["content"][0]["text"]) <= 1000
    assert found["truncated"].startswith(f"{len(found['result'])} of 25 fit; say more exactly")


async def test_name_that_is_longer_than_any_answer_is_said_back_in_part(few: Speaker) -> None:
    value = await few.value("get_tool_schema", {"tool_names": ["a" * 100_000]})
    assert value["result"][0]["name"] == "a" * 100
    assert len(str(value)) < 400
