"""Environments: the walls between tenants. An owner makes and renames them; everybody sees those that are theirs."""

from starlette.routing import Route

from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Redirect, Reply

PATH = "/admin/environments"


def routes(frame: Frame) -> list[Route]:
    return [frame.route_at(PATH, show, {"create": create, "rename": rename})]


async def show(turn: Turn) -> Reply:
    return turn.page("environments.html", "environments")


async def create(turn: Turn) -> Reply:
    await turn.do("createEnvironment", body={"name": turn.visit.form.get("name", "")})
    return Redirect(f"{PATH}?said=environment-made")


async def rename(turn: Turn) -> Reply:
    form = turn.visit.form
    await turn.do("updateEnvironment", path={"id": form.get("id", "")}, body={"name": form.get("new_name", "")})
    return Redirect(f"{PATH}?said=environment-renamed")
