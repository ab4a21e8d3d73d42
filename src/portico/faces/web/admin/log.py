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
    query = [("limit", str(READ)), ("next_cursor", turn.asked("cursor")), *chosen.items(), *_times(turn)]
    found = await turn.do("listLog", query=query)
    return turn.page(
        "log.html",
        "log",
        rows=gathered(found["result"]),
        filters=offered,
        first=FIRST,
        named=NAMED,
        chosen=chosen,
        times=times,
        time_fields=TIMES,
        faces=words.FACES,
        is_filtered=bool(chosen or times),
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
    )


def gathered(rows: Iterable[Json]) -> list[Json]:
    """One row for each request: the tool, or whatever came in, with `steps`: how many rows it has besides."""
    requests: dict[str, list[Json]] = {}
    for row in rows:
        requests.setdefault(row["request_id"] or row["id"], []).append(row)
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
