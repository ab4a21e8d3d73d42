"""Roles of an organization and of its projects: the predefined ones, and those that administrators make."""

import re
from typing import Any

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, array, fields, text
from portico.sandbox.pages import Next
from portico.sandbox.places import Place, open_place_of, place_of
from portico.sandbox.refusals import conflict, invalid
from portico.sandbox.roles import ROLES, Role, granted_by, roles, withdraw
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Next(default=1000)
NAME: Check = text(shortest=1, longest=255)
PERMISSION = re.compile(r"api(\.[a-z_]+)+\.(read|write|request|use|manage)")


def _permission(value: Any, path: str) -> str:
    name: str = text()(value, path)
    if not PERMISSION.fullmatch(name):
        raise invalid(f"There is no permission '{name}'; an example is 'api.files.read'.", path, "unknown_permission")
    return name


PERMISSIONS: Check = array(_permission, shortest=1)


def list_roles(ask: Ask) -> Answer:
    return LIST.answer(ask, roles(place_of(ask)).rows(), Role.show)


def create_role(ask: Ask) -> Answer:
    place = open_place_of(ask)
    body = fields(ask.body, {"role_name": NAME, "permissions": PERMISSIONS}, {"description": text()})
    _keep_unique(place, body["role_name"])
    listed = list(dict.fromkeys(body["permissions"]))
    role = Role(ask.new_id(ROLES), body["role_name"], body.get("description"), listed, place.word, granted_by(listed))
    role.created_at, role.updated_at, role.created_by = ask.now, ask.now, ask.key.owner_id
    roles(place).add(role.id, role)
    audit(ask, "role.created", place.project, id=role.id, role_name=role.name, permissions=listed, **_whose(place))
    return role.show()


def get_role(ask: Ask) -> Answer:
    return roles(place_of(ask)).get(ask["role_id"]).show()


def update_role(ask: Ask) -> Answer:
    place = open_place_of(ask)
    role = _custom(ask, place)
    body = fields(ask.body, optional={"role_name": NAME, "permissions": PERMISSIONS, "description": text()})
    changes: Json = _whose(place)
    if "role_name" in body and body["role_name"] != role.name:
        _keep_unique(place, body["role_name"])
        role.name = changes["role_name"] = body["role_name"]
    if "permissions" in body:
        listed = list(dict.fromkeys(body["permissions"]))
        changes["permissions_added"] = [one for one in listed if one not in role.permissions]
        changes["permissions_removed"] = [one for one in role.permissions if one not in listed]
        role.permissions, role.grants = listed, granted_by(listed)
    if "description" in ask.body:
        # Null takes the description away.
        role.description = changes["description"] = body.get("description")
    role.updated_at = ask.now
    audit(ask, "role.updated", place.project, id=role.id, changes_requested=changes)
    return role.show()


def delete_role(ask: Ask) -> Answer:
    """Delete a role; whoever had it has it no more."""
    place = open_place_of(ask)
    role = _custom(ask, place)
    withdraw(ask, place, role=role)
    roles(place).remove(role.id)
    audit(ask, "role.deleted", place.project, id=role.id)
    return gone(role.id, "role.deleted")


def _custom(ask: Ask, place: Place) -> Role:
    role = roles(place).get(ask["role_id"])
    if role.is_predefined:
        raise invalid(f"The role '{role.name}' is predefined and stays as it is.", "role_id", "predefined_role")
    return role


def _keep_unique(place: Place, name: str) -> None:
    if any(role.name.lower() == name.lower() for role in roles(place)):
        raise conflict(f"There is a role '{name}' already.", "role_name_taken", "role_name")


def _whose(place: Place) -> Json:
    return {"resource_id": place.id, "resource_type": f"api.{place.word}"}


ROUTES = tuple(
    Route(verb, f"{base}/roles{rest}", handler)
    for base in ("/organization", "/projects/{project_id}")
    for verb, rest, handler in (
        ("GET", "", list_roles),
        ("POST", "", create_role),
        ("GET", "/{role_id}", get_role),
        ("POST", "/{role_id}", update_role),
        ("DELETE", "/{role_id}", delete_role),
    )
)
