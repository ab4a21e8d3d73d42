"""`portico logs`: the request log, filtered, followed, exported, or one call of it."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from json import dumps
from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.moments import moment
from portico.cli.say import Unhappy, say, say_json, say_record, say_table
from portico.clock import iso, now

Json = dict[str, Any]
FOLLOW_SECONDS = 1.0
# How late a row may come: from a replica that could not write for a while.
_LATE = timedelta(seconds=30)
_MOST_REMEMBERED = 10_000
_COLUMNS = ("time", "status", "face", "call", "took", "tokens", "why")
Status = Annotated[str, Parameter(help="A status such as 404, or a class such as 4xx.")]
Words = Annotated[str, Parameter(name=("--search", "-q"), help="Any part of path, code, problem, tool, client, ids …")]
Since = Annotated[str, Parameter(help="From then on: '2 hours ago', 'yesterday', 2026-11-02 …; in UTC.")]
Until = Annotated[str, Parameter(help="Up to then, said like --since.")]
WithBodies = Annotated[bool, Parameter(negative="", help="Only those whose bodies are kept.")]
Server = Annotated[str, Parameter(help="An MCP server, by id.")]
RequestId = Annotated[str, Parameter(help="The x-portico-request-id of an answer: that call and its parts.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which rows."""

    account: Annotated[str, Parameter(help="An account, by id.")] = ""
    tenant: Annotated[str, Parameter(help="Your own name for the customer.")] = ""
    status: Status = ""
    face: Annotated[str, Parameter(help="The way in: proxy, custom, passthrough, unified, tools, mcp or jobs.")] = ""
    tool: Annotated[str, Parameter(help="A tool, by name.")] = ""
    server: Server = ""
    resource: Annotated[str, Parameter(help="Such as files.")] = ""
    method: Annotated[str, Parameter(help="Such as list.")] = ""
    code: Annotated[str, Parameter(help="Why it failed, such as vendor_failure; see the list of errors.")] = ""
    model: Annotated[str, Parameter(help="The model that answered.")] = ""
    request: RequestId = ""
    search: Words = ""
    with_bodies: WithBodies = False
    since: Since = ""
    until: Until = ""

    def query(self) -> Json:
        said = asdict(self)
        said["has_bodies"] = "true" if said.pop("with_bodies") else ""
        times = {
            "created_at[gt]": moment(said.pop("since"), "--since"),
            "created_at[lt]": moment(said.pop("until"), "--until"),
        }
        return times | {_NAMES.get(name, name): value for name, value in said.items()}


_NAMES = {
    "account": "integrated_account_id",
    "tenant": "tenant_id",
    "server": "mcp_server_id",
    "request": "request_id",
    "search": "q",
}
_ALL = Wanted()
Follow = Annotated[bool, Parameter(name=("--follow", "-f"), negative="", help="Go on with what comes, until stopped.")]
Export = Annotated[
    str,
    Parameter(
        help="Write every row that fits to this file as lines of JSON; - is standard output.", allow_leading_hyphen=True
    ),
]
Limit = Annotated[int, Parameter(help="How many.", show_default=True)]


def logs(
    call: Annotated[str, Parameter(help="One call, by its id or by the x-portico-request-id of its answer.")] = "",
    /,
    *,
    wanted: Wanted = _ALL,
    limit: Limit = 50,
    follow: Follow = False,
    export: Export = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """The request log, newest first."""
    api = Api(url, token)
    if call not in {"", "list"}:  # where other commands have a word for it, people write it here too
        found = api.get(f"/log/{call}")
        say_json(found) if json else _say_call(found)
        return
    query = wanted.query()
    if export:
        _export(api, query, export)
        return
    found = list(_first(api, query, limit))
    if follow:
        _follow(api, query, found[::-1], _print_json if json else _print_line)
    elif json:
        say_json(found)
    else:
        say_table(_COLUMNS, [_cells(each) for each in found], "No calls that fit.")


def _say_call(found: Json) -> None:
    """The row, then what was asked and answered, as far as that is kept."""
    bodies = {name: found.pop(name, None) for name in ("request", "response")}
    say_record(found)
    for name, side in bodies.items():
        if side:
            say()
            say_record({name: "", **{field: value for field, value in side.items() if field != "body"}})
            if side["body"] is not None:
                body = side["body"]
                say(body if isinstance(body, str) else dumps(body, ensure_ascii=False, indent=2))


def _first(api: Api, query: Json, count: int) -> Iterator[Json]:
    """The newest that fit, from as many pages as it takes."""
    if count < 1:
        raise Unhappy("--limit must be at least 1.")
    for each in api.pages("/log", **query, limit=min(count, 1000)):
        yield each
        count -= 1
        if not count:
            return


def _follow(api: Api, query: Json, known: list[Json], show: Callable[[Json], None]) -> None:
    """Oldest first. A row may come late, so each look goes back a little and leaves out what was shown."""
    for each in known:
        show(each)
    shown = dict.fromkeys(each["id"] for each in known)
    last, newest = (known[-1]["id"], known[-1]["timestamp"]) if known else ("", iso(now()))
    is_first = True
    while True:
        floor = iso(datetime.fromisoformat(newest) - _LATE)
        seen = list(api.pages("/log", **{**query, "created_at[gt]": floor}, limit=1000))
        for each in reversed(seen):
            # The first look goes back to rows that were there before and were not asked for.
            if each["id"] not in shown and not (is_first and each["id"] < last):
                show(each)
            shown[each["id"]] = None
        newest, is_first = seen[0]["timestamp"] if seen else newest, False
        for old in list(shown)[:-_MOST_REMEMBERED]:
            del shown[old]
        time.sleep(FOLLOW_SECONDS)


def _export(api: Api, query: Json, target: str) -> None:
    with api.open("GET", "/log/export", query=query) as response:
        if target == "-":
            shutil.copyfileobj(response, sys.stdout.buffer)
            return
        with open(target, "wb") as file:
            shutil.copyfileobj(response, file)
    say(f"Written to {target}.")


def _print_json(row: Json) -> None:
    say(dumps(row, ensure_ascii=False))


def _print_line(row: Json) -> None:
    moment, status, face, call, took, tokens, why = map(str, _cells(row))
    say(f"{moment}  {status}  {face:<11}  {call:<40}  {took:>9}  {tokens:>7}  {why}".rstrip())


def _cells(row: Json) -> tuple[Any, ...]:
    named = row["tool"] or (f"{row['resource']}.{row['method']}" if row["resource"] else row["path"])
    tokens = row["input_tokens"] + row["output_tokens"]
    told = f"{'~' if row['tokens_are_estimated'] else ''}{tokens}" if tokens else ""
    why = f"{row['code']}: {row['problem']}" if row["problem"] else row["code"]
    moment = row["timestamp"][:19].replace("T", " ")
    return moment, row["http_status_code"], row["face"], named, f"{row['duration']:.0f} ms", told, why
