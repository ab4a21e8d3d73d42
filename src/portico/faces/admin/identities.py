"""/user/{id}/identity: who a user is at the provider where people sign in. For operators' tokens."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.faces.admin.users import TAG, found_user
from portico.faces.endpoint import Asked, Endpoint
from portico.gateway.oidc.linking import link, unlink
from portico.store.identities import Identity


class IdentityBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`subject` is what the provider calls them in its tokens (`sub`)."""

    subject: str


class IdentityShown(Struct, frozen=True, kw_only=True):
    """`email` is what the provider called them last; null before they came."""

    issuer: str
    subject: str
    email: str | None
    created_at: str
    last_seen_at: str


class Unlinked(Struct, frozen=True, kw_only=True):
    """How many links there were."""

    unlinked: int


def show(identity: Identity) -> dict[str, Any]:
    return {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "email": identity.email or None,
        "created_at": iso(identity.created_at),
        "last_seen_at": iso(identity.seen_at),
    }


async def list_identities(asked: Asked) -> Any:
    person = await found_user(asked)
    shown = [show(each) for each in await asked.parts.identities.of_person(person.id)]
    return {
        "result": shown, "next_cursor": None, "prev_cursor": None, "result_count": len(shown), "limit": len(shown),
    }  # fmt: skip


async def link_user(asked: Asked) -> Any:
    body: IdentityBody = asked.body
    return show(await link(asked.parts, await found_user(asked), body.subject, asked.caller))


async def unlink_user(asked: Asked) -> Any:
    return {"unlinked": await unlink(asked.parts, await found_user(asked), asked.caller)}


_PATH = "/user/{id}/identity"
ENDPOINTS = (
    Endpoint(
        verb="GET", path=_PATH, name="listUserIdentities", summary="List who a user is at providers", tag=TAG,
        handler=list_identities, returns=list[IdentityShown], scope="operator",
    ),
    Endpoint(
        verb="POST", path=_PATH, name="linkUser", summary="Link a user with the provider", tag=TAG,
        description="From then on they sign in there alone: their password and every session of theirs end.",
        handler=link_user, body=IdentityBody, returns=IdentityShown, scope="operator", status=201,
    ),
    Endpoint(
        verb="DELETE", path=_PATH, name="unlinkUser", summary="Unlink a user from providers", tag=TAG,
        description="Every session of theirs ends, and the programs that they let in are out. With a new password they "
        "can sign in here.",
        handler=unlink_user, returns=Unlinked, scope="operator",
    ),
)  # fmt: skip
