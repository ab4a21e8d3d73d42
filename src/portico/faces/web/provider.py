"""/sign-in/provider leads to the provider, /sign-in/callback is where it sends people back to, and /sign-in/ended is
where it says itself that somebody has left."""

from starlette.routing import Route

from portico.errors import ClientLeft, Refusal
from portico.faces.http import Incoming, Receive, Scope, Send
from portico.faces.oauth.wire import BadForm, answer, read_form, refuse
from portico.faces.web.page import Redirect, Reply
from portico.faces.web.sign_in import HOME, PROVIDER, after_of, door
from portico.faces.web.site import Site
from portico.faces.web.visit import Visit, own_path, sign_in_path
from portico.gateway.oidc.ended import end_at_provider
from portico.gateway.oidc.flow import CALLBACK, begin, finish, provider_of
from portico.gateway.parts import Parts

ENDED = "/sign-in/ended"


def routes(site: Site) -> list[Route]:
    parts = site.parts

    async def leave_for(visit: Visit) -> Reply:
        """By a click on our own page only: another site's link leads to that page."""
        after = after_of(visit)
        provider_of(parts)
        if visit.person is not None:
            return Redirect(after)
        if visit.incoming.header("sec-fetch-site") in {"cross-site", "same-site"}:
            return Redirect(sign_in_path(after))
        try:
            return Redirect(await begin(parts, site.visitor(visit), after))
        except Refusal as problem:
            return await door(parts, after, problem)

    async def come_back(visit: Visit) -> Reply:
        try:
            text, after = await finish(parts, site.visitor(visit), visit.incoming.pairs())
        except Refusal as problem:
            return await door(parts, own_path(str(problem.facts.get("after", "")), HOME), problem)
        visit.token = text
        return Redirect(own_path(after, HOME))

    if parts.provider is None:
        return []
    return [
        site.route(PROVIDER, get=leave_for),
        site.route(CALLBACK, get=come_back),
        Route(ENDED, _Ended(parts), methods=["POST"]),
    ]


class _Ended:
    """Nobody's browser asks here, and no cookie counts: the token alone says who it is from."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming: Incoming = scope["portico.incoming"]
        try:
            given = await read_form(incoming)
            if not given.get("logout_token"):
                raise BadForm("The logout_token is missing.")
            await end_at_provider(self._parts, given["logout_token"])
            await answer(send, {})
        except ClientLeft:
            raise
        except Exception as problem:
            await refuse(send, problem, incoming.request_id)
