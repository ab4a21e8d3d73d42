"""`portico environments …`: the walls between tenants."""

from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, say, say_json, say_record, say_table

Name = Annotated[str, Parameter(help="Its name, given once.")]
Named = Annotated[str, Parameter(help="Only the one of this name.")]
Identity = Annotated[str, Parameter(help="The environment's id.")]
NewName = Annotated[str, Parameter(help="Another name for it.")]
LogBodies = Annotated[
    bool | None,
    Parameter(
        help="Whether bodies of its accounts' calls are kept beside the request log, where an account does not say "
        "itself."
    ),
]


def list_(*, name: Named = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List the environments that the token can see."""
    found = list(Api(url, token).pages("/environment", name=name))
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


def update(
    environment: Identity,
    *,
    name: NewName = "",
    log_bodies: LogBodies = None,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Rename an environment, or switch on or off that bodies are kept beside its request log."""
    body: dict[str, Any] = {"name": name} if name else {}
    if log_bodies is not None:
        body["log_bodies"] = log_bodies
    if not body:
        raise Unhappy("Say what to change: --name, --log-bodies or --no-log-bodies.")
    changed = Api(url, token).patch(f"/environment/{environment}", body)
    say_json(changed) if json else say_record(changed)
