"""Reading the unified directory: lists, single records, filters, order, what is completed and what is left out."""

import base64
import json
from typing import Any

import pytest

from tests.stage import Stage
from tests.unified.directory import PEOPLE, Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")


def forged(rank: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(["", "", "x", 0, rank, []]).encode()).decode()


async def test_a_user_has_one_shape(directory: Directory) -> None:
    ada = (await directory.got("users", emails="ada.lee+accepts@stage.example"))["result"][0]
    remote = ada.pop("remote_data")
    assert ada.pop("created_at").endswith("Z")
    (role,) = ada.pop("roles")
    assert role["name"] == "reader"
    assert ada == {
        "id": directory.ids["ada"], "name": "Ada Lee", "first_name": "Ada", "last_name": "Lee", "avatar": None,
        "emails": [{"email": "ada.lee+accepts@stage.example", "type": "work", "is_primary": True}],
        "status": "active", "type": "user",
    }  # fmt: skip
    assert (remote["role"], remote["object"]) == ("reader", "organization.user")


async def test_remote_data_is_the_vendors_own_record(directory: Directory) -> None:
    listed = (await directory.stage.proxy("GET", "users")).json["result"]
    unified = (await directory.got("users"))["result"]
    assert [each["remote_data"] for each in unified] == listed
    assert all(
        "remote_data" not in each for each in (await directory.got("users", truto_ignore_remote_data="true"))["result"]
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("query", [{}, {"sort_by": "-name"}, {"type": "user"}, {"sort_by[created_at]": "desc"}])
async def test_pages_of_any_size_give_every_record_once(
    directory: Directory, limit: int, query: dict[str, str]
) -> None:
    found = [each["id"] for each in await directory.all("users", limit=limit, **query)]
    assert len(found) == len(set(found)) == len(PEOPLE) + (0 if "type" in query else 1)


@pytest.mark.parametrize("way", ["next_cursor", "prev_cursor"])
async def test_a_cursor_belongs_to_one_ordering(directory: Directory, way: str) -> None:
    orders: dict[str, dict[str, str]] = {"no sort_by": {}, "sort_by=name": {"sort_by": "name"}}
    orders["sort_by=-name"] = {"sort_by[name]": "desc"}
    orders["sort_by=created_at"] = {"sort_by": "created_at"}
    cursors: dict[str, str] = {}
    for told, order in orders.items():
        page = await directory.got("users", limit=2, **order)
        if way == "prev_cursor":
            page = await directory.got("users", limit=2, next_cursor=page["next_cursor"], **order)
        cursors[told] = page[way]
    for told, order in orders.items():
        for of, cursor in cursors.items():
            if of == told:
                assert (await directory.got("users", limit=2, **{way: cursor}, **order))["result_count"] == 2
                continue
            got = await directory.refused("GET", "users", limit=2, **{way: cursor}, **order)
            assert got.status == 400
            assert f"next_cursor: belongs to another ordering of this list, with {of}; " in got.json["message"]


@pytest.mark.parametrize("query", [{}, {"sort_by": "-name"}])
async def test_cursors_lead_back_to_the_very_pages_that_came_before(
    directory: Directory, query: dict[str, str]
) -> None:
    there = [await directory.got("users", limit=2, **query)]
    while there[-1]["next_cursor"]:
        there.append(await directory.got("users", limit=2, next_cursor=there[-1]["next_cursor"], **query))
    assert (len(there), there[0]["prev_cursor"]) == (4, None)
    here = there[-1]
    for expected in reversed(there[:-1]):
        here = await directory.got("users", limit=2, prev_cursor=here["prev_cursor"], **query)
        assert [each["id"] for each in here["result"]] == [each["id"] for each in expected["result"]]
        assert (here["prev_cursor"], here["next_cursor"]) == (expected["prev_cursor"], expected["next_cursor"])


async def test_order_is_what_was_asked_for(directory: Directory) -> None:
    names = [each["name"] for each in await directory.all("users", sort_by="-name", limit=3)]
    assert names == sorted(names, key=str.casefold, reverse=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"first_name": "ADA"}, ["ada"]),
        ({"last_name": "lee", "sort_by": "first_name"}, list(PEOPLE)),
        ({"emails[]": ["ada.lee+accepts@stage.example", "ben.lee+accepts@stage.example"]}, ["ada", "ben"]),
        ({"status": "inactive"}, []),
        ({"type": "admin"}, ["owner@stage"]),
        ({"sort_by": "type", "limit": "1", "type": "admin"}, ["owner@stage"]),
        ({"created_at[gt]": "2999-01-01"}, []),
        ({"created_at[lt]": "2999-01-01", "first_name": "eva"}, ["eva"]),
        ({"status": "invited"}, ["hal@stage"]),
        ({"emails[email]": "ada.lee+accepts@stage.example"}, ["ada"]),
        ({"emails[0][email]": "ada.lee+accepts@stage.example"}, ["ada"]),
        ({"emails[email]": "ada.lee+accepts@stage.example,ben.lee+accepts@stage.example"}, ["ada", "ben"]),
        ({"emails[][email]": ["ada.lee+accepts@stage.example", "ben.lee+accepts@stage.example"]}, ["ada", "ben"]),
        ({"emails[in][]": ["ada.lee+accepts@stage.example", "ben.lee+accepts@stage.example"]}, ["ada", "ben"]),
        ({"emails[eq]": "ada.lee+accepts@stage.example"}, ["ada"]),
        ({"status": "invited", "emails[email]": "hal@stage.example"}, ["hal@stage"]),
        ({"status": "invited", "emails[email]": "ada.lee+accepts@stage.example"}, []),
        ({"groups[id]": "$crew"}, ["ben"]),
        ({"groups[0][name]": "Crew"}, ["ben"]),
        ({"workspace_id": "$lab", "emails[email]": "ada.lee+accepts@stage.example"}, []),
        ({"first_name[eq]": "Ada"}, ["ada"]),
        ({"created_at[gt]": "32472144000"}, []),
        ({"created_at[lt]": "32472144000", "first_name": "eva"}, ["eva"]),
        ({"created_at[eq]": "1000000000.5"}, []),
    ],
)
async def test_filters_narrow(directory: Directory, query: dict[str, Any], expected: list[str]) -> None:
    meant = {
        name: directory.ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value
        for name, value in query.items()
    }
    found = await directory.all("users", **meant)
    assert [each["emails"][0]["email"].partition(".")[0] for each in found] == expected


@pytest.mark.parametrize("name", ["created_at", "created_at[eq]"])
async def test_a_moment_alone_means_that_very_one(directory: Directory, name: str) -> None:
    ada = await directory.got(f"users/{directory.ids['ada']}")
    for said in (ada["created_at"], ada["remote_data"]["added_at"]):
        found = [each["id"] for each in await directory.all("users", **{name: said})]
        assert directory.ids["ada"] in found
        assert all(each["created_at"] == ada["created_at"] for each in await directory.all("users", **{name: said}))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"emails[type]": "work"}, "emails: is {'type': 'work'}; allowed: emails=…, emails[eq]=…"),
        ({"emails[0][type]": "work"}, "allowed: emails=…, emails[eq]=…, emails[in]=…, emails[email]=…"),
        ({"emails[email]": "a@b.example", "emails[type]": "work"}, "allowed: emails=…"),
        ({"emails[email][eq]": "a@b.example"}, "allowed: emails=…"),
        ({"groups[organization]": "x"}, "groups[id]=…, groups[name]=…"),
        ({"id": "user-x"}, "id: is not taken here; allowed: emails, "),
        ({"id[]": "user-x"}, "id: is not taken here"),
        ({"roles[name]": "owner"}, "roles: is not taken here; allowed: emails, "),
        ({"first_name[in]": "Ada"}, "first_name: is {'in': 'Ada'}; allowed: one value"),
        ({"workspace[name]": "Lab"}, "allowed: one value"),
        ({"created_at[in]": "2026-11-01"}, "allowed: [gt], [gte], [lt], [lte], [eq] with a moment in ISO"),
        ({"created_at[gt]": "1795000000000"}, "or in Unix seconds"),
    ],
)  # fmt: skip
async def test_filters_that_would_not_narrow_are_refused(
    directory: Directory, query: dict[str, str], said: str
) -> None:
    got = await directory.refused("GET", "users", **query)
    assert (got.status, said in got.json["message"]) == (400, True), got.json["message"]


async def test_users_of_a_workspace_and_of_a_group(directory: Directory) -> None:
    ids = directory.ids
    in_lab = await directory.all("users", workspace_id=ids["lab"], name="dov lee")
    assert [(each["id"], each["roles"]) for each in in_lab] == [
        (ids["dov"], [{"id": "member", "name": "member", "workspace": ids["lab"]}])
    ]
    in_crew = await directory.got("users", group_id=ids["crew"])
    assert [each["id"] for each in in_crew["result"]] == [ids["ben"]]
    assert in_crew["is_partial_response"] is True
    assert "status" not in in_crew["result"][0]


async def test_groups_of_one_user_are_those_that_they_are_in(directory: Directory) -> None:
    ids = directory.ids
    ben, ada = await directory.got(f"users/{ids['ben']}"), await directory.got(f"users/{ids['ada']}")
    assert (ben["groups"], ada["groups"]) == ([{"id": ids["crew"], "name": "Crew"}], [])
    (listed,) = await directory.all("users", groups=ids["crew"])
    assert (listed["id"], listed["groups"], listed["status"]) == (ids["ben"], [{"id": ids["crew"]}], "active")
    assert "groups" not in (await directory.got("users", limit=1))["result"][0]
    assert await directory.all("users", groups=ids["crew"], name="ada lee") == []
    assert (await directory.refused("GET", "users", groups="group_unknown")).status == 404


async def test_users_of_groups_by_their_names(directory: Directory, stage: Stage) -> None:
    ids, crew = directory.ids, {"id": directory.ids["crew"], "name": "Crew"}
    for said in ("Crew", "crew"):
        (listed,) = await directory.all("users", groups=said)
        assert (listed["id"], listed["groups"]) == (ids["ben"], [crew])
    in_lab = await directory.all("users", groups="crew", workspace="lab")
    assert [each["id"] for each in in_lab] == [each for each in (ids["ben"],) if each in await lab_users(directory)]
    got = await directory.refused("GET", "users", groups="Crew,Nobodies", workspace="Nowhere")
    assert "groups: there is no group Nobodies; allowed: a name that user-directory/groups lists" in got.json["message"]
    assert {each["path"] for each in got.json["details"]["failures"]} == {"groups", "workspace"}
    second = await stage.value("create_a_openai_group", {"name": "CREW"})
    try:
        (listed,) = await directory.all("users", groups="Crew")  # written so, it is one of them
        assert listed["groups"] == [crew]
        got = await directory.refused("GET", "users", groups="crew")
        assert got.status == 400
        assert (
            f"there are several groups crew; allowed: {crew['id']} (Crew), {second['id']} (CREW)" in got.json["message"]
        )
        assert await directory.all("users", groups="CREW") == []
    finally:
        await stage.value("delete_a_openai_group_by_id", {"id": second["id"]})


async def lab_users(directory: Directory) -> set[str]:
    return {each["id"] for each in await directory.all("users", workspace="lab")}


async def test_groups_are_not_told_where_the_vendor_does_not_tell_them(directory: Directory, stage: Stage) -> None:
    stage.fault("status=403", path="/v1/organization/groups")
    try:
        ben = await directory.got(f"users/{directory.ids['ben']}")
    finally:
        stage.clear()
    assert "groups" not in ben


async def test_users_of_a_workspace_by_its_name(directory: Directory) -> None:
    by_id = await directory.all("users", workspace_id=directory.ids["lab"])
    assert await directory.all("users", workspace="lab") == by_id
    assert {each["workspaces"][0]["id"] for each in by_id} == {directory.ids["lab"]}


async def test_partial_records_are_completed_on_demand(directory: Directory) -> None:
    page = await directory.got("users", group_id=directory.ids["crew"], portico_complete="true")
    assert page["is_partial_response"] is False
    assert page["result"] == [await directory.got(f"users/{directory.ids['ben']}")]
    assert page["result"][0]["status"] == "active"


async def test_a_users_roles_are_those_assigned_and_the_plain_one(directory: Directory) -> None:
    cleo = await directory.got(f"users/{directory.ids['cleo']}")
    known = {each["id"]: each["name"] for each in await directory.all("roles")}
    assert {each["name"] for each in cleo["roles"]} == {"reader", "Auditor"}
    assert all(known[each["id"]] == each["name"] for each in cleo["roles"])


async def test_roles_are_the_fixed_pair_where_the_vendor_does_not_tell_them(directory: Directory, stage: Stage) -> None:
    stage.fault("status=403", path="/v1/organization/roles")
    try:
        roles = await directory.all("roles", limit=1)
        listed = await directory.got("users", type="admin")
    finally:
        stage.clear()
    assert [(each["id"], each["type"]) for each in roles] == [("owner", "predefined"), ("reader", "predefined")]
    assert listed["result"][0]["roles"] == [{"id": "owner", "name": "owner"}]
    assert (await directory.got("roles/owner"))["name"] == "owner"


async def test_roles_of_one_user_of_one_workspace(directory: Directory) -> None:
    of_cleo = await directory.all("roles", user_id=directory.ids["cleo"])
    assert {each["name"] for each in of_cleo} == {"reader", "Auditor"}
    in_lab = await directory.all("roles", workspace_id=directory.ids["lab"])
    assert {each["applicable_in"] for each in in_lab} == {"workspace"}


async def test_me_groups_and_workspaces(directory: Directory) -> None:
    me = await directory.got("me")
    assert me["emails"][0]["email"] == "owner@stage.example"
    assert me["organizations"][0]["name"] == "Stage"
    assert [each["name"] for each in await directory.all("groups")] == ["Crew"]
    assert (await directory.got(f"groups/{directory.ids['crew']}"))["id"] == directory.ids["crew"]
    assert "Lab" in [each["name"] for each in await directory.all("workspaces", sort_by="name")]


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("users", {"shoe_size": "9"}, "shoe_size: is not taken here; allowed: emails, name"),
        ("users", {"sort_by": "shoe"}, "sort_by: is 'shoe'; allowed: name, first_name"),
        ("users", {"created_at": "soon"}, "created_at: is 'soon'"),
        ("users", {"updated_at[gt]": "2026-01-01"}, "updated_at: is not taken here"),
        ("users", {"organization_id": "x"}, "organization_id: is not taken here"),
        ("users", {"product": "x"}, "product: is not taken here"),
        ("users", {"workspace": "Nowhere"}, "workspace: there is no workspace of this name"),
        ("users", {"workspace": "Lab", "workspace_id": "x"}, "workspace: does not go together with workspace_id"),
        ("users", {"limit": "0"}, "limit: is 0; allowed: 1 to 500"),
        ("users", {"limit": "many"}, "limit: is 'many'"),
        ("users", {"next_cursor": "nonsense!"}, "next_cursor: is not a cursor of ours"),
        ("users", {"next_cursor": forged([0, "x"]), "sort_by": "name"}, "next_cursor: is not a cursor of ours"),
        ("users", {"next_cursor": forged([1, 7]), "sort_by": "name"}, "next_cursor: is not a cursor of ours"),
        ("users", {"truto_response_format": "stream"}, "truto_response_format: is 'stream'"),
        ("users", {"truto_key_by": "shoe"}, "truto_key_by: is 'shoe'; allowed: a field that every record has"),
        ("users", {"sort_by[name]": "up"}, "sort_by[name]: is 'up'; allowed: asc, desc"),
        ("users", {"truto_nonsense": "1"}, "truto_nonsense: is not an option here"),
        ("users", {"portico_complete": "perhaps"}, "portico_complete: is 'perhaps'"),
        ("users", {"remote_query": "x"}, "remote_query: must name the vendor's own parameters"),
    ],
)
async def test_what_cannot_be_honoured_is_a_clear_400(
    directory: Directory, path: str, query: dict[str, str], words: str
) -> None:
    refused = await directory.refused("GET", path, **query)
    assert (refused.status, refused.sentence[: len(words)]) == (400, words)


async def test_what_cannot_be_combined_is_named(directory: Directory) -> None:
    refused = await directory.refused("GET", "users", group_id=directory.ids["crew"], status="active")
    assert refused.sentence.startswith("status: is not taken here")


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "shoes", 404),
        ("GET", "users/user-nobody", 404),
        ("GET", "roles/nothing", 404),
        ("DELETE", "workspaces/x", 404),
        ("POST", "users/x/dance", 404),
        ("PUT", "users", 405),
        ("GET", "users/a/b/c", 404),
    ],
)
async def test_what_is_not_there_says_so(directory: Directory, verb: str, path: str, status: int) -> None:
    assert (await directory.refused(verb, path)).status == status


async def test_options_shape_the_answer(directory: Directory) -> None:
    keyed = await directory.got("users", truto_key_by="id", truto_exclude_fields="emails.type,remote_data")
    ada = keyed["result"][directory.ids["ada"]]
    assert ada["emails"] == [{"email": "ada.lee+accepts@stage.example", "is_primary": True}]
    told = (await directory.got("users", truto_response_format="debug"))["debug"]
    assert any("/organization/users" in each for each in told["requestUrls"])


async def test_the_vendors_own_records_can_be_had_instead(directory: Directory) -> None:
    mapped = await directory.got("users", limit="2")
    raw = await directory.got("users", limit="2", truto_response_format="raw", truto_ignore_remote_data="true")
    used = {"api_key_last_used_at": None}  # each look uses the owner's key, and a second may have passed
    assert [each | used for each in raw["result"]] == [each["remote_data"] | used for each in mapped["result"]]
    assert (raw["result_count"], raw["next_cursor"]) == (2, mapped["next_cursor"])
    one = await directory.got(f"users/{directory.ids['ada']}", truto_response_format="raw")
    assert (one["object"], one["id"]) == ("organization.user", directory.ids["ada"])


async def test_the_vendors_own_parameters_go_along(directory: Directory, stage: Stage) -> None:
    stage.clear()
    await directory.got("users", **{"remote_query[order]": "asc"})
    assert "order=asc" in stage.seen("/v1/organization/users")[0].query


async def test_another_tenants_account_looks_missing(directory: Directory) -> None:
    elsewhere = Directory(directory.stage, "00000000-0000-7000-8000-000000000000")
    assert (await elsewhere.refused("GET", "users")).status == 404


async def test_rate_limits_are_told(directory: Directory, stage: Stage) -> None:
    stage.fault("status=429;retry-after=7", path="/v1/organization/users", times=1)
    try:
        refused = await directory.refused("GET", "users")
    finally:
        stage.clear()
    assert refused.status == 429
    assert refused.json["truto_is_remote_error"] is True
    assert "retry-after" in refused.headers
