"""/admin: where to begin. How an environment is, what went wrong lately, and what to do first."""

from starlette.routing import Route

from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.admin.log import gathered
from portico.faces.web.admin.words import IN_TROUBLE
from portico.faces.web.page import Redirect, Reply
from portico.shapes import Json

# Where a tile says that there are more.
MOST_COUNTED = 1000
SHOWN = 8
LOOKED_AT = 200


def routes(frame: Frame) -> list[Route]:
    return [frame.route_at("/admin", enter), frame.route("", show)]


async def enter(turn: Turn) -> Reply:
    return Redirect(turn.at())


async def show(turn: Turn) -> Reply:
    accounts = await _listed(turn, "listIntegratedAccounts")
    troubled = await _listed(turn, "listIntegratedAccounts", ("status", IN_TROUBLE))
    servers = await _listed(turn, "listAllMcpServers")
    calls: list[Json] = (await turn.do("listLog", query=[("limit", str(LOOKED_AT))]))["result"]
    values: Json = {
        "servers": servers,
        "calls": calls,
        "failed": gathered(each for each in calls if each["http_status_code"] >= 400)[:SHOWN],
        "looked_at": LOOKED_AT,
        "accounts": accounts,
        "troubled": troubled[:SHOWN],
        "troubles": len(troubled),
        "in_trouble": IN_TROUBLE,
        "most": MOST_COUNTED,
    }
    return turn.page("overview.html", "overview", **values)


async def _listed(turn: Turn, name: str, *filters: tuple[str, str]) -> list[Json]:
    return (await turn.do(name, query=[("limit", str(MOST_COUNTED)), *filters]))["result"]
