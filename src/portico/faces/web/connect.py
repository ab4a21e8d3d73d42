"""/connect: whoever holds a vendor's keys connects their account, by a link that works once."""

from starlette.routing import Route

from portico.catalog.find import View
from portico.clock import iso
from portico.errors import InvalidArguments, Refusal
from portico.faces.web.page import Page, Reply
from portico.faces.web.site import Handler, Site
from portico.faces.web.visit import Visit
from portico.gateway import linking
from portico.gateway.oauth import redirects
from portico.gateway.parts import Parts
from portico.model.account import Account
from portico.model.operation import Integration
from portico.shapes import Json
from portico.store.link_tokens import LinkToken

PATH = "/connect"


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def show(visit: Visit) -> Reply:
        link = await linking.find(_given(visit), parts)
        if link.used_at:
            raise linking.LinkRefused
        return await _form(link, parts)

    async def submit(visit: Visit) -> Reply:
        return await _connect(visit, parts)

    return [site.route(PATH, get=_refusing(show), post=_refusing(submit))]


def _refusing(handler: Handler) -> Handler:
    """A refusal becomes a page that leads nowhere: its reader has no business on the admin pages."""

    async def answered(visit: Visit) -> Reply:
        try:
            return await handler(visit)
        except Refusal as problem:
            values: Json = {"person": None, "sentence": problem.sentence}
            return Page(template="connect_problem.html", status=problem.status, values=values, headers=problem.headers)

    return answered


async def _connect(visit: Visit, parts: Parts) -> Page:
    link = await linking.find(_given(visit), parts)
    again = visit.form.get("again", "")
    view = await parts.views.base(link.environment_id, link.integration)
    given = {name: visit.form.get(f"context.{name}", "").strip() for name in _asked_for(view.integration)}
    try:
        account = await linking.redeem(link, {name: text for name, text in given.items() if text}, again, parts)
    except InvalidArguments as problem:
        return await _form(link, parts, sentence=problem.sentence, again=again, status=problem.status)
    if account.last_error:
        sentence = str(account.last_error["message"])
        return await _form(link, parts, sentence=sentence, again=linking.continuation(link, parts), status=422)
    return await _done(link, account, parts)


async def _form(link: LinkToken, parts: Parts, *, sentence: str = "", again: str = "", status: int = 200) -> Page:
    view = await parts.views.base(link.environment_id, link.integration)
    values: Json = {
        "person": None,
        "integration": view.integration.label,
        "tenant": link.tenant_id,
        "is_reconnect": bool(link.account_id),
        "until": iso(link.expires_at)[:10],
        "fields": _fields(view),
        "sentence": sentence,
        "again": again,
    }
    return Page(template="connect.html", values=values, status=status, is_scripted=True)


def _fields(view: View) -> list[Json]:
    """What is asked: keys with how they begin and what they open, and whatever else the integration wants to know."""
    slots = {each.field: each for each in view.integration.credentials}
    fields: list[Json] = []
    for each in view.integration.context:
        if each.name not in _asked_for(view.integration):
            continue
        slot = slots.get(each.name)
        fields.append(
            {
                "name": each.name,
                "label": slot.label if slot else each.label,
                "hint": slot.hint if slot else each.hint,
                "secret": each.secret,
                "prefixes": " ".join(slot.prefixes) if slot else "",
                "opens": sum(operation.credential == slot.name for operation in view.operations) if slot else 0,
            }
        )
    return fields


async def _done(link: LinkToken, account: Account, parts: Parts) -> Page:
    view = await parts.views.of(account)
    answer = {"result": "success", "integration": link.integration, "integrated_account_id": account.id}
    values: Json = {
        "person": None,
        "integration": view.integration.label,
        "tenant": account.tenant_id,
        "account_id": account.id,
        "is_blocked": account.status == "blocked",
        "can": linking.can(view, frozenset(account.held)),
        "back": redirects.with_answer(link.redirect_uri, answer) if link.redirect_uri else "",
    }
    return Page(template="connected.html", values=values)


def _asked_for(integration: Integration) -> set[str]:
    """What whoever has the link may say. Where calls go is not theirs to choose."""
    return {each.name for each in integration.context} - {"base_url"}


def _given(visit: Visit) -> str:
    return dict(visit.incoming.pairs()).get("link_token", "")
