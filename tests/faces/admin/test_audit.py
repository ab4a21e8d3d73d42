"""/audit over HTTP: who did what, found by filters, and a chain that tells when somebody rewrites it."""

from typing import Any

import pytest

from portico.app import Portico
from portico.store.statement import Statement
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said


@pytest.fixture
async def trail(admin: Watched) -> dict[str, str]:
    """Two tokens, one of them revoked; ids by name."""
    made = {name: said(await admin.post("/api-token", {"name": name}), 201)["id"] for name in ("one", "two")}
    said(await admin.delete(f"/api-token/{made['one']}"))
    return made


async def acts(client: Watched, **query: Any) -> list[tuple[str, str]]:
    return [(each["act"], each["target"]) for each in said(await client.get("/audit", **query))["result"]]


async def test_acts_are_found_by_what_they_were_and_what_they_were_about(admin: Watched, trail: dict[str, str]) -> None:
    revoked, two, one = (
        ("api_token.revoked", trail["one"]),
        ("api_token.created", trail["two"]),
        ("api_token.created", trail["one"]),
    )
    assert await acts(admin, limit=3) == [revoked, two, one]
    assert await acts(admin, act="api_token.revoked") == [revoked]
    assert (await acts(admin, act="api_token"))[:3] == [revoked, two, one]
    assert await acts(admin, act="api") == []
    assert await acts(admin, act="api%token") == []
    assert await acts(admin, target=trail["one"]) == [revoked, one]
    assert await acts(admin, target=trail["one"], act="api_token.created") == [one]
    actor = said(await admin.get("/audit", limit=1))["result"][0]["actor"]
    assert (await acts(admin, actor=actor))[:3] == [revoked, two, one]
    assert await acts(admin, actor="nobody") == []
    assert await acts(admin, **{"created_at[lt]": "2020-01-01T00:00:00Z"}) == []
    assert (await acts(admin, **{"created_at[gt]": "2020-01-01T00:00:00Z"}))[:1] == [revoked]


async def test_a_whole_chain_holds_also_against_what_was_noted(admin: Watched, trail: dict[str, str]) -> None:
    seen = said(await admin.get("/audit/verify"))
    assert (seen["holds"], seen["first_broken"], seen["problem"]) == (True, None, "")
    newest = said(await admin.get("/audit", limit=1))["result"][0]
    assert (seen["entries"], seen["hash"]) == (newest["number"], newest["hash"])
    said(await admin.post("/api-token", {"name": "three"}), 201)
    again = said(await admin.get("/audit/verify", number=seen["entries"], hash=seen["hash"]))
    assert (again["holds"], again["entries"]) == (True, seen["entries"] + 1)
    wrong = said(await admin.get("/audit/verify", number=1, hash=seen["hash"]))
    assert (wrong["holds"], wrong["first_broken"]) == (False, 1)
    assert "rewritten" in wrong["problem"]
    later = said(await admin.get("/audit/verify", number=again["entries"] + 1, hash=seen["hash"]))
    assert later["first_broken"] == again["entries"] + 1
    assert "number" in failures(await admin.get("/audit/verify", number=1))


@pytest.mark.parametrize("deed", ["UPDATE audit SET target = 'x' WHERE number = 2", "DELETE FROM audit_heads"])
async def test_a_chain_that_somebody_touched_is_told(
    admin: Watched, held: Portico, trail: dict[str, str], deed: Any
) -> None:
    await held.parts.database.run(Statement(deed))
    told = said(await admin.get("/audit/verify"))
    assert not told["holds"]
    assert str(told["first_broken"]) in told["problem"]


async def test_each_environment_sees_its_own_trail_alone(other: Tenant, trail: dict[str, str]) -> None:
    assert await acts(other.client, target=trail["one"]) == []
    assert said(await other.client.get("/audit/verify"))["holds"]
