"""/oauth/authorize: a person decides whether a program may use an MCP server. Asked every time, of every program."""

from typing import Any
from urllib.parse import urlencode

from starlette.routing import Route

from portico.errors import NotFound
from portico.faces.web.page import Page, Redirect, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit
from portico.gateway.lookup import Connected
from portico.gateway.oauth import redirects
from portico.gateway.oauth.asked import Asking
from portico.gateway.oauth.asking import Declined, ServerWanted, read
from portico.gateway.parts import Parts
from portico.model.grant import GRANT_SCOPES, READ, WRITE, GrantScope
from portico.model.person import Person
from portico.toolbox.offer import offer

PATH = "/oauth/authorize"


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def ask(visit: Visit) -> Reply:
        person = visit.needed()
        try:
            asking = await read(parts, visit.incoming.pairs(), person)
        except ServerWanted as problem:
            return _choice(visit, problem)
        except Declined as problem:
            return _declined(parts, problem)
        connected = await parts.lookup.connected(asking.server.environment_id, asking.server.account_id)
        environment = await parts.environments.get(asking.server.environment_id)
        if environment is None:
            raise NotFound
        values = _shown(asking, connected, person) | {"environment": environment.name}
        return Page(template="consent.html", values=values, form_target=asking.redirect.source)

    async def decide(visit: Visit) -> Reply:
        """The request is read again: what was shown is what is granted."""
        person = visit.needed()
        try:
            asking = await read(parts, visit.incoming.pairs(), person)
        except Declined as problem:
            return _declined(parts, problem)
        if visit.form.get("decision") != "allow":
            return Redirect(_answer(parts, asking.redirect.uri, asking.state, error="access_denied"))
        scopes = frozenset[GrantScope]({READ})
        if visit.form.get("write") and person.may_write() and not asking.server.config.read_only:
            scopes = frozenset[GrantScope]({READ, WRITE})
        async with parts.database.transaction() as session:
            await parts.clients.was_let_in(session, asking.client)
            code = await parts.grants.consent(session, person, asking, scopes)
        return Redirect(_answer(parts, asking.redirect.uri, asking.state, code=code))

    return [site.route(PATH, get=ask, post=decide)]


def _shown(asking: Asking, connected: Connected, person: Person) -> dict[str, Any]:
    operations = offer(connected, asking.server.config).operations
    reading = sum(each.effect == "read" for each in operations)
    account = connected.account
    return {
        "client": asking.client.name or "An unnamed program",
        "client_host": asking.client.host,
        "client_kind": asking.client.kind,
        "redirect_host": asking.redirect.host,
        "is_local": asking.redirect.is_local,
        "server": asking.server.name,
        "account": account.tenant_id or account.id,
        "account_id": account.id,
        "integration": connected.view.integration.label,
        "reading": reading,
        "writing": len(operations) - reading,
        "wants_write": WRITE in asking.scopes,
        "may_write": person.may_write(),
        "scopes": GRANT_SCOPES,
    }


def _choice(visit: Visit, wanted: ServerWanted) -> Page:
    """Programs that do not name the server leave it to the person. Whatever is chosen is shown once more and asked."""
    servers = [
        {
            "name": each.protected.server.name,
            "account": each.protected.tenant_id or each.protected.server.account_id,
            "environment": each.environment,
            "url": f"{PATH}?{urlencode([*_without_server(visit), ('server', each.protected.server.id)])}",
        }
        for each in wanted.servers
    ]
    values = {
        "client": wanted.client.name or "An unnamed program",
        "redirect_host": wanted.redirect.host,
        "is_local": wanted.redirect.is_local,
        "servers": servers,
    }
    return Page(template="choose.html", values=values)


def _without_server(visit: Visit) -> list[tuple[str, str]]:
    return [(name, text) for name, text in visit.incoming.pairs() if name != "server"]


def _declined(parts: Parts, problem: Declined) -> Page:
    """Nobody is sent on by a link alone: the person reads what is wrong, and may go back."""
    back = _answer(parts, problem.redirect.uri, problem.state, error=problem.error, error_description=problem.sentence)
    values = {"sentence": problem.sentence, "request_id": "", "back": {"url": back, "host": problem.redirect.host}}
    return Page(template="problem.html", status=problem.status, values=values)


def _answer(parts: Parts, uri: str, state: str, **answer: str) -> str:
    """Where the program waits for its answer, with `iss` so that it knows whose answer it is (RFC 9207)."""
    told = answer | ({"state": state} if state else {}) | {"iss": parts.settings.public_url.rstrip("/")}
    return redirects.with_answer(uri, told)
