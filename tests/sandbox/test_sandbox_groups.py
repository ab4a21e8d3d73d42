"""Groups of users, and the projects that they open."""

import openai
import pytest
from bare_http import Caller
from colleagues import hire, log, with_key
from openai.resources.admin.organization import Organization

from portico.sandbox.state import DEMO, World


def test_group_lives_its_life(administration: Organization, world: World) -> None:
    group = administration.groups.create(name="Support")
    assert (group.name, group.group_type, group.is_scim_managed) == ("Support", "group", False)
    assert abs(group.created_at - world.now()) <= 1
    assert administration.groups.retrieve(group.id) == group
    assert administration.groups.update(group.id, name="Escalations").name == "Escalations"
    assert [held.name for held in administration.groups.list()] == ["Escalations"]
    gone = administration.groups.delete(group.id)
    assert (gone.id, gone.deleted) == (group.id, True)
    with pytest.raises(openai.NotFoundError):
        administration.groups.retrieve(group.id)
    assert log(administration, 3) == ["group.created", "group.updated", "group.deleted"]


def test_groups_are_paged_by_next(administration: Organization, admin_call: Caller) -> None:
    made = [administration.groups.create(name=f"G{place}").id for place in range(5)]
    assert [group.id for group in administration.groups.list(limit=2)] == made
    assert [group.id for group in administration.groups.list(limit=2, order="desc")] == made[::-1]
    page = admin_call("GET", "/v1/organization/groups?limit=2").json
    assert (page["has_more"], page["next"]) == (True, made[1])
    assert "last_id" not in page
    last = admin_call("GET", f"/v1/organization/groups?limit=4&after={made[1]}").json
    assert (last["has_more"], last["next"]) == (False, None)


def test_users_join_and_leave_a_group(administration: Organization, world: World) -> None:
    group = administration.groups.create(name="Support")
    people = [hire(world, name) for name in ("Anna", "Berta", "Carla")]
    for user in people:
        added = administration.groups.users.create(group.id, user_id=user.id)
        assert (added.group_id, added.user_id) == (group.id, user.id)
    listed = administration.groups.users.list(group.id, limit=2)
    assert [(user.name, user.email) for user in listed] == [(user.name, user.email) for user in people[::-1]]
    shown = administration.groups.users.retrieve(people[0].id, group_id=group.id)
    assert (shown.email, shown.user_type, shown.is_service_account) == (people[0].email, "user", False)
    assert administration.groups.users.delete(people[0].id, group_id=group.id).deleted
    with pytest.raises(openai.NotFoundError):
        administration.groups.users.retrieve(people[0].id, group_id=group.id)


def test_user_who_left_the_organization_is_in_no_group(administration: Organization, world: World) -> None:
    group = administration.groups.create(name="Support")
    user = hire(world, "Anna")
    administration.groups.users.create(group.id, user_id=user.id)
    administration.users.delete(user.id)
    assert list(administration.groups.users.list(group.id)) == []


def test_group_opens_a_project_to_its_users(administration: Organization, world: World, sandbox_url: str) -> None:
    project, group = administration.projects.create(name="Alpha"), administration.groups.create(name="Support")
    anna = hire(world, "Anna")
    administration.groups.users.create(group.id, user_id=anna.id)
    caller = with_key(world, sandbox_url, project.id, anna.id)
    assert caller("GET", "/v1/files").status == 403
    role = f"role-api-project-member__api-project__{project.id}"
    entry = administration.projects.groups.create(project.id, group_id=group.id, role=role)
    assert (entry.group_id, entry.group_name, entry.project_id) == (group.id, "Support", project.id)
    assert caller("GET", "/v1/files").status == 200
    (key,) = administration.projects.api_keys.list(project.id)
    assert (key.owner_project_access, key.owner.type) == ("active", "user")
    # Access through a group doesn't make a member.
    assert anna.id not in [member.id for member in administration.projects.users.list(project.id)]
    administration.groups.users.delete(anna.id, group_id=group.id)
    assert caller("GET", "/v1/files").status == 403
    assert list(administration.projects.api_keys.list(project.id)) == []


def test_groups_of_a_project_are_listed_and_removed(administration: Organization, admin_call: Caller) -> None:
    project = administration.projects.create(name="Alpha")
    roles = {role.name: role.id for role in administration.projects.roles.list(project.id)}
    groups = [administration.groups.create(name=f"G{place}") for place in range(3)]
    for group in groups:
        administration.projects.groups.create(project.id, group_id=group.id, role=roles["viewer"])
    listed = administration.projects.groups.list(project.id, limit=2)
    assert [entry.group_name for entry in listed] == ["G0", "G1", "G2"]
    assert administration.projects.groups.retrieve(groups[0].id, project_id=project.id).group_name == "G0"
    with pytest.raises(openai.NotFoundError):
        administration.projects.groups.retrieve(groups[0].id, project_id=project.id, group_type="tenant_group")
    assert administration.projects.groups.delete(groups[0].id, project_id=project.id).deleted
    assert log(administration, 1) == ["role.assignment.deleted"]
    path = f"/v1/organization/projects/{project.id}/groups"
    assert admin_call("GET", f"{path}/{groups[0].id}").status == 404
    assert admin_call("GET", f"{path}?limit=101").error["param"] == "limit"


def test_deleted_group_leaves_nothing_behind(administration: Organization, world: World) -> None:
    project, group = administration.projects.create(name="Alpha"), administration.groups.create(name="Support")
    anna = hire(world, "Anna")
    administration.groups.users.create(group.id, user_id=anna.id)
    role = administration.roles.create(role_name="Reader of usage", permissions=["api.usage.read"])
    administration.groups.roles.create(group.id, role_id=role.id)
    assert role.id in [held.id for held in administration.users.roles.list(anna.id)]
    viewer = next(held for held in administration.projects.roles.list(project.id) if held.name == "viewer")
    administration.projects.groups.create(project.id, group_id=group.id, role=viewer.id)
    administration.groups.delete(group.id)
    assert list(administration.projects.groups.list(project.id)) == []
    assert [held.name for held in administration.users.roles.list(anna.id)] == ["reader"]
    assert log(administration, 3) == ["role.assignment.deleted", "role.assignment.deleted", "group.deleted"]


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "param"),
    [
        ("POST", "groups", {}, 400, "name"),
        ("POST", "groups", {"name": ""}, 400, "name"),
        ("POST", "groups", {"name": "x" * 256}, 400, "name"),
        ("POST", "groups/{group}", {}, 400, "name"),
        ("GET", "groups/group_none", None, 404, "id"),
        ("GET", "groups?after=group_none", None, 400, "after"),
        ("POST", "groups/{group}/users", {}, 400, "user_id"),
        ("POST", "groups/{group}/users", {"user_id": "user-none"}, 404, "id"),
        ("POST", "groups/{group}/users", {"user_id": "{owner}"}, 400, "user_id"),
        ("DELETE", "groups/{group}/users/user-none", None, 404, "id"),
        ("POST", "projects/{project}/groups", {"group_id": "{group}", "role": "role_none"}, 400, "role"),
        ("POST", "projects/{project}/groups", {"group_id": "group_none", "role": "{member}"}, 404, "id"),
        ("POST", "projects/{project}/groups", {"group_id": "{group}"}, 400, "role"),
        ("POST", "projects/{project}/groups", {"group_id": "{group}", "role": "{member}"}, 400, "group_id"),
        ("GET", "projects/proj_none/groups", None, 404, "id"),
    ],
)
def test_what_makes_no_sense_is_refused(
    administration: Organization,
    admin_call: Caller,
    world: World,
    verb: str,
    path: str,
    body: dict[str, str] | None,
    status: int,
    param: str,
) -> None:
    project, group = administration.projects.create(name="Alpha"), administration.groups.create(name="Support")
    owner, member = world.organization("test").owner.id, f"role-api-project-member__api-project__{project.id}"
    administration.groups.users.create(group.id, user_id=owner)
    administration.projects.groups.create(project.id, group_id=group.id, role=member)
    names = {"project": project.id, "group": group.id, "owner": owner, "member": member}
    sent = None if body is None else {name: value.format_map(names) for name, value in body.items()}
    got = admin_call(verb, f"/v1/organization/{path.format_map(names)}", sent)
    assert (got.status, got.error["param"]) == (status, param)


def test_group_of_the_identity_provider_is_not_changed_here(demo: Organization, world: World, sandbox_url: str) -> None:
    finance = next(group for group in demo.groups.list() if group.is_scim_managed)
    caller = Caller(sandbox_url, "sk-admin-demo")
    path = f"/v1/organization/groups/{finance.id}"
    owner = world.organization(DEMO).owner.id
    for got in (
        caller("POST", path, {"name": "Money"}),
        caller("POST", f"{path}/users", {"user_id": owner}),
        caller("DELETE", path),
    ):
        assert (got.status, got.error["code"]) == (400, "group_scim_managed")
