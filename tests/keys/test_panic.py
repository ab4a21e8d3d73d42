"""The panic button against a vendor that keeps state: what is stopped, what dies there, and how it is proved."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from portico.gateway.revoke import is_shown_as
from tests.gateways import connect_account
from tests.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
SANDBOX_KEYS = "organization/projects/{}/api_keys"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    async with open_stage(tmp_path_factory.mktemp("panic"), pause=lambda _: pause) as opened:
        yield opened


async def press(stage: Stage, account: Json, **body: Any) -> Json:
    got = await stage.client.post(f"/integrated-account/{account['id']}/panic", body)
    assert got.status == 200, got.content
    return got.json


async def accepts(stage: Stage, key: str) -> bool:
    path = "organization/projects" if key.startswith("sk-admin") else "models"
    return (await stage.direct("GET", path, key)).status == 200


async def service_account(stage: Stage, tenant: str) -> tuple[Json, str]:
    """An account with the key of a service account; (the account, that key)."""
    admin = await connect_account(stage.client, tenant, admin_key=f"sk-admin-{tenant}")
    asked: Json = {"integrated_account_id": admin["id"]}
    projects = await stage.client.send("GET", "/proxy/projects", query=asked)
    project_id = projects.json["result"][-1]["id"]
    made = await stage.client.send(
        "POST", "/proxy/project_service_accounts", json={"name": "bot"}, query=asked | {"project_id": project_id}
    )
    key = made.json["result"]["api_key"]["value"] if "result" in made.json else made.json["api_key"]["value"]
    account = await connect_account(stage.client, tenant, api_key=key, admin_key=f"sk-admin-{tenant}")
    return account, key


async def audited(stage: Stage, account: Json) -> list[str]:
    entries = (await stage.client.get("/audit", limit=200)).json["result"]
    return [each["act"] for each in reversed(entries) if each["target"] == account["id"]]


async def test_the_account_stops_and_both_keys_are_dead_at_the_vendor(stage: Stage) -> None:
    account = await connect_account(stage.client, "leaked")
    assert await accepts(stage, "sk-proj-leaked")
    done = await press(stage, account, reason="found in a public repository")
    assert done["account"]["status"] == "blocked"
    assert [(each["credential"], each["fate"]) for each in done["keys"]] == [
        ("project_key", "deleted"),
        ("admin_key", "deleted"),  # the key that deletes goes last
    ]
    assert all(each["proof"]["status"] == 401 for each in done["keys"])
    assert all(each["vendor_key_id"] for each in done["keys"])
    assert not await accepts(stage, "sk-proj-leaked")
    assert not await accepts(stage, "sk-admin-leaked")
    assert done["account"]["keys"]["project_key"]["present"] is False
    refused = await stage.client.get("/proxy/models", integrated_account_id=account["id"])
    assert refused.status == 503
    assert await audited(stage, account) == [
        "integrated_account.created",
        "integrated_account.panicked",
        "integrated_account.key_deleted",
        "integrated_account.key_deleted",
    ]


async def test_the_reason_and_the_proof_stand_in_the_audit_trail_without_a_key(stage: Stage) -> None:
    account = await connect_account(stage.client, "written-down")
    await press(stage, account, reason="somebody left")
    entries = (await stage.client.get("/audit", limit=200)).json["result"]
    mine = [each for each in entries if each["target"] == account["id"]]
    assert {"keys": "delete", "reason": "somebody left", "status": "blocked"} in [each["facts"] for each in mine]
    assert sum(each["facts"].get("proof", {}).get("status") == 401 for each in mine) == 2
    assert "sk-proj-written-down" not in str(mine)
    assert "sk-admin-written-down" not in str(mine)


async def test_the_key_of_a_service_account_is_replaced_tried_and_kept_before_the_old_one_dies(stage: Stage) -> None:
    account, old = await service_account(stage, "replaced")
    stage.clear()
    done = await press(stage, account, keys="rotate", resume=True)
    fates = {each["credential"]: each for each in done["keys"]}
    assert fates["project_key"]["fate"] == fates["admin_key"]["fate"] == "rotated", done["keys"]
    assert fates["project_key"]["new_hint"] != fates["project_key"]["hint"]
    assert not await accepts(stage, old)
    assert not await accepts(stage, "sk-admin-replaced")
    assert done["account"]["status"] == "active"
    for resource in ("models", "projects"):
        assert (await stage.client.get(f"/proxy/{resource}", integrated_account_id=account["id"])).status == 200
    seen = [(each.verb, each.raw_path) for each in stage.seen()]
    assert [verb for verb, path in seen if path.endswith("/api_keys") and verb == "POST"] == ["POST"]


async def test_a_persons_key_is_not_replaced_and_goes_on_until_it_is_deleted(stage: Stage) -> None:
    account = await connect_account(stage.client, "person")
    done = await press(stage, account, keys="rotate")
    fate = next(each for each in done["keys"] if each["credential"] == "project_key")
    assert fate["fate"] == "failed"
    assert "Delete it instead" in fate["message"]
    assert await accepts(stage, "sk-proj-person")
    assert done["account"]["status"] == "blocked"
    again = await press(stage, account, keys="delete")
    assert [each["fate"] for each in again["keys"]] == ["deleted", "deleted"]
    assert not await accepts(stage, "sk-proj-person")


async def test_without_an_admin_key_another_accounts_does_it(stage: Stage) -> None:
    account = await connect_account(stage.client, "customer", api_key="sk-proj-shared")
    helper = await connect_account(stage.client, "operator", admin_key="sk-admin-shared")
    alone = await press(stage, account)
    assert alone["keys"][0]["fate"] == "failed"
    assert alone["keys"][0]["message"].endswith(f"portico accounts panic {account['id']} --through ANOTHER_ACCOUNT.")
    assert await accepts(stage, "sk-proj-shared")
    done = await press(stage, account, through=helper["id"])
    assert [each["fate"] for each in done["keys"]] == ["deleted"]
    assert not await accepts(stage, "sk-proj-shared")
    assert await accepts(stage, "sk-admin-shared")


async def test_a_key_that_was_deleted_elsewhere_is_proved_dead(stage: Stage) -> None:
    account = await connect_account(stage.client, "gone")
    stage.world.keys.withdraw(
        next(each.id for each in stage.world.keys.by_secret.values() if each.secret == "sk-proj-gone")
    )
    done = await press(stage, account)
    assert [each["fate"] for each in done["keys"]] == ["deleted", "deleted"]
    assert "any more" in done["keys"][0]["message"]


async def test_a_vendor_that_is_away_leaves_the_account_stopped_and_the_next_press_goes_on(stage: Stage) -> None:
    account = await connect_account(stage.client, "far-away")
    stage.fault("reset", path="/v1/organization")
    done = await press(stage, account)
    assert done["account"]["status"] == "blocked"
    assert [each["fate"] for each in done["keys"]] == ["failed", "kept"]
    assert "press again" in done["keys"][1]["message"]
    stage.clear()
    again = await press(stage, account)
    assert [each["fate"] for each in again["keys"]] == ["deleted", "deleted"], again["keys"]


async def test_kept_keys_are_not_touched_and_the_vendor_is_not_asked(stage: Stage) -> None:
    account = await connect_account(stage.client, "kept")
    stage.clear()
    done = await press(stage, account, keys="keep")
    assert done["keys"] == []
    assert stage.seen() == []
    assert done["account"]["status"] == "blocked"
    assert await accepts(stage, "sk-proj-kept")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"keys": "delete", "resume": True}, "rotate"),
        ({"keys": "burn"}, "delete, keep, rotate"),
        ({"through": "nobody"}, "nobody"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_before_anything_happens(
    stage: Stage, body: Json, sentence: str
) -> None:
    got = await stage.client.post(f"/integrated-account/{stage.account_id}/panic", body)
    assert got.status in {400, 404}
    assert sentence in str(got.json)
    assert (await stage.client.get(f"/integrated-account/{stage.account_id}")).json["status"] == "active"


@pytest.mark.parametrize(
    ("shown", "secret", "fits"),
    [
        ("sk-proj-************abcd", "sk-proj-1234567890abcd", True),
        ("sk-proj-************abcd", "sk-proj-1234567890abce", False),
        ("sk-admin-***********abcd", "sk-proj-1234567890abcd", False),
        ("sk-proj...890abcd", "sk-proj-1234567890abcd", True),
        ("sk-proj…abcd", "sk-proj-1234567890abcd", True),
        ("sk-proj-****bcd", "sk-proj-1234567890abcd", False),  # too little to be sure
        ("****", "sk-proj-1234567890abcd", False),
        ("", "sk-proj-1234567890abcd", False),
        (None, "sk-proj-1234567890abcd", False),
        ("sk-proj-1234567890abcd", "sk-proj-1234567890abcd", False),  # not redacted: not what we know
    ],
)
async def test_a_redacted_key_is_told_by_its_ends(shown: Any, secret: str, fits: bool) -> None:
    assert is_shown_as(shown, secret) is fits
