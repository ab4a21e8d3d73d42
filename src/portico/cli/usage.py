"""`portico usage list`: what passed through Portico, added up as one likes, as a table, JSON or CSV."""

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say_json, say_table
from portico.sheets import as_csv

Json = dict[str, Any]
Period = Annotated[str, Parameter(help="'last 7 days', 'this month', 2026-10 …; in UTC.", show_default=True)]
By = Annotated[
    str, Parameter(help="One or several of day, account, tenant, server and model, with commas.", show_default=True)
]
Account = Annotated[str, Parameter(help="Only of this account, by id.")]
Tenant = Annotated[str, Parameter(help="Only of this customer.")]
Server = Annotated[str, Parameter(help="Only through this MCP server, by id.")]
Model = Annotated[str, Parameter(help="Only with this model.")]
Csv = Annotated[bool, Parameter(name="--csv", negative="", help="As comma-separated values, with a line of names.")]
_NAMES = {
    "day": "day", "account": "integrated_account_id", "tenant": "tenant_id", "server": "mcp_server_id",
    "model": "model",
}  # fmt: skip
_NUMBERS = ("requests", "input_tokens", "cached_tokens", "output_tokens", "unpriced_requests", "cost_usd")


def list_(
    *,
    period: Period = "last 30 days",
    by: By = "day",
    account: Account = "",
    tenant: Tenant = "",
    server: Server = "",
    model: Model = "",
    csv_: Csv = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Requests, tokens and what they may have cost by the price list; the vendor's own figures are its reports'."""
    wanted = {"integrated_account_id": account, "tenant_id": tenant, "mcp_server_id": server, "model": model}
    found = Api(url, token).get("/usage", period=period, by=by, **wanted)["result"]
    if json:
        say_json(found)
        return
    split = [name for name in _NAMES if name in {each.strip() for each in by.split(",")}]
    columns = (*split, *_NUMBERS)
    rows = [[each[_NAMES.get(name, name)] for name in columns] for each in found]
    if csv_:
        sys.stdout.write(as_csv(columns, rows))
    else:
        say_table([each.replace("_", " ") for each in columns], rows, "Nothing passed through in that time.")
