"""An account's usage as its vendor counts it: the vendor's own reports among the account's tools, drawn and as CSV.

Which reports there are, and by what they split, is the vendor's: a report is a tool that is tagged `usage` and answers
with `tables` and a `total`. What a report could not find out is named beside what it did. It takes the vendor seconds:
until then the page shows what is metered here, and fetches itself again once there is more.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.routing import Route

from portico.clock import iso
from portico.errors import InvalidArguments, NotFound, Refusal
from portico.faces.web.admin import chart, words
from portico.faces.web.admin.frame import Frame, Turn, quoted, with_query
from portico.faces.web.admin.lately import Told
from portico.faces.web.admin.usage import PERIODS, added, download_of
from portico.faces.web.page import Reply
from portico.model.account import AccountId
from portico.shapes import Json, is_list, is_record
from portico.toolbox.composed import Composed
from portico.toolbox.run import ToolCall

PATH = "/accounts/{id}/usage"
USUALLY = "month to date"
OVER_TIME = "day"
REPORT, TAG = "report", "usage"
_MONEY = frozenset({"usd", "usd_before"})
_TOP = 10
# In the page's address: wait for all of it; ask the vendor anew.
WHOLE, AGAIN = "whole", "again"
_OURS = frozenset({WHOLE, AGAIN, "said"})
_ROWS = 100


def routes(frame: Frame) -> list[Route]:
    return [frame.route(PATH, show), frame.route(PATH + "/csv", download)]


async def show(turn: Turn) -> Reply:
    account = await turn.do("getIntegratedAccount", path=turn.ids)
    reports = await _reports(turn)
    held = {name for name, key in account["keys"].items() if key["present"]}
    usable = [each for each in reports if held & set(each.credentials)]
    answers = await _lately(turn, account, usable)
    splits = {name for each in reports for name in _by(each)}
    kept = {name: turn.asked(name) for name in ("period", *sorted(splits)) if turn.asked(name)}

    def address(**changes: str) -> str:
        return with_query(_place(turn), kept | changes)

    def csv_address(report: str, table: str) -> str:
        return with_query(_place(turn) + "/csv", kept | {"report": report, "table": table})

    only = {name: turn.asked(name) for name in sorted(splits) if turn.asked(name)}
    return turn.page(
        "account_usage.html",
        "accounts",
        account=account,
        reports=[_shown(report, told, only) for report, told in zip(usable, answers, strict=True) if told],
        pending=[_title(report) for report, told in zip(usable, answers, strict=True) if not told],
        whole=with_query(_place(turn), kept | {WHOLE: "1"}),
        again=with_query(_place(turn), kept | {AGAIN: "1"}),
        metered=await _metered(turn),
        missing=[(_title(each), [_label(account, key) for key in each.credentials]) for each in _but(reports, usable)],
        period=_period(turn),
        periods=(USUALLY, *PERIODS),
        only=only,
        path=_place(turn),
        address=address,
        csv_address=csv_address,
    )


async def _lately(turn: Turn, account: Json, reports: Sequence[Composed]) -> list[Told | None]:
    """What the reports tell, now or a few minutes ago; None where the vendor is still being asked."""
    lately = turn.frame.lately
    asked = tuple(sorted((name, text) for name, text in turn.visit.incoming.pairs() if name not in _OURS and text))
    whose = (turn.environment.id, account["id"], account["updated_at"], tuple(sorted(turn.caller.scopes)))
    keys = [(*whose, each.tool.name, asked) for each in reports]
    for key, report in zip(keys, reports, strict=True):
        lately.ask(key, partial(_answer, turn, report, _by(report), _TOP), again=bool(turn.asked(AGAIN)))
    return await lately.look(keys, patiently=bool(turn.asked(WHOLE)))


async def _metered(turn: Turn) -> Json | None:
    """What passed through Portico meanwhile, which is known at once; None where it cannot be told of this period."""
    if not turn.may("listUsage"):
        return None
    query = [("period", _period(turn)), ("by", ""), ("integrated_account_id", turn.ids["id"])]
    try:
        return added((await turn.do("listUsage", query=query))["result"])
    except Refusal:
        return None


async def download(turn: Turn) -> Reply:
    wanted, name = turn.asked("report"), turn.asked("table")
    for report in await _reports(turn):
        if report.tool.name == wanted and name in _by(report):
            answer = await _answer(turn, report, (name,), _ROWS)
            if problem := answer.get("error"):
                raise InvalidArguments([], problem)
            table = answer["tables"][name]
            return download_of(f"{wanted}-{name}.csv", table["columns"], table["rows"])
    raise NotFound(f"There is no table {name!r} of a report {wanted!r} here.")


async def _reports(turn: Turn) -> list[Composed]:
    connected = await turn.parts.lookup.connected(turn.environment.id, AccountId(turn.ids["id"]))
    found = (each for each in connected.view.offered if isinstance(each, Composed))
    return [each for each in found if each.method == REPORT and TAG in each.tags]


async def _answer(turn: Turn, report: Composed, by: Sequence[str], top: int) -> Json:
    """The report's value, or `error`: the sentence with which it was refused."""
    arguments: Json = {"start_time": _period(turn), "by": list(by), "top": top}
    for name in _by(report):
        if (argument := _filter_of(report, name)) and turn.asked(name):
            arguments[argument] = [turn.asked(name)]
    call = ToolCall(
        account_id=AccountId(turn.ids["id"]),
        name=report.tool.name,
        arguments=arguments,
        face="admin",
        request_id=turn.visit.incoming.request_id,
        client="admin pages",
    )
    result = await turn.frame.toolbox.run(turn.caller, call)
    value: Json = result.structured or {}
    return {"error": str(value.get("error") or "It gave no answer.")} if result.is_error else value


def _shown(report: Composed, told: Told, only: Json) -> Json:
    answer = told.value
    tables: Json = answer.get("tables") or {}
    total: Json = answer.get("total") or {}
    main = next((name.removesuffix("_before") for name in total if name.endswith("_before")), next(iter(total), ""))
    return {
        "name": report.tool.name,
        "title": _title(report),
        "error": answer.get("error", ""),
        "at": iso(told.at),
        "total": [(_called(name), _cell(name, value)) for name, value in total.items() if value is not None],
        "period": answer.get("period") or {},
        "forecast": answer.get("forecast") or {},
        "incomplete": answer.get("incomplete") or [],
        "wider_than": [name for name in only if not _filter_of(report, name)],
        "tables": [_table(report, name, tables[name], main) for name in _ordered(tables)],
    }


def _table(report: Composed, name: str, table: Json, ranked: str) -> Json:
    """A table with a chart: columns over time for days, a bar in each row for the rest. `ranked` is what they show."""
    names: list[str] = table["columns"]
    rows: list[list[Any]] = table["rows"]
    main = names.index(ranked if ranked in names else names[-1])
    values = [_number(row[main]) for row in rows]
    identity = names.index("id") if "id" in names else 0
    is_money = names[main] in _MONEY
    drawn = None
    if name == OVER_TIME:
        series = chart.Series(name=_called(names[main]), values=tuple(values))
        drawn = chart.columns([str(row[0]) for row in rows], [series])
    return {
        "name": name,
        "columns": [_called(each) for each in names],
        "is_text": [_is_text(rows, place) for place in range(len(names))],
        "rows": [
            {"cells": list(map(_cell, names, row)), "share": share, "key": _key(report, name, row, identity)}
            for row, share in zip(rows, chart.shares(values), strict=True)
        ],
        "measure": "cost_usd" if is_money else "",
        "chart": drawn,
    }


def _title(report: Composed) -> str:
    """What it reports: a page needs no verb."""
    said = report.title.removeprefix("Report ")
    return said[:1].upper() + said[1:]


def _called(name: str) -> str:
    """A column's name as people say it; the cells tell the unit."""
    return name.removesuffix("_percent").replace("_before", ", period before").replace("usd", "cost").replace("_", " ")


def _cell(name: str, value: Any) -> str:
    """A figure with its unit; anything else as it is."""
    if value is None:
        return ""
    if name in _MONEY:
        return words.money(_number(value))
    if name.endswith("_percent"):
        return f"{value}%"
    return words.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _key(report: Composed, name: str, row: Sequence[Any], identity: int) -> str:
    """By what a row can be looked at alone; empty where it cannot."""
    key = str(row[identity])
    return key if _filter_of(report, name) and key and not key.startswith(("(", "others (")) else ""


def _by(report: Composed) -> tuple[str, ...]:
    """By what a report can be split, as it says itself or its schema does."""
    if report.splits:
        return report.splits
    schema: Json = next((each.schema for each in report.parameters if each.name == "by"), Json())
    items: Any = schema.get("items")
    allowed: Any = items.get("enum") if is_record(items) else None
    return tuple(str(each) for each in allowed) if is_list(allowed) else ()


def _filter_of(report: Composed, split: str) -> str:
    """The argument that narrows a report to one of what it is split by: `project` → `project_ids`."""
    for each in report.parameters:
        if each.name.removesuffix("_ids").removesuffix("s").endswith(split):
            return each.name
    return ""


def _ordered(tables: Json) -> list[str]:
    return sorted(tables, key=lambda name: name != OVER_TIME)


def _is_text(rows: Sequence[Sequence[Any]], place: int) -> bool:
    return any(isinstance(row[place], str) and not _is_number(row[place]) for row in rows)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) or (isinstance(value, str) and _is_number(value)) else 0.0


def _but(reports: Sequence[Composed], usable: Sequence[Composed]) -> list[Composed]:
    return [each for each in reports if each not in usable]


def _label(account: Json, key: str) -> str:
    return str(account["keys"][key]["label"]) if key in account["keys"] else key


def _period(turn: Turn) -> str:
    return turn.asked("period").strip() or USUALLY


def _place(turn: Turn) -> str:
    return turn.at(f"/accounts/{quoted(turn.ids['id'])}/usage")
