"""Pages as routes: finds out who visits, checks the form, calls the handler, shows refusals as pages."""

from collections.abc import Awaitable, Callable

from starlette.routing import Route

from portico.errors import ClientLeft, Refusal
from portico.faces.address import address_of
from portico.faces.http import Incoming, Receive, Scope, Send, describe
from portico.faces.web.page import Page, Pages, Redirect, Reply
from portico.faces.web.programs import program
from portico.faces.web.visit import Cookie, SignInFirst, Visit, read_form, shared, sign_in_path
from portico.gateway.parts import Parts
from portico.gateway.signing_in import Visitor, who_is
from portico.vault import tokens

Handler = Callable[[Visit], Awaitable[Reply]]
# What stands in the cookie's place on pages that another site may show: there, browsers keep cookies back.
Bearer = Callable[[Incoming], str]


class Site:
    """Everything that pages share. A handler that gives the visit another token changes the visitor's cookie."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.pages = Pages(parts.settings)
        self.cookie = Cookie(parts.settings)

    def route(
        self, path: str, *, get: Handler | None = None, post: Handler | None = None, bearer: Bearer | None = None
    ) -> Route:
        """With a `bearer` the page neither reads nor sets a cookie, and knows nobody who is signed in."""
        handlers = {"GET": get, "HEAD": get, "POST": post}
        present = {verb: handler for verb, handler in handlers.items() if handler is not None}
        return Route(path, _Served(self, present, bearer), methods=list(present))

    def visitor(self, visit: Visit) -> Visitor:
        incoming = visit.incoming
        client = program(incoming.header("user-agent"))
        return Visitor(address=address_of(incoming, self.parts.settings), token=visit.token, client=client)

    async def answer(self, visit: Visit, handler: Handler) -> Reply:
        """The handler's reply; a refusal as a page that says so."""
        try:
            if visit.incoming.verb == "POST":
                visit.fields = await read_form(visit, self.parts.settings, self.parts.keyring.pepper)
            return await handler(visit)
        except SignInFirst:
            return Redirect(sign_in_path(visit.here))
        except ClientLeft:
            raise
        except Exception as problem:
            return self.problem(visit, problem)

    def problem(self, visit: Visit, problem: BaseException) -> Page:
        status, body, _ = describe(problem, visit.incoming.request_id)
        headers = problem.headers if isinstance(problem, Refusal) else {}
        values = {"sentence": body["message"], "request_id": visit.incoming.request_id, "back": None}
        return Page(template="problem.html", status=status, headers=dict(headers), values=values)

    async def visit(self, incoming: Incoming, path: dict[str, str], bearer: Bearer | None = None) -> tuple[Visit, bool]:
        """The visit, and whether its cookie is a new one."""
        if bearer is not None:
            return Visit(incoming, path, bearer(incoming), None), False
        known = self.cookie.read(incoming)
        person = await who_is(self.parts, known) if known else None
        return Visit(incoming, path, known or tokens.make("ses"), person), not known


class _Served:
    def __init__(self, site: Site, handlers: dict[str, Handler], bearer: Bearer | None) -> None:
        self._site, self._handlers, self._bearer = site, handlers, bearer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming: Incoming = scope["portico.incoming"]
        visit, is_new = await self._site.visit(incoming, scope["path_params"], self._bearer)
        before = "" if is_new else visit.token
        reply = await self._site.answer(visit, self._handlers[incoming.verb])
        cookies = [self._site.cookie.write(visit.token)] if visit.token != before else []
        pepper = self._site.parts.keyring.pepper
        await self._site.pages.write(send, reply, shared(visit, pepper), cookies)
