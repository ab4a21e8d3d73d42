"""Exact sums and ratios: decimals from the vendor's own digits, never through binary fractions. Pure."""

from collections.abc import Iterable
from decimal import Context, Decimal, InvalidOperation, localcontext
from typing import Any

Number = int | Decimal
# More digits than any sum of ours can need: amounts come with up to twenty places.
_EXACTLY = Context(prec=60)
_CENTS = Decimal("0.01")
_TENTH = Decimal("0.1")


def number_of(value: Any) -> Number:
    """A number of an answer; 0 for what is no number. Amounts are written as numbers or as text."""
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, int | Decimal):
        return value
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return 0


def total(values: Iterable[Number]) -> Number:
    with localcontext(_EXACTLY):
        return sum(values, start=0)


def minus(left: Number, right: Number) -> Number:
    with localcontext(_EXACTLY):
        return left - right


def text_of(amount: Number) -> str:
    """All digits that count, and at least cents: 12.5 → 12.50, 0.000210 → 0.00021."""
    with localcontext(_EXACTLY):
        exact = Decimal(amount).normalize()
        exact = exact.quantize(_CENTS) if -int(exact.as_tuple().exponent) < 2 else exact
    return f"{exact:f}"


def percent(part: Number, whole: Number) -> float | None:
    """To one decimal; None where there is nothing to compare with."""
    if not whole:
        return None
    with localcontext(_EXACTLY):
        return float((Decimal(part) * 100 / Decimal(whole)).quantize(_TENTH))


def change(now: Number, before: Number) -> float | None:
    return percent(minus(now, before), before)
