"""/one-time/{link}: a key that a vendor shows once, shown once. Opening the page shows nothing yet: the button does,
so that a program that looks at links in messages spends none."""

from typing import Any

from starlette.routing import Route

from portico.clock import Clock
from portico.faces.address import address_of
from portico.faces.web.look import look_of
from portico.faces.web.page import Page, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit
from portico.gateway.handover import PATH, admit
from portico.model.secret import HandedSecret


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def ask(visit: Visit) -> Reply:
        secret = await parts.handover.peek(visit.path["link"])
        if secret.needs_sign_in:
            admit(secret, visit.needed())
        return Page(template="one_time.html", values=await _values(secret, ""))

    async def see(visit: Visit) -> Reply:
        secret = await parts.handover.peek(visit.path["link"])
        if secret.needs_sign_in:
            visit.needed()
        address = address_of(visit.incoming, parts.settings)
        secret, key = await parts.handover.see(visit.path["link"], visit.person, address)
        return Page(template="one_time.html", values=await _values(secret, key))

    async def _values(secret: HandedSecret, key: str) -> dict[str, Any]:
        page = await parts.environments.link_pages.get(secret.environment_id)
        return _facts(secret, parts.clock) | {"key": key, "look": look_of(page)}

    return [site.route(PATH + "{link}", get=ask, post=see)]


def _facts(secret: HandedSecret, clock: Clock) -> dict[str, Any]:
    minutes = max(1, round((secret.expires_at - clock()).total_seconds() / 60))
    hours = round(minutes / 60)
    return {
        "about": secret.about,
        "ends_in": secret.hint,
        "left": f"{minutes} minutes" if minutes < 120 else f"{hours} hours",
    }
