"""Recipes are all or nothing: whatever step fails, nothing is left behind, and the answer says what was undone."""

from itertools import count
from typing import Any

import pytest

from portico.gateway.idempotency import Claim, Kept
from portico.sandbox.people import accounts, members, project_keys
from portico.sandbox.state import DEMO, Organization, Project
from tests.faces.mcp.speaker import Json
from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
ONBOARD, OFFBOARD, ROTATE = "openai_onboard_team", "openai_offboard_team", "openai_rotate_service_account_key"
SERVICE = "svc-deploy"
numbers = count(1)


def organization(desk: Desk) -> Organization:
    return desk.stage.world.organizations[DEMO]


def live(desk: Desk) -> list[Project]:
    return [each for each in organization(desk).projects.values() if each.status == "active"]


def named(desk: Desk, name: str) -> Project:
    (found,) = [each for each in organization(desk).projects.values() if each.name == name]
    return found


def standing(desk: Desk) -> Any:
    """What a recipe could leave behind: live projects with their accounts, keys and people; every key that works."""
    world = desk.stage.world
    return {
        each.id: (
            each.name,
            sorted(account.id for account in accounts(each)),
            sorted(key.id for key in project_keys(world, each)),
            sorted(member.user_id for member in members(organization(desk), each)),
        )
        for each in live(desk)
    }, set(world.keys.by_secret)


def team(**more: Any) -> Json:
    return {
        "name": f"Squad {next(numbers)}",
        "service_account": SERVICE,
        "rate_limits": [{"model": "gpt-4o", "requests_per_minute": 500, "tokens_per_minute": 90_000}],
        "monthly_limit_usd": 250.5,
        "alert_usd": 200,
        "alert_emails": ["lead@larkfield.example"],
        "members": [{"user": "oliver.grant@larkfield.example", "role": "owner"}, {"user": "Yuki Tanaka"}],
        **more,
    }


async def onboarded(desk: Desk) -> Json:
    asked = {"name": f"Squad {next(numbers)}", "service_account": SERVICE}
    made = await desk.value(ONBOARD, asked)
    desk.stage.clear()
    return made


async def test_onboarded_team_has_everything_that_was_asked_for(larkfield: Desk) -> None:
    asked = team()
    made = await larkfield.value(ONBOARD, asked)
    project = named(larkfield, asked["name"])
    limit = project.limits.of("gpt-4o")
    world, held = larkfield.stage.world, organization(larkfield)
    assert made["project"]["id"] == project.id
    assert [each.name for each in accounts(project)] == [SERVICE]
    assert made["service_account"]["api_key"]["value"] in {each.secret for each in project_keys(world, project)}
    assert (limit.requests_per_minute, limit.tokens_per_minute) == (500, 90_000)
    roles = {held.users[each.user_id].email: each.role for each in members(held, project)}
    assert roles["oliver.grant@larkfield.example"] == "owner"
    assert roles["yuki.tanaka@larkfield.example"] == "member"
    path = f"organization/projects/{project.id}"
    spend = await larkfield.value("get_single_openai_project_spend_limit", {"project_id": project.id})
    assert spend["threshold_amount"] == 25_050
    assert larkfield.stage.seen(f"/v1/{path}/spend_alerts")
    assert len(made["done"]) == 7


async def test_dry_run_of_onboarding_shows_every_request_and_sends_none(larkfield: Desk) -> None:
    before = standing(larkfield)
    made = await larkfield.value(ONBOARD, {**team(), "dry_run": True})
    assert made["dry_run"]
    assert [each["request"]["method"] for each in made["plan"]] == ["POST"] * 7
    assert {entry.verb for entry in larkfield.stage.seen()} <= {"GET"}
    assert standing(larkfield) == before


ONBOARDING: dict[str, tuple[str, list[str]]] = {
    "project": ("/v1/organization/projects", []),
    "service account": ("*/service_accounts", ["project"]),
    "rate limit": ("*/rate_limits/*", ["service account", "project"]),
    "spend limit": ("*/spend_limit", ["service account", "project"]),
    "spend alert": ("*/spend_alerts", ["service account", "project"]),
    "member": ("/v1/organization/projects/*/users", ["service account", "project"]),
}


async def test_onboarding_with_limits_of_a_model_that_is_not_there_says_so_in_sentences(larkfield: Desk) -> None:
    before = standing(larkfield)
    refusal = await larkfield.refusal(ONBOARD, team(rate_limits=[{"model": "gpt-none", "requests_per_minute": 5}]))
    told, _, rest = refusal["error"].partition("; allowed: ")
    assert told == "rate_limits: there are no limits for gpt-none"
    assert rest.endswith(". What was done before has been undone.")
    assert standing(larkfield) == before


@pytest.mark.parametrize("step", ONBOARDING)
async def test_onboarding_that_fails_at_any_step_leaves_nothing_behind(larkfield: Desk, step: str) -> None:
    path, undone = ONBOARDING[step]
    before, asked = standing(larkfield), team()
    larkfield.stage.fault("status=400", path=path, verb="POST")
    refusal = await larkfield.refusal(ONBOARD, asked)
    assert refusal["code"] == "rolled_back"
    assert standing(larkfield) == before
    assert [
        next(word for word in ("service account", "project") if word in each) for each in refusal["undone"]
    ] == undone
    assert refusal["not_undone"] == []
    assert ("What was done before has been undone." if undone else "Nothing had been changed.") in refusal["error"]
    assert all(
        each.status == "archived" for each in organization(larkfield).projects.values() if each.name == asked["name"]
    )


async def test_step_that_acted_although_it_failed_is_named_and_undone_with_its_project(larkfield: Desk) -> None:
    larkfield.stage.fault("status=500;after=1", path="*/service_accounts", verb="POST")
    asked = team()
    refusal = await larkfield.refusal(ONBOARD, asked)
    assert named(larkfield, asked["name"]).status == "archived"
    assert [each["step"] for each in refusal["not_undone"]] == [f"create the service account {SERVICE}"]
    assert "not known" in refusal["not_undone"][0]["reason"]
    assert "see not_undone" in refusal["error"]


async def test_undoing_that_fails_is_told_with_the_reason(larkfield: Desk) -> None:
    larkfield.stage.fault("status=400", path="*/spend_limit")
    larkfield.stage.fault("status=403", path="*/service_accounts/*", verb="DELETE")
    refusal = await larkfield.refusal(ONBOARD, team())
    assert [each["step"] for each in refusal["not_undone"]] == [f"create the service account {SERVICE}"]
    assert "403" in refusal["not_undone"][0]["reason"]
    assert len(refusal["undone"]) == 1


BRAKES: dict[str, tuple[Json, str]] = {
    "budget": ({"budget": {"calls_per_day": 2}}, "quota_spent"),
    "limits": ({"arguments": {"project_id": {"enum": ["proj_another"]}}}, "invalid_arguments"),
}


@pytest.mark.parametrize("brake", BRAKES)
async def test_what_a_servers_brakes_stopped_half_way_is_undone_in_spite_of_them(larkfield: Desk, brake: str) -> None:
    config, cause = BRAKES[brake]
    server = await larkfield.maker.server(**config)
    before, name = standing(larkfield), f"Squad {next(numbers)}"
    refusal = await server.refusal(ONBOARD, {"name": name, "service_account": SERVICE})
    assert (refusal["cause"], refusal["not_undone"]) == (cause, [])
    assert named(larkfield, name).status == "archived"
    assert standing(larkfield) == before


async def test_people_who_are_nobody_are_refused_before_anything_is_made(larkfield: Desk) -> None:
    before = standing(larkfield)
    refusal = await larkfield.refusal(ONBOARD, team(members=[{"user": "nobody@larkfield.example"}]))
    assert refusal["code"] == "invalid_arguments"
    assert standing(larkfield) == before
    assert {entry.verb for entry in larkfield.stage.seen()} == {"GET"}


async def test_same_key_makes_the_second_onboarding_the_first(larkfield: Desk) -> None:
    asked = {**team(), "idempotency_key": "squad-once"}
    first = await larkfield.value(ONBOARD, asked)
    after = standing(larkfield)
    larkfield.stage.clear()
    second = await larkfield.value(ONBOARD, asked)
    assert second == {**first, "replayed": True}
    assert standing(larkfield) == after
    assert larkfield.stage.seen() == []


async def test_same_key_tells_a_failure_again_and_a_new_one_tries_again(larkfield: Desk) -> None:
    asked = {**team(), "idempotency_key": "squad-failed"}
    larkfield.stage.fault("status=400", path="*/spend_limit")
    first = await larkfield.refusal(ONBOARD, asked)
    larkfield.stage.clear()
    again = await larkfield.refusal(ONBOARD, asked)
    assert (again["undone"], again["failed"]) == (first["undone"], first["failed"])
    assert "use a new one" in again["error"]
    assert larkfield.stage.seen() == []
    assert (await larkfield.value(ONBOARD, {**asked, "idempotency_key": "squad-again"}))["project"][
        "status"
    ] == "active"


async def test_rotation_hands_over_a_key_that_works_and_ends_the_old_one(larkfield: Desk) -> None:
    made = await onboarded(larkfield)
    old, ring = made["service_account"]["api_key"]["value"], larkfield.stage.world.keys
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"]}
    rotated = await larkfield.value(ROTATE, asked)
    new = rotated["new_key"]["value"]
    assert ring.find(old) is None
    assert (await larkfield.stage.direct("GET", "models", key=new)).status == 200
    assert (await larkfield.stage.direct("GET", "models", key=old)).status == 401
    assert rotated["tried"]
    assert rotated["old_key"]["state"] == "deleted"


async def test_rotation_with_grace_lets_the_old_key_work_until_its_end(larkfield: Desk) -> None:
    made = await onboarded(larkfield)
    old = made["service_account"]["api_key"]["value"]
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"]}
    rotated = await larkfield.value(ROTATE, {**asked, "grace_seconds": 3600})
    key = larkfield.stage.world.keys.find(old)
    assert key is not None
    assert key.expires_at == pytest.approx(larkfield.stage.world.now() + 3600, abs=5)
    assert rotated["old_key"]["state"].startswith("expires 2026-11-18T10:30:0")


ROTATION = {
    "create": ("POST", "*/service_accounts/*/api_keys", 400),
    "try": ("GET", "/v1/models", 401),
    "delete": ("DELETE", "*/api_keys/*", 400),
}


@pytest.mark.parametrize("step", ROTATION)
async def test_rotation_that_fails_at_any_step_leaves_the_old_key_alone(larkfield: Desk, step: str) -> None:
    made = await onboarded(larkfield)
    before = standing(larkfield)
    verb, path, status = ROTATION[step]
    larkfield.stage.fault(f"status={status}", path=path, verb=verb, times=1)
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"]}
    refusal = await larkfield.refusal(ROTATE, asked)
    assert standing(larkfield) == before
    assert refusal["undone"] == ([] if step == "create" else ["create the new key"])
    assert refusal["not_undone"] == []
    assert step in refusal["failed"]


ENDING: dict[str, tuple[str, Json]] = {"deleted": ("DELETE", {}), "expires": ("POST", {"grace_seconds": 3600})}


@pytest.mark.parametrize("fate", ENDING)
async def test_rotation_keeps_the_new_key_where_the_old_one_ended_although_that_failed(
    larkfield: Desk, fate: str
) -> None:
    made = await onboarded(larkfield)
    verb, more = ENDING[fate]
    larkfield.stage.fault("status=503;after=1", path="*/api_keys/key_*", verb=verb)
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"]}
    rotated = await larkfield.value(ROTATE, {**asked, **more})
    larkfield.stage.clear()
    assert rotated["old_key"]["state"].startswith(fate)
    assert "incomplete" not in rotated
    assert (await larkfield.stage.direct("GET", "models", key=rotated["new_key"]["value"])).status == 200


async def test_rotation_keeps_the_new_key_where_nobody_can_tell_what_became_of_the_old_one(larkfield: Desk) -> None:
    made = await onboarded(larkfield)
    larkfield.stage.fault("status=503;after=1", path="*/api_keys/key_*")
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"]}
    rotated = await larkfield.value(ROTATE, asked)
    larkfield.stage.clear()
    assert rotated["old_key"]["state"].startswith("not known")
    assert [each["what"].split(" key_")[0] for each in rotated["incomplete"]] == ["delete the old key"]
    assert (await larkfield.stage.direct("GET", "models", key=rotated["new_key"]["value"])).status == 200


async def test_rotation_whose_old_key_surely_stays_is_rolled_back_with_nothing_left_open(larkfield: Desk) -> None:
    made = await onboarded(larkfield)
    before = standing(larkfield)
    larkfield.stage.fault("status=503", path="*/api_keys/key_*", verb="DELETE", times=1)
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"]}
    refusal = await larkfield.refusal(ROTATE, asked)
    assert (refusal["undone"], refusal["not_undone"]) == (["create the new key"], [])
    assert standing(larkfield) == before
    key = made["service_account"]["api_key"]["id"]
    assert refusal["error"].startswith(f"Delete the old key {key} failed: ")


async def test_same_key_rotates_once_and_hands_over_the_same_new_key(larkfield: Desk) -> None:
    made = await onboarded(larkfield)
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"]}
    first = await larkfield.value(ROTATE, {**asked, "idempotency_key": "rotate-once"})
    after = standing(larkfield)
    second = await larkfield.value(ROTATE, {**asked, "idempotency_key": "rotate-once"})
    assert second == {**first, "replayed": True}
    assert standing(larkfield) == after


@pytest.mark.parametrize("more", [{}, {"store_as": "squad-key"}, {"api_key_id": ""}])
async def test_rotation_that_was_cut_off_at_its_very_end_goes_on_with_the_new_key(
    larkfield: Desk, monkeypatch: pytest.MonkeyPatch, more: Json
) -> None:
    made = await onboarded(larkfield)
    asked = {"project_id": made["project"]["id"], "service_account_id": made["service_account"]["id"], **more}
    asked["idempotency_key"] = f"cut-{next(numbers)}"
    if "api_key_id" in more:
        asked["api_key_id"] = made["service_account"]["api_key"]["id"]

    keep = Claim.keep

    async def lost(claim: Claim, kept: Kept) -> None:
        # The recipe's own answer, which brings no headers; those of its steps are kept.
        await (keep(claim, kept) if kept.headers else claim.mark_unknown())

    with monkeypatch.context() as patched:
        patched.setattr(Claim, "keep", lost)
        first = await larkfield.value(ROTATE, asked)
    after = standing(larkfield)
    second = await larkfield.value(ROTATE, asked)
    assert second["new_key"] == first["new_key"]
    assert second["old_key"].items() <= first["old_key"].items()
    assert standing(larkfield) == after


async def test_offboarded_team_has_no_key_that_works(larkfield: Desk) -> None:
    made = await onboarded(larkfield)
    project = named(larkfield, made["project"]["name"])
    gone = await larkfield.value(OFFBOARD, {"project_id": project.name})
    assert project.status == "archived"
    assert gone["project"]["status"] == "archived"
    assert list(accounts(project)) == []
    assert (
        await larkfield.stage.direct("GET", "models", key=made["service_account"]["api_key"]["value"])
    ).status == 401


OFFBOARDING = {"service account": ("DELETE", "*/service_accounts/*", 0), "archive": ("POST", "*/archive", 1)}


@pytest.mark.parametrize("step", OFFBOARDING)
async def test_offboarding_that_fails_says_what_is_gone_for_good(larkfield: Desk, step: str) -> None:
    made = await onboarded(larkfield)
    verb, path, gone = OFFBOARDING[step]
    larkfield.stage.fault("status=400", path=path, verb=verb)
    refusal = await larkfield.refusal(OFFBOARD, {"project_id": made["project"]["id"]})
    project = named(larkfield, made["project"]["name"])
    assert project.status == "active"
    assert len(list(accounts(project))) == 1 - gone
    assert step in refusal["failed"]
    assert refusal["undone"] == []
    assert [each["reason"] for each in refusal["not_undone"]] == ["what is deleted cannot be brought back"] * gone


async def test_default_project_is_never_offboarded(larkfield: Desk) -> None:
    before = standing(larkfield)
    refusal = await larkfield.refusal(OFFBOARD, {"project_id": "Default project"})
    assert "default project" in refusal["error"]
    assert standing(larkfield) == before
