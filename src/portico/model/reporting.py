"""How a vendor tells what was used and what it cost, and what it has told of one day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from portico.model.account import AccountId, EnvironmentId


class UsageReport(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One list of usage: `amounts` leads from our words to where a result keeps them, dotted; `item` says of what.

    `requests`, `input_tokens`, `cached_tokens` and `output_tokens` are compared with what was metered; other words are
    kept beside them.
    """

    look: str
    item: str = ""
    amounts: dict[str, str]


class CostReport(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The list of costs, in US dollars: where a result keeps how much, and for what."""

    look: str
    item: str = ""
    amount: str


class Reports(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The vendor's own reports of a day. `start`, `end` (Unix seconds) and `group` are arguments of every list.

    `narrow` leads from an argument to the context field that says to what the report is narrowed, such as a project;
    an account without it hears of everything that its key sees.
    """

    credential: str
    start: str
    end: str
    group: str = ""
    arguments: dict[str, Any] = {}
    narrow: dict[str, str] = {}
    results: str = ""  # where an item of the list keeps its results; empty: it is one
    usage: dict[str, UsageReport]
    costs: CostReport | None = None

    def looks(self) -> list[tuple[str, str]]:
        """(place in the definition, operation) of every list."""
        found = [(f"usage.{kind}.look", each.look) for kind, each in self.usage.items()]
        return [*found, ("costs.look", self.costs.look)] if self.costs else found


COSTS = "costs"
COMPARED = ("requests", "input_tokens", "cached_tokens", "output_tokens")


class ReportedRow(Struct, frozen=True, kw_only=True):
    """What the vendor says of one kind of usage and one item (a model) on a day; or, kind `costs`, of a line item."""

    kind: str
    item: str
    amounts: Mapping[str, int] = {}
    cost_nanos: int = 0


class ReportedDay(Struct, frozen=True, kw_only=True):
    """`looks`: how often it was asked; `is_final` once it will not be asked again. `narrowed`: to what."""

    environment_id: EnvironmentId
    account_id: AccountId
    day: str
    looks: int
    is_final: bool
    narrowed: dict[str, str] = {}
    reported_at: datetime
    rows: tuple[ReportedRow, ...] = ()
