"""The projects of an organization: made, renamed, archived for good."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, fields, one_of, text
from portico.sandbox.external_store import EXTERNAL_KEYS
from portico.sandbox.pages import Cursor
from portico.sandbox.people import active_project_of, join, project_of, projects
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(order="asc")
NAME: Check = text(shortest=1, longest=256)
RESIDENCIES = (
    "GLOBAL",
    "US_STORAGE_PROCESSING",
    "EU_STORAGE_PROCESSING",
    "JP_STORAGE",
    "JP_STORAGE_PROCESSING",
    "KR_STORAGE",
    "CA_STORAGE",
    "SG_STORAGE",
    "IN_STORAGE",
    "IN_STORAGE_PROCESSING",
    "AU_STORAGE",
    "AU_STORAGE_PROCESSING",
    "GB_STORAGE",
    "AE_STORAGE",
    "AE_STORAGE_PROCESSING",
)
# The older way to say it: a region, which means the first residency that begins with it.
REGIONS = ("US", "EU", "JP", "KR", "CA", "SG", "IN", "AU", "GB", "AE")


def list_projects(ask: Ask) -> Answer:
    with_archived = ask.query.flag("include_archived")
    rows = projects(ask.organization).rows(lambda project: with_archived or project.status != "archived")
    return LIST.answer(ask, rows, show)


def create_project(ask: Ask) -> Answer:
    optional = {"residency": one_of(*RESIDENCIES), "external_key_id": text(), "geography": _region}
    body = fields(ask.body, {"name": NAME}, optional)
    _require_key(ask, body)
    if "residency" in body and "geography" in body:
        raise invalid("'geography' and 'residency' say the same; send only one.", "geography", "mutually_exclusive")
    project = ask.world.new_project(ask.organization, body["name"])
    project.residency = body.get("residency") or body.get("geography") or "GLOBAL"
    project.external_key_id = body.get("external_key_id")
    join(project, ask.key.owner_id, "owner", ask.now)
    audit(ask, "project.created", project, id=project.id, data={"name": project.name, "title": project.name})
    return show(project)


def get_project(ask: Ask) -> Answer:
    return show(project_of(ask))


def update_project(ask: Ask) -> Answer:
    project = active_project_of(ask)
    body = fields(ask.body, optional={"name": NAME, "external_key_id": text(), "geography": _region})
    _require_key(ask, body)
    if project is ask.organization.default_project and "name" in body:
        raise invalid("The default project can't be renamed.", "name", "default_project")
    project.name = body.get("name", project.name)
    project.residency = body.get("geography", project.residency)
    if "external_key_id" in ask.body:
        # Null takes the key away.
        project.external_key_id = body.get("external_key_id")
    changes = {"title": project.name} if "name" in body else {}
    audit(ask, "project.updated", project, id=project.id, changes_requested=changes)
    return show(project)


def archive_project(ask: Ask) -> Answer:
    project = active_project_of(ask)
    if project is ask.organization.default_project:
        raise invalid("The default project can't be archived.", "project_id", "default_project")
    project.status, project.archived_at = "archived", ask.now
    audit(ask, "project.archived", project, id=project.id)
    return show(project)


def show(project: Project) -> Json:
    return {
        "id": project.id,
        "object": "organization.project",
        "name": project.name,
        "created_at": project.created_at,
        "archived_at": project.archived_at,
        "status": project.status,
        "external_key_id": project.external_key_id,
        "residency": project.residency,
    }


def _require_key(ask: Ask, body: Json) -> None:
    name = "external_key_id"
    if name in body and body[name] not in ask.held(EXTERNAL_KEYS):
        raise invalid(f"There is no external key '{body[name]}' in this organization.", name, "external_key_not_found")


def _region(value: object, path: str) -> str:
    region = one_of(*REGIONS)(value.upper() if isinstance(value, str) else value, path)
    return next(residency for residency in RESIDENCIES if residency.startswith(f"{region}_"))


ROUTES = (
    Route("GET", "/organization/projects", list_projects),
    Route("POST", "/organization/projects", create_project),
    Route("GET", "/organization/projects/{project_id}", get_project),
    Route("POST", "/organization/projects/{project_id}", update_project),
    Route("POST", "/organization/projects/{project_id}/archive", archive_project),
)
