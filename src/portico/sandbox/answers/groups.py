"""Groups of an organization's users. What a group may do comes with the roles that are assigned to it."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, fields, text
from portico.sandbox.groups import GROUPS, Group, users_in
from portico.sandbox.pages import Next
from portico.sandbox.people import users
from portico.sandbox.places import Place
from portico.sandbox.refusals import invalid
from portico.sandbox.roles import Principal, withdraw
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Next(default=100)
USERS = Next(default=100, order="desc")
NAME: Check = text(shortest=1, longest=255)


def list_groups(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(GROUPS).rows(), Group.show)


def create_group(ask: Ask) -> Answer:
    body = fields(ask.body, {"name": NAME})
    group = Group(ask.new_id(GROUPS), body["name"], ask.now)
    audit(ask, "group.created", id=group.id, data={"group_name": group.name})
    return ask.held(GROUPS).add(group.id, group).show()


def get_group(ask: Ask) -> Answer:
    return _group(ask).show()


def update_group(ask: Ask) -> Answer:
    group = _own_group(ask)
    group.name = fields(ask.body, {"name": NAME})["name"]
    audit(ask, "group.updated", id=group.id, changes_requested={"group_name": group.name})
    facts = group.show()
    return {name: facts[name] for name in ("id", "name", "created_at", "is_scim_managed")}


def delete_group(ask: Ask) -> Answer:
    """Delete a group with all that it brought its users: roles, and the way into projects."""
    group = _own_group(ask)
    principal = Principal(group.id, "group")
    withdraw(ask, Place(ask.organization), principal=principal)
    for project in ask.organization.projects.values():
        withdraw(ask, Place(ask.organization, project), principal=principal)
    ask.held(GROUPS).remove(group.id)
    audit(ask, "group.deleted", id=group.id)
    return gone(group.id, "group.deleted")


def list_users(ask: Ask) -> Answer:
    rows = users_in(ask.organization, _group(ask)).rows()
    return USERS.answer(ask, rows, lambda user_id: _show(ask, user_id))


def add_user(ask: Ask) -> Answer:
    group = _own_group(ask)
    body = fields(ask.body, {"user_id": text()})
    user = users(ask.organization).get(body["user_id"])
    held = users_in(ask.organization, group)
    if user.id in held:
        raise invalid(f"{user.email} is already in this group.", "user_id", "user_already_in_group")
    held.add(user.id, user.id)
    audit(ask, "group.updated", id=group.id, changes_requested={"users_added": [user.id]})
    return {"object": "group.user", "user_id": user.id, "group_id": group.id}


def get_user(ask: Ask) -> Answer:
    user_id = users_in(ask.organization, _group(ask)).get(ask["user_id"])
    return {**_show(ask, user_id), "picture": None, "is_service_account": False, "user_type": "user"}


def remove_user(ask: Ask) -> Answer:
    group = _own_group(ask)
    user_id = users_in(ask.organization, group).remove(ask["user_id"])
    audit(ask, "group.updated", id=group.id, changes_requested={"users_removed": [user_id]})
    return {"object": "group.user.deleted", "deleted": True}


def _group(ask: Ask) -> Group:
    return ask.held(GROUPS).get(ask["group_id"])


def _own_group(ask: Ask) -> Group:
    """The group of the path, if it may be changed here."""
    group = _group(ask)
    if group.is_scim_managed:
        raise invalid(f"The group '{group.name}' is kept by your identity provider.", "group_id", "group_scim_managed")
    return group


def _show(ask: Ask, user_id: str) -> Json:
    user = ask.organization.users[user_id]
    return {"id": user.id, "name": user.name, "email": user.email}


ROUTES = (
    Route("GET", "/organization/groups", list_groups),
    Route("POST", "/organization/groups", create_group),
    Route("GET", "/organization/groups/{group_id}", get_group),
    Route("POST", "/organization/groups/{group_id}", update_group),
    Route("DELETE", "/organization/groups/{group_id}", delete_group),
    Route("GET", "/organization/groups/{group_id}/users", list_users),
    Route("POST", "/organization/groups/{group_id}/users", add_user),
    Route("GET", "/organization/groups/{group_id}/users/{user_id}", get_user),
    Route("DELETE", "/organization/groups/{group_id}/users/{user_id}", remove_user),
)
