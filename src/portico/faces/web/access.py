"""/access: who is signed in, and which programs they let in, each with a button that ends it."""

from typing import Any

from starlette.routing import Route

from portico.clock import iso
from portico.faces.web.page import Page, Redirect, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit
from portico.model.grant import WRITE, Grant

MOST = 500


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def show(visit: Visit) -> Reply:
        person = visit.needed()
        found = await parts.operators.grants_of_person(person.id, parts.clock(), MOST)
        return Page(template="access.html", values={"grants": [_shown(grant, server) for grant, server in found]})

    async def revoke(visit: Visit) -> Reply:
        person = visit.needed()
        wanted = visit.form.get("grant", "")
        for grant, _ in await parts.operators.grants_of_person(person.id, parts.clock(), MOST):
            if grant.id == wanted:
                await parts.grants.revoke(person.caller(grant.environment_id), grant.server_id, grant.id)
        return Redirect("/access")

    return [site.route("/access", get=show, post=revoke)]


def _shown(grant: Grant, server: str) -> dict[str, Any]:
    return {
        "id": grant.id,
        "client": grant.client_name or "An unnamed program",
        "host": grant.redirect_host,
        "server": server,
        "may_write": WRITE in grant.scopes,
        "since": iso(grant.created_at)[:10],
        "used": iso(grant.used_at)[:10],
    }
