"""The admin keys of an organization; a key is told once, when it is made."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import fields, integer, text
from portico.sandbox.keys import Key
from portico.sandbox.pages import Cursor
from portico.sandbox.people import admin_keys
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(order="asc")
LONGEST_LIFE_SECONDS = 31_536_000


def list_keys(ask: Ask) -> Answer:
    rows = admin_keys(ask.world, ask.organization).rows()
    return LIST.answer(ask, rows, lambda key: show(ask, key))


def create_key(ask: Ask) -> Answer:
    required = {"name": text(shortest=1, longest=256)}
    body = fields(ask.body, required, {"expires_in_seconds": integer(1, LONGEST_LIFE_SECONDS)})
    key = ask.world.issue_key(ask.organization, "admin", ask.key.owner_id, None, body["name"])
    if "expires_in_seconds" in body:
        key.expires_at = ask.now + body["expires_in_seconds"]
    audit(ask, "api_key.created", id=key.id, data={"scopes": ["api.management.read", "api.management.write"]})
    return {**show(ask, key), "value": key.secret}


def get_key(ask: Ask) -> Answer:
    return show(ask, admin_keys(ask.world, ask.organization).get(ask["key_id"]))


def delete_key(ask: Ask) -> Answer:
    key = admin_keys(ask.world, ask.organization).get(ask["key_id"])
    ask.world.keys.withdraw(key.id)
    audit(ask, "api_key.deleted", id=key.id)
    return gone(key.id, "organization.admin_api_key.deleted")


def show(ask: Ask, key: Key) -> Json:
    owner = ask.organization.users[key.owner_id]
    return {
        "id": key.id,
        "object": "organization.admin_api_key",
        "name": key.name,
        "redacted_value": key.redacted,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "owner": {
            "type": "user",
            "object": "organization.user",
            "id": owner.id,
            "name": owner.name,
            "created_at": owner.added_at,
            "role": owner.role,
        },
    }


ROUTES = (
    Route("GET", "/organization/admin_api_keys", list_keys),
    Route("POST", "/organization/admin_api_keys", create_key),
    Route("GET", "/organization/admin_api_keys/{key_id}", get_key),
    Route("DELETE", "/organization/admin_api_keys/{key_id}", delete_key),
)
