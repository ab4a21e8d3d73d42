"""What an organization has spent, day by day: the same usage that the usage reports show, at the table's prices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from portico.sandbox.charges import Charge, charges, dollars
from portico.sandbox.reports import COST_WIDTHS, GROUPS, Group, answer, passing
from portico.sandbox.shapes import Json
from portico.sandbox.state import Usage
from portico.sandbox.values import Values
from portico.sandbox.wire import Answer, Ask, Route

FILTERED = ("project_id", "api_key_id")
GROUPED = ("project_id", "line_item", "api_key_id", "user_id", "api_source")


@dataclass(slots=True)
class _Sum:
    """A sum of charges. The quantity stands as long as all of them have the same unit."""

    nano_dollars: int = 0
    quantity: float = 0
    units: set[str | None] = field(default_factory=set[str | None])

    def add(self, charge: Charge) -> None:
        self.nano_dollars += charge.nano_dollars
        self.quantity += charge.quantity
        self.units.add(charge.unit)


def list_costs(ask: Ask) -> Answer:
    rows = passing(ask.query, ask.organization.all_usage(), FILTERED)
    items = _line_items(ask.query)

    def results(inside: Iterable[Usage], wanted: Sequence[str]) -> list[Json]:
        sums = _add_up(inside, wanted, items)
        return [_show(dict(zip(wanted, values, strict=True)), total) for values, total in sums.items()]

    return answer(ask, rows, COST_WIDTHS, GROUPED, results)


def _line_items(query: Values) -> set[str]:
    """The wanted line items. Their names hold commas, so a plain `line_items=` is one name and not several."""
    plain = {str(value) for name, value in query.pairs if name == "line_items"}
    return plain or set(query.many("line_items"))


def _add_up(rows: Iterable[Usage], wanted: Sequence[str], items: set[str]) -> dict[tuple[Group, ...], _Sum]:
    readers = [GROUPS[name][1] for name in wanted if name != "line_item"]
    place = wanted.index("line_item") if "line_item" in wanted else None
    sums: dict[tuple[Group, ...], _Sum] = {}
    for used in rows:
        of_row = tuple([read(used) for read in readers])
        for charge in charges(used):
            if items and charge.line_item not in items:
                continue
            key = of_row if place is None else (*of_row[:place], charge.line_item, *of_row[place:])
            if key not in sums:
                sums[key] = _Sum()
            sums[key].add(charge)
    return dict(sorted(sums.items(), key=lambda pair: [str(part) for part in pair[0]]))


def _show(named: dict[str, Group], total: _Sum) -> Json:
    has_quantity = "line_item" in named and len(total.units) == 1
    return {
        "object": "organization.costs.result",
        "amount": {"value": dollars(total.nano_dollars), "currency": "usd"},
        **{name: named.get(name) for name in GROUPED},
        "quantity": total.quantity if has_quantity else None,
        "quantity_unit": next(iter(total.units)) if has_quantity else None,
    }


ROUTES = (Route("GET", "/organization/costs", list_costs),)
