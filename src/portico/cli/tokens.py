"""`portico tokens …`: API tokens of the environment."""

from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.moments import moment
from portico.cli.say import say, say_json, say_table

Scopes = Annotated[list[str] | None, Parameter(name="--scope", negative="", help="A scope; repeat for several.")]
Name = Annotated[str, Parameter(help="What it is for; lists and the audit trail show this name.")]
Named = Annotated[str, Parameter(help="Only those of this name.")]
Environment = Annotated[str, Parameter(help="The id of another environment, for which operators may make tokens.")]
Expiry = Annotated[str, Parameter(help="When it ends: 'in 30 days', 2027-01-31T00:00Z …; in UTC. Never, if left out.")]
Identity = Annotated[str, Parameter(help="The token's id, as `portico tokens list` shows it.")]


def list_(*, name: Named = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List API tokens, newest first. Their text is kept nowhere."""
    found = list(Api(url, token).pages("/api-token", name=name))
    if json:
        say_json(found)
        return
    rows = [
        (each["id"], each["name"], each["hint"], ", ".join(each["scopes"]), each["expires_at"] or "never")
        for each in found
    ]
    say_table(("id", "name", "ends in", "scopes", "expires"), rows, "There are no API tokens.")


def create(
    name: Name,
    *,
    scope: Scopes = None,
    environment: Environment = "",
    expires_at: Expiry = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Create an API token; it is shown this once."""
    body: dict[str, object] = {"name": name}
    if scope:
        body["scopes"] = scope
    if environment:
        body["environment_id"] = environment
    if expires_at:
        body["expires_at"] = moment(expires_at, "--expires-at")
    made = Api(url, token).post("/api-token", body)
    say_json(made) if json else say(made["token"])


def revoke(identity: Identity, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Revoke an API token by its id."""
    gone = Api(url, token).delete(f"/api-token/{identity}")
    say_json(gone) if json else say(f"Revoked {gone['id']}.")
