"""`portico approvals …`: look at calls that wait for a yes, and answer."""

from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say, say_json, say_record, say_table

Json = dict[str, Any]
Approval = Annotated[str, Parameter(help="The approval's id, as `portico approvals list` shows it.")]
State = Annotated[str, Parameter(help="pending, approved, denied, used or expired; `all` for every one.")]
Account = Annotated[str, Parameter(help="Only of this account.")]
Server = Annotated[str, Parameter(help="Only of this MCP server.")]
Reason = Annotated[str, Parameter(help="Told to whoever asked, model or person.")]


def list_(
    *,
    state: State = "pending",
    account: Account = "",
    server: Server = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """List calls that wait for a yes, newest first."""
    wanted = {"state": "" if state == "all" else state, "integrated_account_id": account, "mcp_server_id": server}
    found = list(Api(url, token).pages("/approval", **wanted))
    if json:
        say_json(found)
        return
    rows = [
        (each["id"], each["state"], each["impact"].get("sentence") or each["title"], each["client"], each["expires_at"])
        for each in found
    ]
    say_table(("id", "state", "what", "asked by", "until"), rows, "No call waits.")


def show(approval: Approval, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Show one approval: the request, what differs from the present state, and what it means."""
    found = Api(url, token).get(f"/approval/{approval}")
    say_json(found) if json else say_record(found)


def approve(
    approval: Approval, *, reason: Reason = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Let a waiting call through, once. It goes on at once where its program still waits, else when it is repeated."""
    _told(Api(url, token).post(f"/approval/{approval}/approve", {"reason": reason}), json=json)


def deny(
    approval: Approval, *, reason: Reason = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Refuse a waiting call."""
    _told(Api(url, token).post(f"/approval/{approval}/deny", {"reason": reason}), json=json)


def _told(found: Json, *, json: bool) -> None:
    say_json(found) if json else say(f"{found['state'].capitalize()}: {found['tool']} ({found['id']}).")
