"""What an account changes about its mappings counts; what cannot be used is refused, and breaks nothing."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNUSABLE: list[tuple[Any, str]] = [
    ({"list": {"nonsense": 1}}, "users.list: object contains unknown field `nonsense`"),
    ({"list": {"response_mapping": {"id": "f("}}}, "users.list.response_mapping.id: is not a mapping"),
    ({"every": {"response_mapping": {"a": {"b": ["1", "$("]}}}}, "users.every.response_mapping.a.b.1: is not"),
    ({"list": {"is_partial_expression": "("}}, "users.list.is_partial_expression: is not a mapping"),
    ({"list": {"query_schema": {"emails": 7}}}, "users.list"),
    ({"list": {"query_schema": {"emails": {"by": "magic"}}}}, "users.list"),
    ({"list": {"query_schema": 5}}, "users.list.query_schema"),
    ({"list": {"variants": 5}}, "users.list.variants"),
    ({"list": {"variants": {"x": 5}}}, "users.list.variants.x"),
    ({"list": {"variants": {"x": {"run_if": "f("}}}}, "users.list.variants.x.run_if: is not a mapping"),
    ({"list": {"sources": {"x": 5}}}, "users.list.sources.x"),
    ({"list": {"before": {"x": {"resource": "nothing"}}}}, "users.list.before.x.resource: OpenAI has no resource"),
    ({"list": {"before": {"x": {"resource": "groups", "method": "delete"}}}}, "users.list.before.x: changes something"),
    ({"list": {"before": 3}}, "users.list.before"),
    ({"list": {"resource": "nothing"}}, "users.list.resource: OpenAI has no resource 'nothing'"),
    ({"list": {"method": "nothing"}}, "users.list.method: users has no method 'nothing'; allowed: list"),
    ({"list": {"method": "delete"}}, "users.list.method: users.delete changes something"),
    ({"list": {"variants": {"invited": {"method": "create"}}}}, "users.list.variants.invited.method: invites.create"),
    ({"list": {"records": [1]}}, "users.list.records"),
    ({"create": {"request_body_schema": 5}}, "users.create.request_body_schema"),
    ({"create": {"request_body_schema": {"properties": 5}}}, "users.create.request_body_schema.properties"),
    ({"create": {"request_body_schema": {"properties": {"email": {"type": "shoe"}}}}}, "users.create.request_body_sch"),
    ({"list": 5}, "users.list: must be an object, or null"),
    ({"every": 5}, "users.every: must be an object, or null"),
    ({"lst": {"response_mapping": {}}}, "users.lst: is not a method of this resource; allowed: every, list"),
    (5, "users: must be an object of methods, or null"),
]
# Fit for being kept, and of no use with what comes.
HOSTILE: list[Any] = [
    {"list": {"response_mapping": "($f := function($n){$f($n+1)}; $f(1))"}},
    {"list": {"response_mapping": "[1, 2]"}},
    {"list": {"response_mapping": {"id": 7}, "is_partial_expression": "$error('no')"}},
    {"list": {"query_mapping": "'text'"}},
    {"list": {"query_mapping": {"limit": "'many'"}}},
]


@pytest_asyncio.fixture(loop_scope="module")
async def changed(directory: Directory) -> AsyncGenerator[Any]:
    """Sets the account's changes for the length of one test; `is_planted`: whatever they are."""
    place = f"/integrated-account/{directory.account_id}"

    async def change(users: Any, *, is_planted: bool = False) -> None:
        override = {"user-directory": {"users": users}}
        if not is_planted:
            assert (await directory.stage.client.patch(place, {"unified_model_override": override})).status == 200
            return
        await directory.plant(override)

    yield change
    await directory.stage.client.patch(place, {"unified_model_override": {}})


async def test_own_fields_come_in_and_null_takes_one_out(directory: Directory, changed: Any) -> None:
    await changed({"every": {"response_mapping": {"custom": {"object": "response.object"}, "avatar": None}}})
    ada = await directory.got(f"users/{directory.ids['ada']}")
    assert ada["custom"] == {"object": "organization.user"}
    assert "avatar" not in ada
    assert ada["name"] == "Ada Lee"


async def test_a_method_of_ones_own_calls_what_the_vendor_has(directory: Directory, changed: Any) -> None:
    await changed({"demote": {"resource": "users", "method": "update", "request_body_mapping": {"role": "'reader'"}}})
    done = await directory.done("POST", f"users/{directory.ids['gwen']}/demote")
    assert done["result"]["type"] == "user"


@pytest.mark.parametrize(("users", "words"), UNUSABLE, ids=lambda each: each if isinstance(each, str) else "")
async def test_a_change_that_cannot_be_used_is_refused_with_its_place(
    directory: Directory, users: Any, words: str
) -> None:
    body = {"unified_model_override": {"user-directory": {"users": users}}}
    refused = await directory.stage.client.patch(f"/integrated-account/{directory.account_id}", body)
    assert refused.status == 400, refused.content
    where = f"unified_model_override.user-directory.{words}"
    assert refused.sentence[: len(where)] == where
    failures = refused.json["details"]["failures"]
    assert len({each["path"] for each in failures}) == len(failures)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"user-direktory": {}}, "user-direktory: is not a unified model; allowed: usage-metering, user-directory"),
        ({"user-directory": 5}, "user-directory: must be an object of resources, or null; allowed: users, roles"),
        ({"user-directory": {"shoes": {}}}, "user-directory.shoes: is not a resource of the model; allowed: users"),
        ({"user-directory": {"shoes": None}}, "user-directory.shoes: is not a resource of the model; allowed: users"),
        ({"user-directory": {"users": {"every": {"says": "x" * 262_144}}}}, " is larger than 256 KB"),
    ],
)
async def test_names_that_are_not_there_are_told_with_those_that_are(
    directory: Directory, override: Any, words: str
) -> None:
    path = f"/integrated-account/{directory.account_id}"
    refused = await directory.stage.client.patch(path, {"unified_model_override": override})
    assert refused.status == 400
    assert refused.sentence.removeprefix("unified_model_override").lstrip(".:")[: len(words)] == words


@pytest.mark.parametrize("users", [each for each, _ in UNUSABLE] + HOSTILE)
async def test_changes_that_cannot_be_used_never_break_the_server(
    directory: Directory, changed: Any, users: Any
) -> None:
    """They may have been kept before ours changed beneath them."""
    await changed(users, is_planted=True)
    answer = await directory.send("GET", "users", limit=2)
    assert answer.status < 500, answer.content
    assert (await directory.send("POST", "users", {"email": 7}, portico_dry_run="true")).status < 500


async def test_nor_do_changes_to_the_method_that_completes_records(directory: Directory, changed: Any) -> None:
    await changed({"get": {"nonsense": 1}}, is_planted=True)
    refused = await directory.refused("GET", "users", portico_complete="true")
    assert (refused.status, refused.json["code"]) == (422, "mapping_failed")
    assert "user-directory.users.get" in refused.sentence
