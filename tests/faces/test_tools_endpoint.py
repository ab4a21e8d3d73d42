"""GET /integrated-account/{id}/tools, /capabilities and POST …/tools/{name}: what agents' programs load, and keep."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from portico.catalog.schema import compile_check
from portico.shapes import is_list, is_record
from tests.gateways import Client, connect_account
from tests.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROMISED = (Path(__file__).parents[1] / "catalog" / "promised_tools.txt").read_text().split()
Json = dict[str, Any]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("tools")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def everything(stage: Stage) -> list[Json]:
    return (await stage.client.get(address(stage), include_removed="true")).json["result"]


def address(stage: Stage, account_id: str = "") -> str:
    return f"/integrated-account/{account_id or stage.account_id}/tools"


async def listed(stage: Stage, **query: Any) -> list[str]:
    got = await stage.client.get(address(stage), **query)
    assert got.status == 200, got.content
    return [each["name"] for each in got.json["result"]]


async def test_every_promised_tool_is_listed_by_its_name(everything: list[Json]) -> None:
    assert set(PROMISED) <= {each["name"] for each in everything}


async def test_an_entry_has_every_field_of_the_contract(everything: list[Json]) -> None:
    promised = {
        "name", "resource", "method", "description", "query_schema", "body_schema", "required", "tags", "annotations",
        "response_schema", "lifecycle", "date", "ends", "replacement", "input_schema", "title",
    }  # fmt: skip
    for each in everything:
        assert set(each) == promised
        assert each["query_schema"]["type"] == each["body_schema"]["type"] == "object"
        proxied = {*each["query_schema"]["properties"], *each["body_schema"]["properties"]}
        assert set(each["required"]) <= proxied, each["name"]
        assert not {"dry_run", "fields", "extra"} & proxied, each["name"]


async def test_an_argument_stands_where_the_proxy_api_takes_it(everything: list[Json]) -> None:
    by_name = {each["name"]: each for each in everything}
    create = by_name["create_a_openai_project_service_account"]
    assert "project_id" in create["query_schema"]["properties"]
    assert "name" in create["body_schema"]["properties"]
    search = by_name["list_all_openai_vector_store_search"]
    assert ("query" in search["query_schema"]["properties"], search["body_schema"]["properties"]) == (True, {})
    assert by_name["list_all_openai_costs"]["query_schema"]["properties"]["start_time"]["type"] == "integer"
    assert by_name["list_all_openai_costs"]["input_schema"]["properties"]["start_time"]["type"] == "string"


def leads(schema: Any) -> list[str]:
    """All references in a schema."""
    if is_list(schema):
        return [found for each in schema for found in leads(each)]
    if not is_record(schema):
        return []
    own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
    return own + [found for each in schema.values() for found in leads(each)]


async def test_an_entry_says_what_the_proxy_api_answers(stage: Stage, everything: list[Json]) -> None:
    by_name = {each["name"]: each for each in everything}
    known = [each for each in everything if each["response_schema"] is not None]
    assert len(known) > 350
    for each in known:
        own = {f"#/$defs/{name}" for name in each["response_schema"].get("$defs", {})}
        assert set(leads(each["response_schema"])) == own, each["name"]
    for name in ("openai_files_content", "openai_costs_report", "openai_realtime_calls_accept"):
        assert by_name[name]["response_schema"] is None, "no JSON, or nothing that the vendor knows of"
    made = await stage.proxy("POST", "vector_stores", json={"name": "Shapes"})
    project = (await stage.proxy("POST", "projects", json={"name": "To be archived"})).json["id"]
    answered = {
        "list_all_openai_vector_stores": await stage.proxy("GET", "vector_stores"),
        "get_single_openai_vector_store_by_id": await stage.proxy("GET", f"vector_stores/{made.json['id']}"),
        "create_a_openai_vector_store": made,
        "openai_projects_archive": await stage.proxy("POST", "projects/archive", query={"project_id": project}),
    }
    for name, got in answered.items():
        schema = by_name[name]["response_schema"]
        assert got.status < 300, got.content
        assert compile_check(schema)(got.json) == [], name
        assert compile_check(schema)({"something": "else"}) != [], name


async def test_capabilities_say_of_which_methods_the_answer_is_known(stage: Stage, everything: list[Json]) -> None:
    known = {(each["resource"], each["method"]): each["response_schema"] is not None for each in everything}
    got = await stage.client.get(f"/integrated-account/{stage.account_id}/capabilities")
    told = {
        (each["resource"], method["method"]): method["has_response_schema"]
        for each in got.json["proxy"]
        for method in each["methods"]
    }
    assert told
    assert told == {key: known[key] for key in told}


async def test_methods_and_tags_narrow_together(stage: Stage) -> None:
    read, billing = set(await listed(stage, methods="read")), set(await listed(stage, tags="billing"))
    both = set(await listed(stage, methods="read", tags="billing"))
    assert both == read & billing
    assert both
    assert both < read
    assert await listed(stage, methods="list_all_open_ai_projects") == ["list_all_openai_projects"]
    assert await listed(stage, **{"methods[]": ["projects.archive"]}) == ["openai_projects_archive"]
    assert await listed(stage, methods="read", tags="no-such-area") == []


async def test_switched_off_tools_come_when_asked_for_and_say_since_when(stage: Stage, everything: list[Json]) -> None:
    usual = await listed(stage)
    removed = [each for each in everything if each["name"] not in usual]
    assert {each["lifecycle"] for each in removed} == {"removed"}
    assistant = next(each for each in removed if each["name"] == "create_a_openai_assistant")
    assert (assistant["date"], assistant["replacement"]) == ("2026-08-26", "create_a_openai_response")


async def test_pages_add_up_to_the_whole_list(stage: Stage) -> None:
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        got = await stage.client.get(address(stage), limit=100, next_cursor=cursor)
        assert got.json["result_count"] <= 100
        names += [each["name"] for each in got.json["result"]]
        cursor = got.json["next_cursor"]
    assert names == await listed(stage)
    wrong = await stage.client.get(address(stage), next_cursor="elsewhere")
    assert (wrong.status, wrong.json["details"]["failures"][0]["path"]) == (400, "next_cursor")


@pytest.mark.parametrize("place", ["tools", "capabilities"])
async def test_an_answer_that_is_known_is_not_sent_again(stage: Stage, place: str) -> None:
    path = f"/integrated-account/{stage.account_id}/{place}"
    first = await stage.client.get(path, methods="read")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await stage.client.send("GET", path, query={"methods": "read"}, headers={"if-none-match": known})
        assert (again.status, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await stage.client.send("GET", path, query={"methods": "write"}, headers={"if-none-match": tag})
    assert other.status == 200
    assert other.headers["etag"] != tag


async def test_a_tag_is_no_way_past_the_token(stage: Stage) -> None:
    tag = (await stage.client.get(address(stage))).headers["etag"]
    stranger = await stage.client.as_holder_of(None).send("GET", address(stage), headers={"if-none-match": tag})
    assert stranger.status == 401


async def test_the_tag_changes_with_what_the_account_may_do(stage: Stage) -> None:
    account = await connect_account(stage.client, "halved", api_key="sk-proj-halved", admin_key="sk-admin-halved")
    before = await stage.client.get(address(stage, account["id"]))
    await stage.client.patch(f"/integrated-account/{account['id']}", {"context": {"admin_key": None}})
    after = await stage.client.send(
        "GET", address(stage, account["id"]), headers={"if-none-match": before.headers["etag"]}
    )
    assert after.status == 200
    assert "list_all_openai_projects" not in {each["name"] for each in after.json["result"]}
    refused = await stage.client.post(f"{address(stage, account['id'])}/list_all_openai_projects", {})
    assert refused.json["is_error"]
    assert "admin" in refused.json["structured"]["error"].lower()


async def test_an_account_token_sees_and_runs_its_own_tools_only(stage: Stage) -> None:
    made = await stage.client.post("/integrated-account/token", {"integrated_account_id": stage.account_id})
    own: Client = stage.client.as_holder_of(made.json["integrated_account_token"])
    assert len((await own.get(address(stage))).json["result"]) == len(await listed(stage))
    ran = await own.post(f"{address(stage)}/list_all_openai_models", {"fields": ["id"]})
    assert (ran.status, ran.json["is_error"]) == (200, False)
    other = await connect_account(stage.client, "neighbour")
    for verb, path in (("GET", ""), ("POST", "/list_all_openai_models")):
        assert (await own.send(verb, f"{address(stage, other['id'])}{path}")).status == 404
    assert (await own.get(f"/integrated-account/{other['id']}/capabilities")).status == 404


async def test_a_run_answers_as_mcp_would(stage: Stage) -> None:
    good = await stage.client.post(f"{address(stage)}/list_all_open_ai_models", {"fields": ["id"]})
    assert set(good.json) == {"content", "structured", "is_error", "meta"}
    assert good.json["structured"]["result"][0].keys() == {"id"}
    bad = await stage.client.post(f"{address(stage)}/get_single_openai_file_by_id", {"id": "file-not-there"})
    assert (bad.status, bad.json["is_error"]) == (200, True)
    assert "list_all_openai_files" in bad.json["structured"]["error"]
    unknown = await stage.client.post(f"{address(stage)}/list_all_openai_modells", {})
    assert (unknown.status, "list_all_openai_models" in unknown.sentence) == (404, True)


async def test_what_nobody_described_is_listed_on_request_and_never_run(stage: Stage) -> None:
    account = await connect_account(stage.client, "quiet")
    override = {"resources": {"models": {"list": {"says": ""}}}}
    changed = await stage.client.patch(f"/integrated-account/{account['id']}", {"integration_override": override})
    assert changed.status == 200, changed.content
    name, path = "list_all_openai_models", address(stage, account["id"])
    usual = (await stage.client.get(path)).json["result"]
    asked = (await stage.client.get(path, has_description="false")).json["result"]
    assert (name in {each["name"] for each in usual}, name in {each["name"] for each in asked}) == (False, True)
    assert (await stage.client.post(f"{path}/{name}", {})).json["is_error"]


async def run(stage: Stage, name: str, arguments: Json, key: str) -> Any:
    return await stage.client.send("POST", f"{address(stage)}/{name}", json=arguments, headers={"Idempotency-Key": key})


async def test_a_tool_acts_once_under_an_idempotency_key(stage: Stage) -> None:
    first = await run(stage, "create_a_openai_project", {"name": "Once"}, "tool-once")
    again = await run(stage, "create_a_openai_project", {"name": "Once"}, "tool-once")
    assert first.status == again.status == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    names = [each["name"] for each in (await stage.proxy("GET", "projects", query={"limit": "100"})).json["result"]]
    assert names.count("Once") == 1


async def test_a_tools_idempotency_key_serves_one_request_only(stage: Stage) -> None:
    await run(stage, "create_a_openai_project", {"name": "First of two"}, "tool-two")
    other = await run(stage, "create_a_openai_project", {"name": "Second of two"}, "tool-two")
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")


async def test_of_two_tool_calls_at_once_under_one_key_one_acts(stage: Stage) -> None:
    calls = [run(stage, "create_a_openai_project", {"name": "At once"}, "tool-at-once") for _ in range(3)]
    got = await asyncio.gather(*calls)
    assert len({each.content for each in got}) == 1
    assert sum("idempotent-replayed" in each.headers for each in got) == 2


async def test_a_vendors_refusal_of_a_tool_is_told_again(stage: Stage) -> None:
    first = await run(stage, "update_a_openai_project_by_id", {"id": "proj_none", "name": "x"}, "tool-refused")
    stage.clear()
    again = await run(stage, "update_a_openai_project_by_id", {"id": "proj_none", "name": "x"}, "tool-refused")
    assert first.json["is_error"]
    assert again.content == first.content
    assert not stage.seen()


async def test_a_tool_call_that_never_left_keeps_its_key_unused(stage: Stage) -> None:
    refused = await run(stage, "create_a_openai_project", {}, "tool-again")
    assert refused.json["is_error"]
    mended = await run(stage, "create_a_openai_project", {"name": "Mended"}, "tool-again")
    assert not mended.json["is_error"], mended.content
    assert (await run(stage, "no_such_tool", {}, "tool-missing")).status == 404
    assert (await run(stage, "create_a_openai_project", {"name": "Found"}, "tool-missing")).status == 200


async def test_a_tool_call_that_was_cut_off_is_not_made_again(stage: Stage) -> None:
    stage.fault("reset", path="/v1/organization/projects", verb="POST", times=1)
    cut = await run(stage, "create_a_openai_project", {"name": "Cut off"}, "tool-cut")
    stage.clear()
    assert cut.json["is_error"], cut.content
    again = await run(stage, "create_a_openai_project", {"name": "Cut off"}, "tool-cut")
    assert (again.status, again.json["code"]) == (409, "outcome_unknown")
    assert not stage.seen()


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "path", ["/api-token", "/unified/user-directory/groups?integrated_account_id={}", "/integrated-account/{}/tools/x"]
)
async def test_a_form_where_json_is_expected_is_called_a_form(stage: Stage, path: str) -> None:
    sent = stage.client.send
    address = path.format(stage.account_id)
    got = await sent("POST", address, content=b"name=x", headers={"content-type": f"{FORM}; charset=utf-8"})
    assert got.status == 400
    assert got.sentence.startswith(f"the body is '{FORM}', and not to be read as JSON: ")
    assert got.sentence.endswith("; allowed: JSON, with content-type: application/json")
    got = await sent("POST", address, content=b"{", headers={"content-type": "application/json"})
    assert got.sentence.startswith("the body is not valid JSON: ")


async def test_json_that_calls_itself_a_form_is_taken(stage: Stage) -> None:
    """As curl sends it where nobody names the content type."""
    got = await stage.client.send("POST", "/api-token", content=b'{"name": "x"}', headers={"content-type": FORM})
    assert got.status == 201
