"""`portico mcp …`: MCP servers of an account. `grants` and `revoke` stand in `grants`, the bridge in `stdio`."""

import json as json_
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.moments import moment
from portico.cli.say import Unhappy, complain, say, say_json, say_record, say_table
from portico.shapes import is_record

Json = dict[str, Any]
Account = Annotated[str, Parameter(help="The account's id.")]
AnyAccount = Annotated[str, Parameter(help="The account's id; left out for those of all accounts.")]
Server = Annotated[str, Parameter(help="The MCP server's id.")]
Name = Annotated[str, Parameter(help="What people and programs are shown as the server's name.")]
ExpiresAt = Annotated[
    str, Parameter(help="When it ends: 'in 2 days', 2027-01-31T08:00Z …; in UTC. `never` takes an end away.")
]
Only = Annotated[str, Parameter(name="--client", help="Only for this program, for example claude-code or cursor.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a model would see of a server."""

    method: Annotated[
        list[str] | None,
        Parameter(negative="", help="read, write, custom, or a method's or tool's name; repeat for several."),
    ] = None
    tag: Annotated[list[str] | None, Parameter(negative="", help="An area; repeat for several.")] = None
    exposure: Annotated[
        str, Parameter(help="all, discovery, or auto: all while they stay under 12,000 tokens, else discovery.")
    ] = ""
    read_only: Annotated[
        bool | None, Parameter(negative="--no-read-only", help="Refuse every tool that changes something.")
    ] = None
    confirm: Annotated[
        str, Parameter(help="destructive or writes: such calls wait until somebody approves them; never: they do not.")
    ] = ""
    config: Annotated[
        Path | None, Parameter(help="A JSON file with more of the config (arguments, result_limit, …).")
    ] = None

    def written(self) -> Json:
        """Only what was named, on top of what the file says."""
        return _read(self.config) | {name: value for name, value in self._given().items() if value is not None}

    def _given(self) -> Json:
        return {
            "methods": self.method,
            "tags": self.tag,
            "tool_exposure": self.exposure or None,
            "read_only": self.read_only,
            "confirm": self.confirm or None,
        }


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Offer(Seen):
    """And how it is used."""

    needs_token: Annotated[
        bool | None, Parameter(negative="--no-needs-token", help="The address alone is not enough.")
    ] = None
    secrets: Annotated[
        str, Parameter(help="How keys that are shown once are handed over: link, store or reveal; link if absent.")
    ] = ""
    confirm_at: Annotated[
        str, Parameter(help="Where people at the program say yes: program, page, or sign_in; program if absent.")
    ] = ""
    calls_per_day: Annotated[int | None, Parameter(help="Most calls of the vendor in one day of UTC.")] = None
    spend_per_day: Annotated[float | None, Parameter(help="Most US dollars in one day of UTC.")] = None
    expires_at: ExpiresAt = ""

    def _given(self) -> Json:
        budget = {"calls_per_day": self.calls_per_day, "spend_per_day": self.spend_per_day}
        return super()._given() | {
            "budget": {name: most for name, most in budget.items() if most is not None} or None,
            "require_api_token_auth": self.needs_token,
            "secrets": self.secrets or None,
            "confirm_at": self.confirm_at or None,
        }


_ALL = Seen()
_AS_IT_COMES = Offer()


def list_(account: AnyAccount = "", *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List MCP servers, newest first: those of one account, or all of the environment."""
    found = list(Api(url, token).pages(_path(account) if account else "/mcp-server"))
    if json:
        say_json(found)
        return
    rows = [
        (each["id"], each["name"], each["hint"], _filters(each["config"]), each["expires_at"] or "never")
        for each in found
    ]
    say_table(
        ("id", "name", "ends in", "offers", "expires"), rows, "No MCP server yet; make one with `portico mcp create`."
    )


def show(
    account: Account, server: Server, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Show one MCP server. Its address is kept nowhere: `rotate` gives a new one."""
    found = Api(url, token).get(_path(account, server))
    say_json(found) if json else say_record(found)


def create(
    account: Account,
    name: Name,
    *,
    offer: Offer = _AS_IT_COMES,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Make an MCP server. Its address is shown this once."""
    body: Json = {"name": name, "config": offer.written()}
    if offer.expires_at and offer.expires_at != "never":
        body["expires_at"] = moment(offer.expires_at, "--expires-at")
    _told(Api(url, token).post(_path(account), body), json=json)


def update(
    account: Account,
    server: Server,
    *,
    name: Name = "",
    offer: Offer = _AS_IT_COMES,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Change an MCP server; what is not named stays. It holds at once, and within a second in every replica."""
    body: Json = {"name": name} if name else {}
    if changed := offer.written():
        body["config"] = changed
    if offer.expires_at:
        body["expires_at"] = None if offer.expires_at == "never" else moment(offer.expires_at, "--expires-at")
    if not body:
        raise Unhappy("Say what to change: --name, --method, --tag, --exposure, --needs-token, --confirm, --config …")
    found = Api(url, token).patch(_path(account, server), body)
    say_json(found) if json else say_record(found)


def rotate(
    account: Account, server: Server, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Give an MCP server a new address, shown this once. The old one and all access by OAuth end at once."""
    _told(Api(url, token).post(f"{_path(account, server)}/rotate"), json=json)


def delete(
    account: Account, server: Server, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Delete an MCP server. Its address leads nowhere from then on."""
    gone = Api(url, token).delete(_path(account, server))
    say_json(gone) if json else say(f"Deleted {gone['id']}.")


def preview(
    account: Account,
    server: Annotated[str, Parameter(help="An MCP server's id, to preview it as it is.")] = "",
    *,
    seen: Seen = _ALL,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Show what a model would see: the instructions, the tools with what they cost, and for whom it is too much."""
    api = Api(url, token)
    known: Json = api.get(_path(account, server)) if server else {"name": "preview", "config": {}}
    wanted = known["config"] | seen.written()
    found = api.post(f"{_path(account)}/preview", {"name": known["name"], "config": wanted})
    if json:
        say_json(found)
        return
    say(found["instructions"])
    say()
    rows = [(each["name"], each["tokens"], _access(each["annotations"]), each["title"]) for each in found["listed"]]
    say_table(("tool", "tokens", "access", "title"), rows, "No tool.")
    say()
    _tell_counts(found)


def snippets(
    address: Annotated[str, Parameter(help="The server's address, as `portico mcp create` printed it.")],
    *,
    name: Name = "portico",
    client: Only = "",
    way: Annotated[str, Parameter(help="address, header (with an API token) or sign-in.")] = "address",
    json: JsonOption = False,
) -> None:
    """Print what to paste where, for every program that speaks MCP."""
    from portico.toolbox.clients import WAYS, Way, clients
    from portico.toolbox.clients import snippets as every

    spelt: dict[str, Way] = {each.replace("_", "-"): each for each in WAYS}
    if way not in spelt:
        raise Unhappy(f"There is no way in called {way!r}; there are {', '.join(spelt)}.")
    names = [each.name for each in clients()]
    if client and client not in names:
        raise Unhappy(f"There is no snippet for {client!r}; there are {', '.join(names)}.")
    found = [each for each in every(address, name, [spelt[way]]) if not client or each.client == client]
    if not found:
        raise Unhappy(f"{client} cannot be connected by {way}.")
    if json:
        say_json([{field: getattr(each, field) for field in each.__struct_fields__} for each in found])
        return
    for each in found:
        say(f"{each.label}. {each.where}:\n\n{each.text}\n" + (f"\n{each.note}\n" if each.note else ""))


def _path(account: str, server: str = "") -> str:
    return f"/integrated-account/{account}/mcp" + (f"/{server}" if server else "")


def _read(file: Path | None) -> Json:
    if file is None:
        return {}
    try:
        config: Any = json_.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise Unhappy(f"{file} cannot be read as JSON: {problem}") from None
    if not is_record(config):
        raise Unhappy(f"{file} must hold a JSON object, the server's config.")
    return config


def _told(made: Json, *, json: bool) -> None:
    """The address alone on standard output, so that it can be piped; what it offers on standard error."""
    if json:
        say_json(made)
        return
    say(made["url"])
    complain(
        f"{made['name']} ({made['id']}). The address is shown this once; `portico mcp snippets` says where it goes."
    )
    _tell_counts(made)


def _tell_counts(found: Json) -> None:
    shown = "shown as they are" if found["exposure"] == "all" else "behind discovery (search, describe, call)"
    counts = f"{found['tools']} tools of about {found['tokens']} tokens"
    complain(f"{counts}, {shown}: about {found['listed_tokens']} tokens in the model's context.")
    for each in found["warnings"]:
        complain(f"{each['client']}: {each['message']}")


def _filters(config: Json) -> str:
    words = [*config["methods"], *(f"#{tag}" for tag in config["tags"])]
    return ", ".join(words) or "everything"


def _access(annotations: Json) -> str:
    if annotations.get("readOnlyHint"):
        return "reads"
    return "destroys" if annotations.get("destructiveHint") else "writes"
