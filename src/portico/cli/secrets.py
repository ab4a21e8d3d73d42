"""`portico secrets …`: keys kept under names. What they are is told to nobody here, but by a link that opens once."""

import sys
from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, complain, say, say_json, say_table

Name = Annotated[str, Parameter(help="The name that it is stored under.")]
Value = Annotated[
    str,
    Parameter(
        help="The secret; `-` reads it from standard input, so that it stays out of the shell's history.",
        allow_leading_hyphen=True,
    ),
]
Replace = Annotated[bool, Parameter(negative="", help="Put it in the place of the one that has the name.")]
Minutes = Annotated[int, Parameter(help="For how long the link is good.", show_default=True)]
SignIn = Annotated[bool, Parameter(negative="", help="Only for somebody who is signed in.")]


def list_(*, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List stored secrets, newest first."""
    found = list(Api(url, token).pages("/stored-secret"))
    if json:
        say_json(found)
        return
    rows = [(each["name"], each["ends_in"], each["about"], each["updated_at"][:10]) for each in found]
    empty = "No secret is stored; tools store keys for store_as=NAME, and `portico secrets add` does."
    say_table(("name", "ends in", "from", "since"), rows, empty)


def add(
    name: Name,
    value: Value = "-",
    *,
    replace: Replace = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Store a secret under a name."""
    api = Api(url, token)
    text = sys.stdin.readline().strip() if value == "-" else value
    if not text:
        raise Unhappy("There is no secret: give it as an argument or, better, on standard input.")
    made = api.post("/stored-secret", {"name": name, "value": text, "replace": replace})
    say_json(made) if json else say(f"Stored {made['name']} ({made['ends_in']}).")


def link(
    name: Name,
    *,
    minutes: Minutes = 60,
    sign_in: SignIn = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Make a link that shows a stored secret once."""
    made = Api(url, token).post(f"{_path(name)}/link", {"minutes": minutes, "sign_in": sign_in})
    if json:
        say_json(made)
        return
    say(made["url"])
    complain(f"It opens once, until {made['expires_at']}.")


def delete(name: Name, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Delete a stored secret. Accounts that were given it keep working."""
    gone = Api(url, token).delete(_path(name))
    say_json(gone) if json else say(f"Deleted {gone['name']}.")


def _path(name: str) -> str:
    return f"/stored-secret/{name}"
