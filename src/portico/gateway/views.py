"""The catalog as each account sees it today: the integration, then its environment's changes, then its own."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

import msgspec

from portico.catalog import described, override
from portico.catalog.compile import compile_definition
from portico.catalog.find import View
from portico.clock import Clock
from portico.errors import NotFound
from portico.model.account import Account, EnvironmentId
from portico.model.documentation import INSTALLED
from portico.model.operation import Operation
from portico.shapes import Json, is_record
from portico.store.documentation import Documentation
from portico.store.installations import Definitions

_MOST_KEPT = 256
NEVER = datetime.max.replace(tzinfo=UTC)


class Views:
    """Views are made once and kept; an override's text is part of the key under which it is found again.

    What is `shipped` knows nothing of the day. The others are as of today, and good until `turn_at`.
    """

    def __init__(
        self,
        shipped: dict[str, View],
        definitions: Definitions,
        documentation: Documentation,
        dress: Callable[[View], View],
        clock: Clock,
    ) -> None:
        """`dress` puts on what every vendor gets, those that are brought along too."""
        self.shipped = {name: dress(view) for name, view in shipped.items()}
        self._dress, self._clock = dress, clock
        self.turn_at = NEVER
        self._definitions, self._documentation = definitions, documentation
        self._written: dict[tuple[str, str], Json] = {}
        self._brought: dict[tuple[str, str], View] = {}
        self._changed: OrderedDict[tuple[str, str, bytes], View] = OrderedDict()

    async def base(self, environment_id: EnvironmentId, integration: str) -> View:
        """An integration before any override; NotFound names those that there are."""
        return self._today(await self._undated(environment_id, integration))

    async def of(self, account: Account) -> View:
        base = await self._undated(account.environment_id, account.integration)
        return self._today(await self._changed_by(account, base))

    def _today(self, view: View) -> View:
        day = self._clock().date()
        turn = next((each for each in view.turns if each > day), None)
        if turn is not None:
            self.turn_at = min(self.turn_at, datetime.combine(turn, time(), UTC))
        return view.on(day)

    async def _undated(self, environment_id: EnvironmentId, integration: str) -> View:
        if integration in self.shipped:
            return self.shipped[integration]
        key = (environment_id, integration)
        if key not in self._brought:
            found = await self._definitions.get(environment_id, integration)
            if found is None:
                names = ", ".join(sorted(self.shipped))
                raise NotFound(f"There is no integration {integration!r}; those that come with Portico: {names}.")
            self._brought[key] = self._dress(compile_definition(found.definition))
        return self._brought[key]

    async def _changed_by(self, account: Account, base: View) -> View:
        written = await self._written_of(account.environment_id, account.integration, base)
        changes = [each for each in (written, account.installation_override, account.override) if each]
        if not changes:
            return base
        key = (account.environment_id, account.integration, msgspec.json.encode(changes, order="sorted"))
        if key in self._changed:
            self._changed.move_to_end(key)
            return self._changed[key]
        view = base
        for change in changes:
            view = override.apply(view, _known(view, change))
        self._changed[key] = view
        if len(self._changed) > _MOST_KEPT:
            self._changed.popitem(last=False)
        return view

    async def _written_of(self, environment_id: EnvironmentId, integration: str, base: View) -> Json:
        """What the environment has written about it as documentation; what was written for what is installed wins."""
        key = (environment_id, integration)
        if key not in self._written:
            rows = await self._documentation.of(environment_id, integration)
            rows.sort(key=lambda row: row.entity_type == INSTALLED)
            texts = [described.Text(row.resource, row.method, row.type, row.content) for row in rows]
            self._written[key] = described.change_of(base, texts)
        return self._written[key]

    def forget(self) -> None:
        self.turn_at = NEVER
        self._written.clear()
        self._brought.clear()
        self._changed.clear()


def _known(view: View, change: dict[str, Any]) -> dict[str, Any]:
    """The change without what a newer catalog no longer has: an old override must not block its account."""
    resources: dict[str, Any] = change.get("resources") or {}
    kept = {
        resource: {
            method: _known_arguments(view.find(resource, method), value)
            for method, value in methods.items()
            if view.has(resource, method)
        }
        for resource, methods in resources.items()
        if resource in view.resources
    }
    return {**change, "resources": kept} if resources else change


def _known_arguments(operation: Operation, change: Any) -> Any:
    if not is_record(change) or not change.get("parameters"):
        return change
    names = {each.name for each in operation.parameters}
    return {**change, "parameters": {name: each for name, each in change["parameters"].items() if name in names}}
