"""The groups that a project is open to: their users work in it as if each had been put into it."""

from portico.sandbox.checks import fields, text
from portico.sandbox.groups import GROUPS, Entry, entries
from portico.sandbox.pages import Next
from portico.sandbox.people import active_project_of
from portico.sandbox.places import Place
from portico.sandbox.refusals import invalid, no_such
from portico.sandbox.roles import Principal, grant, roles, tell, withdraw
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route

LIST = Next(default=20, maximum=100)


def list_groups(ask: Ask) -> Answer:
    project = active_project_of(ask)
    return LIST.answer(ask, entries(project).rows(), lambda entry: show(ask, project, entry))


def add_group(ask: Ask) -> Answer:
    project = active_project_of(ask)
    body = fields(ask.body, {"group_id": text(), "role": text()})
    group = ask.held(GROUPS).get(body["group_id"])
    place, principal = Place(ask.organization, project), Principal(group.id, "group")
    role = roles(place).look(body["role"])
    if role is None:
        raise invalid(f"'{body['role']}' is not the id of a role of this project.", "role", "unknown_role")
    if group.id in entries(project):
        raise invalid(f"The group '{group.name}' is already in this project.", "group_id", "group_already_in_project")
    grant(place, role, principal, ask.now)
    tell(ask, place, "created", role.id, principal)
    return show(ask, project, entries(project).get(group.id))


def get_group(ask: Ask) -> Answer:
    project = active_project_of(ask)
    entry = entries(project).get(ask["group_id"])
    if ask.query.choice("group_type", ("group", "tenant_group"), "group") != "group":
        # Groups of a whole tenant can't be made here.
        raise no_such(entries(project).noun, entry.group_id)
    return show(ask, project, entry)


def remove_group(ask: Ask) -> Answer:
    project = active_project_of(ask)
    entry = entries(project).get(ask["group_id"])
    withdraw(ask, Place(ask.organization, project), principal=Principal(entry.group_id, "group"))
    return {"object": "project.group.deleted", "deleted": True}


def show(ask: Ask, project: Project, entry: Entry) -> Json:
    return {
        "object": "project.group",
        "project_id": project.id,
        "group_id": entry.group_id,
        "group_name": ask.held(GROUPS).get(entry.group_id).name,
        "group_type": "group",
        "created_at": entry.added_at,
    }


ROUTES = (
    Route("GET", "/organization/projects/{project_id}/groups", list_groups),
    Route("POST", "/organization/projects/{project_id}/groups", add_group),
    Route("GET", "/organization/projects/{project_id}/groups/{group_id}", get_group),
    Route("DELETE", "/organization/projects/{project_id}/groups/{group_id}", remove_group),
)
