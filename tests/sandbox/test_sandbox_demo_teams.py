"""The demo organization's groups, roles and budgets: who has access to what, on any day."""

from collections import Counter
from collections.abc import Iterator

import pytest
from bare_http import Caller
from openai import OpenAI
from openai.resources.admin.organization import Organization as Administration
from openai.types.admin.organization.projects import ProjectUser

from portico.sandbox.serve import running
from portico.sandbox.state import DEMO, World

DAY = 86_400
MOMENTS = (1_795_015_800, 1_793_491_260, 1_798_761_599)


@pytest.fixture(scope="module", params=MOMENTS, ids=["a Wednesday", "the first of a month", "the end of a year"])
def any_day(request: pytest.FixtureRequest) -> Iterator[tuple[Administration, World, str]]:
    world = World()
    world.turn_to(request.param + 0.5)
    with running(world) as url:
        client = OpenAI(
            base_url=f"{url}/v1",
            api_key="sk-proj-demo",
            admin_api_key="sk-admin-demo",
            max_retries=0,
            _strict_response_validation=True,
        )
        with client:
            yield client.admin.organization, world, url


def dearest(api: Administration, world: World) -> str:
    """The project that cost most in the last thirty days."""
    costs: Counter[str] = Counter()
    for bucket in api.usage.costs(start_time=world.now() - 30 * DAY, group_by=["project_id"], limit=180).data:
        for result in bucket.results:
            assert result.object == "organization.costs.result"
            assert result.amount is not None
            costs[str(result.project_id)] += int((result.amount.value or 0) * 1_000_000)
    return costs.most_common(1)[0][0]


def through_groups(api: Administration, project: str) -> set[str]:
    return {
        str(user.email) for entry in api.projects.groups.list(project) for user in api.groups.users.list(entry.group_id)
    }


def direct(members: Iterator[ProjectUser]) -> set[str]:
    return {str(member.email) for member in members}


def test_dearest_project_is_open_to_people_groups_and_accounts(any_day: tuple[Administration, World, str]) -> None:
    api, world, _ = any_day
    project = dearest(api, world)
    members, others = direct(iter(api.projects.users.list(project))), through_groups(api, project)
    assert members
    # Some have both ways, and some only the one through their group.
    assert others & members
    assert others - members
    assert list(api.projects.service_accounts.list(project))


def test_whoever_comes_through_a_group_may_use_keys_there(any_day: tuple[Administration, World, str]) -> None:
    api, world, url = any_day
    held = world.organization(DEMO)
    project = next(each for each in held.projects.values() if each.name == "Customer-Support-Bot")
    by_email = {user.email: user.id for user in held.users.values()}
    only = through_groups(api, project.id) - direct(iter(api.projects.users.list(project.id)))
    for email in only:
        key = world.issue_key(held, "project", by_email[email], project.id)
        assert Caller(url, key.secret)("GET", "/v1/files").status == 200
        world.keys.withdraw(key.id)
    stranger = world.issue_key(held, "project", by_email["jonas.weber@larkfield.example"], project.id)
    assert Caller(url, stranger.secret)("GET", "/v1/files").status == 403
    world.keys.withdraw(stranger.id)


def test_no_group_lies_about_its_users_or_projects(any_day: tuple[Administration, World, str]) -> None:
    api, world, _ = any_day
    groups = {group.id: group for group in api.groups.list()}
    assert {"Data Scientists", "Support"} <= {group.name for group in groups.values()}
    assert {group.is_scim_managed for group in groups.values()} == {True, False}
    for project in api.projects.list():
        for entry in api.projects.groups.list(project.id):
            assert groups[entry.group_id].name == entry.group_name
            assert max(project.created_at, groups[entry.group_id].created_at) <= entry.created_at <= world.now()
            assert list(api.projects.groups.roles.list(entry.group_id, project_id=project.id))


def test_role_of_the_demo_is_held_directly_and_through_a_group(any_day: tuple[Administration, World, str]) -> None:
    api, _, _ = any_day
    role = next(role for role in api.roles.list() if role.name == "Usage Reader")
    kinds: set[str] = set()
    for user in api.users.list():
        for held in api.users.roles.list(user.id):
            if held.id == role.id:
                kinds |= {source.principal_type for source in held.assignment_sources or []}
    assert kinds == {"user", "group"}


def test_no_limit_of_the_demo_contradicts_its_history(any_day: tuple[Administration, World, str]) -> None:
    api, _, _ = any_day
    limit = api.spend_limit.retrieve()
    assert limit.enforcement.status == "inactive"
    alerts = api.spend_alerts.list().data
    assert alerts
    assert all(alert.threshold_amount < limit.threshold_amount for alert in alerts)
    names = {project.name: project.id for project in api.projects.list()}
    assert api.projects.spend_limit.retrieve(names["Marketing-Gen"]).enforcement.status == "inactive"
    assert len(api.projects.spend_alerts.list(names["Customer-Support-Bot"]).data) == 2


def test_policies_of_the_demo_agree_with_what_it_uses(any_day: tuple[Administration, World, str]) -> None:
    api, world, _ = any_day
    bot = next(project.id for project in api.projects.list() if project.name == "Customer-Support-Bot")
    policy = api.projects.model_permissions.retrieve(bot)
    used = {row.model for row in world.organization(DEMO).all_usage() if row.project_id == bot}
    assert policy.mode == "deny_list"
    assert used.isdisjoint(policy.api_model_ids)
    assert api.projects.data_retention.retrieve(bot).type == "zero_data_retention"


def test_log_tells_of_groups_roles_and_providers(any_day: tuple[Administration, World, str]) -> None:
    api, _, _ = any_day
    wanted = ("group.created", "role.created", "role.assignment.created", "workload_identity_provider.created")
    for kind in wanted:
        assert list(api.audit_logs.list(event_types=[kind]))
    (event,) = api.audit_logs.list(event_types=["workload_identity_provider_mapping.created"])
    assert event.project is not None
    assert event.project.name == "Data-Science"
    (provider,) = api.workload_identity_providers.list()
    assert [rule.name for rule in api.workload_identity_providers.federation_rules.list(provider.id)] == [
        "Nightly batch"
    ]
    assert [key.name for key in api.external_keys.list()] == ["Archive"]
