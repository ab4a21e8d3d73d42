"""A vendor's own reports of a day, and how they differ from what was metered here.

Which lists there are and where their numbers stand is data of the catalog (Reports).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import VendorFailure, VendorGarbled
from portico.gateway.answer import at
from portico.gateway.ask import fetch
from portico.gateway.later import system_caller
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.model.account import Account
from portico.model.call import Call
from portico.model.operation import Integration
from portico.model.price import NANOS
from portico.model.reporting import COMPARED, COSTS, ReportedDay, ReportedRow, Reports
from portico.shapes import Json, is_list, is_record
from portico.store.metered import MeteredDay

MOST_PAGES = 100
_ABSENT = 404
_exactly = msgspec.json.Decoder(list[dict[str, Any]], float_hook=Decimal)
Key = tuple[str, str]


def reports_of(integration: Integration, account: Account) -> Reports | None:
    """The vendor's reports, where there are any and the account has the key for them."""
    rule = integration.reports
    if rule is None:
        return None
    fields = {each.name: each.field for each in integration.credentials}
    return rule if fields.get(rule.credential) in account.held else None


async def look(connected: Connected, day: date, parts: Parts) -> tuple[dict[str, str], list[ReportedRow]]:
    """(to what the reports were narrowed, what they say of that day). The vendor's refusals are raised."""
    rule = reports_of(connected.view.integration, connected.account)
    if rule is None:
        return {}, []
    narrowed = {
        argument: str(connected.account.context[field])
        for argument, field in rule.narrow.items()
        if connected.account.context.get(field)
    }
    asking = _asking(rule, day, narrowed)
    rows: dict[Key, ReportedRow] = {}
    for kind, each in rule.usage.items():
        for result in await _results(connected, each.look, asking | _split(rule, each.item), rule, parts):
            amounts = {word: _whole(at(result, place)) for word, place in each.amounts.items()}
            _add(rows, ReportedRow(kind=kind, item=_item(result, each.item), amounts=amounts))
    if rule.costs is not None:
        costs = rule.costs
        for result in await _results(connected, costs.look, asking | _split(rule, costs.item), rule, parts):
            nanos = round(_number(at(result, costs.amount)) * NANOS)
            _add(rows, ReportedRow(kind=COSTS, item=_item(result, costs.item), cost_nanos=nanos))
    return narrowed, [row for row in rows.values() if row.cost_nanos or any(row.amounts.values())]


def _asking(rule: Reports, day: date, narrowed: dict[str, str]) -> Json:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=1)
    narrow = {argument: [value] for argument, value in narrowed.items()}
    return {rule.start: int(start.timestamp()), rule.end: int(end.timestamp()), **rule.arguments, **narrow}


def _split(rule: Reports, item: str) -> Json:
    return {rule.group: [item]} if rule.group and item else {}


async def _results(connected: Connected, key: str, arguments: Json, rule: Reports, parts: Parts) -> list[Json]:
    """Of all pages. A report that this vendor's address does not have says nothing."""
    resource, _, method = key.partition(".")
    account, found = connected.account, list[Json]()
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        asked = arguments | ({"next_cursor": cursor} if cursor else {})
        call = Call(
            account_id=account.id, face="jobs", resource=resource, method=method, arguments=asked, uncounted=True
        )
        try:
            answer = await fetch(system_caller(account.environment_id), call, parts)
        except VendorFailure as problem:
            if problem.vendor_status == _ABSENT:
                return []
            raise
        if answer.page is None:
            raise VendorGarbled
        found += _records(_exactly.decode(answer.page.items), rule.results)
        cursor = answer.page.next_cursor
        if cursor is None:
            return found
    raise VendorGarbled


def _records(buckets: Iterable[Json], results: str) -> list[Json]:
    if not results:
        return list(buckets)
    listed = [at(bucket, results) for bucket in buckets]
    return [each for inner in listed if is_list(inner) for each in inner if is_record(each)]


def _add(rows: dict[Key, ReportedRow], row: ReportedRow) -> None:
    key = (row.kind, row.item)
    if known := rows.get(key):
        amounts = {
            word: known.amounts.get(word, 0) + row.amounts.get(word, 0) for word in {*known.amounts, *row.amounts}
        }
        row = ReportedRow(kind=row.kind, item=row.item, amounts=amounts, cost_nanos=known.cost_nanos + row.cost_nanos)
    rows[key] = row


def _item(result: Json, field: str) -> str:
    return str(at(result, field) or "") if field else ""


def _whole(value: Any) -> int:
    return int(_number(value))


def _number(value: Any) -> Decimal:
    """Exactly as it is written, as a number or a text; 0 for what is none."""
    try:
        number = Decimal(0) if value is None or isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)


class Sums(Struct):
    """What is compared. Costs are in billionths of a US dollar."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_nanos: int = 0

    def shown(self) -> Json:
        return {name: getattr(self, name) for name in COMPARED} | {"cost_usd": self.cost_nanos / NANOS}

    def less(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) - getattr(other, name) for name in self.__struct_fields__))


def compared(day: str, metered: Sequence[MeteredDay], reported: ReportedDay | None) -> Json:
    """One day: what was metered of calls that name a model, what the vendor reports, and by how much that is more."""
    ours = {each.model: _metered(each) for each in metered if each.model}
    theirs = _by_model(reported.rows) if reported else {}
    told = _sum(theirs.values())
    told.cost_nanos = sum(row.cost_nanos for row in reported.rows if row.kind == COSTS) if reported else 0
    whole = _sum(ours.values())
    return {
        "day": day,
        "metered": whole.shown()
        | {
            "estimated": sum(each.estimated for each in metered),
            "unpriced": sum(each.unpriced for each in metered),
        },
        "reported": told.shown() if reported else None,
        "difference": told.less(whole).shown() if reported else None,
        "models": [
            _of_model(model, ours.get(model), theirs.get(model), reported) for model in sorted({*ours, *theirs})
        ],
        "other": [_other(row) for row in reported.rows if _is_other(row)] if reported else [],
        "costs": [_cost(row) for row in reported.rows if row.kind == COSTS] if reported else [],
    }


def _of_model(model: str, ours: Sums | None, theirs: Sums | None, reported: ReportedDay | None) -> Json:
    metered, told = ours or Sums(), theirs or Sums()
    shown: Json = {"model": model, "metered": metered.shown()}
    without_costs = told.less(metered).shown() if reported else None
    for each in (told_shown := told.shown() if reported else None, without_costs):
        if each is not None:
            del each["cost_usd"]  # costs are told by line item, not by model
    return shown | {"reported": told_shown, "difference": without_costs}


def _metered(each: MeteredDay) -> Sums:
    return Sums(each.requests, each.input_tokens, each.cached_tokens, each.output_tokens, each.cost_nanos)


def _by_model(rows: Iterable[ReportedRow]) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for row in rows:
        if row.kind != COSTS and row.item and any(word in row.amounts for word in COMPARED):
            known = found.setdefault(row.item, Sums())
            for word in COMPARED:
                setattr(known, word, getattr(known, word) + row.amounts.get(word, 0))
    return found


def _sum(each: Iterable[Sums]) -> Sums:
    listed = list(each)
    return Sums(*(sum(getattr(one, name) for one in listed) for name in Sums.__struct_fields__))


def _is_other(row: ReportedRow) -> bool:
    return row.kind != COSTS and bool(_unlike(row.amounts))


def _unlike(amounts: Mapping[str, int]) -> dict[str, int]:
    return {word: amount for word, amount in amounts.items() if word not in COMPARED}


def _other(row: ReportedRow) -> Json:
    return {"kind": row.kind, "item": row.item, "amounts": _unlike(row.amounts)}


def _cost(row: ReportedRow) -> Json:
    return {"line_item": row.item, "cost_usd": row.cost_nanos / NANOS}
