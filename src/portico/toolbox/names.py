"""Names where ids are asked for: looked up in the list that the catalog names, exactly first, then without case."""

import difflib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from portico.catalog.find import View
from portico.errors import Failure, InvalidArguments, Refusal
from portico.model.offered import Offered
from portico.model.operation import NameRule, Operation, Parameter
from portico.shapes import Json, is_list, is_record

# Fetches all items of a list operation with these arguments.
Lister = Callable[[Operation, Json], Awaitable[list[Json]]]
REMEMBER_SECONDS = 60.0
# A prefix and a long random tail: an id of whatever kind.
_ID = re.compile(r"[a-z]+(?:_[a-z]+)*[-_][A-Za-z0-9]{16,}")
_MOST_REMEMBERED = 2_000
_MOST_SHOWN = 5


class Candidate(Struct, frozen=True, kw_only=True):
    id: str
    names: tuple[str, ...]


class NameBook:
    """What was listed lately, per account; forgotten after a minute, and at once when something there is written."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, str, str], tuple[float, list[Candidate]]] = {}

    async def candidates(
        self, account_id: str, rule: NameRule, operation: Operation, arguments: Json, lister: Lister
    ) -> list[Candidate]:
        key = (account_id, operation.key, repr(sorted(arguments.items())))
        known = self._pages.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = [_candidate(rule, item) for item in await lister(operation, arguments)]
        if len(self._pages) >= _MOST_REMEMBERED:
            self._pages.clear()
        self._pages[key] = (time.monotonic() + REMEMBER_SECONDS, found)
        return found

    def forget(self, account_id: str) -> None:
        for key in [each for each in self._pages if each[0] == account_id]:
            del self._pages[key]


async def resolve(
    view: View, operation: Offered, arguments: Json, account_id: str, book: NameBook, lister: Lister
) -> tuple[Json, Json]:
    """The arguments with ids for names, and what was understood, for the answer to tell."""
    resolved, understood = dict(arguments), Json()
    for parameter in operation.parameters:
        value = resolved.get(parameter.name)
        if not parameter.names or value is None:
            continue
        rule = view.integration.names.get(parameter.names, NameRule())
        one = _Resolver(view, parameter, rule, account_id, book, lister)
        if is_list(value):
            resolved[parameter.name] = [await one.resolve(each, resolved, understood) for each in value]
        else:
            resolved[parameter.name] = await one.resolve(value, resolved, understood)
    return resolved, understood


class _Resolver:
    def __init__(
        self, view: View, parameter: Parameter, rule: NameRule, account_id: str, book: NameBook, lister: Lister
    ) -> None:
        self._view, self._parameter, self._rule = view, parameter, rule
        self._account_id, self._book, self._lister = account_id, book, lister

    async def resolve(self, value: Any, arguments: Json, understood: Json) -> Any:
        if not isinstance(value, str) or self._looks_like_id(value):
            return value
        resource, _, method = self._parameter.names.partition(".")
        listing = self._view.find(resource, method)
        parents = {name: arguments[name] for name in listing.path_parameters if name in arguments}
        try:
            candidates = await self._book.candidates(self._account_id, self._rule, listing, parents, self._lister)
        except Refusal as problem:
            sentence = f"{value!r} is not an id, and names cannot be looked up: {problem.sentence}"
            raise InvalidArguments([Failure(self._parameter.name, sentence)]) from None
        found = self._choose(value, candidates, listing)
        if found is None:
            return value
        if found.id != value:
            understood[self._parameter.name] = f"{value} = {found.id}"
        return found.id

    def _looks_like_id(self, value: str) -> bool:
        return value.startswith(self._rule.ids) or _ID.fullmatch(value) is not None

    def _choose(self, value: str, candidates: list[Candidate], listing: Operation) -> Candidate | None:
        """The one that is meant; None where nobody is called so and it may be an id of a form unknown here."""
        exact = [each for each in candidates if value == each.id or value in each.names]
        loose = exact or [each for each in candidates if value.lower() in (name.lower() for name in each.names)]
        if len(loose) == 1:
            return loose[0]
        if len(loose) > 1:
            shown = ", ".join(f"{each.id} ({each.names[0]})" for each in loose[:_MOST_SHOWN])
            sentence = f"{value!r} is the name of {len(loose)}; give the id"
            raise InvalidArguments([Failure(self._parameter.name, sentence, shown)])
        if not self._rule.ids:
            return None
        raise InvalidArguments([self._miss(value, candidates, listing)])

    def _miss(self, value: str, candidates: list[Candidate], listing: Operation) -> Failure:
        names = {name.lower(): each for each in candidates for name in each.names}
        near = difflib.get_close_matches(value.lower(), names, n=_MOST_SHOWN, cutoff=0.4)
        shown = ", ".join(f"{names[name].names[0]} ({names[name].id})" for name in near)
        if not shown:
            shown = ", ".join(each.names[0] for each in candidates[:_MOST_SHOWN]) or "there are none"
        sentence = f"{value!r} is neither an id nor a name ({listing.tool.name} lists them)"
        return Failure(self._parameter.name, f"{sentence}; nearest: {shown}")


def _candidate(rule: NameRule, item: Json) -> Candidate:
    names = [item.get(field) for field in rule.fields]
    return Candidate(id=str(item.get(rule.id, "")), names=tuple(str(name) for name in names if name) or ("",))


def forgets(operation: Operation) -> bool:
    """Whether what was listed before may no longer be true after this."""
    return operation.effect != "read"


def items_of(value: Any) -> list[Json]:
    return [each for each in value if is_record(each)] if is_list(value) else []
