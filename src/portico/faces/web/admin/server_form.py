"""The form of an MCP server: what it shows of a server, and what a sent one asks for. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.web.admin import words
from portico.faces.web.visit import Visit
from portico.shapes import Json, is_record

METHODS = (
    ("read", "read: list and get"),
    ("write", "write: create, change and delete"),
    ("custom", "custom: everything else"),
)
EXPOSURES = (
    ("auto", "As it fits: all tools while they are few, else search"),
    ("all", "All tools, always"),
    ("discovery", "Search: a few tools that find and call the others"),
)
COMFORTS = (
    ("names", "Names in the place of ids"),
    ("times", "Times as people say them"),
    ("fields", "Only the fields that are named"),
    ("tables", "Lists as tables"),
    ("cursors", "Cut answers go on with a cursor"),
    ("lean", "Rows of numbers left out"),
    ("waiting", "Waiting for what takes long"),
    ("files", "Files as links and previews"),
    ("dry_run", "Dry runs"),
    ("reports", "Reports"),
    ("recipes", "Recipes"),
)
CONFIRMS = (
    ("never", "Nothing", ""),
    ("destructive", "What deletes, cancels or archives", "waits until somebody says yes"),
    ("writes", "Everything that changes something", "waits until somebody says yes"),
)
CONFIRMS_AT = (
    ("program", "In their program", "or on a page, where it can only open pages"),
    ("page", "On a page of Portico, which their program opens", "the program's own word is not taken"),
    ("sign_in", "There, signed in", "the approval has a name"),
)
SECRETS = (
    ("link", "Behind a link that opens once", "the model sees the link, not the key"),
    ("store", "Kept here under a name", "neither model nor person sees the key"),
    ("reveal", "In the answer", "the model sees the key"),
)
RESULT_LIMIT, CONFIRM_WAIT, LINK_MINUTES = 40_000, 25, 60
_DAYS_AHEAD = 7


class Shown(Struct, frozen=True, kw_only=True):
    """What the fields hold before anybody touches them."""

    name: str = ""
    reach: str = "look"
    who: str = "address"
    tags: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    names: str = ""
    tool_exposure: str = "auto"
    arguments: str = ""
    comforts: tuple[str, ...] = tuple(name for name, _ in COMFORTS)
    include_removed: bool = False
    result_limit: int = RESULT_LIMIT
    confirm: str = "never"
    confirm_at: str = "program"
    confirm_wait: str = str(CONFIRM_WAIT)
    secrets: str = "link"
    secrets_sign_in: bool = False
    secrets_minutes: str = str(LINK_MINUTES)
    secrets_tools: str = ""
    ends: str = ""
    ends_at: str = ""


def of_server(server: Mapping[str, Any]) -> Shown:
    config: Json = server["config"]
    groups = {name for name, _ in METHODS}
    ends = server["expires_at"]
    secrets: Json = config["secrets"] if is_record(config["secrets"]) else {"way": config["secrets"]}
    ways: Json = secrets.get("tools") or {}
    return Shown(
        name=server["name"],
        reach="look" if config["read_only"] else "change",
        who="token" if config["require_api_token_auth"] else "address",
        tags=tuple(config["tags"]),
        methods=tuple(each for each in config["methods"] if each in groups),
        names="\n".join(each for each in config["methods"] if each not in groups),
        tool_exposure=config["tool_exposure"],
        arguments=words.pretty(config["arguments"]) if config["arguments"] else "",
        comforts=tuple(name for name, _ in COMFORTS if name not in config["comforts_off"]),
        include_removed=config["include_removed"],
        result_limit=config["result_limit"],
        confirm=config["confirm"],
        confirm_at=config["confirm_at"],
        confirm_wait=f"{config['confirm_wait_seconds']:g}",
        secrets=secrets.get("way", "link"),
        secrets_sign_in=secrets.get("sign_in", False),
        secrets_minutes=str(secrets.get("minutes", LINK_MINUTES)),
        secrets_tools="\n".join(f"{tool}: {way}" for tool, way in ways.items()),
        ends="other" if ends else "",
        ends_at=ends[:16] if ends else "",
    )


def of_visit(visit: Visit) -> Shown:
    """As it was sent, to be shown again."""
    form = visit.form
    return Shown(
        name=form.get("name", ""),
        reach=form.get("reach", "look"),
        who=form.get("who", "address"),
        tags=tuple(visit.every("tags")),
        methods=tuple(visit.every("methods")),
        names=form.get("names", ""),
        tool_exposure=form.get("tool_exposure", "auto"),
        arguments=form.get("arguments", ""),
        comforts=tuple(visit.every("comforts")),
        include_removed=bool(form.get("include_removed")),
        result_limit=int(form["result_limit"]) if form.get("result_limit", "").isdigit() else RESULT_LIMIT,
        confirm=form.get("confirm", "never"),
        confirm_at=form.get("confirm_at", "program"),
        confirm_wait=form.get("confirm_wait", str(CONFIRM_WAIT)),
        secrets=form.get("secrets", "link"),
        secrets_sign_in=bool(form.get("secrets_sign_in")),
        secrets_minutes=form.get("secrets_minutes", str(LINK_MINUTES)),
        secrets_tools=form.get("secrets_tools", ""),
        ends=form.get("ends", ""),
        ends_at=form.get("ends_at", ""),
    )


def asked(visit: Visit) -> Json:
    """The body of a request that makes or changes a server. InvalidArguments for what cannot be read."""
    shown = of_visit(visit)
    failures: list[Failure] = []
    arguments = _arguments(shown.arguments, failures)
    expires_at = _ends(shown, failures)
    limit = visit.form.get("result_limit", "")
    if limit and not limit.isdigit():
        failures.append(Failure("config.result_limit", f"is {limit!r}", "a number of characters"))
    wait = _count(shown.confirm_wait, "config.confirm_wait_seconds", "a number of seconds", failures)
    secrets = _secrets(shown, failures)
    if failures:
        raise InvalidArguments(failures)
    config: Json = {
        "read_only": shown.reach == "look",
        "methods": [*shown.methods, *shown.names.replace(",", " ").split()],
        "tags": list(shown.tags),
        "tool_exposure": shown.tool_exposure,
        "require_api_token_auth": shown.who == "token",
        "arguments": arguments,
        "comforts_off": [name for name, _ in COMFORTS if name not in shown.comforts],
        "include_removed": shown.include_removed,
        "result_limit": shown.result_limit,
        "confirm": shown.confirm,
        "confirm_at": shown.confirm_at,
        "confirm_wait_seconds": wait,
        "secrets": secrets,
    }
    return {"name": shown.name, "config": config, "expires_at": expires_at}


def endings(moment: datetime) -> list[tuple[str, str]]:
    """When a server may end, as choices: soon, at the end of one of the next days, in a while, or when one says."""
    today = moment.astimezone(UTC).replace(hour=23, minute=59, second=0, microsecond=0)
    days = [today + timedelta(days=ahead) for ahead in range(1, _DAYS_AHEAD + 1)]
    hour = (moment + timedelta(hours=1)).replace(second=0, microsecond=0)
    return [
        ("", "Never"),
        (iso(hour), f"In an hour, {hour:%H:%M} UTC"),
        *([(iso(today), f"Today, {today:%A}, at its end (UTC)")] if hour < today else []),
        *((iso(each), f"On {each:%A}, {each.day} {each:%B}, at its end (UTC)") for each in days),
        (iso(today + timedelta(days=30)), "In 30 days"),
        (iso(today + timedelta(days=90)), "In 90 days"),
        ("other", "At another time, below"),
    ]


def _arguments(text: str, failures: list[Failure]) -> Json:
    if not text.strip():
        return {}
    try:
        value: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as problem:
        failures.append(Failure("config.arguments", f"is not valid JSON: {problem}"))
        return {}
    if not is_record(value):
        failures.append(Failure("config.arguments", "must be an object", 'such as {"limit": {"maximum": 20}}'))
        return {}
    return value


def _secrets(shown: Shown, failures: list[Failure]) -> Json:
    ways: Json = {}
    for line in filter(None, map(str.strip, shown.secrets_tools.splitlines())):
        tool, colon, way = (part.strip() for part in line.partition(":"))
        if not colon or way not in {name for name, _, _ in SECRETS}:
            failures.append(Failure("config.secrets.tools", f"holds {line[:60]!r}", "lines such as tool_name: store"))
        ways[tool] = way
    minutes = _count(shown.secrets_minutes, "config.secrets.minutes", "a number of minutes", failures)
    return {"way": shown.secrets, "sign_in": shown.secrets_sign_in, "minutes": minutes, "tools": ways}


def _count(text: str, path: str, allowed: str, failures: list[Failure]) -> int:
    if not text.strip().isdigit():
        failures.append(Failure(path, f"is {text[:40]!r}", allowed))
        return 0
    return int(text)


def _ends(shown: Shown, failures: list[Failure]) -> str | None:
    text = shown.ends_at if shown.ends == "other" else shown.ends
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        failures.append(Failure("expires_at", f"is {text[:40]!r}", "a day and a time, such as 2030-01-31T12:00"))
        return None
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
