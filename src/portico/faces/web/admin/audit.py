"""The audit trail: who changed what, when; each entry's hash covers the one before it."""

from starlette.routing import Route

from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Reply


def routes(frame: Frame) -> list[Route]:
    return [frame.route("/audit", show)]


async def show(turn: Turn) -> Reply:
    found = await turn.do("listAudit", query=turn.paging())
    return turn.page(
        "audit.html",
        "audit",
        entries=found["result"],
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
    )
