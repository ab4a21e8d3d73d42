"""`portico quotas …`: how much may be used, by whom, and how much of it is used."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, say, say_json, say_record, say_table

Json = dict[str, Any]
_ON = {"environment": "environment", "tenant": "tenant", "account": "integrated_account", "server": "mcp_server"}
_CALLED = {wire: word for word, wire in _ON.items()}
On = Annotated[
    Literal["environment", "tenant", "account", "server"], Parameter(help="Whom it limits.", show_choices=True)
]
Measure = Annotated[Literal["requests", "tokens", "spend"], Parameter(help="What is counted.", show_choices=True)]
Period = Annotated[
    Literal["minute", "day", "month"],
    Parameter(name="--per", help="In which stretch of the calendar, of UTC.", show_choices=True),
]
Maximum = Annotated[float, Parameter(name=("--max", "--maximum"), help="So many requests or tokens, or US dollars.")]
Subject = Annotated[
    str, Parameter(help="Which one: a tenant's name, an account's or a server's id. Left out: each of them for itself.")
]
Account = Annotated[str, Parameter(help="Only what bears on this account's calls.")]
Identity = Annotated[str, Parameter(help="The quota's id, as `portico quotas list` shows it.")]
_COLUMNS = ("id", "for", "maximum", "used", "left", "resets at")


def list_(*, account: Account = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List quotas and how much of them is used, newest first."""
    found = list(Api(url, token).pages(f"/integrated-account/{account}/quota" if account else "/quota"))
    if json:
        say_json(found)
        return
    say_table(_COLUMNS, [_cells(each) for each in found], "There are no quotas: nothing is limited.")


def show(quota: Identity, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Show one quota, and who has used how much of it."""
    api = Api(url, token)
    found = api.get(f"/quota/{quota}")
    uses = list(api.pages(f"/quota/{quota}/use"))
    if json:
        say_json(found | {"use": uses})
        return
    say_record(found)
    if found["used"] is None:
        say()
        rows = [(each["subject"], each["used"], each["remaining"]) for each in uses]
        say_table((_CALLED[found["applies_to"]], "used", "left"), rows, "Nobody has used anything of it yet.")


def create(
    *,
    on: On,
    measure: Measure,
    per: Period,
    maximum: Maximum,
    subject: Subject = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Limit what may be used, from now on."""
    body: Json = {"applies_to": _ON[on], "measure": measure, "period": per, "maximum": maximum}
    made = Api(url, token).post("/quota", body | ({"subject": subject} if subject else {}))
    say_json(made) if json else say(made["id"])


def update(
    quota: Identity, *, maximum: Maximum = -1, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Change how much may be used."""
    if maximum < 0:
        raise Unhappy("Nothing to change: give --max.")
    changed = Api(url, token).patch(f"/quota/{quota}", {"maximum": maximum})
    say_json(changed) if json else say_record(changed)


def delete(quota: Identity, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Lift a quota."""
    gone = Api(url, token).delete(f"/quota/{quota}")
    say_json(gone) if json else say(f"Lifted {gone['id']}.")


def _cells(quota: Json) -> tuple[Any, ...]:
    word = _CALLED[quota["applies_to"]]
    whose = word if word == "environment" else f"{word} {quota['subject']}" if quota["subject"] else f"each {word}"
    much = f"{quota['maximum']:g} {'US dollars' if quota['measure'] == 'spend' else quota['measure']}"
    return quota["id"], whose, f"{much} per {quota['period']}", quota["used"], quota["remaining"], quota["resets_at"]
