"""Find operations: by resource and method, by tool name or alias, by filter, by the vendor's path."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from operator import is_
from typing import TypeVar

from msgspec import structs

from portico.catalog.near import nearest
from portico.errors import NoSuchOperation
from portico.model.offered import Offered
from portico.model.operation import Credential, Integration, Operation

STANDARD_METHODS = ("list", "get", "create", "update", "delete")
GROUPS: dict[str, tuple[str, ...]] = {"read": ("list", "get"), "write": ("create", "update", "delete")}


OneOffered = TypeVar("OneOffered", bound=Offered)


class View:
    """One integration as one account sees it: overrides are applied already. Never changed once made: what its
    operations become on certain days is another view's, which `on` gives.

    `composed` are the tools that are made of several operations: offered like them, and no part of the vendor's API.
    """

    def __init__(
        self, integration: Integration, operations: Iterable[Operation], composed: Iterable[Offered] = ()
    ) -> None:
        self.integration = integration
        self.operations = tuple(operations)
        self.composed = tuple(composed)
        self.offered: tuple[Offered, ...] = (*self.composed, *self.operations)
        self._by_key = {(each.resource, each.method): each for each in self.operations}
        self._by_tool: dict[str, Offered] = {each.tool.name: each for each in self.offered}
        self._rules = [(re.compile(_pattern(rule.path)), rule.use) for rule in integration.credential_rules]
        self.credentials = {each.name: each for each in integration.credentials}
        for each in self.operations:
            self._add_aliases(each)
        for each in self.operations:
            self._add_standing_in(each)
        self._days: dict[date | None, View] = {}

    def on(self, day: date) -> "View":
        """As it is on that day of UTC, with each operation in the state that it has come to by then. The same view
        for all days between two of its `turns`: much is worked out once for each view."""
        begun = next((each for each in reversed(self.turns) if each <= day), None)
        if begun not in self._days:
            operations = [_on(each, day) for each in self.operations]
            is_same = all(map(is_, operations, self.operations))
            self._days[begun] = self if is_same else View(self.integration, operations, self.composed)
        return self._days[begun]

    @cached_property
    def turns(self) -> tuple[date, ...]:
        """The days on which one of its operations becomes something else, in their order."""
        return tuple(sorted({turn for each in self.operations for turn in each.lifecycle.turns}))

    @cached_property
    def resources(self) -> dict[str, tuple[str, ...]]:
        """Resource → its methods, in the catalog's order."""
        found: dict[str, list[str]] = {}
        for each in self.operations:
            found.setdefault(each.resource, []).append(each.method)
        return {name: tuple(methods) for name, methods in found.items()}

    @cached_property
    def areas(self) -> tuple[str, ...]:
        """Those that the definition has a sentence for, then those that an override gave to its methods alone."""
        return tuple(dict.fromkeys((*self.integration.tags, *(tag for each in self.offered for tag in each.tags))))

    def find(self, resource: str, method: str) -> Operation:
        """The operation, or NoSuchOperation with the nearest names."""
        operation = self._by_key.get((resource, method))
        if operation is None:
            raise NoSuchOperation(self._sentence(resource, method))
        return operation

    def has(self, resource: str, method: str) -> bool:
        return (resource, method) in self._by_key

    def tool(self, name: str) -> Offered | None:
        """By tool name, by one of its aliases, or by a name with another spelling of the integration."""
        if (operation := self._by_tool.get(name)) is not None:
            return operation
        for prefix in self.integration.tool_prefixes:
            respelled = re.sub(rf"(^|_){re.escape(prefix)}(?=_)", rf"\g<1>{self.integration.name}", name, count=1)
            if respelled in self._by_tool:
                return self._by_tool[respelled]
        return None

    def knows_method(self, word: str) -> bool:
        """Whether a filter's word can let anything through: a group, a method, a method of a resource, or a tool."""
        return word in self._method_words or self.tool(word) is not None

    def nearest_methods(self, word: str) -> list[str]:
        return nearest(word, self._method_words)

    @cached_property
    def _method_words(self) -> frozenset[str]:
        return frozenset(word for each in self.offered for word in _words_of(each))

    def nearest_tools(self, name: str, count: int = 3) -> list[str]:
        return nearest(name, self._by_tool, count)

    def credential_for(self, path: str) -> Credential:
        """The key slot that a vendor path needs; the first rule that matches decides."""
        for pattern, use in self._rules:
            if pattern.fullmatch(path):
                return self.credentials[use]
        return self.integration.credentials[0]

    def by_path(self, verb: str, path: str) -> Operation | None:
        """The operation that a vendor's verb and decoded path belong to, if the catalog knows it."""
        segments = path.strip("/").split("/")
        candidates = self._by_shape.get((verb, len(segments)), ())
        return next((each for each, pattern in candidates if pattern.fullmatch("/".join(segments))), None)

    @cached_property
    def _by_shape(self) -> dict[tuple[str, int], list[tuple[Operation, re.Pattern[str]]]]:
        found: dict[tuple[str, int], list[tuple[Operation, re.Pattern[str]]]] = {}
        for each in sorted(self.operations, key=lambda operation: operation.path.count("{")):
            path = each.path.strip("/")
            pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in path.split("/"))
            found.setdefault((each.verb, path.count("/") + 1), []).append((each, re.compile(pattern)))
        return found

    def _add_aliases(self, operation: Operation) -> None:
        for alias in operation.tool.aliases:
            resource, dot, method = alias.partition(".")
            if dot:
                self._by_key.setdefault((resource, method), operation)
            else:
                self._by_tool.setdefault(alias, operation)

    def _add_standing_in(self, operation: Operation) -> None:
        """What has no id of its own answers at its resource's address, whatever its method is called."""
        if operation.identity:
            return
        others = {"get": ("list",), "list": ("get",), "update": ("create",)}.get(operation.method, ())
        for method in others:
            self._by_key.setdefault((operation.resource, method), operation)

    def _sentence(self, resource: str, method: str) -> str:
        ours = next(
            (each.tool.name for each in self.composed if (each.resource, each.method) == (resource, method)), ""
        )
        if ours:
            return (
                f"{ours!r} is made of several calls, so no address of the vendor answers it; "
                f"run it with POST /integrated-account/{{id}}/tools/{ours}."
            )
        if resource in self.resources:
            methods = ", ".join(self.resources[resource])
            return f"The resource {resource!r} has no method {method!r}; it has: {methods}."
        near = nearest(resource, self.resources, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "GET …/capabilities lists all of them."
        return f"{self.integration.label} has no resource {resource!r}; {hint}"


def _on(operation: Operation, day: date) -> Operation:
    lifecycle = operation.lifecycle.on(day)
    return operation if lifecycle is operation.lifecycle else structs.replace(operation, lifecycle=lifecycle)


def select(operations: Iterable[OneOffered], methods: Sequence[str] = (), tags: Sequence[str] = ()) -> list[OneOffered]:
    """Those that pass both filters: `methods` holds groups (read, write, custom), method or tool names."""
    wanted, areas = set(methods), set(tags)
    return [each for each in operations if _passes(each, wanted) and (not areas or areas & set(each.tags))]


def _passes(operation: Offered, wanted: set[str]) -> bool:
    if not wanted:
        return True
    return not wanted.isdisjoint(_words_of(operation))


def _words_of(operation: Offered) -> set[str]:
    """What a filter may call it by."""
    group = operation.group or group_of(operation.method)
    return {group, operation.method, operation.key, operation.tool.name, *operation.tool.aliases}


def group_of(method: str) -> str:
    return next((name for name, members in GROUPS.items() if method in members), "custom")


def _pattern(path: str) -> str:
    return re.escape(path).replace(r"/\*\*", r"(/.*)?").replace(r"\*", "[^/]+")
