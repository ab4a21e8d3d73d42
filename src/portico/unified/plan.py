"""Which mapping counts for an account: the integration's, then its environment's changes, then its own. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from portico.catalog.find import View
from portico.catalog.override import merge
from portico.errors import MappingFailed, NotFound
from portico.gateway.lookup import Connected
from portico.gateway.mappings import Shipped
from portico.model.account import Account
from portico.shapes import Json, is_record
from portico.unified import grammar, models
from portico.unified.grammar import layered

# What is said here counts for every method of a resource, unless the method says otherwise.
EVERY = "every"
Levels = Mapping[str, Json]  # what a level is called → model → resource → method → mapping


class Plan(Struct, frozen=True, kw_only=True):
    """One method's mapping. `tenant` is who wrote some of it; empty: all of it is ours."""

    model: str
    resource: str
    method: str
    value: Json
    tenant: str
    levels: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.model}.{self.resource}.{self.method}"


class Layers(Struct, frozen=True, kw_only=True):
    """The mappings of one model, from the ground up, with what each level is called."""

    levels: tuple[tuple[str, Json], ...]

    @staticmethod
    def of(connected: Connected, model: str, shipped: Shipped) -> "Layers":
        return Layers.stacked(levels_of(connected.account, shipped), model)

    @staticmethod
    def stacked(levels: Levels, model: str) -> "Layers":
        found: list[tuple[str, Json]] = []
        for name, models_of_level in levels.items():
            if _is_removed(models_of_level, model):
                found.clear()
            found.append((name, _record(models_of_level.get(model))))
        return Layers(levels=tuple(found))

    def resources(self) -> dict[str, tuple[str, ...]]:
        """What is mapped: resource → methods."""
        names = dict.fromkeys(name for _, each in self.levels for name in each)
        return {name: found for name in names if (found := self.methods(name))}

    def methods(self, resource: str) -> tuple[str, ...]:
        merged: Json = {}
        for _, each in self.levels:
            merged = merge(merged, {resource: each[resource]} if resource in each else {})
        return tuple(name for name in _record(merged.get(resource)) if name != EVERY)

    def plan(self, model: str, resource: str, method: str, tenant: str) -> Plan:
        methods = self.methods(resource)
        if method not in methods:
            raise NotFound(_sentence(model, resource, method, methods, self.resources()))
        value: Json = {}
        for change in (*self._changes(resource, EVERY), *self._changes(resource, method)):
            value = layered(value, change)
        used = tuple(name for name, each in self.levels if each.get(resource))
        is_ours = all(name == "integration" for name in used)
        return Plan(
            model=model, resource=resource, method=method, value=value, tenant="" if is_ours else tenant, levels=used
        )

    def _changes(self, resource: str, word: str) -> list[Json]:
        """What the levels say about a method, from the ground up; null takes away what those below said."""
        found: list[Json] = []
        for _, each in self.levels:
            methods = _record(each.get(resource))
            if _is_removed(each, resource) or _is_removed(methods, word):
                found.clear()
            found.append(_record(methods.get(word)))
        return found


def levels_of(account: Account, shipped: Shipped) -> dict[str, Json]:
    """Everything that may be said about an account's mappings, what counts more behind what counts less."""
    below = levels_of_environment(account.integration, account.installation_unified_override, shipped)
    return {**below, "account": account.unified_override}


def levels_of_environment(integration: str, changes: Json, shipped: Shipped) -> dict[str, Json]:
    """What counts for every account of an environment that has no changes of its own."""
    return {"integration": dict(shipped.get(integration, {})), "environment": changes}


def plan_of(connected: Connected, model: str, resource: str, method: str, shipped: Shipped) -> Plan:
    """NotFound names what there is instead; MappingFailed, what is wrong with a changed mapping."""
    models.find(model).resource(resource)
    plan = Layers.of(connected, model, shipped).plan(model, resource, method, connected.account.environment_id)
    refuse_misshapen(plan, connected.view)
    return plan


def refuse_misshapen(plan: Plan, view: View) -> None:
    """Ours were checked when they were built; what somebody else changed may be anything by now."""
    failures = grammar.check(plan.value, view, plan.place) if plan.tenant else []
    if failures:
        first = failures[0]
        allowed = f"; allowed: {first.allowed}" if first.allowed else ""
        raise MappingFailed(f"A changed mapping cannot be used: {first.path} {first.problem}{allowed}.")


def _is_removed(value: Json, name: str) -> bool:
    return name in value and value[name] is None


def _record(value: Any) -> Json:
    return value if is_record(value) else {}


def _sentence(model: str, resource: str, method: str, methods: Iterable[str], resources: Iterable[str]) -> str:
    if methods:
        return f"{model}/{resource} has no method {method!r} for this integration; it has: {', '.join(methods)}."
    there = ", ".join(resources)
    return f"This integration has no mapping for {model}/{resource}{f'; it has: {there}' if there else ''}."
