"""Which mapping counts for an account: the integration's, then its own changes. Pure."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from portico.catalog.override import merge
from portico.errors import MappingFailed, NotFound
from portico.gateway.lookup import Connected
from portico.gateway.mappings import Shipped
from portico.shapes import Json, is_record
from portico.unified import grammar, models
from portico.unified.grammar import layered

# What is said here counts for every method of a resource, unless the method says otherwise.
EVERY = "every"


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
        account = connected.account
        found = (
            ("integration", shipped.get(account.integration, {}).get(model) or {}),
            ("account", _record(account.unified_override.get(model))),
        )
        return Layers(levels=found)

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
        for word in (EVERY, method):
            for _, each in self.levels:
                value = layered(value, _record(_record(each.get(resource)).get(word)))
        used = tuple(name for name, each in self.levels if each.get(resource))
        is_ours = all(name == "integration" for name in used)
        return Plan(
            model=model, resource=resource, method=method, value=value, tenant="" if is_ours else tenant, levels=used
        )


def plan_of(connected: Connected, model: str, resource: str, method: str, shipped: Shipped) -> Plan:
    """NotFound names what there is instead; MappingFailed, what is wrong with a changed mapping."""
    models.find(model).resource(resource)
    layers = Layers.of(connected, model, shipped)
    plan = layers.plan(model, resource, method, connected.account.environment_id)
    _refuse_misshapen(plan, connected)
    return plan


def _refuse_misshapen(plan: Plan, connected: Connected) -> None:
    """Ours were checked when they were built; what somebody else changed may be anything."""
    failures = grammar.check(plan.value, connected.view, plan.place) if plan.tenant else []
    if failures:
        first = failures[0]
        allowed = f"; allowed: {first.allowed}" if first.allowed else ""
        raise MappingFailed(f"A changed mapping cannot be used: {first.path} {first.problem}{allowed}.")


def _record(value: Any) -> Json:
    return value if is_record(value) else {}


def _sentence(model: str, resource: str, method: str, methods: Iterable[str], resources: Iterable[str]) -> str:
    if methods:
        return f"{model}/{resource} has no method {method!r} for this integration; it has: {', '.join(methods)}."
    there = ", ".join(resources)
    return f"This integration has no mapping for {model}/{resource}{f'; it has: {there}' if there else ''}."
