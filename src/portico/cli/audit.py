"""`portico audit …`: who changed what, and whether the trail is whole."""

from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, say, say_json, say_table

Json = dict[str, Any]
Act = Annotated[str, Parameter(help="An act such as api_token.created, or its group, such as api_token.")]
Actor = Annotated[str, Parameter(help="Who did it: the id of a token or a person.")]
Target = Annotated[str, Parameter(help="The id of what it was about.")]
Limit = Annotated[int, Parameter(help="How many.", show_default=True)]
Noted = Annotated[str, Parameter(help="NUMBER:HASH of an entry that was noted earlier: it must still be the same.")]


def list_(
    *,
    act: Act = "",
    actor: Actor = "",
    target: Target = "",
    limit: Limit = 50,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """List administrative acts, newest first."""
    found = Api(url, token).get("/audit", act=act, actor=actor, target=target, limit=limit)["result"]
    if json:
        say_json(found)
        return
    rows = [
        (each["number"], each["created_at"][:19].replace("T", " "), each["actor_name"], each["act"], each["target"],
         ", ".join(f"{name}={value}" for name, value in each["facts"].items()))
        for each in found
    ]  # fmt: skip
    say_table(("number", "time", "who", "act", "what", "facts"), rows, "No acts that fit.")


def verify(*, noted: Noted = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Follow the trail's chain to its end; exit code 1 where it is broken."""
    number, colon, digest = noted.partition(":")
    if noted and not (colon and number.isdigit() and digest):
        raise Unhappy("--noted must be NUMBER:HASH, as this command printed them.")
    found = Api(url, token).get("/audit/verify", number=number, hash=digest)
    if json:
        say_json(found)
    elif found["holds"]:
        say(f"The chain holds. Note this elsewhere to compare later: {found['entries']}:{found['hash']}")
    if not found["holds"]:
        raise Unhappy(found["problem"])
