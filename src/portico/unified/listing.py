"""Lists: pages of the vendor's, mapped and filtered, cut into pages of ours that neither repeat nor lose a record.

A cursor says which source comes next, at which of the vendor's pages, and behind which record of it. A vendor is
asked for no more records than still fit, so that its pages and ours end together wherever it lets us say how many.
"""

import asyncio
import base64
import binascii
from typing import Any

import msgspec
from msgspec import Struct, structs

from portico.errors import Failure, InvalidArguments, NotFound, VendorFailure
from portico.model.call import Answer
from portico.shapes import Json
from portico.unified import filters, grammar, single
from portico.unified.filters import Order, Rules
from portico.unified.grammar import Method
from portico.unified.models import Resource
from portico.unified.plan import Plan
from portico.unified.records import Mapped, Mapper
from portico.unified.request import Way, items_of

MOST_PAGES = 25  # of the vendor's, for one page of ours; where they do not suffice, ours is shorter
MOST_ASKED = 100  # of a vendor at a time; every vendor takes that many
MOST_SORTED = 2000
MOST_STEPS_BACK = 10
SORTED_PAGES = 100
COMPLETED_AT_ONCE = 6


class Position(Struct, frozen=True, kw_only=True, array_like=True):
    """Where a list goes on. `after` is the id of the last record that was given from this very page."""

    source: str = ""
    cursor: str = ""
    after: str = ""
    seen: int = 0
    rank: Any = None  # of the last record, where the list is sorted
    trail: tuple["Position", ...] = ()  # where the pages before began, the nearest last
    order: str = ""  # what the list is sorted by; elsewhere in another order is another place


class Page(Struct, frozen=True, kw_only=True):
    records: list[Mapped]
    following: Position | None
    start: Position

    @property
    def next_cursor(self) -> str | None:
        if self.following is None:
            return None
        trail = (*self.start.trail, structs.replace(self.start, trail=()))[-MOST_STEPS_BACK:]
        return write_cursor(structs.replace(self.following, trail=trail))

    @property
    def prev_cursor(self) -> str | None:
        """The start of the page before, as far as this page's own cursor remembers."""
        *earlier, nearest = self.start.trail or (None,)
        return write_cursor(structs.replace(nearest, trail=tuple(earlier))) if nearest is not None else None


class Part(Struct, frozen=True, kw_only=True):
    """One page of the vendor's: what passed of it, and where the next one is."""

    records: list[Mapped]
    following: str


class Source(Struct, frozen=True, kw_only=True):
    """One list of the vendor's, with everything that reading it takes. `arguments` are known once it is its turn."""

    name: str
    method: Method
    arguments: Json | None = None
    mapper: Mapper
    rules: Rules
    query: Json

    @property
    def is_spread(self) -> bool:
        """Whether one item of the vendor's gives several records; they are then in the order of their ids."""
        return self.method.response_mapping_method == "array"

    def limit(self, room: int) -> int | None:
        """How many to ask for: what still fits, or nothing where that is not ours to say."""
        if self.is_spread or "limit" in (self.arguments or {}) or not self.method.resource:
            return None
        operation = self.mapper.way.connected.view.find(self.method.resource, self.method.method or "list")
        if operation.page is None or not operation.page.limit:
            return None
        return min(self.mapper.way.ask.limit if operation.page.is_numbered else room, MOST_ASKED)

    async def read(self, cursor: str, room: int) -> Part:
        way, method = self.mapper.way, self.method
        asking = dict(self.arguments or {})
        if (limit := self.limit(room)) is not None:
            asking["limit"] = limit
        if cursor:
            asking["next_cursor"] = cursor
        following = ""
        if not method.resource:
            items = [msgspec.Raw(msgspec.json.encode(each)) for each in method.records]
        else:
            try:
                answer: Answer = await way.send(method.resource, method.method or "list", asking)
                items = items_of(answer)
                following = (answer.page.next_cursor if answer.page else None) or ""
            except VendorFailure as problem:
                fallback = method.fallback
                if fallback is None or cursor or problem.vendor_status not in fallback.statuses:
                    raise
                items = [msgspec.Raw(msgspec.json.encode(each)) for each in fallback.records]
        mapped = await self.mapper.map(items)
        kept = [each for each in mapped if self.rules.passes(each.record, self.query)]
        if self.is_spread:
            kept.sort(key=lambda each: each.id)
        return Part(records=kept, following=following)


class Listing:
    """One request for a list."""

    def __init__(self, way: Way, plan: Plan, resource: Resource) -> None:
        self._way, self._plan, self._resource = way, plan, resource
        self._refused: list[Failure] = []

    async def page(self, value: Json) -> Page:
        rules = Rules.of(self._resource, value)
        query = rules.read(self._way.ask.query)
        order = rules.order(self._way.ask.query)
        self._way.ask = structs.replace(self._way.ask, query=query)
        values: dict[str, Json] = {"": value}
        if forks := value.get("sources"):
            bare = {word: each for word, each in value.items() if word != "sources"}
            values = {name: grammar.fork(bare, change) for name, change in forks.items()}
        found = [await self._source(name, each, query) for name, each in values.items()]
        if self._refused:
            raise InvalidArguments(list(dict.fromkeys(self._refused)))
        sources = [each for each in found if each is not None]
        start = read_cursor(self._way.ask.next_cursor, order.said if order else "")
        if order is not None:
            return await self._sorted(sources, order, start)
        return await self._unsorted(sources, start, self._way.ask.limit, MOST_PAGES)

    async def _source(self, name: str, value: Json, query: Json) -> Source | None:
        method, plan, way = grammar.read(value), self._plan, self._way
        rules = Rules.of(self._resource, value)
        scope = await way.scope(plan, method)
        if name and method.run_if and not await way.evaluate(method.run_if, scope, plan):
            return None
        if refused := await way.refuse(plan, method, scope):
            self._refused += refused
            return None
        mapper = Mapper(way=way, plan=plan, method=method, resource=self._resource, scope=scope)
        return Source(name=name, method=method, mapper=mapper, rules=rules, query=query)

    async def _unsorted(self, sources: list[Source], start: Position, room: int, most_pages: int) -> Page:
        given: list[Mapped] = []
        position, limit = start, room
        names = [each.name for each in sources]
        place = names.index(position.source) if position.source in names else 0
        for _ in range(most_pages):
            if place >= len(sources):
                return Page(records=given, following=None, start=start)
            source = sources[place] = await self._ready(sources[place])
            part = await source.read(position.cursor, limit - len(given))
            fresh = _behind(part.records, position, source.is_spread)
            fitting = fresh[: limit - len(given)]
            given += fitting
            if len(fitting) < len(fresh):
                seen = len(part.records) - len(fresh) + len(fitting)
                position = Position(source=source.name, cursor=position.cursor, after=fitting[-1].id, seen=seen)
                return Page(records=given, following=position, start=start)
            place += 0 if part.following else 1
            name = sources[place].name if place < len(sources) else ""
            position = Position(source=name, cursor=part.following)
            if len(given) >= limit and place < len(sources):
                return Page(records=given, following=position, start=start)
        more = place < len(sources)
        return Page(records=given, following=position if more else None, start=start)

    async def _ready(self, source: Source) -> Source:
        if source.arguments is not None:
            return source
        return structs.replace(
            source, arguments=await self._way.arguments(self._plan, source.method, source.mapper.scope)
        )

    async def _sorted(self, sources: list[Source], order: Order, start: Position) -> Page:
        """The whole list, sorted anew for every page: the cursor is the place of the last record, not a number."""
        gathered: list[Mapped] = []
        whole = await self._unsorted(sources, Position(), MOST_SORTED + 1, SORTED_PAGES)
        gathered = whole.records
        if whole.following is not None or len(gathered) > MOST_SORTED:
            problem = f"sorts at most {MOST_SORTED} records, and there are more; narrow the list with a filter"
            raise InvalidArguments([Failure(filters.SORT, problem)])
        by_id = {id(each.record): each for each in gathered}
        ranked = [by_id[id(each)] for each in filters.ordered((each.record for each in gathered), order)]
        if start.rank is not None:
            mark = ((start.rank[0], start.rank[1]), start.after)
            ranked = [each for each in ranked if filters.is_after(filters.sort_key(each.record, order), mark, order)]
        limit = self._way.ask.limit
        if len(ranked) <= limit:
            return Page(records=ranked, following=None, start=start)
        key, identity = filters.sort_key(ranked[limit - 1].record, order)
        following = Position(after=identity, rank=list(key), order=order.said)
        return Page(records=ranked[:limit], following=following, start=start)


def _behind(records: list[Mapped], position: Position, is_spread: bool) -> list[Mapped]:
    """Those that were not given yet. What was deleted meanwhile is skipped by its number."""
    if not position.after:
        return records
    if is_spread:
        return [each for each in records if each.id > position.after]
    for number, each in enumerate(records):
        if each.id == position.after:
            return records[number + 1 :]
    return records[position.seen :]


async def completed(way: Way, records: list[Mapped], resource: Resource, plan: Plan) -> list[Mapped]:
    """Partial records, each replaced by what the vendor tells of it alone. What is gone meanwhile stays as it was."""
    gate = asyncio.Semaphore(COMPLETED_AT_ONCE)

    async def complete(partial: Mapped) -> Mapped:
        if not partial.is_partial or not partial.id:
            return partial
        alone = way.alone(structs.replace(way.ask, id=partial.id, method="get", query={}))
        try:
            async with gate:
                return await single.read(alone, plan, resource)
        except (NotFound, VendorFailure) as problem:
            if isinstance(problem, VendorFailure) and problem.vendor_status != 404:
                raise
            return partial

    return list(await asyncio.gather(*(complete(each) for each in records)))


def write_cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def read_cursor(text: str, order: str = "") -> Position:
    """`order` is what the list is sorted by now."""
    if not text:
        return Position(order=order)
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        position = msgspec.json.decode(content, type=Position)
        if not all(each.rank is None or filters.is_key(each.rank) for each in (position, *position.trail)):
            raise ValueError
    except (binascii.Error, ValueError, TypeError, msgspec.MsgspecError):
        problem = "is not a cursor of ours; send back next_cursor exactly as it was received"
        raise InvalidArguments([Failure("next_cursor", problem)]) from None
    if position.order != order:
        was = f"sort_by={position.order}" if position.order else "no sort_by"
        problem = f"belongs to another ordering of this list, with {was}"
        raise InvalidArguments(
            [Failure("next_cursor", problem, f"{was} with this cursor; or no cursor, to begin anew")]
        )
    return position
