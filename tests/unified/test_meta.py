"""What the unified models say of themselves, and what capabilities say of them."""

import html
from typing import Any

import pytest

from portico.unified import models
from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def got(directory: Directory, path: str, status: int = 200, **query: Any) -> Any:
    answer = await directory.stage.client.send("GET", path, query=query)
    assert answer.status == status, answer.content
    return answer.json


async def test_models_are_listed_and_described(directory: Directory) -> None:
    listed = (await got(directory, "/unified/meta"))["result"]
    assert {each["model"] for each in listed} == models.shipped().keys()
    told = await got(directory, "/unified/meta/usage-metering")
    assert list(told["resources"]) == ["usage", "products", "users", "workspaces", "organizations"]
    assert told["resources"]["usage"]["schema"]["properties"]["charges"]["type"] == "array"
    assert "skill_usage" in str(told["resources"]["usage"]["query_schema"]["properties"]["report_type"]["enum"])


async def test_a_model_of_an_account_and_of_an_integration_is_what_is_mapped(directory: Directory) -> None:
    of_account = await got(directory, "/unified/meta/user-directory", integrated_account_id=directory.account_id)
    assert of_account == await got(directory, "/unified/meta/user-directory/openai", format="json")
    assert of_account["resources"]["me"]["methods"] == ["get"]
    assert "assign_role" in of_account["resources"]["users"]["methods"]


async def test_a_model_of_an_integration_is_a_page_for_people_too(directory: Directory) -> None:
    told = await got(directory, "/unified/meta/user-directory/openai")
    client = directory.stage.client
    markdown = await client.get("/unified/meta/user-directory/openai", format="md")
    assert (markdown.status, markdown.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
    text = markdown.content.decode()
    assert text.startswith(f"# User directory: OpenAI\n\n{told['description']}\n\n## users\n")
    assert "Methods: " + ", ".join(told["resources"]["users"]["methods"]) + "." in text
    page = await client.get("/unified/meta/user-directory/openai", format="html")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"] == "default-src 'none'; sandbox"
    for name, resource in told["resources"].items():
        for part in ("schema", "query_schema", "request_body_schema"):
            for field, each in resource[part]["properties"].items():
                assert f"| {field} | " in text, (name, field)
                assert f"<td>{field}</td>" in page.content.decode(), (name, field)
                assert html.escape(each.get("description", ""), quote=False) in text


async def test_every_method_tells_what_it_takes_and_gives(directory: Directory) -> None:
    capable = await got(directory, f"/integrated-account/{directory.account_id}/capabilities", type="unified")
    assert capable["proxy"] == []
    assert len(capable["unified"]) == 10
    for row in capable["unified"]:
        for method in row["methods"]:
            place = f"{row['model']}/{row['resource']}"
            told = await got(directory, f"/unified/{place}/meta/{method}", integrated_account_id=directory.account_id)
            assert told == await got(directory, f"/unified/{place}/openai/meta/{method}")
            assert (told["schema"]["required"], told["levels"]) == (["id"], ["integration"])
            assert told["calls"] or told["mapping"]["records"]
            assert (told["request_body_schema"] is None) == (method in {"list", "get"})


async def test_the_query_schema_is_what_the_list_takes(directory: Directory) -> None:
    told = await got(directory, "/unified/usage-metering/usage/openai/meta/list")
    schema = told["query_schema"]
    assert schema["required"] == ["start_date"]
    assert schema["properties"]["report_type"]["enum"][0] == "cost"
    assert schema["properties"]["metric_names"]["x-applied-by"] == "portico"
    assert "-start_date" in schema["properties"]["sort_by"]["enum"]
    assert "include_deleted_users" not in schema["properties"]
    users = await got(directory, "/unified/user-directory/users/openai/meta/list")
    assert {"resource": "invites", "method": "list", "variant": "invited"} in users["calls"]
    created = await got(directory, "/unified/user-directory/users/openai/meta/create")
    assert created["request_body_schema"]["properties"]["roles"]["maxItems"] == 1


async def test_an_accounts_own_changes_show(directory: Directory) -> None:
    place = f"/integrated-account/{directory.account_id}"
    change = {"user-directory": {"users": {"every": {"response_mapping": {"own": "response.object", "avatar": None}}}}}
    await directory.stage.client.patch(place, {"unified_model_override": change})
    try:
        told = await got(
            directory, "/unified/user-directory/users/meta/get", integrated_account_id=directory.account_id
        )
        rows = (await got(directory, f"{place}/capabilities", resource="users", methods="read"))["unified"]
        await directory.plant({"user-directory": {"users": {"get": {"nonsense": 1}}}})
        refused = await got(
            directory, "/unified/user-directory/users/meta/get", 422, integrated_account_id=directory.account_id
        )
    finally:
        await directory.stage.client.patch(place, {"unified_model_override": {}})
    assert told["levels"] == ["integration", "account"]
    assert told["response_mapping"]["own"] == "response.object"
    assert "avatar" not in told["response_mapping"]
    directory_row = next(row for row in rows if row["model"] == "user-directory")
    assert (directory_row["methods"], directory_row["account_overridden"]) == (["list", "get"], True)
    assert "nonsense" in refused["message"]


async def test_an_environments_changes_show_for_its_integration_alone(directory: Directory) -> None:
    client = directory.stage.client
    place = f"/environment-integration/{(await client.get('/environment-integration')).json['result'][0]['id']}"
    change = {"user-directory": {"users": {"get": {"response_mapping": {"own": "response.object"}}, "delete": None}}}
    assert (await client.patch(place, {"unified_model_override": change})).status == 200
    try:
        told = await got(directory, "/unified/user-directory/users/openai/meta/get")
        model = await got(directory, "/unified/meta/user-directory/openai")
        rows = (await got(directory, "/integration/openai/capabilities"))["unified"]
        everywhere = await got(directory, "/unified/meta/user-directory")
        await got(directory, "/unified/user-directory/users/openai/meta/delete", 404)
    finally:
        await client.patch(place, {"unified_model_override": {}})
    assert (told["levels"], told["response_mapping"]["own"]) == (["integration", "environment"], "response.object")
    assert "delete" not in model["resources"]["users"]["methods"]
    assert "delete" in everywhere["resources"]["users"]["methods"]
    overridden = {(row["model"], row["resource"]) for row in rows if row["env_overridden"]}
    assert overridden == {("user-directory", "users")}


async def test_capabilities_of_an_integration_and_their_filters(directory: Directory) -> None:
    rows = (await got(directory, "/integration/openai/capabilities"))["unified"]
    assert {(row["model"], row["env_overridden"]) for row in rows} == {
        ("user-directory", False), ("usage-metering", False),
    }  # fmt: skip
    assert (await got(directory, "/integration/openai/capabilities", type="proxy"))["unified"] == []
    assert (await got(directory, "/integration/openai/capabilities", tags="billing"))["unified"] == []
    custom = (await got(directory, "/integration/openai/capabilities", methods="custom"))["unified"]
    assert {"assign_role", "archive", "add_user"} <= {each for row in custom for each in row["methods"]}


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/unified/meta/user-directory/openai?format=pdf", 400, "format: is 'pdf'; allowed: json, md, html"),
        ("/unified/meta/shoes", 404, "no unified model 'shoes'; there are: usage-metering, user-directory"),
        ("/unified/meta/user-directory/nothing", 404, "no integration 'nothing'"),
        ("/unified/user-directory/shoes/openai/meta/list", 404, "has no 'shoes'"),
        ("/unified/user-directory/users/openai/meta/dance", 404, "no method 'dance'"),
        ("/unified/user-directory/users/meta/list", 400, "integrated_account_id: is required"),
        ("/unified/user-directory/users/meta/list?colour=blue", 400, "colour"),
    ],
)
async def test_what_is_not_there_says_so(directory: Directory, path: str, status: int, words: str) -> None:
    path, _, query = path.partition("?")
    told = await got(directory, path, status, **dict(pair.split("=") for pair in query.split("&") if pair))
    assert words in told["message"]


async def test_a_token_is_needed_and_another_tenants_account_looks_missing(directory: Directory) -> None:
    nobody = directory.stage.client.as_holder_of("prt_nobody")
    assert (await nobody.send("GET", "/unified/meta")).status == 401
    elsewhere = "00000000-0000-7000-8000-000000000000"
    await got(directory, "/unified/user-directory/users/meta/list", 404, integrated_account_id=elsewhere)
