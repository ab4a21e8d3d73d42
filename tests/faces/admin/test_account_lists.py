"""Lists of accounts: filters, and cursors that neither skip nor repeat while rows come and go."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import HeldClock
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import failures, said
from tests.size import IS_FULL

KEY = {"api_key": "sk-proj-acme"}


async def add(client: Watched, tenant: str, **body: Any) -> dict[str, Any]:
    whole = {"tenant_id": tenant, "integration": "openai", "context": KEY, **body}
    return said(await client.post("/integrated-account", whole), 201)


async def tenants(client: Watched, **query: Any) -> list[str]:
    return [each["tenant_id"] for each in said(await client.get("/integrated-account", **query))["result"]]


@pytest.fixture
async def three(admin: Watched, clock: HeldClock) -> list[dict[str, Any]]:
    """Three accounts, a minute apart: the first changed later, the second a sandbox, the third blocked."""
    rows = [await add(admin, "a")]
    clock.advance(minutes=1)
    rows.append(await add(admin, "b", is_sandbox=True))
    clock.advance(minutes=1)
    rows.append(await add(admin, "c"))
    said(await admin.patch(f"/integrated-account/{rows[2]['id']}", {"status": "blocked"}))
    clock.advance(minutes=1)
    said(await admin.patch(f"/integrated-account/{rows[0]['id']}", {"context": {"note": 1}}))
    return rows


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["c", "b", "a"]),
    ({"tenant_id": "b"}, ["b"]),
    ({"tenant_id": "B"}, []),
    ({"status": "active"}, ["b", "a"]),
    ({"status": "blocked"}, ["c"]),
    ({"status": "blocked,active"}, ["c", "b", "a"]),
    ({"status": "needs_reauth, blocked"}, ["c"]),
    ({"status[]": "blocked"}, ["c"]),
    ({"is_sandbox": "true"}, ["b"]),
    ({"is_sandbox": "false"}, ["c", "a"]),
    ({"integration[name]": "openai"}, ["c", "b", "a"]),
    ({"created_at[gt]": "2026-11-02T12:00:00Z"}, ["c", "b"]),
    ({"created_at[gt]": "2026-11-02T13:00:00+01:00"}, ["c", "b"]),
    ({"created_at[lt]": "2026-11-02T12:02:00Z"}, ["b", "a"]),
    ({"created_at[gt]": "2026-11-02T12:00:00Z", "created_at[lt]": "2026-11-02T12:02:00Z"}, ["b"]),
    ({"updated_at[gt]": "2026-11-02T12:02:30Z"}, ["a"]),
    ({"status": "active", "is_sandbox": "false"}, ["a"]),
    ({"status": "needs_reauth"}, []),
    ({"features.super_query": "apac"}, []),
    ({"features[super_query][in]": "apac"}, []),
    ({"features.super_query": "false"}, ["c", "b", "a"]),
]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(("query", "names"), FILTERS, ids=[str(query) for query, _ in FILTERS])
async def test_filters_narrow_together(admin: Watched, query: dict[str, str], names: list[str]) -> None:
    assert await tenants(admin, **query) == names


async def test_accounts_are_found_by_their_ids(admin: Watched, three: list[dict[str, Any]]) -> None:
    first, second, third = (each["id"] for each in three)
    for query, names in (
        ({"id": second}, ["b"]),
        ({"id[eq]": second}, ["b"]),
        ({"id[in]": f"{first},{third},nothing"}, ["c", "a"]),
        ({"id": [first, second]}, ["b", "a"]),
        ({"id": first, "status": "blocked"}, []),
        ({"id": first[:-1]}, []),
    ):
        assert await tenants(admin, **query) == names
    paged = said(await admin.get("/integrated-account", limit=1, **{"id[in]": f"{first},{third}"}))
    assert [each["id"] for each in paged["result"]] == [third]
    rest = said(await admin.get("/integrated-account", next_cursor=paged["next_cursor"], id=f"{first},{third}"))
    assert ([each["id"] for each in rest["result"]], rest["next_cursor"]) == ([first], None)


async def test_states_may_be_repeated(admin: Watched, three: list[dict[str, Any]]) -> None:
    got = await admin.get("/integrated-account?status[]=blocked&status[]=needs_reauth")
    assert [each["id"] for each in said(got)["result"]] == [three[2]["id"]]
    assert await tenants(admin, status=["blocked", "active"]) == ["c", "b", "a"]


async def test_a_state_that_no_account_can_have_is_refused(admin: Watched) -> None:
    got = await admin.get("/integrated-account", status="blocked,borked")
    assert failures(got) == {"status": "is 'borked'"}
    assert got.json["message"].startswith("status: is 'borked'; allowed: ")
    assert "needs_reauth" in got.json["message"]


async def test_a_filter_by_installed_integration(admin: Watched, three: list[dict[str, Any]]) -> None:
    installed = three[0]["environment_integration_id"]
    assert await tenants(admin, environment_integration_id=installed) == ["c", "b", "a"]
    assert await tenants(admin, environment_integration_id="nowhere") == []


async def test_only_the_fields_that_are_asked_for_are_shown(admin: Watched, three: list[dict[str, Any]]) -> None:
    whole = said(await admin.get(f"/integrated-account/{three[2]['id']}"))
    some = {name: whole[name] for name in ("id", "status", "last_error")}
    for query in ("fields=status,last_error", "fields[]=last_error&fields[]=status", "fields=id,status,last_error"):
        assert said(await admin.get(f"/integrated-account/{whole['id']}?{query}")) == some
    assert said(await admin.get("/integrated-account?fields=status,last_error"))["result"][0] == some
    for path in ("/integrated-account", f"/integrated-account/{whole['id']}"):
        refused = await admin.get(path, fields="status,colour")
        assert failures(refused) == {"fields": "has no field 'colour'"}
        assert "last_forbidden_error" in refused.sentence


@pytest.mark.usefixtures("three")
async def test_a_page_says_how_much_it_holds_and_where_it_goes_on(admin: Watched) -> None:
    page = said(await admin.get("/integrated-account", limit=2))
    assert (page["result_count"], page["limit"], page["prev_cursor"]) == (2, 2, None)
    assert isinstance(page["next_cursor"], str)
    last = said(await admin.get("/integrated-account", limit=2, next_cursor=page["next_cursor"]))
    assert (last["result_count"], last["next_cursor"]) == (1, None)
    exact = said(await admin.get("/integrated-account", limit=3))
    assert (exact["result_count"], exact["next_cursor"]) == (3, None)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("path", ["/integrated-account", "/log", "/audit", "/webhook-event-type", "/integration"])
async def test_lists_go_back_the_way_they_were_come(admin: Watched, path: str) -> None:
    for _ in range(2):
        await admin.get("/proxy/files", integrated_account_id="nobody")
    pages = [said(await admin.get(path, limit=1))]
    while len(pages) < 3 and pages[-1]["next_cursor"]:
        pages.append(said(await admin.get(path, limit=1, next_cursor=pages[-1]["next_cursor"])))
    assert pages[0]["prev_cursor"] is None
    for here, earlier in zip(pages[:0:-1], pages[-2::-1], strict=True):
        for name in ("next_cursor", "prev_cursor"):
            assert said(await admin.get(path, limit=1, **{name: here["prev_cursor"]})) == earlier


@pytest.mark.usefixtures("three")
async def test_a_cursor_keeps_to_the_filter_it_comes_with(admin: Watched) -> None:
    page = said(await admin.get("/integrated-account", status="active", limit=1))
    assert await tenants(admin, status="active", limit=1, next_cursor=page["next_cursor"]) == ["a"]


@given(
    steps=st.lists(st.sampled_from(["page", "add", "delete seen", "delete unseen"]), max_size=12),
    limit=st.integers(1, 4),
)
@settings(max_examples=50 if IS_FULL else 6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_cursors_neither_skip_nor_repeat_while_rows_come_and_go(
    admin: Watched, steps: list[str], limit: int
) -> None:
    for each in said(await admin.get("/integrated-account"))["result"]:
        said(await admin.delete(f"/integrated-account/{each['id']}"))
    unseen = [(await add(admin, f"t{number}"))["id"] for number in range(6)][::-1]
    seen: list[str] = []
    cursor: str | None = ""
    for step in [*steps, *["page"] * 20]:
        if step == "add":
            await add(admin, "new")
        elif step == "delete seen" and seen:
            await admin.delete(f"/integrated-account/{seen[0]}")
        elif step == "delete unseen" and unseen:
            said(await admin.delete(f"/integrated-account/{unseen.pop()}"))
        elif step == "page" and cursor is not None:
            page = said(await admin.get("/integrated-account", limit=limit, next_cursor=cursor))
            ids = [each["id"] for each in page["result"] if each["tenant_id"] != "new"]
            assert ids == unseen[: len(ids)]
            seen, unseen = [*seen, *ids], unseen[len(ids) :]
            cursor = page["next_cursor"]
    assert cursor is None
    assert unseen == []


@pytest.mark.parametrize("limit", [0, -1, 5001, 10**30])
async def test_a_limit_out_of_bounds_is_refused(admin: Watched, limit: int) -> None:
    assert "limit" in failures(await admin.get("/integrated-account", limit=limit))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tenant_id=a,c", ["c", "a"]),
        ("tenant_id[]=a&tenant_id[]=c", ["c", "a"]),
        ("tenant_id[0]=a&tenant_id[1]=c", ["c", "a"]),
        ("tenant_id=a&tenant_id=c", ["c", "a"]),
        ("tenant_id[in]=a,c&tenant_id[eq]=b", ["c", "b", "a"]),
        ("integration[name]=openai,other", ["c", "b", "a"]),
        ("features.super_query=wnam", []),
        ("created_at[gte]=2020-01-01&created_at[lte]=2020-01-02", []),
    ],
)
async def test_a_filter_takes_several_values(admin: Watched, text: str, names: list[str]) -> None:
    got = said(await admin.get(f"/integrated-account?{text}"))
    assert [each["tenant_id"] for each in got["result"]] == names
