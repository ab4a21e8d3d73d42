"""/connect: whoever holds a vendor's keys connects their account, by a link that works once.

The page may be shown by another site, in a frame or a window, so it does without cookies: its forms are proved by the
link itself, which nobody has who was not given it.
"""

from collections import Counter
from urllib.parse import urlencode

from msgspec import Struct, structs
from starlette.routing import Route

from portico.catalog.find import View
from portico.errors import InvalidArguments, Refusal
from portico.faces.http import Incoming
from portico.faces.web.look import look_of
from portico.faces.web.page import Page, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit
from portico.gateway import embedding, linking
from portico.gateway.embedding import Place
from portico.gateway.oauth import redirects
from portico.gateway.parts import Parts
from portico.model.account import Account
from portico.model.operation import Credential, Integration
from portico.shapes import Json
from portico.store.link_tokens import LinkToken

PATH = "/connect"
# Areas that say what a call does, and not what it is about.
MARKS = frozenset({"destructive", "reveals-secret", "spending"})
# Of what only one key opens, as much is named.
MOST_AREAS = 6
NO_KEY = "No key was given: fill in at least one of the fields below."


class Showing(Struct, frozen=True, kw_only=True):
    """One visit by a link: what it is for, where it is shown, and what may be chosen."""

    link: LinkToken
    place: Place
    look: Json
    offers: dict[str, str]
    asked: dict[str, str]

    @property
    def chosen(self) -> str:
        """The integration; empty as long as there is a choice."""
        wanted = self.asked.get("integration", "")
        return wanted or (next(iter(self.offers)) if len(self.offers) == 1 else "")

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Labels, and the addresses that choose them."""
        return [
            (f"{PATH}?{urlencode(self.asked | {'integration': name})}", label) for name, label in self.offers.items()
        ]

    @property
    def back_to_choice(self) -> str:
        kept = {name: text for name, text in self.asked.items() if name != "integration"}
        is_open = len(self.offers) > 1 and self.chosen and not self.asked.get("no_back")
        return f"{PATH}?{urlencode(kept)}" if is_open else ""

    def away(self, **answer: str) -> str:
        """Where a person goes who came in the same window, with how it went."""
        return redirects.with_answer(self.place.return_to, answer) if self.place.mode == "window" else ""

    def page(self, template: str, values: Json, *, outcome: Json | None = None, status: int = 200) -> Page:
        """`outcome`: what the site that shows the page is told."""
        shared: Json = {
            "person": None,
            "look": self.look,
            "mode": self.place.mode,
            "listener": self.place.listener,
            "outcome": outcome,
            "leave": self.away(result="error", error_type="closed"),
        }
        return Page(
            template=template, values=shared | values, status=status, is_scripted=True,
            frame_ancestor=self.place.frame_ancestor,
        )  # fmt: skip


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def show(visit: Visit) -> Reply:
        return await _answered(visit, parts, is_sent=False)

    async def submit(visit: Visit) -> Reply:
        return await _answered(visit, parts, is_sent=True)

    return [site.route(PATH, get=show, post=submit, bearer=_given)]


async def _answered(visit: Visit, parts: Parts, *, is_sent: bool) -> Page:
    """A refusal becomes a page that leads nowhere: its reader has no business on the admin pages."""
    asked = dict(visit.incoming.pairs())
    try:
        link = await linking.find(asked.get("link_token", ""), parts)
        page = await parts.environments.link_pages.get(link.environment_id)
        place = embedding.place_of(asked, page)
    except Refusal as problem:
        values: Json = {"person": None, "sentence": problem.sentence, "mode": ""}
        return Page(
            template="connect_problem.html", status=problem.status, values=values, headers=problem.headers,
            is_scripted=True,
        )  # fmt: skip
    showing = Showing(link=link, place=place, look=look_of(page), offers={}, asked=asked)
    try:
        if not is_sent and await linking.is_spent(link, parts):
            raise linking.LinkRefused
        wanted = tuple(filter(None, asked.get("integrations", "").split(",")))
        offers = linking.narrowed(await linking.offered(link, parts), wanted)
        showing = structs.replace(showing, offers=offers)
        return await _shown(showing, visit, parts, is_sent=is_sent)
    except Refusal as problem:
        outcome = {"error_type": problem.code, "message": problem.sentence}
        told = showing.page(
            "connect_problem.html", {"sentence": problem.sentence}, outcome=outcome, status=problem.status
        )
        return structs.replace(told, headers=problem.headers)


async def _shown(showing: Showing, visit: Visit, parts: Parts, *, is_sent: bool) -> Page:
    if not showing.chosen:
        return showing.page("connect_choose.html", {"choices": showing.choices, "tenant": showing.link.tenant_id})
    linking.narrowed(showing.offers, (showing.chosen,))
    view = await parts.views.base(showing.link.environment_id, showing.chosen)
    if is_sent:
        return await _connect(showing, view, visit.form, parts)
    return _form(showing, view)


async def _connect(showing: Showing, view: View, form: dict[str, str], parts: Parts) -> Page:
    link, again = structs.replace(showing.link, integration=showing.chosen), form.get("again", "")
    given = {name: form.get(f"context.{name}", "").strip() for name in _asked_for(view.integration)}
    try:
        account = await linking.redeem(link, {name: text for name, text in given.items() if text}, again, parts)
    except InvalidArguments as problem:
        sentence = NO_KEY if has_no_key(problem) else problem.sentence
        return _form(showing, view, sentence=sentence, again=again, status=problem.status)
    if account.last_error:
        sentence = _named(str(account.last_error["message"]), view)
        outcome = {"error_type": account.status, "message": sentence, "integrated_account_id": account.id}
        again = linking.continuation(link, parts)
        return _form(showing, view, sentence=sentence, again=again, status=422, outcome=outcome)
    return await _done(showing, account, parts)


def has_no_key(problem: InvalidArguments) -> bool:
    """Whether that is all that was wrong: pages have fields for keys, and no context."""
    return [(each.path, each.problem) for each in problem.failures] == [("context", "has no key")]


def _named(sentence: str, view: View) -> str:
    """With what people call a key, in the place of its name in the API."""
    for slot in view.integration.credentials:
        sentence = sentence.replace(slot.name, slot.label)
    return sentence


def _form(
    showing: Showing, view: View, *, sentence: str = "", again: str = "", status: int = 200, outcome: Json | None = None
) -> Page:
    link = showing.link
    values: Json = {
        "integration": view.integration.label,
        "tenant": link.tenant_id,
        "is_reconnect": bool(link.account_id),
        "until": f"{link.expires_at.day} {link.expires_at:%B %Y}",
        "fields": _fields(view),
        "sentence": sentence,
        "again": again,
        "keys_work": bool(outcome and outcome["error_type"] == "post_install_error"),
        "choose": "" if again else showing.back_to_choice,
        "is_preview": False,
    }
    return showing.page("connect.html", values, outcome=outcome, status=status)


def preview(view: View, look: Json) -> Page:
    """The form as customers see it, which sends nothing."""
    values: Json = {
        "person": None, "look": look, "mode": "", "integration": view.integration.label, "tenant": "a customer",
        "is_reconnect": False, "until": "", "fields": _fields(view), "sentence": "", "again": "", "choose": "",
        "keys_work": False, "is_preview": True,
    }  # fmt: skip
    return Page(template="connect.html", values=values, is_scripted=True)


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
                "label": each.label,
                "hint": told_of(slot, view) if slot else each.hint,
                "secret": each.secret,
                "prefixes": " ".join(slot.prefixes) if slot else "",
                "kind": slot.label if slot else "",
            }
        )
    return fields


def told_of(slot: Credential, view: View) -> str:
    """What tells a key's kind, and what it is good for: `It starts with x-; it opens 12 operations: notes, drafts.`"""
    opened = [each for each in view.operations if each.credential == slot.name]
    areas = Counter(tag for each in opened for tag in each.tags)
    elsewhere = {tag for each in view.operations if each.credential != slot.name for tag in each.tags}
    own = [tag.replace("_", " ") for tag, _ in areas.most_common() if tag not in elsewhere | MARKS][:MOST_AREAS]
    noun = "operation" if len(opened) == 1 else "operations"
    opens = f"it opens {len(opened)} {noun}{': ' if own else ''}{', '.join(own)}" if opened else ""
    told = "; ".join(filter(None, (slot.hint, opens)))
    return f"{told[:1].upper()}{told[1:]}." if told else ""


async def _done(showing: Showing, account: Account, parts: Parts) -> Page:
    view = await parts.views.of(account)
    answer = {"result": "success", "integration": account.integration, "integrated_account_id": account.id}
    redirect_uri = showing.link.redirect_uri
    back = redirects.with_answer(redirect_uri, answer) if redirect_uri and showing.place.mode in {"", "window"} else ""
    values: Json = {
        "integration": view.integration.label,
        "tenant": account.tenant_id,
        "account_id": account.id,
        "is_blocked": account.status == "blocked",
        "can": linking.can(view, frozenset(account.held)),
        "back": back or showing.away(**answer),
    }
    return showing.page("connected.html", values, outcome=dict(answer))


def _asked_for(integration: Integration) -> set[str]:
    """What whoever has the link may say. Where calls go is not theirs to choose."""
    return {each.name for each in integration.context} - {"base_url"}


def _given(incoming: Incoming) -> str:
    return dict(incoming.pairs()).get("link_token", "")
