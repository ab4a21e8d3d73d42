"""What may stand in an MCP server's config: each word by itself, and against what the account has."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from portico.catalog.find import View, select
from portico.catalog.near import nearest
from portico.catalog.schema import compile_check
from portico.clock import in_seconds
from portico.errors import Failure, InvalidArguments, Refusal
from portico.gateway.lookup import Connected
from portico.model.secret import SecretRules, SecretWay
from portico.model.server import Budget, Comfort, Confirm, ConfirmAt, Exposure, ServerConfig
from portico.shapes import Json
from portico.toolbox import shown_once
from portico.toolbox.controls import AS, DRY_RUN, FIELDS, RETRY, STORE_AS, THEN, WAIT_SECONDS
from portico.toolbox.fit import clean
from portico.toolbox.offer import CONSTRAINT_WORDS, Offer, respelt, why_not
from portico.toolbox.tools import IDENTITY

SHORTEST_LIFE_SECONDS = 60
LEAST_RESULT, MOST_RESULT = 1_000, 1_000_000
MOST_CONFIRM_WAIT_SECONDS = 600
_METHODS = "read, write, custom, or the exact names of methods and tools, such as list or files.create"
_NOTHING = ServerConfig()


class ConfigSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A config as it is sent. What is left out stays as it is, or as a new server has it; null is that, too, and takes
    away what stood there."""

    methods: tuple[str, ...] | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType | None = UNSET
    tool_exposure: Exposure | UnsetType | None = UNSET
    require_api_token_auth: bool | UnsetType | None = UNSET
    arguments: dict[str, dict[str, Any]] | UnsetType | None = UNSET
    include_removed: bool | UnsetType | None = UNSET
    read_only: bool | UnsetType | None = UNSET
    confirm: Confirm | UnsetType | None = UNSET
    confirm_at: ConfirmAt | UnsetType | None = UNSET
    confirm_wait_seconds: float | UnsetType | None = UNSET
    comforts_off: tuple[Comfort, ...] | UnsetType | None = UNSET
    secrets: SecretWay | SecretRules | UnsetType | None = UNSET
    result_limit: int | UnsetType | None = UNSET
    budget: Budget | UnsetType | None = UNSET


def check(name: str, config: ServerConfig, expires_at: datetime | None, moment: datetime) -> None:
    failures: list[Failure] = []
    if not 1 <= len(name.strip()) <= 100 or clean(name) != name or len(name.strip().splitlines()) > 1:
        failures.append(Failure("name", "must have 1 to 100 visible characters"))
    if expires_at is not None and expires_at.tzinfo is None:
        failures.append(Failure("expires_at", "needs a time zone", "for example 2030-01-31T12:00:00Z"))
    elif expires_at is not None and expires_at < in_seconds(moment, SHORTEST_LIFE_SECONDS):
        failures.append(Failure("expires_at", f"must be at least {SHORTEST_LIFE_SECONDS} seconds ahead"))
    if not LEAST_RESULT <= config.result_limit <= MOST_RESULT:
        failures.append(Failure("config.result_limit", f"is {config.result_limit}", f"{LEAST_RESULT} to {MOST_RESULT}"))
    if not 0 <= config.confirm_wait_seconds <= MOST_CONFIRM_WAIT_SECONDS:
        told = f"is {config.confirm_wait_seconds:g}"
        failures.append(Failure("config.confirm_wait_seconds", told, f"0 to {MOST_CONFIRM_WAIT_SECONDS}"))
    if failures:
        raise InvalidArguments(failures)


def check_words(connected: Connected, config: ServerConfig, before: ServerConfig = _NOTHING) -> None:
    """What stood there `before` may stay: a definition that changed since is no reason to hold up another change."""
    known = connected.view.areas
    failures = [
        Failure("config.methods", f"{word!r} is neither a method nor a tool{_meant(connected.view, word)}", _METHODS)
        for word in dict.fromkeys(config.methods)
        if word not in before.methods and not connected.view.knows_method(word)
    ]
    failures += [
        Failure("config.tags", f"{tag!r} is not an area", ", ".join(known))
        for tag in config.tags
        if known and tag not in known and tag not in before.tags
    ]
    ours = {WAIT_SECONDS, THEN, AS, STORE_AS, FIELDS, DRY_RUN, RETRY}
    arguments = {parameter.name for each in connected.view.composed for parameter in each.parameters} - ours
    arguments |= {parameter.name for each in connected.view.operations for parameter in each.parameters}
    failures += [
        Failure(
            f"config.arguments.{name}",
            "is a comfort, which is not limited but switched off, with comforts_off"
            if name in ours
            else "is not an argument of any tool",
            "" if name in ours else ", ".join(nearest(name, arguments)),
        )
        for name in config.arguments
        if name not in arguments and name != IDENTITY and name not in before.arguments
    ]
    failures += shown_once.problems(config.secret_rules, connected.view)
    failures += [problem for name, constraint in config.arguments.items() if (problem := _unsound(name, constraint))]
    if failures:
        raise InvalidArguments(failures)


def check_offer(connected: Connected, config: ServerConfig, offered: Offer) -> None:
    """InvalidArguments where nothing is left to call, with what stands in the way."""
    if offered.operations:
        return
    passing = select(connected.view.offered, respelt(config, connected), config.tags)
    if not passing:
        why = "nothing passes both methods and tags" if config.methods and config.tags else "nothing passes the filter"
    else:
        problem = why_not(passing[0], connected, config)
        why = problem.sentence if isinstance(problem, Refusal) else "what passes was switched off by the vendor"
    raise InvalidArguments([Failure("config", f"leaves no tool: {why}")])


def _meant(view: View, word: str) -> str:
    near = view.nearest_methods(word)
    return f"; nearest: {', '.join(near)}" if near else ""


def _unsound(name: str, constraint: Json) -> Failure | None:
    """A constraint that cannot be read would stand there and hold nothing back."""
    where = f"config.arguments.{name}"
    if not constraint.keys() - {"description"}:
        return Failure(where, "says nothing", "a JSON Schema such as {enum: [...]}")
    if constraint.get("enum") == []:
        return Failure(where, "allows nothing", "at least one value in enum")
    if unknown := sorted(constraint.keys() - CONSTRAINT_WORDS):
        return Failure(where, f"holds {', '.join(unknown)}", ", ".join(sorted(CONSTRAINT_WORDS)))
    try:
        compile_check(constraint)
    except ValueError as problem:
        return Failure(where, f"is not a JSON Schema: {str(problem).partition(chr(10))[0]}"[:300])
    return None


def merged(config: ServerConfig, said: ConfigSaid) -> ServerConfig:
    """With what was said in place of what was before."""
    given = {name: getattr(said, name) for name in said.__struct_fields__}
    return structs.replace(
        config,
        **{
            name: getattr(_NOTHING, name) if value is None else value
            for name, value in given.items()
            if value is not UNSET
        },
    )
