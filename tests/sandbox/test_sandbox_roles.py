"""Roles: made, assigned to users and groups, inherited, and what they let keys do."""

from collections.abc import Iterable
from typing import Any

import openai
import pytest
from bare_http import Caller
from colleagues import hire, log, with_key
from openai.resources.admin.organization import Organization

from portico.sandbox.state import World


def names(roles: Iterable[Any]) -> list[str]:
    return [role.name for role in roles]


def sources(role: Any) -> list[tuple[str, str]]:
    return [(source.principal_type, source.principal_id) for source in role.assignment_sources]


def test_predefined_roles_are_there_from_the_start(administration: Organization, world: World) -> None:
    organization = world.organization("test")
    assert [(role.id, role.predefined_role, role.resource_type) for role in administration.roles.list()] == [
        (f"role-api-organization-{name}__api-organization__{organization.id}", True, "api.organization")
        for name in ("owner", "reader")
    ]
    project = organization.default_project.id
    assert [
        (role.id, role.predefined_role, role.resource_type) for role in administration.projects.roles.list(project)
    ] == [
        (f"role-api-project-{name}__api-project__{project}", True, "api.project")
        for name in ("owner", "member", "viewer")
    ]


def test_role_of_the_organization_lives_its_life(administration: Organization) -> None:
    role = administration.roles.create(
        role_name="Group Manager", permissions=["api.groups.read", "api.groups.write"], description="Manages groups"
    )
    assert (role.name, role.predefined_role, role.description) == ("Group Manager", False, "Manages groups")
    assert administration.roles.retrieve(role.id) == role
    changed = administration.roles.update(
        role.id, role_name="Looker", permissions=["api.groups.read"], description=None
    )
    assert (changed.name, changed.permissions, changed.description) == ("Looker", ["api.groups.read"], None)
    assert names(administration.roles.list(limit=1)) == ["owner", "reader", "Looker"]
    assert administration.roles.delete(role.id).deleted
    with pytest.raises(openai.NotFoundError):
        administration.roles.retrieve(role.id)
    assert log(administration, 3) == ["role.created", "role.updated", "role.deleted"]


def test_role_of_a_project_belongs_to_it_alone(administration: Organization) -> None:
    alpha, beta = (administration.projects.create(name=name).id for name in ("Alpha", "Beta"))
    role = administration.projects.roles.create(alpha, role_name="Filer", permissions=["api.files.write"])
    assert role.resource_type == "api.project"
    assert administration.projects.roles.retrieve(role.id, project_id=alpha) == role
    changed = administration.projects.roles.update(role.id, project_id=alpha, description="Files things")
    assert (changed.name, changed.description) == ("Filer", "Files things")
    with pytest.raises(openai.NotFoundError):
        administration.projects.roles.retrieve(role.id, project_id=beta)
    with pytest.raises(openai.NotFoundError):
        administration.roles.retrieve(role.id)
    assert administration.projects.roles.delete(role.id, project_id=alpha).deleted
    assert names(administration.projects.roles.list(alpha)) == ["owner", "member", "viewer"]


def test_changes_of_a_role_are_told_one_by_one(administration: Organization) -> None:
    role = administration.roles.create(role_name="A", permissions=["api.files.read", "api.evals.read"])
    administration.roles.update(role.id, permissions=["api.evals.read", "api.evals.write"])
    (event,) = administration.audit_logs.list(limit=1).data
    assert event.role_updated is not None
    assert event.role_updated.changes_requested is not None
    assert event.role_updated.changes_requested.permissions_added == ["api.evals.write"]
    assert event.role_updated.changes_requested.permissions_removed == ["api.files.read"]


def test_user_has_roles_of_the_organization_directly_and_through_groups(
    administration: Organization, world: World
) -> None:
    anna, group = hire(world, "Anna"), administration.groups.create(name="Support")
    administration.groups.users.create(group.id, user_id=anna.id)
    role = administration.roles.create(role_name="Usage Reader", permissions=["api.usage.read"])
    given = administration.groups.roles.create(group.id, role_id=role.id)
    assert (given.group.id, given.group.scim_managed, given.role) == (group.id, False, role)
    inherited = administration.users.roles.retrieve(role.id, user_id=anna.id)
    assert sources(inherited) == [("group", group.id)]
    direct = administration.users.roles.create(anna.id, role_id=role.id)
    assert (direct.user.email, direct.role.id) == (anna.email, role.id)
    assert sources(administration.users.roles.retrieve(role.id, user_id=anna.id)) == [
        ("user", anna.id),
        ("group", group.id),
    ]
    listed = list(administration.users.roles.list(anna.id, limit=1))
    assert [(held.name, held.predefined_role) for held in listed] == [("reader", True), ("Usage Reader", False)]
    assert listed[1].created_by_user_obj is not None
    assert listed[1].created_by_user_obj["email"] == "owner@test.example"
    # Taking the direct one leaves the inherited one, which only the group can lose.
    assert administration.users.roles.delete(role.id, user_id=anna.id).object == "user.role.deleted"
    with pytest.raises(openai.BadRequestError, match="through a group"):
        administration.users.roles.delete(role.id, user_id=anna.id)
    assert sources(administration.groups.roles.retrieve(role.id, group_id=group.id)) == [("group", group.id)]
    assert names(administration.groups.roles.list(group.id)) == ["Usage Reader"]
    assert administration.groups.roles.delete(role.id, group_id=group.id).object == "group.role.deleted"
    with pytest.raises(openai.NotFoundError):
        administration.users.roles.retrieve(role.id, user_id=anna.id)


def test_assignment_in_the_log_names_who_got_what_where(administration: Organization, world: World) -> None:
    anna, project = hire(world, "Anna"), administration.projects.create(name="Alpha")
    administration.projects.users.create(project.id, user_id=anna.id, role="member")
    role = administration.projects.roles.create(project.id, role_name="Filer", permissions=["api.files.write"])
    administration.projects.users.roles.create(anna.id, project_id=project.id, role_id=role.id)
    (event,) = administration.audit_logs.list(resource_ids=[anna.id], event_types=["role.assignment.created"]).data
    made = event.role_assignment_created
    assert made is not None
    assert (made.principal_id, made.principal_type) == (anna.id, "user")
    assert (made.resource_id, made.resource_type) == (project.id, "api.project")
    assert made.id == f"role_assignment_{role.id}_{anna.id}"


def test_roles_in_a_project_come_from_membership_assignment_and_groups(
    administration: Organization, world: World
) -> None:
    projects = administration.projects
    anna, project, group = hire(world, "Anna"), projects.create(name="Alpha"), administration.groups.create(name="G")
    projects.users.create(project.id, user_id=anna.id, role="member")
    filer = projects.roles.create(project.id, role_name="Filer", permissions=["api.files.write"])
    tester = projects.roles.create(project.id, role_name="Tester", permissions=["api.evals.write"])
    administration.groups.users.create(group.id, user_id=anna.id)
    projects.groups.create(project.id, group_id=group.id, role=filer.id)
    assert projects.groups.roles.create(group.id, project_id=project.id, role_id=tester.id).role.id == tester.id
    assert names(projects.groups.roles.list(group.id, project_id=project.id)) == ["Filer", "Tester"]
    projects.users.roles.create(anna.id, project_id=project.id, role_id=tester.id)
    assert {role.name: sources(role) for role in projects.users.roles.list(anna.id, project_id=project.id)} == {
        "member": [("user", anna.id)],
        "Filer": [("group", group.id)],
        "Tester": [("user", anna.id), ("group", group.id)],
    }
    assert projects.groups.roles.retrieve(tester.id, project_id=project.id, group_id=group.id).name == "Tester"
    assert projects.groups.roles.delete(tester.id, project_id=project.id, group_id=group.id).deleted
    assert sources(projects.users.roles.retrieve(tester.id, project_id=project.id, user_id=anna.id)) == [
        ("user", anna.id)
    ]
    assert projects.users.roles.delete(tester.id, project_id=project.id, user_id=anna.id).deleted
    # The same group has no roles in the organization.
    assert list(administration.groups.roles.list(group.id)) == []


def test_deleted_role_is_taken_from_everybody(administration: Organization, world: World) -> None:
    anna, group = hire(world, "Anna"), administration.groups.create(name="Support")
    role = administration.roles.create(role_name="Usage Reader", permissions=["api.usage.read"])
    administration.users.roles.create(anna.id, role_id=role.id)
    administration.groups.roles.create(group.id, role_id=role.id)
    administration.roles.delete(role.id)
    assert names(administration.users.roles.list(anna.id)) == ["reader"]
    assert list(administration.groups.roles.list(group.id)) == []
    assert log(administration, 3) == ["role.assignment.deleted", "role.assignment.deleted", "role.deleted"]


def test_group_is_in_a_project_as_long_as_it_has_a_role_there(administration: Organization) -> None:
    projects, group = administration.projects, administration.groups.create(name="Support")
    project = projects.create(name="Alpha").id
    role = projects.roles.create(project, role_name="Filer", permissions=["api.files.write"])
    with pytest.raises(openai.NotFoundError):
        projects.groups.roles.list(group.id, project_id=project)
    projects.groups.roles.create(group.id, project_id=project, role_id=role.id)
    assert [entry.group_id for entry in projects.groups.list(project)] == [group.id]
    projects.groups.roles.delete(role.id, project_id=project, group_id=group.id)
    assert list(projects.groups.list(project)) == []
    projects.groups.roles.create(group.id, project_id=project, role_id=role.id)
    projects.roles.delete(role.id, project_id=project)
    assert list(projects.groups.list(project)) == []


def test_member_who_was_removed_comes_back_without_roles(administration: Organization, world: World) -> None:
    projects, anna = administration.projects, hire(world, "Anna")
    project = projects.create(name="Alpha")
    role = projects.roles.create(project.id, role_name="Filer", permissions=["api.files.write"])
    projects.users.create(project.id, user_id=anna.id, role="member")
    projects.users.roles.create(anna.id, project_id=project.id, role_id=role.id)
    projects.users.delete(anna.id, project_id=project.id)
    with pytest.raises(openai.NotFoundError):
        projects.users.roles.list(anna.id, project_id=project.id)
    projects.users.create(project.id, user_id=anna.id, role="member")
    assert names(projects.users.roles.list(anna.id, project_id=project.id)) == ["member"]


def test_predefined_role_is_the_plain_role(administration: Organization, world: World) -> None:
    anna = hire(world, "Anna")
    owner, reader = (role.id for role in administration.roles.list())
    assert administration.users.roles.create(anna.id, role_id=owner).user.role == "owner"
    assert administration.users.retrieve(anna.id).role == "owner"
    assert names(administration.users.roles.list(anna.id)) == ["owner"]
    assert log(administration, 2) == ["role.assignment.deleted", "role.assignment.created"]
    administration.users.roles.delete(owner, user_id=anna.id)
    assert administration.users.retrieve(anna.id).role == "reader"
    with pytest.raises(openai.BadRequestError, match="remove the user"):
        administration.users.roles.delete(reader, user_id=anna.id)
    project = administration.projects.create(name="Alpha").id
    administration.projects.users.create(project, user_id=anna.id, role="owner")
    ids = {role.name: role.id for role in administration.projects.roles.list(project)}
    administration.projects.users.roles.create(anna.id, project_id=project, role_id=ids["viewer"])
    assert administration.projects.users.retrieve(anna.id, project_id=project).role == "viewer"
    administration.projects.users.roles.create(anna.id, project_id=project, role_id=ids["owner"])
    administration.projects.users.roles.delete(ids["owner"], project_id=project, user_id=anna.id)
    assert administration.projects.users.retrieve(anna.id, project_id=project).role == "member"


def test_last_owner_stays_owner(administration: Organization, world: World) -> None:
    last = world.organization("test").owner
    owner, reader = (role.id for role in administration.roles.list())
    with pytest.raises(openai.BadRequestError, match="at least one owner"):
        administration.users.roles.delete(owner, user_id=last.id)
    with pytest.raises(openai.BadRequestError, match="at least one owner"):
        administration.users.roles.create(last.id, role_id=reader)
    with pytest.raises(openai.BadRequestError, match="at least one owner"):
        administration.users.update(last.id, role_id=reader)


def test_user_is_updated_with_the_id_of_a_role(administration: Organization, admin_call: Caller, world: World) -> None:
    anna = hire(world, "Anna")
    role = administration.roles.create(role_name="Usage Reader", permissions=["api.usage.read"])
    assert administration.users.update(anna.id, role_id=role.id).role == "reader"
    assert names(administration.users.roles.list(anna.id)) == ["reader", "Usage Reader"]
    owner = next(held.id for held in administration.roles.list() if held.name == "owner")
    assert administration.users.update(anna.id, role_id=owner).role == "owner"
    path = f"/v1/organization/users/{anna.id}"
    assert admin_call("POST", path, {"role_id": "role_none"}).status == 404
    assert admin_call("POST", path, {"role_id": owner, "role": "reader"}).error["code"] == "mutually_exclusive"


def test_roles_decide_what_the_keys_of_a_person_do(
    administration: Organization, world: World, sandbox_url: str
) -> None:
    projects, anna = administration.projects, hire(world, "Anna")
    project = projects.create(name="Alpha").id
    caller = with_key(world, sandbox_url, project, anna.id)
    ids = {role.name: role.id for role in projects.roles.list(project)}
    ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say fern"}]}

    def can() -> tuple[int, int]:
        return caller("GET", "/v1/files").status, caller("POST", "/v1/chat/completions", ask).status

    assert can() == (403, 403)
    assert "api.model.request" in caller("POST", "/v1/chat/completions", ask).error["message"]
    projects.users.create(project, user_id=anna.id, role="member")
    assert can() == (200, 200)
    projects.users.roles.create(anna.id, project_id=project, role_id=ids["viewer"])
    assert can() == (200, 403)
    caller_role = projects.roles.create(project, role_name="Caller", permissions=["api.model.request"])
    projects.users.roles.create(anna.id, project_id=project, role_id=caller_role.id)
    assert can() == (200, 200)
    projects.roles.update(caller_role.id, project_id=project, permissions=["api.evals.read"])
    assert can() == (200, 403)


def test_role_of_the_organization_works_in_every_project(
    administration: Organization, world: World, sandbox_url: str
) -> None:
    anna, project = hire(world, "Anna"), administration.projects.create(name="Alpha").id
    caller = with_key(world, sandbox_url, project, anna.id)
    role = administration.roles.create(role_name="Filer", permissions=["api.files.write"])
    administration.users.roles.create(anna.id, role_id=role.id)
    # Who may write may read.
    assert caller("GET", "/v1/files").status == 200
    assert caller("GET", "/v1/batches").status == 403


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/roles", {"permissions": ["api.files.read"]}, 400, "role_name"),
        ("/roles", {"role_name": "X"}, 400, "permissions"),
        ("/roles", {"role_name": "X", "permissions": []}, 400, "permissions"),
        ("/roles", {"role_name": "X", "permissions": ["everything"]}, 400, "permissions[0]"),
        ("/roles", {"role_name": "OWNER", "permissions": ["api.files.read"]}, 409, "role_name"),
        ("/roles/{owner}", {"role_name": "X"}, 400, "role_id"),
        ("/roles/role_none", {"role_name": "X"}, 404, "id"),
        ("/users/{user}/roles", {}, 400, "role_id"),
        ("/users/{user}/roles", {"role_id": "role_none"}, 404, "id"),
        ("/users/{user}/roles", {"role_id": "{owner}"}, 400, "role_id"),
        ("/users/user-none/roles", {"role_id": "{owner}"}, 404, "id"),
        ("/groups/group_none/roles", {"role_id": "{owner}"}, 404, "id"),
    ],
)
@pytest.mark.parametrize("base", ["/v1/organization", "/v1/projects/{project}"])
def test_what_makes_no_sense_is_refused(
    admin_call: Caller, world: World, base: str, path: str, body: dict[str, Any], status: int, param: str
) -> None:
    held = world.organization("test")
    word, place = ("project", held.default_project.id) if "projects" in base else ("organization", held.id)
    owner = f"role-api-{word}-owner__api-{word}__{place}"
    known = {"project": held.default_project.id, "owner": owner, "user": held.owner.id}
    sent = {name: value.format_map(known) if isinstance(value, str) else value for name, value in body.items()}
    got = admin_call("POST", (base + path).format_map(known), sent)
    assert (got.status, got.error["param"]) == (status, param)


def test_archived_project_keeps_its_roles(administration: Organization, admin_call: Caller) -> None:
    project = administration.projects.create(name="Alpha").id
    administration.projects.archive(project)
    body = {"role_name": "X", "permissions": ["api.files.read"]}
    assert admin_call("POST", f"/v1/projects/{project}/roles", body).error["code"] == "project_archived"
    assert admin_call("GET", f"/v1/projects/{project}/roles").status == 200


def test_project_keys_do_not_see_roles(call: Caller, world: World) -> None:
    project = world.organization("test").default_project.id
    assert call("GET", f"/v1/projects/{project}/roles").status == 403
