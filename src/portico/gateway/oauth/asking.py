"""A program's request for access, checked: who asks, where the answer goes, for which server, with which scopes.

What is wrong with the program or with the address for the answer is told to the person alone; everything else can be
told to the program too, but only by a person's click, so that nobody is sent anywhere by a link they were given.
"""

import re
from collections.abc import Sequence
from typing import get_args

from msgspec import Struct

from portico.errors import Refusal
from portico.gateway.oauth import redirects
from portico.gateway.oauth.asked import Asking
from portico.gateway.oauth.clients import Client
from portico.gateway.oauth.redirects import Redirect
from portico.gateway.parts import Parts
from portico.model.grant import READ, WRITE, GrantScope
from portico.model.person import Person
from portico.model.server import McpServer
from portico.store.servers import Protected
from portico.vault import tokens

CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")
LONGEST_STATE = 4096
_SERVER_PATH = "/mcp/"
_NO_SERVER = "There is no MCP server at the address in `resource` that you could let programs use."
_NO_SERVERS = "There is no MCP server yet that asks people to sign in; one with require_api_token_auth does."
_MOST_CHOICES = 200
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


class BadRequest(Refusal):
    """The program's request cannot be answered at all."""

    status = 400
    code = "invalid_request"


class Declined(Refusal):
    """The program's request is refused, and there is an address to say so. `error` is OAuth's word for it."""

    status = 400
    code = "request_declined"

    def __init__(self, error: str, sentence: str, redirect: Redirect, state: str) -> None:
        super().__init__(sentence)
        self.error, self.redirect, self.state = error, redirect, state


class Choice(Struct, frozen=True, kw_only=True):
    """One server that the person could let programs use, and where it stands."""

    protected: Protected
    environment: str


class ServerWanted(Refusal):
    """The program did not say which server it means: the person has to."""

    status = 400
    code = "server_wanted"

    def __init__(self, client: Client, redirect: Redirect, state: str, servers: Sequence[Choice]) -> None:
        super().__init__()
        self.client, self.redirect, self.state, self.servers = client, redirect, state, servers


async def read(parts: Parts, pairs: Sequence[tuple[str, str]], person: Person) -> Asking:
    """The request; BadRequest, UnknownClient, BadDocument or Declined where it cannot be granted, ServerWanted where
    the person has to choose first (`server` then names the choice)."""
    given = dict(pairs)
    if len(given) != len(pairs):
        raise BadRequest("A parameter appears more than once.")
    client = await parts.clients.find(given.get("client_id", ""))
    redirect = redirects.read(given.get("redirect_uri", ""), parts.settings.oauth_app_schemes)
    if redirect is None or not redirects.is_allowed(redirect.uri, client.redirect_uris):
        raise BadRequest("The program wants its answer sent to an address that it did not register.")
    state = given.get("state", "")

    def declined(error: str, sentence: str) -> Declined:
        return Declined(error, sentence, redirect, state if len(state) <= LONGEST_STATE else "")

    if problem := _problem(given):
        raise declined(*problem)
    resource = given.get("resource", "")
    if resource:
        found = await find_server(parts, resource)
    else:
        choices = await _choices(parts, person)
        found = _chosen(choices, given.get("server", ""))
        if found is None and choices:
            raise ServerWanted(client, redirect, state, choices)
    if found is None or not person.sees(found[0].environment_id):
        raise declined("invalid_target", _NO_SERVER if resource else _NO_SERVERS)
    return Asking(
        client=client,
        redirect=redirect,
        state=state,
        scopes=_scopes(given.get("scope", "")),
        challenge=given["code_challenge"],
        resource=resource,
        server=found[0],
        address=found[1],
    )


async def find_server(parts: Parts, resource: str) -> tuple[McpServer, bytes] | None:
    """The MCP server at this address and the keyed hash of the address, if it is one that takes OAuth just now."""
    base = parts.settings.public_url.rstrip("/")
    scheme, _, rest = resource.partition("://")
    host, slash, path = rest.partition("/")
    plain = f"{scheme.lower()}://{host.lower()}{slash}{path}"  # only these two may be written in any letters
    if not base or not plain.startswith(base + _SERVER_PATH):
        return None
    return await server_at(parts, plain.removeprefix(base + _SERVER_PATH))


async def _choices(parts: Parts, person: Person) -> list[Choice]:
    """Every server that this person could let a program use."""
    seen = [each for each in await parts.operators.environments("~", 10_000) if person.sees(each.id)]
    return [
        Choice(protected=each, environment=environment.name)
        for environment in sorted(seen, key=lambda each: each.name)
        for each in await parts.servers.protected(environment.id, parts.clock(), _MOST_CHOICES)
    ][:_MOST_CHOICES]


def _chosen(choices: Sequence[Choice], server_id: str) -> tuple[McpServer, bytes] | None:
    found = next((each.protected for each in choices if each.protected.server.id == server_id), None)
    return (found.server, found.address) if found else None


async def server_at(parts: Parts, token: str) -> tuple[McpServer, bytes] | None:
    """The same by the secret part of the address alone."""
    if not tokens.is_well_formed(token):
        return None
    digest = tokens.digest(token, parts.keyring.pepper)
    server = await parts.operators.server_by_digest(digest)
    if server is None or not server.config.require_api_token_auth:
        return None
    if server.expires_at is not None and server.expires_at <= parts.clock():
        return None
    return server, digest


def _problem(given: dict[str, str]) -> tuple[str, str] | None:
    """What is wrong with the request apart from its target: OAuth's word and a sentence."""
    if given.get("response_type") != "code":
        return "unsupported_response_type", "Only response_type=code is spoken here."
    if given.get("response_mode", "query") != "query":
        return "invalid_request", "Only response_mode=query is spoken here."
    if given.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(given.get("code_challenge", "")):
        return "invalid_request", "The program must send code_challenge with code_challenge_method=S256."
    state = given.get("state", "")
    if len(state) > LONGEST_STATE or not _PRINTABLE.fullmatch(state):
        return "invalid_request", "The state is too long, or not plain text."
    if given.get("prompt") == "none":
        return "consent_required", "A person has to be asked every time."
    if unknown := sorted(set(given.get("scope", "").split()) - {*get_args(GrantScope), "offline_access"}):
        return "invalid_scope", f"There is no scope {unknown[0]!r} here; there are {READ} and {WRITE}."
    return None


def _scopes(text: str) -> frozenset[GrantScope]:
    """Who asks for nothing in particular is offered to look."""
    return frozenset({READ, WRITE}) if WRITE in text.split() else frozenset({READ})
