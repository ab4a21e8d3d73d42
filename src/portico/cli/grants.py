"""`portico mcp grants` and `portico mcp revoke`: which programs people let in to an MCP server."""

from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say, say_json, say_table

Account = Annotated[str, Parameter(help="The account's id.")]
Server = Annotated[str, Parameter(help="The MCP server's id.")]
Grant = Annotated[str, Parameter(help="The access's id, as `portico mcp grants` shows it.")]


def grants(
    account: Account, server: Server, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """List who has access to a server with which program, newest first."""
    found = list(Api(url, token).pages(f"/integrated-account/{account}/mcp/{server}/grants"))
    if json:
        say_json(found)
        return
    rows = [
        (each["id"], each["user_name"], each["client_name"], each["redirect_host"], " ".join(each["scopes"]),
         each["created_at"], each["last_used_at"])
        for each in found
    ]  # fmt: skip
    columns = ("id", "user", "program", "answers go to", "scopes", "since", "last renewed")
    say_table(columns, rows, "Nobody has let a program in to this server.")


def revoke(account: Account, server: Server, grant: Grant, *, url: UrlOption = "", token: TokenOption = "") -> None:
    """End a program's access. Its tokens stop working at once."""
    Api(url, token).delete(f"/integrated-account/{account}/mcp/{server}/grants/{grant}")
    say(f"Ended {grant}.")
