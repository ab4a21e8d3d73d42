"""/approve/{link}: people at a program see what one call of theirs would do, and say whether it may happen. Opening the
page decides nothing, so that a program that looks at links in messages lets nothing through."""

from typing import Any

from starlette.routing import Route

from portico.faces.web.admin import words
from portico.faces.web.look import look_of
from portico.faces.web.page import Page, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit
from portico.gateway.approval_page import PATH, Opened, decider, opened
from portico.model.approval import Approval
from portico.shapes import Json
from portico.toolbox import confirm


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def find(visit: Visit) -> Opened:
        found = await opened(parts, visit.path["link"])
        if found.bounds.needs_person:
            visit.needed()
        return found

    async def ask(visit: Visit) -> Reply:
        found = await find(visit)
        decider(found, visit.person)
        return await page(found)

    async def decide(visit: Visit) -> Reply:
        found = await find(visit)
        caller, said = decider(found, visit.person), visit.form.get("do")
        if said in {"approve", "refuse"}:
            decided = await confirm.decide(caller, found.approval, parts, is_yes=said == "approve")
            found = Opened(approval=decided, bounds=found.bounds, person_id=found.person_id)
        return await page(found)

    async def page(found: Opened) -> Page:
        look = await parts.environments.link_pages.get(found.approval.environment_id)
        values = _facts(found.approval, tells_state=found.bounds.tells_state) | {"look": look_of(look)}
        return Page(template="approve.html", values=values)

    return [site.route(PATH + "{link}", get=ask, post=decide)]


def _facts(approval: Approval, *, tells_state: bool) -> dict[str, Any]:
    shown: Json = approval.shown
    request: Json = shown.get("request") or {}
    impact: Json = shown.get("impact") or {}
    body: Any = request.get("body", request.get("arguments"))
    changes: list[Json] = (shown.get("changes") or []) if tells_state else []
    price: Json = impact.get("price") or {}
    target: Json = (impact.get("target") or {}) if tells_state else {}
    return {
        "approval": approval,
        "sentence": confirm.headline(approval),
        "request": request,
        "body": words.pretty(body) if body else "",
        "price": price.get("sentence", ""),
        "changes": [(each["field"], _said(each["from"]), _said(each["to"])) for each in changes],
        "target": [(name, _said(value)) for name, value in target.items() if value is not None],
    }


def _said(value: Any) -> str:
    return value if isinstance(value, str) else words.pretty(value)
