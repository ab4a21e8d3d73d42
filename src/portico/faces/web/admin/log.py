"""The request log: what was called, by whom, how it went; searched by whatever the API can search by."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.routing import Route

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, NotFound
from portico.faces.web.admin import words
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
# So many rows are read for a page: a tool's calls stand with it, and are no rows of their own.
READ = 200
# So many requests can lie on both sides of a page's end, as far as the next page hears of them.
MOST_SEEN = 50
FIRST = frozenset({"q", "status", "tool", "tenant_id"})
# What links ask for, and nobody types.
NAMED = frozenset({"integrated_account_id", "mcp_server_id"})
TIMES = (("since", "created_at[gt]", "From (UTC)"), ("until", "created_at[lt]", "To (UTC)"))


def routes(frame: Frame) -> list[Route]:
    return [frame.route("/log", show_all), frame.route("/log/{id}", show_one)]


async def show_all(turn: Turn) -> Reply:
    known = turn.frame.acts.filters("listLog")
    offered = {name: label for name, label in FILTERS.items() if name in known}
    chosen = {name: turn.asked(name) for name in offered if turn.asked(name)}
    times = {name: turn.asked(name) for name, _, _ in TIMES if turn.asked(name)}
    rows, next_page = await _page(turn, [*chosen.items(), *_times(turn)])
    return turn.page(
        "log.html",
        "log",
        rows=rows,
        filters=offered,
        first=FIRST,
        named=NAMED,
        chosen=chosen,
        times=times,
        time_fields=TIMES,
        faces=words.FACES,
        is_filtered=bool(chosen or times),
        next_page=next_page,
        cursor=turn.asked("cursor"),
    )


async def _page(turn: Turn, wanted: list[tuple[str, str]]) -> tuple[list[Json], str]:
    """The requests of one page, each whole and on one page alone, and the address of the next page.

    The list is cut between rows and not between requests. So it is read on for what belongs to those of this page, and
    the next page is told which of them it is not to show again.
    """
    cursor = turn.asked("cursor")
    found = await turn.do("listLog", query=[("limit", str(READ)), ("next_cursor", cursor), *wanted])
    rows: list[Json] = found["result"]
    seen = set(filter(None, turn.asked("seen").split(",")))
    here = {_request(row) for row in rows} | seen
    ahead: list[Json] = []
    if following := found["next_cursor"]:
        query = [("limit", str(READ)), ("next_cursor", following), *wanted]
        ahead = [row for row in (await turn.do("listLog", query=query))["result"] if _request(row) in here]
    shown = [each for each in gathered([*rows, *ahead]) if _request(each) not in seen]
    if cursor:
        shown = [each for each in shown if not await _is_above(turn, each, cursor, wanted)]
    again = dict.fromkeys(_request(row) for row in ahead)
    return shown, turn.next_page(following, seen=",".join(list(again)[:MOST_SEEN]))


async def _is_above(turn: Turn, row: Json, cursor: str, wanted: list[tuple[str, str]]) -> bool:
    """Whether this is a step of a tool that took so long that it stands with it, pages before."""
    if not row["tool"] or not row["path"] or not row["request_id"]:
        return False
    asked = [each for each in wanted if each[0] != "request_id"]
    query = [("limit", "1"), ("request_id", row["request_id"]), *asked]
    newest: list[Json] = (await turn.do("listLog", query=query))["result"]
    return bool(newest) and newest[0]["id"] >= cursor


def _request(row: Json) -> str:
    return row["request_id"] or row["id"]


def gathered(rows: Iterable[Json]) -> list[Json]:
    """One row for each request: the tool, or whatever came in, with `steps`: how many rows it has besides."""
    requests: dict[str, list[Json]] = {}
    for row in rows:
        requests.setdefault(_request(row), []).append(row)
    found: list[Json] = []
    for each in requests.values():
        # Only a tool's own row has no path: it stands for what the tool has called. Of several calls with none above
        # them, as those of a batch, one that failed must not hide behind one that did not.
        own = (row for row in each if not row["path"])
        failed = (row for row in each if row["http_status_code"] >= 400)
        main = next(own, None) or next(failed, each[0])
        found.append({**main, "steps": len(each) - 1})
    return found


async def show_one(turn: Turn) -> Reply:
    row = await _row(turn)
    parts: list[Json] = row.pop("parts", [])
    sides = [(label, row.pop(name)) for name, label in _SIDES.items() if row.get(name)]
    shown = [(label, side, _printed(side.get("body"))) for label, side in sides]
    return turn.page("log_row.html", "log", row=row, parts=parts, sides=shown, facts=_facts(row), known=words.told(row))


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


def _facts(row: Json) -> list[tuple[str, str]]:
    """What people want to know of a call, in their words; what there is nothing to say of is left out."""
    vendor = f", of which the vendor {words.took(row['fetch_duration'])}" if row["fetch_duration"] else ""
    tokens = f"{words.number(row['input_tokens'])} in, {words.number(row['output_tokens'])} out"
    tokens += f", {words.number(row['cached_tokens'])} of them cached" if row["cached_tokens"] else ""
    tokens += " (guessed)" if row["tokens_are_estimated"] else ""
    said = {
        "What went wrong": row["problem"] or row["code"],
        "Way in": words.FACES.get(row["face"], row["face"]),
        "Program": row["client"],
        "Took": words.took(row["duration"]) + vendor,
        "Sent to the vendor": f"{row['http_method']} {row['path']}".strip() if row["fetch_duration"] else "",
        "The vendor answered": str(row["vendor_status"] or ""),
        "Items in the answer": "" if row["result_count"] is None else words.number(row["result_count"]),
        "Model": row["model"],
        "Tokens": tokens if row["input_tokens"] or row["output_tokens"] else "",
        "Cost (estimate)": "" if row["cost_usd"] is None else words.money(row["cost_usd"]),
        "Request id": row["request_id"],
        "The vendor's request id": row["vendor_request_id"],
    }
    return [(label, text) for label, text in said.items() if text]


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
