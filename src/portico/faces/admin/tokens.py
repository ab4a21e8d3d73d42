"""/api-token: tokens of an environment; the text of one is shown once, when it is made."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, NotAllowed, NotFound
from portico.faces.endpoint import Asked, Endpoint, Paging, missing, page, position
from portico.faces.query import Name
from portico.model.account import EnvironmentId
from portico.model.caller import DEFAULT_SCOPES, SCOPES, Caller, Scope, widen
from portico.store.ids import new_id
from portico.store.tokens import Token
from portico.vault import tokens

TAG = "API tokens"


class TokenBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`scopes`: when left out, those of the maker that are usual for an environment's own work."""

    name: str
    scopes: list[Scope] | None = None
    environment_id: str = ""
    expires_at: datetime | None = None


class TokenQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: tuple[str, ...] = ()
    name: tuple[Name, ...] = ()
    environment_id: str = ""


class TokenShown(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    environment_id: str
    scopes: list[Scope]
    hint: str
    created_by: str
    created_at: str
    updated_at: str
    expires_at: str | None


class TokenMade(TokenShown, frozen=True, kw_only=True):
    token: str = field(default="")


class Deleted(Struct, frozen=True, kw_only=True):
    id: str


def show(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "environment_id": token.environment_id,
        "scopes": sorted(token.scopes),
        "hint": f"…{token.hint}",
        "created_by": token.created_by,
        "created_at": iso(token.created_at),
        "updated_at": iso(token.created_at),
        "expires_at": iso(token.expires_at) if token.expires_at else None,
    }


async def list_tokens(asked: Asked) -> Any:
    query: TokenQuery = asked.query
    before, count = position(query)
    environment_id = await _environment(asked, query.environment_id)
    rows = await asked.parts.tokens.page(environment_id, before, count + 1, query.name, query.id)
    return page(rows, query, show, lambda row: row.id)


async def get_token(asked: Asked) -> Any:
    found = await asked.parts.tokens.get(asked.environment_id, asked.path["id"])
    if found is None:
        raise missing("API token", asked.path["id"])
    return show(found)


async def create_token(asked: Asked) -> Any:
    body: TokenBody = asked.body
    moment = asked.parts.clock()
    environment_id = await _environment(asked, body.environment_id)
    text = tokens.make("api")
    token = Token(
        id=new_id(),
        environment_id=environment_id,
        kind="api",
        name=_checked_name(body.name),
        hint=text[-4:],
        scopes=_scopes(asked.caller, body.scopes),
        account_id=None,
        created_by=asked.caller.token_id,
        created_at=moment,
        expires_at=_checked_expiry(body.expires_at, moment),
    )
    async with asked.parts.database.transaction() as session:
        await asked.parts.tokens.add(session, token, tokens.digest(text, asked.parts.keyring.pepper))
        await asked.parts.audit.add(
            session, asked.caller, "api_token.created", token.id, moment,
            name=token.name, scopes=sorted(token.scopes), environment_id=environment_id,
        )  # fmt: skip
    return show(token) | {"token": text}


async def revoke_token(asked: Asked) -> Any:
    token_id = asked.path["id"]
    async with asked.parts.database.transaction() as session:
        if not await asked.parts.tokens.delete(session, asked.environment_id, token_id):
            raise missing("API token", token_id)
        await asked.parts.audit.add(session, asked.caller, "api_token.revoked", token_id, asked.parts.clock())
        await asked.parts.changes.tell(session, "tokens")
    asked.parts.changes.apply("tokens")
    return {"id": token_id}


async def _environment(asked: Asked, wanted: str) -> EnvironmentId:
    """The caller's own environment; an operator may name another."""
    if not wanted or wanted == asked.environment_id:
        return asked.environment_id
    if not asked.caller.may("operator"):
        raise missing("environment", wanted)
    found = await asked.parts.environments.get(EnvironmentId(wanted))
    if found is None:
        raise NotFound(f"There is no environment {wanted!r}.")
    return found.id


def _scopes(maker: Caller, wanted: list[Scope] | None) -> frozenset[Scope]:
    """Never more than the maker has."""
    if wanted is None:
        return DEFAULT_SCOPES & maker.scopes
    scopes = widen(frozenset(wanted))
    if not scopes:
        raise InvalidArguments([Failure("scopes", "must name at least one", ", ".join(SCOPES))])
    if more := scopes - maker.scopes:
        raise NotAllowed(f"A token cannot grant scopes that its maker lacks: {', '.join(sorted(more))}.")
    return scopes


def _checked_name(name: str) -> str:
    if not 1 <= len(name.strip()) <= 100:
        raise InvalidArguments([Failure("name", "must have 1 to 100 characters")])
    return name.strip()


def _checked_expiry(expires_at: datetime | None, moment: datetime) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise InvalidArguments([Failure("expires_at", "needs a time zone", "for example 2030-01-31T12:00:00Z")])
    if expires_at <= moment:
        raise InvalidArguments([Failure("expires_at", "lies in the past")])
    return expires_at


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/api-token", name="listApiTokens", summary="List API tokens", tag=TAG,
        handler=list_tokens, query=TokenQuery, returns=list[TokenShown], scope="tokens",
    ),
    Endpoint(
        verb="POST", path="/api-token", name="createApiToken", summary="Create an API token", tag=TAG,
        description="The answer's `token` is shown this once and stored only as a keyed hash.",
        handler=create_token, body=TokenBody, returns=TokenMade, scope="tokens", status=201,
    ),
    Endpoint(
        verb="GET", path="/api-token/{id}", name="getApiToken", summary="Get an API token", tag=TAG,
        handler=get_token, returns=TokenShown, scope="tokens",
    ),
    Endpoint(
        verb="DELETE", path="/api-token/{id}", name="revokeApiToken", summary="Revoke an API token", tag=TAG,
        description="It stops working here at once and in every replica within a second.",
        handler=revoke_token, returns=Deleted, scope="tokens",
    ),
)  # fmt: skip
