"""`portico usage compare`: what was metered, what the vendor reports, and the difference."""

from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say_json, say_table

Json = dict[str, Any]
Account = Annotated[str, Parameter(help="The account's id.")]
Since = Annotated[str, Parameter(help="The first day, as 2026-11-02; 30 days before the last, if left out.")]
Until = Annotated[str, Parameter(help="The last day; today, if left out.")]
Models = Annotated[bool, Parameter(negative="", help="A row for each model, instead of one for each day.")]
_COLUMNS = ("day", "model", "what", "requests", "input", "cached", "output", "USD")
_SIDES = {"metered": "metered", "reported": "vendor", "difference": "difference"}
_AMOUNTS = ("requests", "input_tokens", "cached_tokens", "output_tokens")


def compare(
    account: Account,
    *,
    since: Since = "",
    until: Until = "",
    models: Models = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """What an account used by day (of UTC): as metered, as its vendor reports it, and the difference. Newest first."""
    found = list(Api(url, token).pages(f"/integrated-account/{account}/usage", since=since, until=until))
    if json:
        say_json(found)
        return
    rows = [row for day in found for each in (day["models"] if models else [day]) for row in _rows(day["day"], each)]
    say_table(_COLUMNS, rows, "Nothing was used in that time.")


def _rows(day: str, of: Json) -> list[tuple[Any, ...]]:
    return [
        (day, of.get("model", ""), word, *(of[side][name] for name in _AMOUNTS), _money(of[side].get("cost_usd")))
        for side, word in _SIDES.items()
        if of[side] is not None
    ]


def _money(amount: float | None) -> str:
    return "" if amount is None else f"{amount:.6f}"
