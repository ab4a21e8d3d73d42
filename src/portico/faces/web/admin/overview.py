"""/admin: where to begin. How an environment is, what went wrong lately, and what to do first."""

from collections import Counter

from starlette.routing import Route

from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Redirect, Reply
from portico.shapes import Json

MOST_ACCOUNTS = 1000
SHOWN = 8
LOOKED_AT = 200


def routes(frame: Frame) -> list[Route]:
    return [frame.route_at("/admin", enter), frame.route("", show)]


async def enter(turn: Turn) -> Reply:
    return Redirect(turn.at())


async def show(turn: Turn) -> Reply:
    accounts = (await turn.do("listIntegratedAccounts", query=[("limit", str(MOST_ACCOUNTS))]))["result"]
    troubled = [each for each in accounts if each["status"] != "active"]
    servers = (await turn.do("listAllMcpServers", query=[("limit", "1000")]))["result"]
    calls: list[Json] = (await turn.do("listLog", query=[("limit", str(LOOKED_AT))]))["result"]
    values: Json = {
        "servers": servers,
        "calls": calls,
        "failed": [each for each in calls if each["http_status_code"] >= 400][:SHOWN],
        "looked_at": LOOKED_AT,
        "accounts": accounts,
        "counts": Counter(each["status"] for each in accounts),
        "troubled": troubled[:SHOWN],
    }
    return turn.page("overview.html", "overview", **values)
