"""/admin/me: where one is signed in, one's own password, and which programs one let in."""

from starlette.routing import Route

from portico.clock import iso
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Redirect, Reply
from portico.gateway.people import LONGEST_PASSWORD, SHORTEST_PASSWORD
from portico.gateway.signing_in import change_own_password, end_session, has_password, sessions_of, sign_out_everywhere
from portico.model.person import ROLES
from portico.vault import tokens

PATH = "/admin/me"


def routes(frame: Frame) -> list[Route]:
    return [frame.route_at(PATH, show, {"end": end, "end-all": end_all, "password": set_password})]


async def show(turn: Turn) -> Reply:
    here = tokens.digest(turn.visit.token, turn.parts.keyring.pepper)
    sessions = [
        {
            "id": each.id,
            "client": each.client,
            "created_at": iso(each.created_at),
            "seen_at": iso(each.seen_at),
            "is_this": each.digest == here,
        }
        for each in await sessions_of(turn.parts, turn.person)
    ]
    identities = [
        {"issuer": each.issuer, "email": each.email, "seen_at": iso(each.seen_at)}
        for each in await turn.parts.identities.of_person(turn.person.id)
    ]
    return turn.page(
        "me.html",
        "me",
        identities=identities,
        has_password=await has_password(turn.parts, turn.person),
        sessions=sessions,
        meaning=ROLES[turn.person.role],
        shortest=SHORTEST_PASSWORD,
        longest=LONGEST_PASSWORD,
    )


async def end(turn: Turn) -> Reply:
    await end_session(turn.parts, turn.person, turn.visit.form.get("session", ""))
    return Redirect(f"{PATH}?said=session-ended")


async def end_all(turn: Turn) -> Reply:
    await sign_out_everywhere(turn.parts, turn.person)
    return Redirect("/sign-in")


async def set_password(turn: Turn) -> Reply:
    form = turn.visit.form
    visitor = turn.frame.site.visitor(turn.visit)
    turn.visit.token = await change_own_password(
        turn.parts, visitor, turn.person, form.get("old", ""), form.get("new", "")
    )
    return Redirect(f"{PATH}?said=password-set")
