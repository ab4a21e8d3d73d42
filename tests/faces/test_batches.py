"""POST /batch-request: several calls in one, with what came of those before them."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from tests.gateways import Got
from tests.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
PROJECTS = ("Alpha", "Beta", "Gamma")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("batches")) as opened:
        for name in PROJECTS:
            assert (await opened.client.post(*created(opened, name))).status == 200
        yield opened


def created(stage: Stage, name: str) -> tuple[str, Json]:
    return f"/proxy/projects?integrated_account_id={stage.account_id}", {"name": name}


async def send(stage: Stage, *resources: Json, **more: Any) -> Got:
    body = {"integrated_account_id": stage.account_id, "resources": list(resources), **more}
    return await stage.client.send("POST", "/batch-request", json=body, headers=more.pop("headers", None))


async def done(stage: Stage, *resources: Json, **more: Any) -> Json:
    got = await send(stage, *resources, **more)
    assert got.status == 200, got.content
    return got.json


def names(records: list[Json]) -> set[str]:
    return {each["name"] for each in records}


async def test_a_list_is_followed_to_its_end(stage: Stage) -> None:
    stage.clear()
    told = await done(stage, {"resource": "projects", "method": "list", "query": {"limit": 1}})
    assert names(told["result"]["projects"]) >= set(PROJECTS)
    assert told["errors"] == {"projects": []}
    assert len(stage.seen("/v1/organization/projects")) == len(told["result"]["projects"])


async def test_both_apis_are_asked_side_by_side(stage: Stage) -> None:
    told = await done(
        stage,
        {"resource": "user-directory/workspaces", "query": {"limit": 2}},
        {"resource": "models", "method": "get", "id": "gpt-4o"},
    )
    workspaces = told["result"]["user-directory/workspaces"]
    assert names(workspaces) >= set(PROJECTS)
    assert all(each["remote_data"]["object"] == "organization.project" for each in workspaces)
    assert [each["id"] for each in told["result"]["models"]] == ["gpt-4o"]


async def test_records_of_one_request_are_gone_through_by_another(stage: Stage) -> None:
    told = await done(
        stage,
        {
            "resource": "project_rate_limits",
            "loop_on": "projects",
            "query": {"project_id": "{{resources.projects.id}}", "limit": 100},
            "depends_on": ["projects"],
        },
        {"resource": "projects"},
    )
    each, many = told["result"]["projects"], told["result"]["project_rate_limits"]
    assert len(many) > len(each)
    assert told["errors"] == {"projects": [], "project_rate_limits": []}


async def test_placeholders_take_arguments_and_earlier_answers(stage: Stage) -> None:
    told = await done(
        stage,
        {"resource": "projects", "method": "create", "name": "made", "body": {"name": "{{args.prefix}}-{{args.n}}"}},
        {
            "resource": "projects",
            "method": "PATCH",
            "name": "renamed",
            "id": "{{resources.made.0.id}}",
            "depends_on": "made",
            "body": {"name": "{{args.missing|args.prefix}}", "external_key_id": "{{args.nothing:undefined}}"},
        },
        args={"prefix": "Batch", "n": 7},
    )
    assert told["errors"] == {"made": [], "renamed": []}
    assert names(told["result"]["made"]) == {"Batch-7"}
    assert [each["name"] for each in told["result"]["renamed"]] == ["Batch"]
    assert told["result"]["made"][0]["id"] == told["result"]["renamed"][0]["id"]


async def test_a_list_of_arguments_is_gone_through(stage: Stage) -> None:
    told = await done(
        stage,
        {"resource": "models", "method": "get", "id": "{{item}}", "loop_on": "{{args.ids}}"},
        args={"ids": ["gpt-4o", "nothing", "gpt-4o-mini"]},
    )
    assert [each["id"] for each in told["result"]["models"]] == ["gpt-4o", "gpt-4o-mini"]
    [error] = told["errors"]["models"]
    assert error["statusCode"] == 404
    assert error["truto_is_remote_error"] is True
    assert error["raw_response"]["error"]["code"] == "model_not_found"


async def test_what_depends_on_a_failure_is_not_asked_for(stage: Stage) -> None:
    stage.clear()
    told = await done(
        stage,
        {"resource": "no_such_things"},
        {"resource": "projects", "depends_on": ["no_such_things"]},
        {"resource": "models", "method": "get", "id": "gpt-4o"},
    )
    assert [each["statusCode"] for each in told["errors"]["no_such_things"]] == [404]
    assert [each["code"] for each in told["errors"]["projects"]] == ["failed_dependency"]
    assert told["errors"]["models"] == []
    assert len(told["result"]["models"]) == 1
    assert len(stage.seen()) == 1


async def test_a_request_is_made_again_for_what_came_of_it(stage: Stage) -> None:
    told = await done(
        stage,
        {
            "resource": "models",
            "method": "get",
            "id": "gpt-4o",
            "recurse": {"if": "{{resources.models.missing:bool}}", "config": {"id": "gpt-4o-mini"}},
        },
        {
            "resource": "models",
            "name": "again",
            "method": "get",
            "id": "{{args.first}}",
            "recurse": {"if": "{{args.goes_on:bool}}", "config": {"id": "nothing"}},
        },
        args={"first": "gpt-4o", "goes_on": "true"},
    )
    assert len(told["result"]["models"]) == 1
    assert [each["statusCode"] for each in told["errors"]["again"]] == [404]


async def test_what_is_not_kept_can_still_be_used(stage: Stage) -> None:
    told = await done(
        stage,
        {"resource": "projects", "persist": False},
        {
            "resource": "project_users",
            "loop_on": "{{resources.projects}}",
            "query": {"project_id": "{{item.id}}"},
        },
    )
    assert "projects" not in told["result"]
    assert told["errors"] == {"projects": [], "project_users": []}


async def test_raw_answers_are_the_vendors_own(stage: Stage) -> None:
    told = await done(
        stage,
        {"resource": "projects", "query": {"limit": 100}, "response_format": "raw"},
        {"resource": "user-directory/workspaces", "response_format": "raw"},
    )
    assert [each["object"] for each in told["result"]["projects"]] == ["list"]
    assert {each["object"] for each in told["result"]["user-directory/workspaces"]} == {"organization.project"}


@pytest.mark.parametrize(
    ("resources", "path", "word"),
    [
        ([], "resources", "1 to"),
        ([{"resource": ""}], "resources.0.resource", "empty"),
        ([{"resource": "projects", "depends_on": ["users"]}], "resources.0.depends_on", "users"),
        ([{"resource": "projects", "loop_on": "users"}], "resources.0.loop_on", "users"),
        ([{"resource": "projects", "query": "limit=1"}], "resources.0.query", "object"),
        (
            [{"resource": "projects", "depends_on": "users"}, {"resource": "users", "depends_on": "projects"}],
            "resources",
            "circle",
        ),
    ],
)
async def test_a_batch_that_cannot_be_done_is_refused_whole(
    stage: Stage, resources: list[Json], path: str, word: str
) -> None:
    stage.clear()
    got = await send(stage, *resources)
    assert got.status == 400
    [failure] = got.json["details"]["failures"]
    assert failure["path"] == path
    assert word in str(failure)
    assert not stage.seen()


async def test_an_unknown_account_and_an_account_token_are_refused(stage: Stage) -> None:
    body = {"integrated_account_id": "nobody", "resources": [{"resource": "projects"}]}
    assert (await stage.client.post("/batch-request", body)).status == 404
    made = await stage.client.post("/integrated-account/token", {"integrated_account_id": stage.account_id})
    own = stage.client.as_holder_of(made.json["integrated_account_token"])
    got = await own.post("/batch-request", {**body, "integrated_account_id": stage.account_id})
    assert got.status == 403


async def test_a_reading_token_cannot_write_in_a_batch(stage: Stage) -> None:
    made = await stage.client.post("/api-token", {"name": "reads", "scopes": ["call:read"]})
    body = {
        "integrated_account_id": stage.account_id,
        "resources": [
            {"resource": "projects", "method": "create", "body": {"name": "Never"}},
            {"resource": "user-directory/workspaces", "method": "create", "body": {"name": "Never"}},
            {"resource": "models", "method": "get", "id": "gpt-4o"},
        ],
    }
    told = (await stage.client.as_holder_of(made.json["token"]).post("/batch-request", body)).json
    assert [each["statusCode"] for each in told["errors"]["projects"]] == [403]
    assert [each["statusCode"] for each in told["errors"]["user-directory/workspaces"]] == [403]
    assert len(told["result"]["models"]) == 1
    everything = await done(stage, {"resource": "projects"})
    assert "Never" not in names(everything["result"]["projects"])


async def test_a_batch_acts_once_under_an_idempotency_key(stage: Stage) -> None:
    body = {
        "integrated_account_id": stage.account_id,
        "resources": [{"resource": "projects", "method": "create", "body": {"name": "Batched once"}}],
    }
    sent: Any = {"json": body, "headers": {"Idempotency-Key": "batch-once"}}
    first = await stage.client.send("POST", "/batch-request", **sent)
    again = await stage.client.send("POST", "/batch-request", **sent)
    assert first.status == 200
    assert first.content == again.content
    everything = (await done(stage, {"resource": "projects"}))["result"]["projects"]
    assert [each["name"] for each in everything].count("Batched once") == 1
