"""/stored-secret: keys kept under names. Their text comes in, and goes out only into accounts or behind a link."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, page, position
from portico.gateway.handover import LONGEST_MINUTES, SHORTEST_MINUTES, Key
from portico.model.secret import SecretRules, StoredSecret

TAG = "Stored secrets"
BY_HAND = "stored by hand"


class SecretBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`replace` puts the value in the place of the one that has the name."""

    name: str
    value: str
    replace: bool = False


class SecretShown(Struct, frozen=True, kw_only=True):
    """`ends_in` is all that is told of the key, `about` the tool that it came from."""

    id: str
    name: str
    ends_in: str
    about: str
    integrated_account_id: str | None
    created_by: str
    created_at: str
    updated_at: str


class OneTimeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sign_in`: only somebody who is signed in here, and may see this environment, can open it."""

    minutes: int = 60
    sign_in: bool = False


class OneTimeLink(Struct, frozen=True, kw_only=True):
    """`url` opens once."""

    name: str
    url: str
    ends_in: str
    sign_in: bool
    expires_at: str


class SecretGone(Struct, frozen=True, kw_only=True):
    name: str


def show(secret: StoredSecret) -> dict[str, Any]:
    return {
        "id": secret.id,
        "name": secret.name,
        "ends_in": secret.hint,
        "about": secret.about,
        "integrated_account_id": secret.account_id or None,
        "created_by": secret.created_by,
        "created_at": iso(secret.created_at),
        "updated_at": iso(secret.updated_at),
    }


async def list_secrets(asked: Asked) -> Any:
    query: Paging = asked.query
    before, count = position(query)
    rows = await asked.parts.stored.page(asked.environment_id, before, count + 1)
    return page(rows, query, show, lambda row: row.id)


async def get_secret(asked: Asked) -> Any:
    return show(await _found(asked))


async def store_secret(asked: Asked) -> Any:
    body: SecretBody = asked.body
    key = Key(text=body.value, account_id="", tool=BY_HAND, field="")
    put = asked.parts.stored.put_over if body.replace else asked.parts.stored.put
    return show((await put(asked.caller, key, body.name)).secret)


async def link_secret(asked: Asked) -> Any:
    body: OneTimeBody = asked.body
    if not SHORTEST_MINUTES <= body.minutes <= LONGEST_MINUTES:
        allowed = f"{SHORTEST_MINUTES} to {LONGEST_MINUTES}"
        raise InvalidArguments([Failure("minutes", f"is {body.minutes}", allowed)])
    secret = await _found(asked)
    text = await asked.parts.stored.text_of(secret)
    key = Key(text=text, account_id=secret.account_id, tool=secret.name, field="")
    handed = await asked.parts.handover.link(asked.caller, key, SecretRules(minutes=body.minutes, sign_in=body.sign_in))
    return {
        "name": secret.name,
        "url": handed.url,
        "ends_in": secret.hint,
        "sign_in": body.sign_in,
        "expires_at": iso(handed.secret.expires_at),
    }


async def delete_secret(asked: Asked) -> Any:
    secret = await _found(asked)
    await asked.parts.stored.delete(asked.caller, secret)
    return {"name": secret.name}


async def _found(asked: Asked) -> StoredSecret:
    return await asked.parts.stored.find(asked.environment_id, asked.path["name"])


_ALL, _ONE = "/stored-secret", "/stored-secret/{name}"
ENDPOINTS = (
    Endpoint(
        verb="GET", path=_ALL, name="listStoredSecrets", summary="List stored secrets", tag=TAG,
        description="Newest first. Nobody is told a stored secret here, only how it ends.",
        handler=list_secrets, query=Paging, returns=list[SecretShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path=_ALL, name="storeSecret", summary="Store a secret under a name", tag=TAG,
        description='An account takes it as `{"stored": name}` in the place of a key. 409 where the name is taken.',
        handler=store_secret, body=SecretBody, returns=SecretShown, scope="accounts", status=201,
    ),
    Endpoint(
        verb="GET", path=_ONE, name="getStoredSecret", summary="Get a stored secret's facts", tag=TAG,
        handler=get_secret, returns=SecretShown, scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/link", name="linkStoredSecret", summary="Make a link that shows it once", tag=TAG,
        description="The secret stays stored. That the link was opened, and by whom, stands in the audit trail.",
        handler=link_secret, body=OneTimeBody, returns=OneTimeLink, scope="accounts", status=201,
    ),
    Endpoint(
        verb="DELETE", path=_ONE, name="deleteStoredSecret", summary="Delete a stored secret", tag=TAG,
        description="Accounts that were given it keep working; the key itself lives on at its vendor.",
        handler=delete_secret, returns=SecretGone, scope="accounts",
    ),
)  # fmt: skip
