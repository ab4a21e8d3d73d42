"""/sign-in and /sign-out, and the very first visit, which makes the owner."""

from typing import Any
from urllib.parse import urlencode

from starlette.routing import Route

from portico.errors import Refusal
from portico.faces.web.page import Page, Redirect, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit, own_path, sign_in_path
from portico.gateway.oidc.flow import farewell
from portico.gateway.parts import Parts
from portico.gateway.people import LONGEST_PASSWORD, SHORTEST_PASSWORD
from portico.gateway.signing_in import set_up, sign_in, sign_out, sign_out_everywhere
from portico.vault import tokens

HOME, PROVIDER = "/admin", "/sign-in/provider"


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def show(visit: Visit) -> Reply:
        after = after_of(visit)
        if visit.person is not None:
            return Redirect(after)
        return await door(parts, after)

    async def enter(visit: Visit) -> Reply:
        after = after_of(visit)
        name, password = visit.form.get("name", ""), visit.form.get("password", "")
        visitor = site.visitor(visit)
        try:
            if visit.form.get("do") == "set-up":
                text, _ = await set_up(parts, visitor, visit.form.get("code", ""), name, password)
            else:
                text, _ = await sign_in(parts, visitor, name, password)
        except Refusal as problem:
            return await door(parts, after, problem, name)
        visit.token = text
        return Redirect(after)

    async def leave(visit: Visit) -> Reply:
        onward = await farewell(parts, visit.token) if visit.person is not None else ""
        if visit.person is not None and visit.form.get("everywhere"):
            await sign_out_everywhere(parts, visit.person)
        elif visit.person is not None:
            await sign_out(parts, visit.token)
        visit.token = tokens.make("ses")
        after = own_path(visit.form.get("next", ""), "")
        if onward and parts.provider is not None:
            values = {"onward": onward, "label": parts.provider.configured.label, "person": None}
            return Page(template="signed_out.html", values=values)
        return Redirect(sign_in_path(after) if after else "/sign-in")

    return [site.route("/sign-in", get=show, post=enter), site.route("/sign-out", post=leave)]


async def door(parts: Parts, after: str, problem: Refusal | None = None, name: str = "") -> Page:
    """The page with every way in, and why the last try failed."""
    is_first = not await parts.people.any()
    takes_passwords = parts.settings.passwords == "on"
    values: dict[str, Any] = {
        "after": after,
        "name": name[:200],
        "sentence": problem.sentence if problem else "",
        "shortest": SHORTEST_PASSWORD,
        "longest": LONGEST_PASSWORD,
        "takes_passwords": takes_passwords,
        "provider": parts.provider.configured.label if parts.provider else "",
        "provider_path": f"{PROVIDER}?{urlencode({'next': after})}",
    }
    template = "set_up.html" if is_first and takes_passwords else "sign_in.html"
    status, headers = (problem.status, dict(problem.headers)) if problem else (200, {})
    return Page(template=template, values=values, status=status, headers=headers)


def after_of(visit: Visit) -> str:
    """Where the visitor wanted to go: in the address at first, in the form afterwards."""
    given = visit.form.get("next") or dict(visit.incoming.pairs()).get("next", "")
    return own_path(given, HOME)
