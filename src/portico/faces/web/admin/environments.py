"""Environments: the walls between tenants. An owner makes and renames them; everybody sees those that are theirs."""

from starlette.routing import Route

from portico.clock import iso
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Redirect, Reply

PATH = "/admin/environments"


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route_at(
            PATH, show, {"create": create, "rename": rename, "keep_bodies": keep_bodies, "drop_bodies": drop_bodies}
        )
    ]


async def show(turn: Turn) -> Reply:
    return turn.page("environments.html", "environments", iso=iso)


async def create(turn: Turn) -> Reply:
    await turn.do("createEnvironment", body={"name": turn.visit.form.get("name", "")})
    return Redirect(f"{PATH}?said=environment-made")


async def rename(turn: Turn) -> Reply:
    form = turn.visit.form
    await turn.do("updateEnvironment", path={"id": form.get("id", "")}, body={"name": form.get("new_name", "")})
    return Redirect(f"{PATH}?said=environment-renamed")


async def keep_bodies(turn: Turn) -> Reply:
    return await _log_bodies(turn, True)


async def drop_bodies(turn: Turn) -> Reply:
    return await _log_bodies(turn, False)


async def _log_bodies(turn: Turn, log_bodies: bool) -> Reply:
    await turn.do("updateEnvironment", path={"id": turn.visit.form.get("id", "")}, body={"log_bodies": log_bodies})
    return Redirect(f"{PATH}?said=environment-changed")
