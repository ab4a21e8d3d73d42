"""What tokens cost by the public price list, as data with a date. For estimates; what was spent, OpenAI itself says."""

import re
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

MILLION = 1_000_000
# A snapshot costs what its model does: gpt-4o-2024-08-06, omni-moderation-latest, gpt-4-0613.
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4}|latest)$")


class Price(Struct, frozen=True, kw_only=True):
    """US dollars for a million tokens; None where there is no such price."""

    input: Decimal
    cached_input: Decimal | None = None
    output: Decimal | None = None


class PriceList(Struct, frozen=True, kw_only=True):
    about: str
    as_of: str
    currency: str
    batch_percent: int
    tokens_per_million: dict[str, Price]

    def of(self, model: str) -> Price | None:
        """The model's price, or its snapshot's; None where the list has none, as for fine-tuned models."""
        return self.tokens_per_million.get(model) or self.tokens_per_million.get(_SNAPSHOT.sub("", model))


@cache
def price_list() -> PriceList:
    return msgspec.json.decode(Path(__file__).with_name("prices.json").read_bytes(), type=PriceList)


def cost(tokens: int, per_million: Decimal, percent: int = 100) -> Decimal:
    return per_million * tokens * percent / (100 * MILLION)
