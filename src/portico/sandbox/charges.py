"""What usage costs: every row of usage as the line items that it is billed for, at the prices of prices.json.

Money is counted in whole nano-dollars, so that sums are exact in whatever order they are taken.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from portico.sandbox.state import Usage

NANO = 1_000_000_000
SECONDS_PER_MINUTE = 60
MEBIBYTE = 1024 * 1024
MILLION = 1_000_000
# A mebibyte that is kept for a day, in gibibyte hours: exact in binary.
GIBIBYTE_HOURS = 24 / 1024

Amounts = dict[str, int]


class Charge(NamedTuple):
    line_item: str
    quantity: float
    unit: str | None
    nano_dollars: int


@dataclass(frozen=True, slots=True)
class _Rate:
    """The price of one line item, and how to find in a row how much of it was used."""

    line_item: str
    count: Callable[[Amounts], int]
    nano_dollars: int
    unit: str | None
    quantity_per_count: float = 1


class PriceNotWhole(Exception):
    """A price isn't a whole number of nano-dollars."""


def charges(used: Usage) -> list[Charge]:
    """The line items of one row; nothing for what is free or was not used."""
    tier = "batch" if used.is_batch else used.labels.get("service_tier", "default")
    found: list[Charge] = []
    for rate in _rates(used.kind, used.model, tier):
        count = rate.count(used.amounts)
        if count > 0:
            quantity = count if rate.quantity_per_count == 1 else count * rate.quantity_per_count
            found.append(Charge(rate.line_item, quantity, rate.unit, count * rate.nano_dollars))
    return found


def dollars(nano_dollars: int) -> float:
    """The amount as JSON shows it: fifteen digits hold it exactly up to a million dollars."""
    return nano_dollars / NANO


@cache
def _table() -> dict[str, Any]:
    return msgspec.json.decode(Path(__file__).with_name("prices.json").read_bytes())


@cache
def _rates(kind: str, model: str, tier: str) -> tuple[_Rate, ...]:
    if kind in ("completions", "decisions", "embeddings", "moderations"):
        return _token_rates(model, tier)
    if kind not in CALLS:
        return ()
    name, count, unit, line_item, units_per_price = CALLS[kind]
    price = _nano(_of_model(name, model), units_per_price, 100)
    per_count = GIBIBYTE_HOURS if unit == "gibibyte_hours" else 1
    return (_Rate(line_item.format(model=model), count, price, unit, per_count),) if price else ()


def _token_rates(model: str, tier: str) -> tuple[_Rate, ...]:
    percent: int = _table()["tier_percent"].get(tier, 100)
    prices: dict[str, str] = _of_model("tokens_per_million", model)
    suffix = "" if percent == 100 else f" ({tier})"
    rates: list[_Rate] = []
    for word, count in TOKENS.items():
        # Audio and images cost what text costs where they have no price of their own.
        price = _nano(prices.get(word) or prices.get(word.split()[-1], "0"), MILLION, percent)
        if price:
            rates.append(_Rate(f"{model}, {word}{suffix}", count, price, "tokens"))
    return tuple(rates)


def _of_model(name: str, model: str) -> Any:
    """The longest entry that the model's name begins with; fine-tuned models cost what their base does."""
    entries = _table()[name]
    fitting = [key for key in entries if model.removeprefix("ft:").startswith(key)]
    return entries[max(fitting, key=len, default="other")]


def _nano(price: str, units: int, percent: int) -> int:
    nano = Decimal(price) * NANO * percent / 100 / units
    if nano != int(nano):
        raise PriceNotWhole(price)
    return int(nano)


def _take(name: str, *without: str) -> Callable[[Amounts], int]:
    def left(amounts: Amounts) -> int:
        count = amounts.get(name, 0)
        for part in without if count else ():
            count -= amounts.get(part, 0)
        return count

    return left


# What is billed apart of a row's tokens, in the words of its line item.
TOKENS: dict[str, Callable[[Amounts], int]] = {
    "input": _take("input_tokens", "input_cached_tokens", "input_audio_tokens", "input_image_tokens"),
    "cached input": _take("input_cached_tokens"),
    "audio input": _take("input_audio_tokens"),
    "image input": _take("input_image_tokens"),
    "output": _take("output_tokens", "output_audio_tokens", "output_image_tokens"),
    "audio output": _take("output_audio_tokens"),
    "image output": _take("output_image_tokens"),
}


def _mebibytes(amounts: Amounts) -> int:
    return -(-amounts.get("usage_bytes", 0) // MEBIBYTE)


# By kind: price, what is counted, its unit in the reports, the line item, and how many counted units the price is for.
CALLS: dict[str, tuple[str, Callable[[Amounts], int], str | None, str, int]] = {
    "images": ("image", _take("images"), "images", "{model}, image", 1),
    "audio_speeches": ("characters_per_million", _take("characters"), "characters", "{model}, speech", MILLION),
    "audio_transcriptions": (
        "transcribed_minute",
        _take("seconds"),
        "duration_seconds",
        "{model}, transcription",
        SECONDS_PER_MINUTE,
    ),
    "web_search_calls": ("web_search_call", _take("num_requests"), None, "web search tool calls", 1),
    "file_search_calls": ("file_search_call", _take("num_requests"), None, "file search tool calls", 1),
    "code_interpreter_sessions": (
        "code_interpreter_session",
        _take("num_sessions"),
        None,
        "code interpreter sessions",
        1,
    ),
    "vector_stores": ("stored_mebibyte_day", _mebibytes, "gibibyte_hours", "vector store storage", 1),
}
