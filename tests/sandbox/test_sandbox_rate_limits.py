"""Rate limits that administrators set act on the calls of their project."""

import openai
import pytest
from bare_http import Caller
from openai.resources.admin.organization import Organization

from portico.sandbox.state import World

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


def test_every_model_has_its_limits(administration: Organization, world: World) -> None:
    project = world.organization("test").default_project.id
    limits = {limit.model: limit for limit in administration.projects.rate_limits.list_rate_limits(project, limit=7)}
    assert limits["gpt-4o"].id == "rl-gpt-4o"
    assert limits["gpt-4o"].batch_1_day_max_input_tokens is not None
    assert limits["gpt-4o"].max_images_per_1_minute is None
    assert limits["gpt-image-1.5"].max_images_per_1_minute is not None
    assert limits["whisper-1"].max_audio_megabytes_per_1_minute is not None
    assert "text-embedding-3-small" in limits


def test_limits_can_be_paged_both_ways(administration: Organization, world: World) -> None:
    project = world.organization("test").default_project.id
    limits = administration.projects.rate_limits
    everything = [limit.id for limit in limits.list_rate_limits(project).data]
    middle = limits.list_rate_limits(project, after=everything[4], limit=3).data
    assert [limit.id for limit in middle] == everything[5:8]
    before = limits.list_rate_limits(project, before=everything[5], limit=3).data
    assert [limit.id for limit in before] == everything[2:5]


def test_only_the_wanted_limit_changes(administration: Organization, world: World) -> None:
    project = world.organization("test").default_project.id
    limits = administration.projects.rate_limits
    before = {limit.id: limit for limit in limits.list_rate_limits(project)}
    changed = limits.update_rate_limit("rl-gpt-4o", project_id=project, max_tokens_per_1_minute=5_000)
    assert changed.max_tokens_per_1_minute == 5_000
    assert changed.max_requests_per_1_minute == before["rl-gpt-4o"].max_requests_per_1_minute
    after = {limit.id: limit for limit in limits.list_rate_limits(project)}
    assert {name for name in after if after[name] != before[name]} == {"rl-gpt-4o"}
    assert after["rl-gpt-4o"] == changed


def test_set_limit_acts_on_calls(administration: Organization, call: Caller, world: World) -> None:
    project = world.organization("test").default_project.id
    limits = administration.projects.rate_limits
    limits.update_rate_limit("rl-gpt-4o", project_id=project, max_requests_per_1_minute=2)
    got = [call("POST", "/v1/chat/completions", CHAT) for _ in range(3)]
    assert [answer.status for answer in got] == [200, 200, 429]
    assert got[0].header("x-ratelimit-limit-requests") == "2"
    other = {**CHAT, "model": "gpt-4o-mini"}
    assert call("POST", "/v1/chat/completions", other).status == 200
    limits.update_rate_limit("rl-gpt-4o", project_id=project, max_requests_per_1_minute=100)
    assert call("POST", "/v1/chat/completions", CHAT).header("x-ratelimit-limit-requests") == "100"


def test_limits_of_other_projects_stay(administration: Organization, world: World) -> None:
    mine, other = (administration.projects.create(name=name).id for name in ("Mine", "Other"))
    limits = administration.projects.rate_limits
    before = limits.list_rate_limits(other).data
    limits.update_rate_limit("rl-gpt-4o", project_id=mine, max_requests_per_1_minute=1, max_requests_per_1_day=50)
    assert limits.list_rate_limits(other).data == before
    assert (
        next(limit for limit in limits.list_rate_limits(mine) if limit.model == "gpt-4o").max_requests_per_1_day == 50
    )


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("rl-gpt-4o", {"max_images_per_1_minute": 5}, "not_for_this_model"),
        ("rl-gpt-4o", {"max_requests_per_1_minute": 1_000_001}, "rate_limit_exceeds_organization"),
        ("rl-gpt-4o", {"max_requests_per_1_minute": -1}, "integer_below_min_value"),
        ("rl-gpt-4o", {"max_requests_per_1_minute": "many"}, "invalid_type"),
        ("rl-gpt-4o", {"max_fun": 1}, "unknown_parameter"),
    ],
)
def test_bad_limits_are_refused(
    admin_call: Caller, world: World, name: str, body: dict[str, object], code: str
) -> None:
    project = world.organization("test").default_project.id
    got = admin_call("POST", f"/v1/organization/projects/{project}/rate_limits/{name}", body)
    assert (got.status, got.error["code"]) == (400, code)


def test_limit_of_no_model_is_not_found(administration: Organization, world: World) -> None:
    project = world.organization("test").default_project.id
    with pytest.raises(openai.NotFoundError):
        administration.projects.rate_limits.update_rate_limit("rl-none", project_id=project)
