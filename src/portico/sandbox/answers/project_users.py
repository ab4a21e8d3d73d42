"""The people in a project."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, fields, one_of, text
from portico.sandbox.invitations import invites
from portico.sandbox.pages import Cursor
from portico.sandbox.people import Member, active_project_of, join, members, user_with_email, users
from portico.sandbox.places import Place
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.roles import Principal, withdraw
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection
from portico.sandbox.state import Project, User
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(order="asc")
ROLE: Check = one_of("owner", "member")


def list_members(ask: Ask) -> Answer:
    rows = _held(ask, active_project_of(ask)).rows()
    return LIST.answer(ask, rows, lambda member: show(ask, member))


def add_member(ask: Ask) -> Answer:
    project = active_project_of(ask)
    body = fields(ask.body, {"role": ROLE}, {"user_id": text(), "email": text()})
    user = _named(ask, body)
    if user.id in _held(ask, project):
        raise invalid(f"{user.email} is already in this project.", "user_id", "user_already_in_project")
    member = join(project, user.id, body["role"], ask.now)
    audit(ask, "user.added", project, id=user.id, data={"role": member.role})
    return show(ask, member)


def get_member(ask: Ask) -> Answer:
    return show(ask, _held(ask, active_project_of(ask)).get(ask["user_id"]))


def update_member(ask: Ask) -> Answer:
    project = active_project_of(ask)
    member = _held(ask, project).get(ask["user_id"])
    body = fields(ask.body, optional={"role": ROLE})
    member.role = body.get("role", member.role)
    audit(ask, "user.updated", project, id=member.user_id, changes_requested=body)
    return show(ask, member)


def remove_member(ask: Ask) -> Answer:
    project = active_project_of(ask)
    member = _held(ask, project).remove(ask["user_id"])
    withdraw(ask, Place(ask.organization, project), principal=Principal(member.user_id, "user"))
    audit(ask, "user.deleted", project, id=member.user_id)
    return gone(member.user_id, "organization.project.user.deleted")


def show(ask: Ask, member: Member) -> Json:
    user = ask.organization.users[member.user_id]
    return {
        "id": user.id,
        "object": "organization.project.user",
        "name": user.name,
        "email": user.email,
        "role": member.role,
        "added_at": member.added_at,
    }


def _held(ask: Ask, project: Project) -> Collection[Member]:
    invites(ask.world, ask.organization)
    return members(ask.organization, project)


def _named(ask: Ask, body: Json) -> User:
    """The user of the organization whom the body names, by id or by address."""
    if "user_id" in body:
        return users(ask.organization).get(body["user_id"])
    if "email" not in body:
        raise missing("user_id")
    user = user_with_email(ask.organization, body["email"])
    if user is None:
        raise invalid(f"{body['email']} is not in this organization.", "email", "user_not_in_organization")
    return user


ROUTES = (
    Route("GET", "/organization/projects/{project_id}/users", list_members),
    Route("POST", "/organization/projects/{project_id}/users", add_member),
    Route("GET", "/organization/projects/{project_id}/users/{user_id}", get_member),
    Route("POST", "/organization/projects/{project_id}/users/{user_id}", update_member),
    Route("DELETE", "/organization/projects/{project_id}/users/{user_id}", remove_member),
)
