"""Versions of overrides: who changed what, how it differs, and back again."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from tests.gateways import Got
from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = ("account", "environment")


class Subject:
    """An account's or an environment's override."""

    def __init__(self, directory: Directory, place: str) -> None:
        self.directory, self.place = directory, place

    async def write(self, **fields: Any) -> Got:
        users = {"every": {"response_mapping": fields}} if fields else {}
        override = {"user-directory": {"users": users}} if fields else {}
        return await self.directory.stage.client.patch(self.place, {"unified_model_override": override})

    async def get(self, path: str = "", **query: Any) -> Any:
        got = await self.directory.stage.client.send("GET", f"{self.place}/unified-override{path}", query=query)
        assert got.status == 200, got.content
        return got.json

    async def restore(self, version: int) -> Got:
        return await self.directory.stage.client.post(f"{self.place}/unified-override/restore", {"version": version})

    async def newest(self) -> int:
        return (await self.get())["version"]


@pytest_asyncio.fixture(loop_scope="module", params=PEOPLE)
async def subject(directory: Directory, request: pytest.FixtureRequest) -> AsyncGenerator[Subject]:
    place = f"/integrated-account/{directory.account_id}"
    if request.param == "environment":
        rows = (await directory.stage.client.get("/environment-integration")).json["result"]
        place = f"/environment-integration/{rows[0]['id']}"
    subject = Subject(directory, place)
    yield subject
    assert (await subject.write()).status == 200


async def test_each_change_is_kept_with_who_made_it(subject: Subject) -> None:
    first = await subject.newest()
    await subject.write(floor="1")
    await subject.write(floor="2")
    await subject.write(floor="2")  # changes nothing
    await subject.directory.stage.client.patch(subject.place, {})
    rows = (await subject.get("/version"))["result"]
    assert [(row["version"], row["is_current"], row["restored_from"]) for row in rows[:2]] == [
        (first + 2, True, None), (first + 1, False, None),
    ]  # fmt: skip
    caller = await subject.directory.stage.gateway.parts.lookup.caller(subject.directory.stage.client.token or "")
    assert {(row["changed_by"], row["changed_by_name"]) for row in rows} == {(caller.token_id, caller.name)}
    shown = await subject.get(version=first + 1)
    assert shown["override"]["user-directory"]["users"]["every"]["response_mapping"] == {"floor": "1"}
    assert (await subject.get()) == (await subject.get(version=first + 2))


async def test_versions_come_in_pages(subject: Subject) -> None:
    for number in range(3):
        await subject.write(floor=str(number))
    whole = [row["version"] for row in (await subject.get("/version"))["result"]]
    page = await subject.get("/version", limit=2)
    rest = await subject.get("/version", next_cursor=page["next_cursor"])
    assert [row["version"] for row in page["result"] + rest["result"]] == whole


async def test_two_versions_are_compared(subject: Subject) -> None:
    first = await subject.newest()
    await subject.write(floor="1", kind="'a'")
    await subject.write(floor="2", seat=None)
    told = await subject.get("/difference")
    path = "user-directory.users.every.response_mapping"
    assert told["difference"] == [
        {"path": f"{path}.floor", "kind": "changed", "before": "1", "after": "2"},
        {"path": f"{path}.kind", "kind": "removed", "before": "'a'"},
        {"path": f"{path}.seat", "kind": "added", "after": None},
    ]
    assert (told["from_version"], told["to_version"]) == (first + 1, first + 2)
    back = await subject.get("/difference", from_version=first + 2, to_version=first + 1)
    assert [each["kind"] for each in back["difference"]] == ["changed", "removed", "added"]
    whole = await subject.get("/difference", from_version=0)
    assert [(each["path"], each["kind"]) for each in whole["difference"]] == [("user-directory", "added")]


async def test_a_roll_back_counts_at_once_and_is_a_version_and_an_act(subject: Subject) -> None:
    first = await subject.newest()
    await subject.write(floor="'old'")
    await subject.write(floor="'new'")
    restored = (await subject.restore(first + 1)).json
    assert (restored["version"], restored["restored_from"], restored["is_current"]) == (first + 3, first + 1, True)
    assert (await subject.directory.got("users", limit=1))["result"][0]["floor"] == "old"
    client = subject.directory.stage.client
    assert (await client.get(subject.place)).json["unified_model_override"] == restored["override"]
    act = (await client.get("/audit", target=subject.place.rpartition("/")[2])).json["result"][0]
    assert (act["act"].rpartition(".")[2], act["facts"]["restored_version"]) == ("updated", first + 1)
    emptied = (await subject.restore(0)).json
    assert (emptied["override"], emptied["version"], emptied["restored_from"]) == ({}, first + 4, 0)
    act = (await client.get("/audit", target=subject.place.rpartition("/")[2])).json["result"][0]
    assert act["facts"]["restored_version"] == 0
    assert [row["restored_from"] for row in (await subject.get("/version"))["result"][:3]] == [0, first + 1, None]
    assert "floor" not in (await subject.directory.got("users", limit=1))["result"][0]


async def test_what_cannot_be_used_any_more_is_not_put_back(subject: Subject) -> None:
    first = await subject.newest()
    await subject.write(floor="1")
    await subject.write(floor="2")
    parts = subject.directory.stage.gateway.parts
    words = '{"user-directory": {"users": {"every": {"response_mapping": {"floor": "f("}}}}}'
    await parts.database.script(f"UPDATE override_versions SET override = '{words}' WHERE number = {first + 1}")
    refused = await subject.restore(first + 1)
    assert (refused.status, "every.response_mapping.floor: is not a mapping" in refused.sentence) == (400, True)
    assert await subject.newest() == first + 2


async def test_versions_that_are_not_there_are_told_with_those_that_are(subject: Subject) -> None:
    await subject.write(floor="1")
    newest = await subject.newest()
    for version in (newest + 1, -1, 10**30):
        refused = await subject.restore(version)
        assert refused.status in {400, 404}
    refused = await subject.restore(newest + 1)
    assert refused.sentence == (
        f"There is no version {newest + 1} of this override; there are 1 to {newest}, and 0 for none."
    )
    client = subject.directory.stage.client
    assert (await client.get(f"{subject.place}/unified-override/version", next_cursor="x")).status == 400


async def test_whoever_may_only_look_cannot_roll_back(subject: Subject) -> None:
    await subject.write(floor="1")
    made = await subject.directory.stage.client.post("/api-token", {"name": "looks", "scopes": ["accounts:read"]})
    looking = subject.directory.stage.client.as_holder_of(made.json["token"])
    assert (await looking.get(f"{subject.place}/unified-override")).status == 200
    assert (await looking.post(f"{subject.place}/unified-override/restore", {"version": 0})).status == 403
