"""/environment: made and renamed by operators, seen by everybody as their own."""

import pytest

from portico.gateway.bootstrap import ensure_first_environment
from tests.conftest import HeldClock
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said, with_scopes


async def test_an_operator_makes_an_environment_and_a_token_for_it(operator: Watched) -> None:
    made = said(await operator.post("/environment", {"name": "  production "}), 201)
    assert made["name"] == "production"
    assert made["created_at"] == made["updated_at"] == "2026-11-02T12:00:00.000Z"
    token = said(await operator.post("/api-token", {"name": "first", "environment_id": made["id"]}), 201)
    inside = operator.as_holder_of(token["token"])
    assert [each["name"] for each in said(await inside.get("/environment"))["result"]] == ["production"]


async def test_operators_see_all_environments_and_others_their_own(
    operator: Watched, admin: Watched, other: Tenant
) -> None:
    everything = said(await operator.get("/environment"))["result"]
    assert [each["name"] for each in everything] == ["theirs", "ours", "default"]
    own = said(await admin.get("/environment"))["result"]
    assert [each["name"] for each in own] == ["ours"]
    assert (await admin.get(f"/environment/{own[0]['id']}")).json == own[0]
    assert (await admin.get(f"/environment/{other.environment_id}")).status == 404
    assert (await operator.get(f"/environment/{other.environment_id}")).status == 200


async def test_environments_are_found_by_name(operator: Watched, admin: Watched, other: Tenant) -> None:
    async def found(client: Watched, name: str, form: str = "name") -> list[str]:
        return [each["name"] for each in said(await client.get("/environment", **{form: name}))["result"]]

    assert await found(operator, "theirs") == ["theirs"]
    assert await found(operator, "their") == []
    assert await found(admin, "ours") == ["ours"]
    assert await found(admin, "theirs") == []
    assert await found(operator, "ours", "name[eq]") == ["ours"]
    assert await found(operator, "ours,theirs,nobody's", "name[in]") == ["theirs", "ours"]
    assert await found(operator, "ours,theirs") == []
    assert await found(admin, "ours,theirs", "name[in]") == ["ours"]


async def test_an_operator_renames_any_environment(operator: Watched, other: Tenant, clock: HeldClock) -> None:
    clock.advance(seconds=1)
    renamed = said(await operator.patch(f"/environment/{other.environment_id}", {"name": "staging"}))
    assert (renamed["name"], renamed["updated_at"]) == ("staging", "2026-11-02T12:00:01.000Z")
    assert said(await other.client.get("/environment"))["result"][0]["name"] == "staging"


async def test_without_the_operators_scope_nothing_is_renamed_not_even_to_learn_which_names_exist(
    admin: Watched, other: Tenant
) -> None:
    own = said(await admin.get("/environment"))["result"][0]["id"]
    taken = await admin.patch(f"/environment/{own}", {"name": "theirs"})
    free = await admin.patch(f"/environment/{own}", {"name": "free"})
    assert (taken.status, free.status) == (403, 403)
    assert taken.sentence == free.sentence


async def test_a_name_is_given_once(operator: Watched, other: Tenant) -> None:
    for answer in (
        await operator.post("/environment", {"name": "theirs"}),
        await operator.post("/environment", {"name": " default "}),
        await operator.patch(f"/environment/{other.environment_id}", {"name": "default"}),
    ):
        assert answer.status == 409
        assert answer.json["code"] == "already_exists"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
async def test_a_name_that_is_none_is_refused(operator: Watched, other: Tenant, name: str) -> None:
    assert "name" in failures(await operator.post("/environment", {"name": name}))
    assert "name" in failures(await operator.patch(f"/environment/{other.environment_id}", {"name": name}))


async def test_pages_of_environments(operator: Watched) -> None:
    for number in range(5):
        said(await operator.post("/environment", {"name": f"e{number}"}), 201)
    seen: list[str] = []
    cursor = None
    while True:
        answer = said(await operator.get("/environment", limit=2, next_cursor=cursor))
        seen += [each["name"] for each in answer["result"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ["e4", "e3", "e2", "e1", "e0", "default"]


async def test_a_renamed_first_environment_stays_the_first(operator: Watched) -> None:
    first = said(await operator.get("/environment"))["result"][0]
    said(await operator.patch(f"/environment/{first['id']}", {"name": "production"}))
    again = await ensure_first_environment(operator.gateway.parts)
    assert (again.id, again.name) == (first["id"], "production")
    assert len(said(await operator.get("/environment"))["result"]) == 1


async def test_reading_needs_its_scope(operator: Watched) -> None:
    narrow = await with_scopes(operator, "logs")
    assert (await narrow.get("/environment")).status == 403
