"""Onboarding: one project of a name however many ask at once, and members as people say them."""

import asyncio
from typing import Any

import pytest

from portico.sandbox.people import members
from tests.toolbox.conftest import Desk
from tests.toolbox.test_recipes import ONBOARD, named, numbers, organization, team

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_two_onboardings_of_one_name_at_the_same_time_make_one_project(larkfield: Desk) -> None:
    asked = {"name": f"Squad {next(numbers)}"}
    ended = await asyncio.gather(*(larkfield.tool(ONBOARD, asked) for _ in range(3)))
    refused = [each["structured"] for each in ended if each["is_error"]]
    assert [each["code"] for each in refused] == ["already_exists", "already_exists"]
    assert named(larkfield, asked["name"]).status == "active"
    later = await larkfield.refusal(ONBOARD, asked)
    assert later["error"].startswith(f"There is a project '{asked['name']}' already")


async def test_name_whose_onboarding_failed_is_free_again(larkfield: Desk) -> None:
    asked = {"name": f"Squad {next(numbers)}"}
    larkfield.stage.fault("status=400", path="/v1/organization/projects", verb="POST", times=1)
    assert (await larkfield.refusal(ONBOARD, asked))["code"] == "rolled_back"
    larkfield.stage.clear()
    assert (await larkfield.value(ONBOARD, asked))["project"]["name"] == asked["name"]


@pytest.mark.parametrize(
    "said",
    [
        ["oliver.grant@larkfield.example", "Yuki Tanaka"],
        ["OLIVER.GRANT@larkfield.example", {"user": "Yuki Tanaka", "role": "member"}, "oliver.grant@larkfield.example"],
        [{"user": "oliver.grant@larkfield.example"}, {"user": "yuki.tanaka@larkfield.example"}],
    ],
)
async def test_members_are_said_by_address_alone_or_with_a_role(larkfield: Desk, said: list[Any]) -> None:
    made = await larkfield.value(ONBOARD, {"name": f"Squad {next(numbers)}", "members": said})
    held = organization(larkfield)
    roles = {held.users[each.user_id].email: each.role for each in members(held, held.projects[made["project"]["id"]])}
    assert roles["oliver.grant@larkfield.example"] == roles["yuki.tanaka@larkfield.example"] == "member"
    assert sorted(made["members"]) == ["oliver.grant@larkfield.example", "yuki.tanaka@larkfield.example"]


async def test_one_member_needs_no_list(larkfield: Desk) -> None:
    asked = {"name": f"Squad {next(numbers)}", "members": "oliver.grant@larkfield.example", "dry_run": True}
    planned = await larkfield.value(ONBOARD, asked)
    assert [each["does"] for each in planned["plan"]][1:] == ["add oliver.grant@larkfield.example as member"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([7], "members.0: has the wrong type; allowed: string or object"),
        ([{"role": "owner"}], "members.0.user: is required"),
        (["Yuki Tanaka", {"user": "Yuki Tanaka", "role": "owner"}], "is named before with another role"),
    ],
)
async def test_members_that_are_not_understood_are_told(larkfield: Desk, said: list[Any], told: str) -> None:
    refusal = await larkfield.refusal(ONBOARD, team(members=said))
    assert told in refusal["error"]
    assert {entry.verb for entry in larkfield.stage.seen()} <= {"GET"}
