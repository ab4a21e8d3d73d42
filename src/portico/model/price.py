"""What tokens cost by a vendor's public price list, as data with a date: for estimates, never a bill."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

PriceDay = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
MILLION = 1_000_000
# A billionth of a US dollar: small enough for one token of the cheapest model, and a whole number for sums.
NANOS = 1_000_000_000
MOST_REMEMBERED = 1000
_REST = "*"
# A snapshot costs what its model does: gpt-4o-2024-08-06, omni-moderation-latest, gpt-4-0613.
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4}|latest)$")


class Price(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """US dollars for a million tokens; None where there is no such price."""

    input: Decimal
    cached_input: Decimal | None = None
    output: Decimal | None = None

    def __post_init__(self) -> None:
        if any(each is not None and not each.is_finite() for each in (self.input, self.cached_input, self.output)):
            raise ValueError("a price must be a number")
        if any(each is not None and each < 0 for each in (self.input, self.cached_input, self.output)):
            raise ValueError("a price must not be below 0")

    def nanos(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> int:
        """What they cost, in billionths of a dollar. Cached tokens are part of the input."""
        cached = self.input if self.cached_input is None else self.cached_input
        dollars = (input_tokens - cached_tokens) * self.input + cached_tokens * cached
        dollars += output_tokens * (self.output or Decimal(0))
        return int(dollars * NANOS / MILLION)


class PriceList(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`batch_percent`: what a batch costs, in percent of this. A name that ends in `*` is how names begin."""

    about: str = ""
    currency: Literal["usd"] = "usd"
    batch_percent: int = 100
    tokens_per_million: dict[str, Price]
    trained_per_million: dict[str, Decimal] = {}  # tokens of a training file, as often as it is gone through

    def of(self, model: str) -> Price | None:
        """The model's price, its snapshot's, or that of the longest beginning of its name; None where the list has
        none."""
        prices = self.tokens_per_million
        return prices.get(model) or prices.get(_SNAPSHOT.sub("", model)) or prices.get(self._beginning(model))

    def _beginning(self, model: str) -> str:
        fitting = [each for each in self.tokens_per_million if each.endswith(_REST) and model.startswith(each[:-1])]
        return max(fitting, key=len, default="")

    def of_training(self, model: str) -> Decimal | None:
        return self.trained_per_million.get(model) or self.trained_per_million.get(_SNAPSHOT.sub("", model))


def in_force(lists: Mapping[str, PriceList], day: date) -> tuple[str, PriceList] | None:
    """The newest list that is not younger than the day, with its date; before the first one, the first."""
    if not lists:
        return None
    text = day.isoformat()
    known = max((each for each in lists if each <= text), default=min(lists))
    return known, lists[known]


class PriceBook:
    """What tokens cost on the day that they were used. A day's prices are looked up once for each model."""

    def __init__(self) -> None:
        self._day = date.min
        self._found: dict[tuple[str, str], tuple[Mapping[str, PriceList], Price | None]] = {}

    def of(self, name: str, lists: Mapping[str, PriceList], day: date, model: str) -> Price | None:
        """`name`: whose lists they are. None where there is no list, or it does not have the model."""
        if day != self._day or len(self._found) >= MOST_REMEMBERED:
            self._day = day
            self._found.clear()
        known = self._found.get((name, model))
        if known is not None and known[0] is lists:
            return known[1]
        newest = in_force(lists, day)
        price = newest[1].of(model) if newest else None
        self._found[name, model] = lists, price
        return price


def cost(tokens: int, per_million: Decimal, percent: int = 100) -> Decimal:
    """In dollars, exactly."""
    return per_million * tokens * percent / (100 * MILLION)
