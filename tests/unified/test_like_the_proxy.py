"""Errors, rate limits and idempotency of the Unified API are those of the Proxy API, for both models."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.gateways import Got
from tests.stage import Stage
from tests.unified.directory import Directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

METERED = "usage-metering/usage"
TIMES = {"start_date": "2026-11-01T00:00:00Z", "end_date": "2026-11-03T00:00:00Z"}
# A unified list, the vendor's list behind it as the Proxy API reads it, and the vendor's path.
PAIRS: list[Any] = [
    pytest.param("user-directory/groups", {}, "groups", {}, "/v1/organization/groups", id="user-directory"),
    pytest.param("usage-metering/workspaces", {}, "projects", {}, "/v1/organization/projects", id="metered workspaces"),
    pytest.param(
        METERED, TIMES | {"report_type": "cost"}, "costs", {"start_time": "1793491200"}, "/v1/organization/costs",
        id="usage-metering",
    ),
]  # fmt: skip
FAULTS = (
    "status=401", "status=403", "status=404", "status=409", "status=422", "status=429;retry-after=7", "status=500",
    "status=503;retry-after=3", "reset", "invalid-json",
)  # fmt: skip


@pytest.fixture(autouse=True)
def unspoilt(stage: Stage) -> Generator[None]:
    yield
    stage.clear()


async def unified(stage: Stage, path: str, query: Any, verb: str = "GET", json: Any = None, **headers: str) -> Got:
    given = {"integrated_account_id": stage.account_id, **query}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await stage.client.send(verb, f"/unified/{path}", query=given, json=json, headers=sent)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("path", "query", "resource", "vendor_query", "place"), PAIRS)
async def test_what_the_vendor_refuses_is_told_as_on_the_proxy_api(
    directory: Directory, path: str, query: Any, resource: str, vendor_query: Any, place: str, fault: str
) -> None:
    stage = directory.stage
    stage.fault(fault, path=place)
    ours, theirs = await unified(stage, path, query), await stage.proxy("GET", resource, query=vendor_query)
    assert ours.status == theirs.status >= 400, (ours.content, theirs.content)
    told, expected = [_without_ids(each.json) for each in (ours, theirs)]
    assert told == expected
    kept = ("retry-after", "ratelimit-limit", "ratelimit-remaining", "content-type")
    assert {name: ours.headers.get(name) for name in kept} == {name: theirs.headers.get(name) for name in kept}
    assert "x-portico-request-id" in ours.headers
    account = (await stage.client.get(f"/integrated-account/{stage.account_id}")).json
    if account["status"] == "needs_reauth":
        await stage.client.patch(f"/integrated-account/{stage.account_id}", {"status": "active"})


@pytest.mark.parametrize(("path", "query", "resource", "vendor_query", "place"), PAIRS)
async def test_rate_limits_are_passed_on_as_on_the_proxy_api(
    directory: Directory, path: str, query: Any, resource: str, vendor_query: Any, place: str
) -> None:
    stage = directory.stage
    ours, theirs = await unified(stage, path, query), await stage.proxy("GET", resource, query=vendor_query)
    assert (ours.status, theirs.status) == (200, 200), (ours.content, theirs.content)
    names = {name for name in theirs.headers if "ratelimit" in name}
    assert names == {name for name in ours.headers if "ratelimit" in name}


@pytest.mark.parametrize(
    ("path", "json"),
    [("user-directory/groups", {"name": "Keyed"}), ("user-directory/workspaces", {"name": "Keyed place"})],
)
async def test_a_key_acts_once_and_says_that_it_was_told_before(directory: Directory, path: str, json: Any) -> None:
    stage, key = directory.stage, f"key of {path}"
    first, again = [await unified(stage, path, {}, "POST", json, idempotency_key=key) for _ in range(2)]
    assert (first.status, again.status, again.json) == (200, 200, first.json)
    assert (first.headers.get("idempotent-replayed"), again.headers.get("idempotent-replayed")) == (None, "true")
    other = await unified(stage, path, {}, "POST", {"name": "Another"}, idempotency_key=key)
    proxied = [
        await stage.proxy("POST", "groups", json={"name": name}, headers={"idempotency-key": f"proxy {path}"})
        for name in ("One", "Two")
    ]
    assert (other.status, other.json["code"]) == (proxied[1].status, proxied[1].json["code"])


async def test_a_key_on_what_only_reads_changes_nothing(directory: Directory) -> None:
    stage = directory.stage
    told = [
        await unified(stage, METERED, TIMES | kind, idempotency_key="reading")
        for kind in ({"report_type": "cost"}, {"product_ids": "completions"})
    ]
    assert [each.status for each in told] == [200, 200]
    assert not any("idempotent-replayed" in each.headers for each in told)


@pytest.mark.parametrize("path", ["user-directory/users", METERED])
async def test_who_may_not_ask_is_told_as_on_the_proxy_api(directory: Directory, path: str) -> None:
    stage = directory.stage
    nobody = stage.client.as_holder_of("ptc_api_nobody")
    for asking, account in ((nobody, stage.account_id), (stage.client, "00000000-0000-7000-8000-000000000000")):
        query = {"integrated_account_id": account}
        ours = await asking.send("GET", f"/unified/{path}", query=query | TIMES if path == METERED else query)
        theirs = await asking.send("GET", "/proxy/users", query=query)
        assert (ours.status, _without_ids(ours.json)) == (theirs.status, _without_ids(theirs.json))


def _without_ids(told: Any) -> Any:
    """Request ids differ from call to call, wherever they stand."""
    kept = {name: value for name, value in told.items() if name != "request_id"}
    raw = kept.get("raw_response")
    return kept | {"raw_response": raw if not isinstance(raw, str) else raw[:20]}
