"""The service accounts of a project and the keys that are made for them; a key is told once, when it is made."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, array, boolean, fields, integer, one_of, text
from portico.sandbox.keys import EVERYTHING, Key
from portico.sandbox.pages import Cursor
from portico.sandbox.people import ACCOUNTS, ServiceAccount, accounts, active_project_of, patterns
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(order="asc")
NAME: Check = text(shortest=1, longest=256)
LONGEST_LIFE_SECONDS = 31_536_000
LIFE: Check = integer(1, LONGEST_LIFE_SECONDS)
KEY_NAME = "Secret Key"
NOTHING: tuple[str, ...] = ()


def list_accounts(ask: Ask) -> Answer:
    return LIST.answer(ask, accounts(active_project_of(ask)).rows(), show)


def create_account(ask: Ask) -> Answer:
    project = active_project_of(ask)
    optional = {"create_service_account_only": boolean, "expires_in_seconds": LIFE}
    body = fields(ask.body, {"name": NAME}, optional)
    alone = body.get("create_service_account_only", False)
    if alone and "expires_in_seconds" in body:
        message = "'expires_in_seconds' is for the key, which 'create_service_account_only' leaves out."
        raise invalid(message, "expires_in_seconds", "mutually_exclusive")
    account = ServiceAccount(ask.new_id(ACCOUNTS), body["name"], "none" if alone else "member", ask.now)
    accounts(project).add(account.id, account)
    audit(ask, "service_account.created", project, id=account.id, data={"role": account.role})
    key = None if alone else _issue(ask, project, account, {**body, "name": KEY_NAME})
    return {**show(account), "api_key": None if key is None else show_once(key)}


def get_account(ask: Ask) -> Answer:
    return show(accounts(active_project_of(ask)).get(ask["service_account_id"]))


def update_account(ask: Ask) -> Answer:
    project = active_project_of(ask)
    account = accounts(project).get(ask["service_account_id"])
    body = fields(ask.body, optional={"name": NAME, "role": one_of("member", "owner")})
    account.name = body.get("name", account.name)
    if "role" in body:
        for key in ask.world.keys.by_secret.values():
            # Its keys opened nothing as long as it had no role.
            if key.owner_id == account.id and key.scopes == NOTHING:
                key.scopes = EVERYTHING
        account.role = body["role"]
    changes = {"role": account.role} if "role" in body else {}
    audit(ask, "service_account.updated", project, id=account.id, changes_requested=changes)
    return show(account)


def delete_account(ask: Ask) -> Answer:
    project = active_project_of(ask)
    account = accounts(project).remove(ask["service_account_id"])
    ask.world.keys.withdraw_owner(account.id)
    audit(ask, "service_account.deleted", project, id=account.id)
    return gone(account.id, "organization.project.service_account.deleted")


def create_key(ask: Ask) -> Answer:
    project = active_project_of(ask)
    account = accounts(project).get(ask["service_account_id"])
    optional = {"name": NAME, "scopes": array(text(shortest=1)), "expires_in_seconds": LIFE}
    return show_once(_issue(ask, project, account, fields(ask.body, optional=optional)))


def show(account: ServiceAccount) -> Json:
    return {
        "id": account.id,
        "object": "organization.project.service_account",
        "name": account.name,
        "role": account.role,
        "created_at": account.created_at,
    }


def show_once(key: Key) -> Json:
    return {
        "id": key.id,
        "object": "organization.project.service_account.api_key",
        "name": key.name,
        "value": key.secret,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }


def _issue(ask: Ask, project: Project, account: ServiceAccount, wish: Json) -> Key:
    name = wish.get("name", KEY_NAME)
    key = ask.world.issue_key(ask.organization, "service_account", account.id, project.id, name)
    key.scopes = NOTHING if account.role == "none" else patterns(wish.get("scopes", ()))
    seconds = wish.get("expires_in_seconds")
    key.expires_at = None if seconds is None else ask.now + seconds
    audit(ask, "api_key.created", project, id=key.id, data={"scopes": wish.get("scopes", [])})
    return key


ROUTES = (
    Route("GET", "/organization/projects/{project_id}/service_accounts", list_accounts),
    Route("POST", "/organization/projects/{project_id}/service_accounts", create_account),
    Route("GET", "/organization/projects/{project_id}/service_accounts/{service_account_id}", get_account),
    Route("POST", "/organization/projects/{project_id}/service_accounts/{service_account_id}", update_account),
    Route("DELETE", "/organization/projects/{project_id}/service_accounts/{service_account_id}", delete_account),
    Route("POST", "/organization/projects/{project_id}/service_accounts/{service_account_id}/api_keys", create_key),
)
