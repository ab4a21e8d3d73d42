"""The request log: what was called, by whom, how it went; searched by whatever the API can search by."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.routing import Route

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, NotFound
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Reply
from portico.shapes import Json

# The API's filters that the page offers, as far as the API has them, and what they are called here.
FILTERS = {
    "q": "Words",
    "status": "Status",
    "tool": "Tool",
    "tenant_id": "Customer",
    "face": "Way in",
    "model": "Model",
    "code": "Error code",
    "integrated_account_id": "Account id",
    "mcp_server_id": "MCP server id",
}
# What is asked for most; the page hides the others until somebody wants them.
FIRST = frozenset({"q", "status", "tool", "tenant_id"})
TIMES = (("since", "created_at[gt]", "From (UTC)"), ("until", "created_at[lt]", "To (UTC)"))


def routes(frame: Frame) -> list[Route]:
    return [frame.route("/log", show_all), frame.route("/log/{id}", show_one)]


async def show_all(turn: Turn) -> Reply:
    known = turn.frame.acts.filters("listLog")
    offered = {name: label for name, label in FILTERS.items() if name in known}
    chosen = {name: turn.asked(name) for name in offered if turn.asked(name)}
    times = {name: turn.asked(name) for name, _, _ in TIMES if turn.asked(name)}
    query = [*turn.paging(), *chosen.items(), *_times(turn)]
    found = await turn.do("listLog", query=query)
    return turn.page(
        "log.html",
        "log",
        rows=found["result"],
        filters=offered,
        first=FIRST,
        chosen=chosen,
        times=times,
        time_fields=TIMES,
        is_filtered=bool(chosen or times),
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
    )


async def show_one(turn: Turn) -> Reply:
    row = await _row(turn)
    parts: list[Json] = row.pop("parts", [])
    sides = [(label, row.pop(name)) for name, label in _SIDES.items() if row.get(name)]
    shown = [(label, side, _printed(side.get("body"))) for label, side in sides]
    return turn.page("log_row.html", "log", row=row, parts=parts, sides=shown)


async def _row(turn: Turn) -> Json:
    if turn.frame.acts.has("getLog"):
        return await turn.do("getLog", path=turn.ids)
    # The list ends before its cursor: the smallest text after an id makes it begin with that id.
    found = await turn.do("listLog", query=[("limit", "1"), ("next_cursor", turn.ids["id"] + " ")])
    for row in found["result"]:
        if row["id"] == turn.ids["id"]:
            return row
    raise NotFound(f"There is no call {turn.ids['id']!r} in the log.")


_SIDES = {"request": "What was asked", "response": "What was answered"}


def _printed(body: Any) -> str:
    if body is None or isinstance(body, str):
        return body or ""
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()


def _times(turn: Turn) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, theirs, label in TIMES:
        if text := turn.asked(name):
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise InvalidArguments([Failure(label, f"is {text[:40]!r}", "a day and a time")]) from None
            found.append((theirs, iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))))
    return found
