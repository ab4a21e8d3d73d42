"""The frame of all admin pages: whose environment it is, what the person may do there, what their form asks for.

An act is `do=<name>` in a form that is sent to the page's own address. What is refused is told on that same page, with
what was filled in still there.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import structs
from starlette.routing import Route

from portico.errors import InvalidArguments, NotAllowed, NotFound, Refusal
from portico.faces.acts import Act, Acts
from portico.faces.web.admin import words
from portico.faces.web.admin.lately import Lately
from portico.faces.web.page import Page, Redirect, Reply
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit
from portico.gateway.parts import Parts
from portico.model.account import Environment
from portico.model.person import ROLES, Person
from portico.toolbox.run import Toolbox

MOST_ENVIRONMENTS = 1000
PER_PAGE = 50
MOST_COUNTED = 100
# (name, address below the environment, what it is called), and the same for what belongs to no environment.
MENU = (
    ("overview", "", "Overview"),
    ("accounts", "/accounts", "Accounts"),
    ("servers", "/servers", "MCP servers"),
    ("approvals", "/approvals", "Approvals"),
    ("tools", "/tools", "Tools"),
    ("usage", "/usage", "Usage"),
    ("limits", "/limits", "Limits"),
    ("log", "/log", "Request log"),
    ("webhooks", "/webhooks", "Webhooks"),
    ("audit", "/audit", "Audit trail"),
    ("tokens", "/tokens", "API tokens"),
    ("link-page", "/link-page", "Link page"),
)
HOUSE_MENU = (
    ("environments", "/admin/environments", "Environments"),
    ("users", "/admin/users", "Users"),
    ("health", "/admin/health", "Health"),
    ("keys", "/admin/keys", "Keys"),
    ("settings", "/admin/settings", "Settings"),
    ("me", "/admin/me", "Your sessions"),
    ("docs", "/docs", "The API"),
)
OF_OWNERS = frozenset({"users", "health", "keys", "settings"})


class Turn:
    """One request for an admin page. `problem` is set where its form was refused."""

    def __init__(self, frame: "Frame", visit: Visit, person: Person, environments: list[Environment]) -> None:
        self.frame, self.visit, self.person, self.environments = frame, visit, person, environments
        self.environment = _chosen(environments, visit.path.get("environment"))
        self.caller = person.caller(self.environment.id)
        self.problem: Refusal | None = None
        # What the menu says beside an entry: how many calls wait for a decision.
        self.waiting: dict[str, int] = {}

    @property
    def parts(self) -> Parts:
        return self.frame.parts

    @property
    def ids(self) -> dict[str, str]:
        """What the page's address names."""
        return {name: value for name, value in self.visit.path.items() if name != "environment"}

    async def do(
        self,
        name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Iterable[tuple[str, str]] = (),
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """What the admin API answers to the same."""
        if not self.may(name):
            raise NotAllowed(f"Your role here is {self.person.role}: {ROLES[self.person.role]}. Ask an owner for more.")
        act = Act(
            name=name,
            path=dict(path or {}),
            query=tuple(query),
            body=dict(body or {}),
            request_id=self.visit.incoming.request_id,
        )
        return await self.frame.acts.do(self.caller, act)

    def may(self, name: str) -> bool:
        return self.frame.acts.may(self.caller, name)

    def asked(self, name: str, otherwise: str = "") -> str:
        """A parameter of the page's address."""
        return dict(self.visit.incoming.pairs()).get(name, otherwise)

    def filled(self, name: str, otherwise: Any = "") -> Any:
        """What a field shows: what was sent, where it was refused, or what holds now."""
        return self.visit.form.get(name, "") if self.visit.fields else otherwise

    def ticked(self, name: str, otherwise: Iterable[str] = ()) -> set[str]:
        return set(self.visit.every(name)) if self.visit.fields else set(otherwise)

    def at(self, path: str = "") -> str:
        """The address of a page about the same environment."""
        return f"/admin/{self.environment.id}{path}"

    def back(self, path: str, said: str = "") -> Redirect:
        """On to a page, which says that it is done."""
        return Redirect(with_query(self.at(path), {"said": said} if said else {}))

    def page(self, template: str, active: str, /, **values: Any) -> Page:
        """`active` is the entry of the menu that it belongs to."""
        frame: dict[str, Any] = {
            "turn": self,
            "active": active,
            "environment": self.environment,
            "environments": self.environments,
            "places": [(each.id, each.name) for each in self.environments],
            "at": self.at,
            "may": self.may,
            "menu": MENU,
            "waiting": self.waiting,
            "house_menu": [each for each in HOUSE_MENU if self.person.role == "owner" or each[0] not in OF_OWNERS],
            "when": words.when,
            "to_the_second": words.to_the_second,
            "on_day": words.on_day,
            "took": words.took,
            "heard": words.heard,
            "told": words.told,
            "number": words.number,
            "size": words.size,
            "money": words.money,
            "short": words.short,
            "states": words.STATES,
            "said": words.SAID.get(self.asked("said"), "") if not self.visit.fields else "",
            "problem": self.problem,
            "failures": self.problem.failures if isinstance(self.problem, InvalidArguments) else [],
            "next_page": "",
        }
        status = self.problem.status if self.problem else 200
        headers = dict(self.problem.headers) if self.problem else {}
        return Page(
            template=f"admin/{template}", values=frame | values, status=status, headers=headers, is_scripted=True
        )

    def next_page(self, cursor: str | None, **more: str) -> str:
        """The address of a list's next page, with the filters that hold, and what else that page is to know."""
        if not cursor:
            return ""
        left = {"cursor", "said", *more}
        kept = {name: text for name, text in self.visit.incoming.pairs() if name not in left and text}
        told = {name: text for name, text in more.items() if text}
        return with_query(self.visit.incoming.path, kept | told | {"cursor": cursor})

    def paging(self) -> list[tuple[str, str]]:
        return [("limit", str(PER_PAGE)), ("next_cursor", self.asked("cursor"))]


Handler = Callable[[Turn], Awaitable[Reply]]


class Frame:
    def __init__(self, site: Site, acts: Acts, toolbox: Toolbox) -> None:
        self.site, self.acts, self.toolbox = site, acts, toolbox
        self.parts = site.parts
        self.lately = Lately(site.parts.clock)
        # Every page, and the acts that its forms can ask for.
        self.pages: dict[str, tuple[str, ...]] = {}

    def route(self, path: str, show: Handler, acts: Mapping[str, Handler] | None = None) -> Route:
        """A page about one environment."""
        return self.route_at("/admin/{environment}" + path, show, acts)

    def route_at(self, path: str, show: Handler, acts: Mapping[str, Handler] | None = None) -> Route:
        async def get(visit: Visit) -> Reply:
            return await show(await self._turn(visit))

        async def post(visit: Visit) -> Reply:
            turn = await self._turn(visit)
            try:
                return await _act_of(visit, acts or {})(turn)
            except Refusal as problem:
                turn.problem = problem
            reply = await show(turn)
            return structs.replace(reply, status=turn.problem.status) if isinstance(reply, Page) else reply

        self.pages[path] = tuple(acts or ())
        return self.site.route(path, get=get, post=post if acts else None)

    async def _turn(self, visit: Visit) -> Turn:
        person = visit.needed()
        turn = Turn(self, visit, person, await self.seen_by(person))
        if turn.may("listApprovals"):
            turn.waiting["approvals"] = await self.parts.approvals.waiting(turn.environment.id, MOST_COUNTED)
        return turn

    async def seen_by(self, person: Person) -> list[Environment]:
        """The environments that a person may see, by name."""
        found = await self.parts.operators.environments("~", MOST_ENVIRONMENTS)
        return sorted((each for each in found if person.sees(each.id)), key=lambda each: each.name.casefold())


def with_query(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def quoted(text: str) -> str:
    """As one segment of an address."""
    return quote(text, safe="")


def _chosen(environments: list[Environment], wanted: str | None) -> Environment:
    if not environments:
        raise NotAllowed("You may not see any environment yet; ask an owner to give you one.")
    if wanted is None:
        return environments[0]
    for each in environments:
        if each.id == wanted:
            return each
    raise NotFound(f"There is no environment {wanted!r} that you may see.")


def _act_of(visit: Visit, acts: Mapping[str, Handler]) -> Handler:
    wanted = visit.form.get("do", "")
    if wanted not in acts:
        raise InvalidArguments([], f"This page can do {', '.join(sorted(acts))}; {wanted!r} is none of these.")
    return acts[wanted]
