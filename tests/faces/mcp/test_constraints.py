"""`arguments`: what a server allows an argument to be is shown to the model and held against every spelling of it."""

from typing import Any

import pytest

from tests.faces.mcp.speaker import Json, Maker, Speaker

pytestmark = pytest.mark.asyncio(loop_scope="module")
USAGE = "list_all_openai_usage_completions"
RESPONSE, PROJECT = "create_a_openai_response", "get_single_openai_project_by_id"
ONE, TWO, STEM = {"enum": ["proj_a"]}, {"enum": ["proj_a", "proj_b"]}, {"pattern": "^proj_a"}
COOL: Json = {"temperature": {"maximum": 1}}
SHORT, LOW = {"max_output_tokens": {"maximum": 99}}, {"reasoning_effort": {"enum": ["low"]}}


async def test_constraint_is_written_into_the_schema_that_a_model_sees(standing: Maker) -> None:
    server = await standing.server(
        arguments={"model": {"enum": ["gpt-4o", "gpt-4o-mini"]}, "max_output_tokens": {"maximum": 99}}
    )
    properties = (await server.tools())[RESPONSE]["inputSchema"]["properties"]
    assert properties["model"]["enum"] == ["gpt-4o", "gpt-4o-mini"]
    assert properties["model"]["description"]
    assert (properties["max_output_tokens"]["minimum"], properties["max_output_tokens"]["maximum"]) == (16, 99)
    words: str = (await server.result("initialize"))["instructions"]
    assert words.endswith("Limited here: model, max_output_tokens.")


async def test_argument_with_a_list_of_values_must_be_given(standing: Maker) -> None:
    server = await standing.server(arguments={"model": {"enum": ["gpt-4o", "gpt-4o-mini"]}})
    assert "model" in (await server.tools())[RESPONSE]["inputSchema"]["required"]
    refusal = await server.refusal(RESPONSE, {"input": "hi"})
    assert refusal["failures"] == [
        {"argument": "model", "problem": "must be given on this server", "allowed": "gpt-4o, gpt-4o-mini"}
    ]


async def test_only_allowed_value_is_filled_in(standing: Maker) -> None:
    server = await standing.server(arguments={"model": {"const": "gpt-4o-mini"}})
    value = await server.value(RESPONSE, {"input": "hi", "dry_run": True})
    assert value["request"]["body"]["model"] == "gpt-4o-mini"


async def test_only_allowed_value_of_what_is_required_is_filled_in_and_not_asked_for(standing: Maker) -> None:
    for constraint in ({"const": "proj_a"}, ONE):
        server = await standing.server(arguments={"project_id": constraint}, comforts_off=["names"])
        tools = await server.tools()
        assert "required" not in tools[PROJECT]["inputSchema"]
        assert tools["update_a_openai_project_by_id"]["inputSchema"].get("required", []) == []
        value = await server.value(PROJECT, {"dry_run": True})
        assert value["request"]["url"].endswith("/organization/projects/proj_a")
        assert (await server.refusal(PROJECT, {"id": "proj_b"}))["code"] == "invalid_arguments"
        assert (await server.refusal(PROJECT, {"extra": {"id": None}}))["code"] == "invalid_arguments"


async def test_only_allowed_value_may_be_a_name_or_a_time_as_it_is_said(standing: Maker) -> None:
    ours = await (await standing.server()).value("create_a_openai_project", {"name": "Only"})
    server = await standing.server(arguments={"project_id": {"const": "Only"}, "start_time": {"const": "yesterday"}})
    assert (await server.value(PROJECT, {}))["id"] == ours["id"]
    value = await server.value(USAGE, {"dry_run": True})
    assert "start_time=1" in value["request"]["url"]
    assert value["understood"]["start_time"]


async def test_default_is_held_to_the_bound_too(standing: Maker) -> None:
    server = await standing.server(arguments={"limit": {"maximum": 2}})
    for tool in ("list_all_openai_users", "list_all_openai_models"):
        listed = (await server.tools())[tool]["inputSchema"]["properties"]["limit"]
        assert listed["maximum"] == 2
        assert (await server.refusal(tool, {"limit": 3}))["failures"][0]["argument"] == "limit"
    assert (await server.value("list_all_openai_users", {"dry_run": True}))["request"]["url"].endswith("?limit=2")


async def test_page_whose_size_the_vendor_does_not_tell_is_held_to_the_bound_too(standing: Maker) -> None:
    small, large = [await standing.server(arguments={"limit": {"maximum": most}}) for most in (2, 500)]
    for server, size in ((small, 2), (large, 20)):
        for tool, more in (("list_all_openai_webhook_endpoints", {}), (USAGE, {"start_time": 1})):
            value = await server.value(tool, {**more, "dry_run": True})
            assert f"limit={size}" in value["request"]["url"]
    models = await small.value("list_all_openai_models", {})
    assert (models["result_count"], bool(models["next_cursor"])) == (2, True)
    assert (await large.value("list_all_openai_models", {}))["next_cursor"] is None
    least = await standing.server(arguments={"limit": {"minimum": 30}})
    value = await least.value("list_all_openai_webhook_endpoints", {"dry_run": True})
    assert "limit=30" in value["request"]["url"]
    assert (await least.value("list_all_openai_models", {}))["next_cursor"] is None


SIZES: list[Json] = [{"maximum": 3}, {"enum": [2, 5, 300]}, {"const": 4}]


@pytest.mark.parametrize("constraint", SIZES, ids=str)
async def test_report_fits_its_pages_into_what_a_server_allows(standing: Maker, constraint: Json) -> None:
    free, server = await standing.server(), await standing.server(arguments={"limit": constraint})
    for tool in ("openai_access_report", "openai_key_audit"):
        assert await server.value(tool, {}) == await free.value(tool, {})


async def test_bound_on_something_else_than_a_page_leaves_what_is_not_said_alone(standing: Maker) -> None:
    server = await standing.server(arguments=SHORT)
    value = await server.value(RESPONSE, {"model": "a", "input": "hi", "dry_run": True})
    assert "max_output_tokens" not in value["request"]["body"]


async def test_default_that_nothing_allowed_is_near_to_must_be_said_otherwise(standing: Maker) -> None:
    server = await standing.server(arguments={"limit": {"not": {"const": 20}}})
    refusal = await server.refusal("list_all_openai_users", {})
    assert refusal["failures"] == [
        {"argument": "limit", "problem": "must be given on this server: its default, 20, is not allowed"}
    ]


REFUSED: dict[str, tuple[Json, str, Json]] = {
    # the server's constraints, the tool, the arguments that try to get past them
    "another value": ({"model": {"enum": ["a"]}}, RESPONSE, {"model": "b"}),
    "above the bound": (SHORT, RESPONSE, {"model": "a", "max_output_tokens": 100}),
    "a number as text": (SHORT, RESPONSE, {"model": "a", "max_output_tokens": "100"}),
    "through extra": ({"model": {"enum": ["a"]}}, RESPONSE, {"extra": {"model": "b"}}),
    "null through extra": ({"model": {"enum": ["a"]}}, RESPONSE, {"extra": {"model": None}}),
    "a rare argument through extra": (COOL, RESPONSE, {"model": "a", "extra": {"temperature": 2}}),
    "from within an object": (LOW, RESPONSE,
        {"model": "a", "reasoning_effort": "low", "extra": {"reasoning": {"effort": "high"}}}),
    "by its place in the body": (LOW, RESPONSE,
        {"model": "a", "reasoning_effort": "low", "extra": {"reasoning.effort": "high"}}),
    "one item of a list": ({"project_ids": ONE}, USAGE, {"start_time": 1, "project_ids": ["proj_a", "proj_b"]}),
    "one item for a list": ({"project_ids": ONE}, USAGE, {"start_time": 1, "project_ids": "proj_b"}),
    "a list in one text": ({"project_ids": STEM}, USAGE, {"start_time": 1, "extra": {"project_ids": "proj_a,proj_b"}}),
    "the vendor's spelling": ({"project_ids": STEM}, USAGE, {"start_time": 1, "extra": {"project_ids[]": ["proj_b"]}}),
    "with a number": ({"project_ids": STEM}, USAGE, {"start_time": 1, "extra": {"project_ids[0]": "proj_b"}}),
    "in another case": ({"project_ids": STEM}, USAGE, {"start_time": 1, "extra": {"Project_IDs[]": "proj_b"}}),
    "an id by its own name": ({"project_id": ONE}, PROJECT, {"project_id": "proj_b"}),
    "an id as id": ({"project_id": ONE}, PROJECT, {"id": "proj_b"}),
    "an id through extra": ({"project_id": ONE}, PROJECT, {"extra": {"id": "proj_b"}}),
    "an id limited as id": ({"id": ONE}, PROJECT, {"project_id": "proj_b"}),
    "both names limited": ({"id": {"pattern": "^proj_"}, "project_id": {"pattern": "a$"}}, PROJECT, {"id": "proj_b"}),
    "a parent": ({"project_id": ONE}, "list_all_openai_project_users", {"project_id": "proj_b"}),
    "by the tool's alias": ({"project_id": ONE}, "get_single_open_ai_project_by_id", {"id": "proj_b"}),
    "none of the excluded": ({"model": {"not": {"pattern": "^gpt-5"}}}, RESPONSE, {"model": "gpt-5"}),
}  # fmt: skip


@pytest.mark.parametrize("case", list(REFUSED))
async def test_constraint_holds_however_the_argument_is_spelt(standing: Maker, case: str) -> None:
    constraints, tool, arguments = REFUSED[case]
    server = await standing.server(arguments=constraints, comforts_off=["names"])
    refusal = await server.refusal(tool, {**arguments, "dry_run": True})
    assert refusal["code"] == "invalid_arguments"
    problems: list[Any] = refusal["failures"]
    assert any("this server" in each["problem"] for each in problems) or case in {
        "a list in one text",
        "null through extra",
    }


ALLOWED: dict[str, tuple[Json, str, Json]] = {
    "the value": ({"model": {"enum": ["a"]}}, RESPONSE, {"model": "a"}),
    "the value through extra": ({"model": {"enum": ["a"]}}, RESPONSE, {"extra": {"model": "a"}}),
    "at the bound": (SHORT, RESPONSE, {"model": "a", "max_output_tokens": "99"}),
    "left out where that is no way around": (SHORT, RESPONSE, {"model": "a"}),
    "all items of a list": ({"project_ids": TWO}, USAGE, {"start_time": 1, "project_ids": ["proj_b", "proj_a"]}),
    "the only item, filled in": ({"project_ids": ONE}, USAGE, {"start_time": 1}),
    "an id": ({"project_id": ONE}, PROJECT, {"id": "proj_a"}),
    "a tool without the argument": ({"project_id": ONE}, "list_all_openai_models", {}),
    "another object around another place": (LOW, RESPONSE,
        {"model": "a", "extra": {"reasoning": {"summary": "auto"}}}),
}  # fmt: skip


@pytest.mark.parametrize("case", list(ALLOWED))
async def test_constraint_lets_through_what_it_allows(standing: Maker, case: str) -> None:
    constraints, tool, arguments = ALLOWED[case]
    server = await standing.server(arguments=constraints, comforts_off=["names"])
    value = await server.value(tool, {**arguments, "dry_run": True})
    assert value["dry_run"] is True
    if case == "the only item, filled in":
        assert "project_ids%5B%5D=proj_a" in value["request"]["url"]


async def test_constraint_may_list_names_where_ids_are_asked_for(standing: Maker) -> None:
    plain: Speaker = await standing.server()
    ours = await plain.value("create_a_openai_project", {"name": "Ours"})
    theirs = await plain.value("create_a_openai_project", {"name": "Theirs"})
    server = await standing.server(arguments={"project_id": {"enum": ["Ours"]}})
    assert (await server.value(PROJECT, {"id": "Ours"}))["id"] == ours["id"]
    for other in ("Theirs", theirs["id"]):
        assert (await server.refusal(PROJECT, {"id": other}))["code"] == "invalid_arguments"


async def test_schema_with_a_refusal_shows_the_constraint_too(standing: Maker) -> None:
    server = await standing.server(arguments={"model": {"enum": ["a", "b"]}})
    refusal = await server.refusal(RESPONSE, {"model": "c"})
    assert refusal["input_schema"]["properties"]["model"]["enum"] == ["a", "b"]
    assert refusal["failures"][0]["problem"] == "is not one of the allowed values (a limit of this server)"
    assert refusal["failures"][0]["allowed"] == "a, b"


async def test_constraint_holds_for_what_a_report_alone_takes(standing: Maker) -> None:
    server = await standing.server(arguments={"top": {"maximum": 5}})
    assert (await server.tools())["openai_costs_report"]["inputSchema"]["properties"]["top"]["maximum"] == 5
    refusal = await server.refusal("openai_costs_report", {"start_time": "last month", "top": 6})
    assert "a limit of this server" in refusal["error"]
    assert await server.value("openai_costs_report", {"start_time": "last month", "top": 5})
