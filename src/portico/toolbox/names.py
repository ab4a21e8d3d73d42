"""Names where ids are asked for: looked up in the list that the catalog names, exactly first, then without case."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from portico.catalog.find import View
from portico.catalog.near import nearest
from portico.catalog.within import EACH, steps
from portico.clock import Clock
from portico.errors import Failure, InvalidArguments, Refusal, VendorGarbled
from portico.gateway.written import Written
from portico.model.offered import Offered
from portico.model.operation import NameRule, Operation, Parameter
from portico.shapes import Json, NotJson, decode, is_list, is_record
from portico.toolbox.spots import put, shown, spots
from portico.toolbox.tools import shown_name

REMEMBERED = timedelta(seconds=60)
# A prefix and a long random tail: an id, or a name that happens to look like one.
_ID = re.compile(r"[a-z]+(?:_[a-z]+)*[-_][A-Za-z0-9]{16,}")
_MOST_REMEMBERED = 2_000
_MOST_SHOWN = 10
_MOST_NEAR = 5
# Where a thing's parent is not said, it is looked for in all of them, a few at a time.
_MOST_PARENTS, _AT_ONCE = 100, 4


class Listed(Struct, frozen=True, kw_only=True):
    """What a list holds. `is_whole` False: there is more than was read."""

    items: list[Json]
    is_whole: bool = True


# Fetches all items of a list operation with these arguments.
Lister = Callable[[Operation, Json], Awaitable[Listed]]


class Candidate(Struct, frozen=True, kw_only=True):
    id: str
    names: tuple[str, ...]
    told: str = ""

    def shown(self) -> str:
        return f"{self.id} ({', '.join(each for each in (*self.names[:1], self.told) if each)})"


class Candidates(Struct, frozen=True, kw_only=True):
    found: list[Candidate]
    is_whole: bool


class NameBook:
    """What was listed lately, per account; forgotten after a minute, and at once when something there is written."""

    def __init__(self, clock: Clock, written: Written) -> None:
        self._clock, self._written = clock, written
        self._pages: dict[tuple[str, str, str, str], tuple[datetime, int, Candidates]] = {}

    async def candidates(
        self, place: tuple[str, str], rule: NameRule, operation: Operation, arguments: Json, lister: Lister
    ) -> Candidates:
        """`place` is environment and account."""
        key = (*place, operation.key, repr(sorted(arguments.items())))
        count = self._written.count(place[1])
        known = self._pages.get(key)
        if known is not None and known[0] > self._clock() and known[1] == count:
            return known[2]
        listed = await lister(operation, arguments)
        found = Candidates(found=[candidate_of(rule, item) for item in listed.items], is_whole=listed.is_whole)
        if len(self._pages) >= _MOST_REMEMBERED:
            self._pages.clear()
        # With the count from before: what was written while the list was read may not be in it.
        self._pages[key] = (self._clock() + REMEMBERED, count, found)
        return found


class Asked(Struct, frozen=True, kw_only=True):
    """What a name is looked up for: an argument, or a `field` in one. `listing` knows what it may be."""

    parameter: Parameter
    listing: str
    field: str = ""
    path: tuple[str, ...] = ()


class Desk(Struct, frozen=True, kw_only=True):
    """Where names are looked up for one call. `may_show`: whether this caller may see what a list holds, and whether
    an item is among those that may be asked for here."""

    view: View
    place: tuple[str, str]
    book: NameBook
    lister: Lister
    may_show: Callable[[Operation, Asked, Candidate], bool]

    async def candidates(self, listing: Operation, parents: Json) -> Candidates:
        rule = self.view.integration.names.get(listing.key, NameRule())
        return await self.book.candidates(self.place, rule, listing, parents, self.lister)

    def listing(self, key: str) -> Operation:
        return _listing(self.view, key)


async def resolve(desk: Desk, operation: Offered, arguments: Json, named: Sequence[Asked]) -> tuple[Json, Json]:
    """The arguments with ids for names, and what was understood, for the answer to tell. `named`: what `asked_for`
    says of this operation."""
    resolved, understood = dict(arguments), Json()
    for asked in named:
        name = asked.parameter.name
        for spot, said in spots(resolved.get(name), _path_to(asked, resolved.get(name))):
            # Of a list it is said of the list what was wrong or understood, item by item.
            where = shown(name, spot[:-1] if spot and isinstance(spot[-1], int) else spot)
            # An item's own id is called otherwise where it is asked for.
            argument = shown_name(operation, asked.parameter) + where.removeprefix(name)
            meant = await _Resolver(desk, operation, asked, argument).resolve(said, resolved)
            if meant != said:
                resolved[name] = put(resolved[name], spot, meant)
                before = f"{understood[where]}; " if where in understood else ""
                understood[where] = f"{before}{said} = {meant}"
    return resolved, understood


def _listing(view: View, key: str) -> Operation:
    resource, _, method = key.partition(".")
    return view.find(resource, method)


def _path_to(asked: Asked, value: Any) -> tuple[str, ...]:
    """An argument that is a list holds an id in each of its items."""
    return asked.path or ((EACH,) if is_list(value) else ())


def asked_for(view: View, operation: Offered) -> Sequence[Asked]:
    """What may be given by its name: parents first."""
    rules = view.integration.names
    every = [Asked(parameter=each, listing=each.names) for each in operation.parameters]
    for each in operation.parameters:
        for place, listing in each.names_within.items():
            path = steps(place)
            field = next((step for step in reversed(path) if step != EACH), "")
            every.append(Asked(parameter=each, listing=listing, field=field, path=path))
    named = [each for each in every if each.listing in rules and rules[each.listing].fields]
    return sorted(named, key=lambda each: len(_listing(view, each.listing).path_parameters))


class _Resolver:
    """`where` is what is said of the place if the name is wrong."""

    def __init__(self, desk: Desk, operation: Offered, asked: Asked, where: str) -> None:
        self._desk, self._operation, self._asked, self._where = desk, operation, asked, where
        self._rule = desk.view.integration.names[asked.listing]
        self._listing = desk.listing(asked.listing)

    async def resolve(self, value: Any, arguments: Json) -> Any:
        if not isinstance(value, str) or not value or value.startswith(self._rule.ids):
            return value
        if self._lacks_parent(arguments):
            return value  # what is missing is told by the check of all arguments
        try:
            candidates = await self._candidates(arguments)
        except Refusal as problem:
            if _ID.fullmatch(value):
                return value
            sentence = f"{value!r} is not an id, and names cannot be looked up: {problem.sentence}"
            raise InvalidArguments([Failure(self._where, sentence)]) from None
        return self._choose(value, candidates)

    def _lacks_parent(self, arguments: Json) -> bool:
        own = {each.name for each in self._operation.parameters if each.required}
        return any(name in own and arguments.get(name) is None for name in self._listing.path_parameters)

    async def _candidates(self, arguments: Json) -> Candidates:
        """Of all the parents that are meant; of every one there is, where none is said."""
        places: list[Json] = [{}]
        for name in self._listing.path_parameters:
            values = await self._parents(name, arguments)
            places = [{**place, name: value} for place in places for value in values]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def of(place: Json) -> Candidates:
            async with gate:
                return await self._desk.candidates(self._listing, place)

        found = await asyncio.gather(*(of(place) for place in places))
        return Candidates(
            found=[each for listed in found for each in listed.found], is_whole=all(each.is_whole for each in found)
        )

    async def _parents(self, name: str, arguments: Json) -> list[Any]:
        given: Any = arguments.get(name) or arguments.get(f"{name}s")
        if given is not None:
            return given if is_list(given) else [given]
        parameter = next(each for each in self._listing.parameters if each.name == name)
        if not parameter.names or (listing := self._desk.listing(parameter.names)).path_parameters:
            raise InvalidArguments([Failure(name, "must be said, or the id given")])
        parents = await self._desk.candidates(listing, {})
        if len(parents.found) > _MOST_PARENTS:
            raise InvalidArguments([Failure(name, f"must be said, for there are {len(parents.found)}")])
        return [each.id for each in parents.found]

    def _choose(self, value: str, candidates: Candidates) -> str:
        """The id of the one that is meant; the value itself where it may be an id of a form unknown here."""
        exact = [each for each in candidates.found if value == each.id or value in each.names]
        loose = exact or [
            each for each in candidates.found if value.casefold() in (name.casefold() for name in each.names)
        ]
        ids = dict.fromkeys(each.id for each in loose)
        if len(ids) == 1:
            return loose[0].id
        if len(ids) > 1:
            shown = self._shown(loose)
            sentence = f"{value!r} is the name of {len(ids)}; give the id"
            raise InvalidArguments([Failure(self._where, sentence, shown)])
        if not self._rule.ids or _ID.fullmatch(value):
            return value
        raise InvalidArguments([self._miss(value, candidates)])

    def _miss(self, value: str, candidates: Candidates) -> Failure:
        sentence = f"{value!r} is neither an id nor a name ({self._listing.tool.name} lists them)"
        if not candidates.is_whole:
            sentence += f"; only the first {len(candidates.found)} were looked through, so give the id"
        known = [each for each in candidates.found if self._sees(each)]
        names = {name.casefold(): each for each in known for name in each.names}
        near = nearest(value.casefold(), names, _MOST_NEAR, 0.4)
        meant = list({names[name].id: names[name] for name in near}.values())
        if meant:
            return Failure(self._where, f"{sentence}; nearest: {self._shown(meant)}")
        if not known:
            return Failure(self._where, sentence if candidates.found else f"{sentence}; there are none")
        return Failure(self._where, f"{sentence}; there are: {self._shown(known[:_MOST_NEAR])}")

    def _shown(self, candidates: Sequence[Candidate]) -> str:
        seen = [each for each in candidates if self._sees(each)]
        shown = ", ".join(each.shown() for each in seen[:_MOST_SHOWN])
        return f"{shown} and {len(seen) - _MOST_SHOWN} more" if len(seen) > _MOST_SHOWN else shown

    def _sees(self, candidate: Candidate) -> bool:
        return self._desk.may_show(self._listing, self._asked, candidate)


def candidate_of(rule: NameRule, item: Json) -> Candidate:
    names = dict.fromkeys(name for field in rule.fields for name in texts_at(item, field))
    told = [text for field in rule.tells for text in texts_at(item, field)]
    return Candidate(id=str(item.get(rule.id, "")), names=tuple(names), told=", ".join(told))


def texts_at(value: Any, field: str) -> list[str]:
    """What stands at a dotted place, as text; of an object under `*` everything that is text."""
    for name in field.split("."):
        if not is_record(value):
            return []
        if name == "*":
            return [each for each in value.values() if isinstance(each, str) and each]
        value = value.get(name)
    return [str(value)] if isinstance(value, str | int) and value != "" else []


def items_in(content: bytes) -> list[Json]:
    """Of a vendor's list, as it came."""
    try:
        return items_of(decode(content))
    except NotJson:
        raise VendorGarbled from None


def items_of(value: Any) -> list[Json]:
    return [each for each in value if is_record(each)] if is_list(value) else []
