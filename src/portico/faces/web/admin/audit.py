"""The audit trail: who changed what, when; each entry's hash covers the one before it."""

from starlette.routing import Route

from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Reply

# The API's filters, what they are called here, and an example.
FILTERS = {"act": ("What", "mcp_server or mcp_server.created"), "target": ("Of which", "its id")}


def routes(frame: Frame) -> list[Route]:
    return [frame.route("/audit", show)]


async def show(turn: Turn) -> Reply:
    asked = {name: turn.asked(name) for name in FILTERS if turn.asked(name)}
    found = await turn.do("listAudit", query=[*turn.paging(), *asked.items()])
    return turn.page(
        "audit.html",
        "audit",
        entries=found["result"],
        filters=FILTERS,
        asked=asked,
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
    )
