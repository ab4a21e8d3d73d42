"""The users of an organization."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, fields, one_of, text
from portico.sandbox.invitations import invites
from portico.sandbox.pages import Cursor
from portico.sandbox.people import is_last_owner, last_owner, members, remove_user, show_user, users
from portico.sandbox.places import Place
from portico.sandbox.refusals import invalid
from portico.sandbox.roles import give, roles
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection
from portico.sandbox.state import User
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(order="asc")
ROLE: Check = one_of("owner", "reader")


def list_users(ask: Ask) -> Answer:
    wanted = {email.lower() for email in ask.query.many("emails")}
    rows = _held(ask).rows(lambda user: not wanted or user.email.lower() in wanted)
    return LIST.answer(ask, rows, lambda user: show_user(ask, user))


def get_user(ask: Ask) -> Answer:
    user = _held(ask).get(ask["user_id"])
    places: list[Json] = []
    for project in ask.organization.projects.values():
        member = members(ask.organization, project).look(user.id)
        if member is not None and project.status == "active":
            places.append({"id": project.id, "name": project.name, "role": member.role})
    return {**show_user(ask, user), "projects": {"object": "list", "data": places}}


def update_user(ask: Ask) -> Answer:
    user = _held(ask).get(ask["user_id"])
    words = text(longest=256)
    told = {"role": ROLE, "role_id": text(), "technical_level": words, "developer_persona": words}
    body = fields(ask.body, optional=told)
    if "role" in body and "role_id" in body:
        raise invalid("'role' and 'role_id' exclude each other.", "role_id", "mutually_exclusive")
    if body.get("role") == "reader" and is_last_owner(ask.organization, user):
        raise last_owner()
    if "role_id" in body:
        place = Place(ask.organization)
        give(ask, place, roles(place).get(body["role_id"]), user)
    user.role = body.get("role", user.role)
    user.technical_level = body.get("technical_level", user.technical_level)
    user.developer_persona = body.get("developer_persona", user.developer_persona)
    changes = {name: body[name] for name in ("role", "role_id") if name in body}
    audit(ask, "user.updated", id=user.id, changes_requested=changes)
    return show_user(ask, user)


def delete_user(ask: Ask) -> Answer:
    user = _held(ask).get(ask["user_id"])
    if is_last_owner(ask.organization, user):
        raise last_owner()
    # Before it happens: who removes himself is still known by his address.
    audit(ask, "user.deleted", id=user.id)
    remove_user(ask.world, ask.organization, user)
    return gone(user.id, "organization.user.deleted")


def _held(ask: Ask) -> Collection[User]:
    # An invitation may have been accepted since anyone looked.
    invites(ask.world, ask.organization)
    return users(ask.organization)


ROUTES = (
    Route("GET", "/organization/users", list_users),
    Route("GET", "/organization/users/{user_id}", get_user),
    Route("POST", "/organization/users/{user_id}", update_user),
    Route("DELETE", "/organization/users/{user_id}", delete_user),
)
