"""/oauth/token, /oauth/revoke and /oauth/register: what programs call themselves, without any cookie."""

from collections.abc import Awaitable, Callable

from starlette.routing import Route

from portico.errors import ClientLeft, Refusal, VerbNotAllowed
from portico.faces.address import address_of
from portico.faces.http import Incoming, Receive, Scope, Send
from portico.faces.oauth.wire import MOST_BODY_BYTES, BadForm, answer, read_form, refuse
from portico.gateway.oauth.documents import BadDocument
from portico.gateway.oauth.grants import Issued, Presented
from portico.gateway.parts import Parts
from portico.model.grant import GRANT_SCOPES
from portico.shapes import Json, NotJson, decode
from portico.store.attempts import Allowance
from portico.vault.tokens import mark

REGISTRATIONS = Allowance(most=20, window_seconds=600, lock_seconds=600)


class NoClient(Refusal):
    """The client_id is missing."""

    status = 401
    code = "invalid_client"


class NoSuchGrantType(Refusal):
    """Only grant_type authorization_code and refresh_token are taken here."""

    status = 400
    code = "unsupported_grant_type"


class TooManyRegistrations(Refusal):
    """Too many programs have registered from this address; wait ten minutes."""

    status = 429
    code = "too_many_registrations"


class TokenFace:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._issuer = parts.settings.public_url.rstrip("/")

    def routes(self) -> list[Route]:
        found = {"/oauth/token": self.trade, "/oauth/revoke": self.revoke}
        if self._parts.clients.takes_registrations:
            found["/oauth/register"] = self.register
        return [Route(path, _Post(handler), methods=["POST"]) for path, handler in found.items()]

    async def trade(self, incoming: Incoming, send: Send) -> None:
        given = await read_form(incoming)
        if not given.get("client_id"):
            raise NoClient
        presented = Presented(
            client_id=given["client_id"],
            resource=given.get("resource", ""),
            redirect_uri=given.get("redirect_uri"),
            verifier=given.get("code_verifier", ""),
            scope=given.get("scope", ""),
        )
        kind = given.get("grant_type")
        if kind == "authorization_code":
            await answer(send, _told(await self._parts.grants.trade(given.get("code", ""), presented)))
        elif kind == "refresh_token":
            text = given.get("refresh_token", "")
            await answer(send, _told(await self._parts.grants.refresh(text, presented, self._issuer)))
        else:
            raise NoSuchGrantType

    async def revoke(self, incoming: Incoming, send: Send) -> None:
        """The same answer whether there was anything to end: nobody learns which tokens there are."""
        given = await read_form(incoming)
        if not given.get("token"):
            raise BadForm("The token is missing.")
        await self._parts.grants.hand_back(given["token"], given.get("client_id", ""))
        await answer(send, {})

    async def register(self, incoming: Incoming, send: Send) -> None:
        place = mark("register", address_of(incoming, self._parts.settings), self._parts.keyring.pepper)
        if wait := await self._parts.attempts.count(place, REGISTRATIONS, self._parts.clock()):
            raise TooManyRegistrations(headers={"retry-after": str(wait)})
        try:
            document = decode(await incoming.body(MOST_BODY_BYTES))
        except NotJson:
            raise BadDocument("A client is described by a JSON object.") from None
        client = await self._parts.clients.register(document)
        told: Json = {
            "client_id": client.id,
            "client_id_issued_at": int(client.created_at.timestamp()),
            "redirect_uris": list(client.redirect_uris),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            # Whatever it asked for: a program that keeps no secret gets none (RFC 7591, 3.2.1).
            "token_endpoint_auth_method": "none",
            "scope": " ".join(GRANT_SCOPES),
        }
        await answer(send, told | ({"client_name": client.name} if client.name else {}), 201)


def _told(issued: Issued) -> Json:
    return {
        "access_token": issued.access,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "refresh_token": issued.refresh,
        "scope": issued.scope,
    }


class _Post:
    def __init__(self, handler: Callable[[Incoming, Send], Awaitable[None]]) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming: Incoming = scope["portico.incoming"]
        try:
            await self._handler(incoming, send)
        except (ClientLeft, VerbNotAllowed):
            raise
        except Exception as problem:
            await refuse(send, problem, incoming.request_id)
