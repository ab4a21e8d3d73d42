"""What environments and accounts change about the mappings, looked at before it is kept.

An override is `{model: {resource: {method: change}}}` with `every` for all methods of a resource. It is merged over
what stands below it: ours, then the environment's, then the account's. Null takes away.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from portico.catalog.find import View
from portico.errors import Failure, InvalidArguments
from portico.gateway.parts import Parts
from portico.model.account import Account, EnvironmentId, Installation
from portico.shapes import Json, is_record
from portico.unified import grammar, models
from portico.unified.plan import EVERY, Layers, Levels, levels_of

Level = Literal["environment", "account"]
FIELD = "unified_model_override"
MOST_BYTES = 262_144
_READING = ("list", "get")
_METHOD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NO_METHODS: Json = {}


class Proposed(Struct, frozen=True, kw_only=True):
    """An override that somebody would like: `below` is what it is merged over, `tenant` whose it is."""

    level: Level
    override: Json
    below: Levels
    view: View
    tenant: str

    @property
    def levels(self) -> Levels:
        return {**self.below, self.level: self.override}


async def for_account(parts: Parts, account: Account, override: Json) -> Proposed:
    levels = levels_of(account, parts.mappings.shipped)
    below = {name: levels[name] for name in ("integration", "environment")}
    view = await parts.views.of(account)
    return Proposed(level="account", override=override, below=below, view=view, tenant=account.environment_id)


async def for_environment(parts: Parts, environment_id: EnvironmentId, integration: str, override: Json) -> Proposed:
    view = await parts.views.base(environment_id, integration)
    below = {"integration": dict(parts.mappings.shipped.get(integration, {}))}
    return Proposed(level="environment", override=override, below=below, view=view, tenant=environment_id)


async def for_new_account(parts: Parts, installation: Installation, override: Json) -> Proposed:
    environment = await for_environment(
        parts, installation.environment_id, installation.integration, installation.unified_override
    )
    return structs.replace(environment, level="account", override=override, below=environment.levels)


async def refuse_unusable(parts: Parts, proposed: Proposed, field: str = FIELD) -> None:
    """InvalidArguments with everything that is wrong, each with its place in the override."""
    if failures := await check(parts, proposed):
        where = [f"{field}.{each.path}" if each.path else field for each in failures]
        raise InvalidArguments([each._replace(path=path) for each, path in zip(failures, where, strict=True)])


async def check(parts: Parts, proposed: Proposed) -> list[Failure]:
    """Names and forms first, then every expression, then whether what they are merged into can be used."""
    if len(msgspec.json.encode(proposed.override)) > MOST_BYTES:
        return [Failure("", f"is larger than {MOST_BYTES // 1024} KB")]
    failures = [each for model, value in proposed.override.items() for each in _check_model(proposed, model, value)]
    if failures:
        return failures
    expressions = {
        f"{place}.{inner}": tree
        for place, change in _changes(proposed.override)
        for inner, tree in grammar.expressions(change).items()
    }
    if expressions:
        failures = await parts.mappings.fence.check(expressions, "", proposed.tenant)
    return failures or list(dict.fromkeys(_check_merged(proposed)))


def _check_model(proposed: Proposed, name: str, resources: Any) -> Iterator[Failure]:
    known = models.shipped().get(name)
    if known is None:
        yield Failure(name, "is not a unified model", ", ".join(models.shipped()))
    elif resources is not None and not is_record(resources):
        yield Failure(name, "must be an object of resources, or null", ", ".join(known.resources))
    for resource, methods in grammar.members(resources if known else None):
        place = f"{name}.{resource}"
        if known is None or resource not in known.resources:
            yield Failure(place, "is not a resource of the model", ", ".join(known.resources if known else ()))
        elif methods is not None and not is_record(methods):
            yield Failure(place, "must be an object of methods, or null")
        else:
            below = Layers.stacked(proposed.below, name).methods(resource)
            methods_known = tuple(dict.fromkeys((EVERY, *below, *known.resource(resource).methods)))
            for method, change in grammar.members(methods):
                yield from _check_method(f"{place}.{method}", method, change, methods_known)


def _check_method(place: str, name: str, change: Any, known: tuple[str, ...]) -> Iterator[Failure]:
    if change is not None and not is_record(change):
        yield Failure(place, "must be an object, or null", ", ".join(grammar.WORDS))
    elif name not in known and not (change and change.get("resource") and _METHOD.fullmatch(name)):
        allowed = f"{', '.join(known)}; a method of one's own names the vendor's `resource` that it calls"
        yield Failure(place, "is not a method of this resource", allowed)
    for kind in grammar.FORKS:
        forks = (change or {}).get(kind) if is_record(change) else None
        if forks is not None and not is_record(forks):
            yield Failure(f"{place}.{kind}", "must be an object, or null")
        for fork, each in grammar.members(forks):
            if each is not None and not is_record(each):
                yield Failure(f"{place}.{kind}.{fork}", "must be an object, or null", ", ".join(grammar.WORDS))


def _check_merged(proposed: Proposed) -> Iterator[Failure]:
    """What the changed methods come to, but for what was wrong with them before."""
    for model, resources in proposed.override.items():
        above, below = Layers.stacked(proposed.levels, model), Layers.stacked(proposed.below, model)
        for resource, methods in grammar.members(resources):
            for method in above.methods(resource):
                if not is_record(methods) or not (methods.get(EVERY) or methods.get(method)):
                    continue
                known = set(_faults(below, proposed.view, model, resource, method))
                for each in _faults(above, proposed.view, model, resource, method):
                    if each not in known:
                        yield each._replace(path=f"{model}.{resource}.{_said_by(methods, method, each)}{each.path}")


def _said_by(methods: Json, method: str, failure: Failure) -> str:
    """`every`, unless the method itself says something about the place that is wrong."""
    word = failure.path.lstrip(".").partition(".")[0]
    own = methods.get(method) or _NO_METHODS
    return method if own and (not word or word in own or not methods.get(EVERY)) else EVERY


def _faults(layers: Layers, view: View, model: str, resource: str, method: str) -> list[Failure]:
    """What is wrong with a merged method, the paths beginning at it."""
    if method not in layers.methods(resource):
        return []
    value = layers.plan(model, resource, method, "").value
    found = grammar.check(value, view, "")
    return found or (list(_writes(value, view, method)) if method in _READING else [])


def _writes(value: Json, view: View, method: str, path: str = "") -> Iterator[Failure]:
    """A list that deletes is none."""
    name, method = value.get("resource"), value.get("method") or method
    if name and view.has(name, method) and view.find(name, method).effect != "read":
        yield Failure(f"{path}.method", f"{name}.{method} changes something; list and get may only read")
    for kind in grammar.FORKS:
        for fork, change in grammar.members(value.get(kind)):
            bare = {word: each for word, each in value.items() if word not in grammar.FORKS}
            yield from _writes(grammar.fork(bare, change), view, method, f"{path}.{kind}.{fork}")


def _changes(override: Json) -> Iterator[tuple[str, Json]]:
    """(place, change) of every method that is changed."""
    for model, resources in override.items():
        for resource, methods in grammar.members(resources):
            for method, change in grammar.members(methods):
                if is_record(change):
                    yield f"{model}.{resource}.{method}", change
