"""`portico files …`: what is kept for tools just now."""

from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say, say_json, say_table

File = Annotated[str, Parameter(help="The file's id, as `portico files list` shows it.")]
Account = Annotated[str, Parameter(name=("--account", "-a"), help="Only of this account.")]
Minutes = Annotated[
    int, Parameter(help="For how long the link is good; never longer than the file.", show_default=True)
]


def list_(*, account: Account = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List kept files, newest first."""
    found = list(Api(url, token).pages("/file", integrated_account_id=account))
    if json:
        say_json(found)
        return
    rows = [(each["id"], each["filename"], each["content_type"], each["bytes"], each["expires_at"]) for each in found]
    say_table(("id", "name", "type", "bytes", "until"), rows, "No file is kept.")


def link(
    file: File, *, minutes: Minutes = 60, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Make a link by which anybody who has it can fetch the file."""
    made = Api(url, token).post(f"/file/{file}/link", {"seconds": minutes * 60})
    say_json(made) if json else say(made["url"])


def delete(file: File, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Delete a kept file, with all links to it."""
    gone = Api(url, token).delete(f"/file/{file}")
    say_json(gone) if json else say(f"Deleted {gone['id']}.")
