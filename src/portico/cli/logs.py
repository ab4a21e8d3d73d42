"""`portico logs`: the request log."""

from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say_json, say_table

Account = Annotated[str, Parameter(help="Only the calls of this account.")]
Status = Annotated[int, Parameter(help="Only calls that were answered with this status.")]
Limit = Annotated[int, Parameter(help="How many.", show_default=True)]


def logs(
    *,
    account: Account = "",
    status: Status = 0,
    limit: Limit = 50,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """The request log, newest first."""
    answer = Api(url, token).get("/log", integrated_account_id=account, status=status or "", limit=limit)
    if json:
        say_json(answer["result"])
        return
    rows = [
        (
            each["timestamp"][:19].replace("T", " "),
            each["http_status_code"],
            each["face"],
            f"{each['resource']}.{each['method']}" if each["resource"] else each["path"],
            f"{each['duration']:.0f} ms",
            each["code"],
        )
        for each in answer["result"]
    ]
    say_table(("time", "status", "face", "call", "took", "why"), rows, "No calls yet.")
