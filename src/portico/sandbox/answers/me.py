"""The person or service behind a key."""

from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route


def get_me(ask: Ask) -> Answer:
    owner = ask.organization.users.get(ask.key.owner_id)
    organization: Json = {
        "object": "organization",
        "id": ask.organization.id,
        "title": ask.organization.name.capitalize(),
        "name": ask.organization.name,
        "role": owner.role if owner else "reader",
        "is_default": True,
        "personal": False,
    }
    return {
        "object": "user",
        "id": ask.key.owner_id,
        "name": owner.name if owner else ask.key.name,
        "email": owner.email if owner else None,
        "orgs": {"object": "list", "data": [organization]},
    }


ROUTES = (Route("GET", "/me", get_me),)
