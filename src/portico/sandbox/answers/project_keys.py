"""The keys of a project, seen by an administrator: never their secrets. People make theirs elsewhere."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import array, fields, integer, text
from portico.sandbox.keys import Key
from portico.sandbox.pages import Cursor
from portico.sandbox.people import accounts, has_access, members, patterns, project_keys, project_of
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(order="asc")


def list_keys(ask: Ask) -> Answer:
    project = project_of(ask)
    # Without a wish OpenAI leaves out some keys whose owner lost access, so it is read as `active` here.
    wanted = ask.query.choice("owner_project_access", ("active", "inactive", "any"), "active")
    rows = project_keys(ask.world, project).rows(
        lambda key: wanted == "any" or (wanted == "active") == has_access(ask.organization, project, key)
    )
    return LIST.answer(ask, rows, lambda key: show(ask, project, key))


def get_key(ask: Ask) -> Answer:
    project = project_of(ask)
    return show(ask, project, project_keys(ask.world, project).get(ask["api_key_id"]))


def update_key(ask: Ask) -> Answer:
    project = project_of(ask)
    key = project_keys(ask.world, project).get(ask["api_key_id"])
    body = fields(ask.body, optional={"expires_in_seconds": integer(1), "scopes": array(text(shortest=1))})
    if key.expires_at is not None and key.expires_at <= ask.now:
        raise invalid("This key has expired; make a new one.", "api_key_id", "api_key_expired")
    if "expires_in_seconds" in body:
        key.expires_at = ask.now + body["expires_in_seconds"]
    if "scopes" in body:
        key.scopes = patterns(body["scopes"])
    audit(ask, "api_key.updated", project, id=key.id, changes_requested=body)
    return show(ask, project, key)


def delete_key(ask: Ask) -> Answer:
    project = project_of(ask)
    key = project_keys(ask.world, project).get(ask["api_key_id"])
    ask.world.keys.withdraw(key.id)
    audit(ask, "api_key.deleted", project, id=key.id)
    return gone(key.id, "organization.project.api_key.deleted")


def show(ask: Ask, project: Project, key: Key) -> Json:
    return {
        "id": key.id,
        "object": "organization.project.api_key",
        "name": key.name,
        "redacted_value": key.redacted,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "owner": _owner(ask, project, key),
        "owner_project_access": "active" if has_access(ask.organization, project, key) else "inactive",
    }


def _owner(ask: Ask, project: Project, key: Key) -> Json:
    account = accounts(project).look(key.owner_id)
    if account is not None:
        owner = {"id": account.id, "name": account.name, "created_at": account.created_at, "role": account.role}
        return {"type": "service_account", "service_account": owner}
    user = ask.organization.users[key.owner_id]
    member = members(ask.organization, project).look(user.id)
    return {
        "type": "user",
        "user": {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "created_at": user.added_at,
            "role": member.role if member else user.role,
        },
    }


ROUTES = (
    Route("GET", "/organization/projects/{project_id}/api_keys", list_keys),
    Route("GET", "/organization/projects/{project_id}/api_keys/{api_key_id}", get_key),
    Route("POST", "/organization/projects/{project_id}/api_keys/{api_key_id}", update_key),
    Route("DELETE", "/organization/projects/{project_id}/api_keys/{api_key_id}", delete_key),
)
