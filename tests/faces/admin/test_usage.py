"""/usage over HTTP: the sums of the request log, told apart as asked, of whoever may read the log."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portico.faces.admin import usage as usage_face
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said, with_scopes
from tests.gateways import connect_account

CHAT = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
async def account(admin: Watched) -> str:
    """With two chats by one model, one by another, and one call that names none."""
    account = (await connect_account(admin))["id"]
    for model in ("gpt-4o-mini", "gpt-4o-mini", "gpt-4o"):
        await admin.post("/proxy/chat_completions", {"model": model, **CHAT}, integrated_account_id=account)
    await admin.get("/proxy/files", integrated_account_id=account)
    return account


async def used(client: Watched, **query: Any) -> list[dict[str, Any]]:
    return said(await client.get("/usage", **query))["result"]


async def test_sums_are_those_of_the_log(admin: Watched, account: str) -> None:
    log = said(await admin.get("/log", integrated_account_id=account))["result"]
    (row,) = await used(admin, integrated_account_id=account, period="today")
    for name in ("input_tokens", "output_tokens"):
        assert row[name] == sum(each[name] for each in log) > 0, name
    assert row["requests"] == 4
    assert row["cost_usd"] == pytest.approx(sum(each["cost_usd"] or 0 for each in log))
    assert row["model"] is row["tenant_id"] is None


async def test_is_told_apart_by_what_is_asked(admin: Watched, account: str) -> None:
    rows = await used(admin, integrated_account_id=account, by="model")
    assert [(each["model"], each["requests"], each["day"]) for each in rows] == [
        ("", 1, None),
        ("gpt-4o", 1, None),
        ("gpt-4o-mini", 2, None),
    ]
    rows = await used(admin, integrated_account_id=account, by="account, day")
    assert [each["integrated_account_id"] for each in rows] == [account]
    assert rows[0]["day"]
    (row,) = await used(admin, integrated_account_id=account, by="")
    assert row["requests"] == 4


async def test_filters_narrow_it(admin: Watched, account: str) -> None:
    (row,) = await used(admin, integrated_account_id=account, model="gpt-4o", by="")
    assert row["requests"] == 1
    assert await used(admin, integrated_account_id="nobody") == []
    assert await used(admin, integrated_account_id=account, period="yesterday") == []
    assert await used(admin, integrated_account_id=account, mcp_server_id="none") == []


@pytest.mark.parametrize(("name", "value"), [("by", "vendor"), ("period", "soon")])
async def test_what_is_not_understood_says_what_is(admin: Watched, name: str, value: str) -> None:
    assert f"'{value}'" in failures(await admin.get("/usage", **{name: value}))[name]


async def test_more_rows_than_anybody_reads_are_refused(
    admin: Watched, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_face, "MOST_ROWS", 2)
    assert "more than 2 rows" in failures(await admin.get("/usage", integrated_account_id=account, by="model"))["by"]


async def test_takes_a_token_that_may_read_the_log(admin: Watched, other: Tenant, account: str) -> None:
    weak = await with_scopes(admin, "accounts", "call")
    assert (await weak.get("/usage")).status == 403
    assert await used(other.client, integrated_account_id=account) == []
    assert await used(other.client) == []


def test_a_day_of_which_a_part_is_covered_counts_whole() -> None:
    moment = datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert usage_face.days_of("last month", moment) == ("2026-10-01", "2026-10-31")
    assert usage_face.days_of("past 24 hours", moment) == ("2026-11-01", "2026-11-02")
    assert usage_face.days_of("now", moment) == ("2026-11-02", "2026-11-02")
