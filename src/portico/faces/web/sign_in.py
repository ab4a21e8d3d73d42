"""/sign-in and /sign-out, and the very first visit, which makes the owner."""

from typing import Any

from starlette.routing import Route

from portico.errors import Refusal
from portico.faces.web.page import Page, Redirect, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit, own_path, sign_in_path
from portico.gateway.people import LONGEST_PASSWORD, SHORTEST_PASSWORD
from portico.gateway.signing_in import set_up, sign_in, sign_out, sign_out_everywhere
from portico.vault import tokens

HOME = "/admin"


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def show(visit: Visit) -> Reply:
        after = _after(visit)
        if visit.person is not None:
            return Redirect(after)
        return await _page(visit, after)

    async def enter(visit: Visit) -> Reply:
        after = _after(visit)
        name, password = visit.form.get("name", ""), visit.form.get("password", "")
        visitor = site.visitor(visit)
        try:
            if visit.form.get("do") == "set-up":
                text, _ = await set_up(parts, visitor, visit.form.get("code", ""), name, password)
            else:
                text, _ = await sign_in(parts, visitor, name, password)
        except Refusal as problem:
            return await _page(visit, after, problem, name)
        visit.token = text
        return Redirect(after)

    async def leave(visit: Visit) -> Reply:
        if visit.person is not None and visit.form.get("everywhere"):
            await sign_out_everywhere(parts, visit.person)
        elif visit.person is not None:
            await sign_out(parts, visit.token)
        visit.token = tokens.make("ses")
        after = own_path(visit.form.get("next", ""), "")
        return Redirect(sign_in_path(after) if after else "/sign-in")

    async def _page(visit: Visit, after: str, problem: Refusal | None = None, name: str = "") -> Page:
        is_first = not await parts.people.any()
        values: dict[str, Any] = {
            "after": after,
            "name": name[:200],
            "sentence": problem.sentence if problem else "",
            "shortest": SHORTEST_PASSWORD,
            "longest": LONGEST_PASSWORD,
        }
        template = "set_up.html" if is_first else "sign_in.html"
        status, headers = (problem.status, dict(problem.headers)) if problem else (200, {})
        return Page(template=template, values=values, status=status, headers=headers)

    return [site.route("/sign-in", get=show, post=enter), site.route("/sign-out", post=leave)]


def _after(visit: Visit) -> str:
    """Where the visitor wanted to go: in the address at first, in the form afterwards."""
    given = visit.form.get("next") or dict(visit.incoming.pairs()).get("next", "")
    return own_path(given, HOME)
