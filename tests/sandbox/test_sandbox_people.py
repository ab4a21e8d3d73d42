"""The users of an organization and of its projects, and the invitations that bring them in."""

import openai
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.resources.admin.organization import Organization

from portico.sandbox.state import User, World


def add_user(world: World, name: str, role: str = "reader") -> User:
    held = world.organization("test")
    user = User(world.new_id("user-"), name, f"{name.lower()}@test.example", world.now(), role)
    held.users[user.id] = user
    return user


def test_users_are_listed_in_pages(administration: Organization, world: World) -> None:
    made = [world.organization("test").owner, *(add_user(world, f"User{place}") for place in range(4))]
    page = administration.users.list(limit=2)
    assert page.has_more
    assert [user.id for user in page] == [user.id for user in made]


def test_users_can_be_found_by_address(administration: Organization, world: World) -> None:
    add_user(world, "Anna")
    found = add_user(world, "Berta")
    assert [user.id for user in administration.users.list(emails=["BERTA@test.example", "no@where.example"])] == [
        found.id
    ]


def test_cursor_outlives_its_user(administration: Organization, world: World) -> None:
    made = [add_user(world, f"User{place}") for place in range(3)]
    page = administration.users.list(limit=2)
    administration.users.delete(made[0].id)
    assert [user.id for user in page.get_next_page().data] == [made[1].id, made[2].id]


def test_user_is_read_with_projects_and_last_use_of_keys(
    administration: Organization, client: OpenAI, world: World
) -> None:
    client.models.list()
    shown = administration.users.retrieve(world.organization("test").owner.id)
    assert shown.role == "owner"
    assert shown.is_default
    assert shown.api_key_last_used_at is not None
    assert abs(shown.api_key_last_used_at - world.now()) <= 1
    assert shown.projects is not None
    assert [(project.name, project.role) for project in shown.projects.data] == [("Default project", "owner")]


def test_role_and_persona_can_be_changed(administration: Organization, world: World) -> None:
    user = add_user(world, "Anna")
    changed = administration.users.update(user.id, role="owner", technical_level="expert", developer_persona="builder")
    assert (changed.role, changed.technical_level, changed.developer_persona) == ("owner", "expert", "builder")
    assert administration.users.retrieve(user.id) == changed.model_copy(
        update={"projects": administration.users.retrieve(user.id).projects}
    )


def test_last_owner_stays(administration: Organization, world: World) -> None:
    owner = world.organization("test").owner
    with pytest.raises(openai.BadRequestError):
        administration.users.update(owner.id, role="reader")
    with pytest.raises(openai.BadRequestError):
        administration.users.delete(owner.id)
    other = add_user(world, "Anna", "owner")
    assert administration.users.update(owner.id, role="reader").role == "reader"
    assert administration.users.update(other.id, role="owner").role == "owner"


def test_deleted_user_loses_projects_and_keys(administration: Organization, sandbox_url: str, world: World) -> None:
    held = world.organization("test")
    user = add_user(world, "Anna")
    project = held.default_project
    administration.projects.users.create(project.id, role="member", user_id=user.id)
    key = world.issue_key(held, "project", user.id, project.id)
    assert Caller(sandbox_url, key.secret)("GET", "/v1/models").status == 200
    assert administration.users.delete(user.id).deleted
    assert Caller(sandbox_url, key.secret)("GET", "/v1/models").status == 401
    assert user.id not in [member.id for member in administration.projects.users.list(project.id)]
    with pytest.raises(openai.NotFoundError):
        administration.users.retrieve(user.id)


def test_members_of_a_project_live_their_life(administration: Organization, world: World) -> None:
    project = administration.projects.create(name="Alpha")
    anna, berta = add_user(world, "Anna"), add_user(world, "Berta")
    users = administration.projects.users
    assert users.create(project.id, role="member", user_id=anna.id).email == anna.email
    assert users.create(project.id, role="owner", email=berta.email).id == berta.id
    owner = world.organization("test").owner
    assert [member.id for member in users.list(project.id, limit=2)] == [owner.id, anna.id, berta.id]
    assert users.update(anna.id, project_id=project.id, role="owner").role == "owner"
    assert users.retrieve(anna.id, project_id=project.id).role == "owner"
    assert users.delete(anna.id, project_id=project.id).deleted
    with pytest.raises(openai.NotFoundError):
        users.retrieve(anna.id, project_id=project.id)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"role": "member"}, 400, "missing_required_parameter"),
        ({"user_id": "user-nobody", "role": "member"}, 404, "not_found"),
        ({"email": "no@where.example", "role": "member"}, 400, "user_not_in_organization"),
        ({"email": "owner@test.example", "role": "member"}, 400, "user_already_in_project"),
        ({"email": "owner@test.example", "role": "king"}, 400, "invalid_value"),
        ({"email": "owner@test.example"}, 400, "missing_required_parameter"),
    ],
)
def test_bad_members_are_refused(
    admin_call: Caller, world: World, body: dict[str, str], status: int, code: str
) -> None:
    project = world.organization("test").default_project
    got = admin_call("POST", f"/v1/organization/projects/{project.id}/users", body)
    assert (got.status, got.error["code"]) == (status, code)


def test_invitation_waits_and_expires(administration: Organization, world: World) -> None:
    invite = administration.invites.create(email="new@test.example", role="reader")
    assert invite.status == "pending"
    assert invite.expires_at == invite.created_at + 7 * 24 * 3600
    assert [place.id for place in invite.projects] == [world.organization("test").default_project.id]
    world.advance(7 * 24 * 3600)
    assert administration.invites.retrieve(invite.id).status == "expired"
    assert administration.invites.delete(invite.id).deleted
    assert administration.invites.list().data == []


def test_accepted_invitation_makes_a_user(administration: Organization, world: World) -> None:
    project = administration.projects.create(name="Alpha")
    places = [{"id": project.id, "role": "owner"}]
    invite = administration.invites.create(email="jo.doe+accepts@test.example", role="owner", projects=places)  # pyright: ignore[reportArgumentType] -- the client narrows what the wire takes
    assert invite.status == "pending"
    world.advance(61)
    (user,) = administration.users.list(emails=[invite.email])
    assert (user.name, user.role, user.added_at) == ("Jo Doe", "owner", invite.created_at + 60)
    assert administration.projects.users.retrieve(user.id, project_id=project.id).role == "owner"
    accepted = administration.invites.retrieve(invite.id)
    assert (accepted.status, accepted.accepted_at) == ("accepted", invite.created_at + 60)
    with pytest.raises(openai.BadRequestError):
        administration.invites.delete(invite.id)
    events = administration.audit_logs.list(resource_ids=[invite.id, user.id])
    assert {event.type for event in events} == {"invite.sent", "invite.accepted", "user.added"}


def test_invitation_without_pace_is_accepted_at_once(administration: Organization, world: World) -> None:
    world.pace = 0
    invite = administration.invites.create(email="jo+accepts@test.example", role="reader", projects=[])
    assert administration.invites.retrieve(invite.id).status == "accepted"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"role": "reader"}, 400, "email"),
        ({"email": "x@y.example"}, 400, "role"),
        ({"email": "nonsense", "role": "reader"}, 400, "email"),
        ({"email": "x@y.example", "role": "member"}, 400, "role"),
        ({"email": "owner@test.example", "role": "reader"}, 400, "email"),
        ({"email": "x@y.example", "role": "reader", "projects": [{"id": "proj_none", "role": "member"}]}, 404, "id"),
        ({"email": "x@y.example", "role": "reader", "projects": [{"id": "p"}]}, 400, "projects[0].role"),
    ],
)
def test_bad_invitations_are_refused(admin_call: Caller, body: dict[str, object], status: int, param: str) -> None:
    got = admin_call("POST", "/v1/organization/invites", body)
    assert (got.status, got.error["param"]) == (status, param)


def test_nobody_is_invited_twice(admin_call: Caller) -> None:
    body = {"email": "x@y.example", "role": "reader"}
    assert admin_call("POST", "/v1/organization/invites", body).status == 200
    assert admin_call("POST", "/v1/organization/invites", body).error["code"] == "invite_already_pending"


@pytest.mark.parametrize("path", ["users", "projects", "invites", "admin_api_keys", "certificates", "audit_logs"])
def test_lists_keep_to_their_limits(admin_call: Caller, path: str) -> None:
    page = admin_call("GET", f"/v1/organization/{path}").json
    assert set(page) == {"object", "data", "first_id", "last_id", "has_more"}
    assert admin_call("GET", f"/v1/organization/{path}?limit=101").status == 400
    assert admin_call("GET", f"/v1/organization/{path}?limit=0").status == 400
    assert admin_call("GET", f"/v1/organization/{path}?after=nothing").status == 400


def test_project_keys_open_no_administration(call: Caller) -> None:
    got = call("GET", "/v1/organization/users")
    assert (got.status, got.error["code"]) == (403, "missing_scope")
