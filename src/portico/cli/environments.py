"""`portico environments …`: the walls between tenants."""

from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say, say_json, say_table

Name = Annotated[str, Parameter(help="Its name, given once.")]


def list_(*, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List the environments that the token can see."""
    found = list(Api(url, token).pages("/environment"))
    if json:
        say_json(found)
        return
    say_table(
        ("id", "name", "created"), [(each["id"], each["name"], each["created_at"][:10]) for each in found], "None."
    )


def create(name: Name, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Create an environment. Then: `portico tokens create NAME --environment ID`."""
    made = Api(url, token).post("/environment", {"name": name})
    say_json(made) if json else say(made["id"])
