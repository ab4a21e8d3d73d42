"""What an account changes about its mappings counts; what cannot be used is told as such and breaks nothing."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def changed(directory: Directory) -> AsyncGenerator[Any]:
    """Sets the account's changes for the length of one test."""
    place = f"/integrated-account/{directory.account_id}"

    async def change(users: Any) -> None:
        body = {"unified_model_override": {"user-directory": {"users": users}}}
        assert (await directory.stage.client.patch(place, body)).status == 200

    yield change
    await directory.stage.client.patch(place, {"unified_model_override": {}})


async def test_own_fields_come_in_and_null_takes_one_out(directory: Directory, changed: Any) -> None:
    await changed({"every": {"response_mapping": {"custom": {"object": "response.object"}, "avatar": None}}})
    ada = await directory.got(f"users/{directory.ids['ada']}")
    assert ada["custom"] == {"object": "organization.user"}
    assert "avatar" not in ada
    assert ada["name"] == "Ada Lee"


@pytest.mark.parametrize(
    "users",
    [
        {"list": {"nonsense": 1}},
        {"list": {"response_mapping": {"id": "f("}}},
        {"list": {"response_mapping": "($f := function($n){$f($n+1)}; $f(1))"}},
        {"list": {"response_mapping": "[1, 2]"}},
        {"list": {"response_mapping": {"id": 7}, "is_partial_expression": "$error('no')"}},
        {"list": {"query_schema": {"emails": 7}}},
        {"list": {"query_schema": {"emails": {"by": "magic"}}}},
        {"list": {"query_schema": 5}},
        {"list": {"query_mapping": "'text'"}},
        {"list": {"query_mapping": {"limit": "'many'"}}},
        {"list": {"variants": 5}},
        {"list": {"variants": {"x": 5}}},
        {"list": {"variants": {"x": {"run_if": "f("}}}},
        {"list": {"sources": {"x": 5}}},
        {"list": {"before": {"x": {"resource": "nothing"}}}},
        {"list": {"before": 3}},
        {"list": {"resource": "nothing"}},
        {"list": {"resource": None}},
        {"list": {"records": [1]}},
        {"list": 5},
        {"every": 5},
        5,
    ],
)
async def test_changes_that_cannot_be_used_never_break_the_server(
    directory: Directory, changed: Any, users: Any
) -> None:
    await changed(users)
    answer = await directory.send("GET", "users", limit=2)
    assert answer.status < 500, answer.content


async def test_nor_do_changes_to_the_method_that_completes_records(directory: Directory, changed: Any) -> None:
    await changed({"get": {"nonsense": 1}})
    refused = await directory.refused("GET", "users", portico_complete="true")
    assert (refused.status, refused.json["code"]) == (422, "mapping_failed")
    assert "user-directory.users.get" in refused.sentence


@pytest.mark.parametrize("schema", [5, {"properties": 5}, {"properties": {"email": {"type": "shoe"}}}, {"required": 3}])
async def test_nor_does_what_they_say_about_bodies(directory: Directory, changed: Any, schema: Any) -> None:
    await changed({"create": {"request_body_schema": schema}})
    assert (await directory.send("POST", "users", {"email": 7}, portico_dry_run="true")).status < 500
