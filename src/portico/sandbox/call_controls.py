"""The controls for calls: let a telephone call ring in a project, and look at all calls, which OpenAI never shows."""

from portico.sandbox import call_store
from portico.sandbox.call_store import CALLS
from portico.sandbox.checks import fields, text
from portico.sandbox.dispatch import Request
from portico.sandbox.refusals import not_found
from portico.sandbox.routes import Table
from portico.sandbox.shapes import Json
from portico.sandbox.state import DEMO, Project, World
from portico.sandbox.wire import Answer, decode

CALLER, CALLED = "sip:+15550100@example.com", "sip:support@sip.api.openai.com"


def ring(world: World, table: Table, request: Request) -> Answer:
    """A call comes in: for the default project of an organization, or another one of its projects."""
    names = ("organization", "project_id", "from", "to")
    body = fields(decode(request.body.raw.read()), optional={name: text(shortest=1) for name in names})
    organization = world.organization(body.get("organization", DEMO))
    project = organization.projects.get(body.get("project_id", organization.default_project.id))
    if project is None:
        raise not_found(f"There is no project '{body['project_id']}'.", "project_id")
    call_id = world.new_id("")
    pairs = {"From": body.get("from", CALLER), "To": body.get("to", CALLED), "Call-ID": call_id}
    headers: list[Json] = [{"name": name, "value": value} for name, value in pairs.items()]
    return call_store.ring(world, project, headers).show()


def list_calls(world: World, table: Table, request: Request) -> Answer:
    """All calls of all projects, each once, oldest first."""
    data: list[Json] = []
    for project in _projects(world):
        calls = {id(call): call for kind in CALLS.values() for call in project.shelf.of(kind)}
        found = [call.settle(world.now()) for call in calls.values()]
        data.extend({"project_id": project.id, **call.show()} for call in sorted(found, key=lambda call: call.made_at))
    return {"data": data}


def _projects(world: World) -> list[Project]:
    return [project for held in world.organizations.values() for project in held.projects.values()]
