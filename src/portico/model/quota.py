"""How much may be used: of what, by whom, in which stretch of the calendar (always UTC)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from portico.model.account import EnvironmentId
from portico.model.price import NANOS

Bearer = Literal["environment", "tenant", "account", "server"]
Measure = Literal["requests", "tokens", "spend"]
Period = Literal["minute", "day", "month"]
# What is told to the outside, in percent, and the name of the event. A minute is over before anybody reads of it.
LEVELS = {80: "budget:warning", 100: "budget:exhausted"}
TOLD_PERIODS = frozenset({"day", "month"})


class Quota(Struct, frozen=True, kw_only=True):
    """`subject`: the tenant's name, the account's or the server's id; empty: each of them for itself.

    `maximum` is a number of requests or tokens, or billionths of a US dollar.
    """

    id: str
    environment_id: EnvironmentId
    bearer: Bearer
    subject: str
    measure: Measure
    period: Period
    maximum: int
    created_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def is_for_each(self) -> bool:
        return self.bearer != "environment" and not self.subject


class Window(Struct, frozen=True):
    """From `began_at` on, until just before `ends_at`."""

    began_at: datetime
    ends_at: datetime


def window_of(period: Period, moment: datetime) -> Window:
    """The minute, day or month of UTC that the moment lies in."""
    moment = moment.astimezone(UTC)
    if period == "minute":
        began = moment.replace(second=0, microsecond=0)
        return Window(began, began + timedelta(minutes=1))
    began = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return Window(began, began + timedelta(days=1))
    began = began.replace(day=1)
    return Window(began, (began + timedelta(days=32)).replace(day=1))


def told(amount: int, measure: Measure) -> int | float:
    """As people write it: dollars for spend."""
    return amount / NANOS if measure == "spend" else amount


def sentence(quota: Quota) -> str:
    """Such as: 100 requests per minute for the tenant 'acme'."""
    much = f"{quota.maximum:,} {quota.measure}"
    if quota.measure == "spend":
        much = f"{Decimal(quota.maximum) / NANOS:,.2f} US dollars"
    whose = "the environment" if quota.bearer == "environment" else f"the {_NAMES[quota.bearer]} {quota.subject!r}"
    return f"{much} per {quota.period} for {f'each {_NAMES[quota.bearer]}' if quota.is_for_each else whose}"


_NAMES = {"tenant": "tenant", "account": "account", "server": "MCP server"}
