"""Filters and order that Portico itself sees to: on records as they were mapped, whoever the vendor is. Pure."""

import operator
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from portico.clock import MOMENT_FORM, is_seconds, read_moment
from portico.errors import Failure, InvalidArguments
from portico.shapes import Json, is_list, is_record
from portico.unified.grammar import FilterRule, filter_rule, members
from portico.unified.models import Filter, Resource

SORT = "sort_by"
_DOWN = frozenset({"desc", "descending", "-1"})
_WAYS = _DOWN | {"", "asc", "ascending", "1"}
_COMPARISONS: dict[str, Callable[[datetime, datetime], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
Key = tuple[int, Any]


class Order(Struct, frozen=True, kw_only=True):
    field: str
    is_descending: bool

    @property
    def said(self) -> str:
        return f"-{self.field}" if self.is_descending else self.field


class Rules(Struct, frozen=True, kw_only=True):
    """What one method takes in its query: the names, and what is known of each."""

    known: dict[str, Filter]
    by: dict[str, Literal["vendor", "portico"]]
    sort: tuple[str, ...]
    required: tuple[str, ...]

    @staticmethod
    def of(resource: Resource, value: Json) -> "Rules":
        known: dict[str, Filter] = {}
        by: dict[str, Literal["vendor", "portico"]] = {}
        required: list[str] = []
        sort: tuple[str, ...] = ()
        for name, said in members(value.get("query_schema")):
            rule = filter_rule(said)
            if name == SORT:
                sort = rule.enum or resource.sort
                continue
            known[name] = _told(rule, resource.filters.get(name))
            by[name] = rule.by
            required += [name] if rule.required else []
        return Rules(known=known, by=by, sort=sort, required=tuple(required))

    def read(self, query: Json) -> Json:
        """The query with its values typed; InvalidArguments with all that is not taken here."""
        failures = [self._unknown(name) for name in query if name not in self.known and name != SORT]
        failures += [
            Failure(name, "is required", _form(self.known[name]), missing="query")
            for name in self.required
            if name not in query
        ]
        if SORT in query and not self.sort:
            failures.append(self._unknown(SORT))
        typed: Json = {}
        for name, value in query.items():
            if name in self.known:
                try:
                    typed[name] = _typed(name, value, self.known[name])
                except ValueError as problem:
                    failures.append(Failure(name, f"is {value!r}", str(problem)))
        if failures:
            raise InvalidArguments(failures)
        return typed

    def order(self, query: Json) -> Order | None:
        """`name`, `-name` or `{"name": "desc"}`."""
        given = query.get(SORT)
        if given in (None, ""):
            return None
        field, way = next(iter(given.items()), ("", "")) if is_record(given) else (str(given), "")
        if str(way).lower() not in _WAYS:
            raise InvalidArguments([Failure(f"{SORT}[{field}]", f"is {way!r}", "asc, desc")])
        is_descending = field.startswith("-") or str(way).lower() in _DOWN
        field = field.removeprefix("-")
        if field not in self.sort:
            raise InvalidArguments([Failure(SORT, f"is {field!r}", f"{', '.join(self.sort)}, with - for descending")])
        return Order(field=field, is_descending=is_descending)

    def passes(self, record: Json, query: Json) -> bool:
        return all(
            _passes(record, value, self.known[name]) for name, value in query.items() if self.by.get(name) == "portico"
        )

    def names(self) -> list[str]:
        return [*self.known, *([SORT] if self.sort else [])]

    def _unknown(self, name: str) -> Failure:
        return Failure(name, "is not taken here", ", ".join([*self.names(), "limit", "next_cursor"]))


def sort_key(record: Json, order: Order) -> tuple[Key, str]:
    """Where a record stands; what has no value stands last, whichever way it goes."""
    values = _at(record, order.field)
    return _key(values[0] if values else None), str(record.get("id", ""))


def is_after(key: tuple[Key, str], mark: tuple[Key, str], order: Order) -> bool:
    """Whether a record comes behind the mark. What is equal is told apart by its id, always ascending."""
    if key[0] == mark[0]:
        return key[1] > mark[1]
    return _comes_later(key[0], mark[0], order)


def ordered(records: Iterable[Json], order: Order) -> list[Json]:
    by_id = sorted(records, key=lambda each: sort_key(each, order)[1])
    missing = [each for each in by_id if sort_key(each, order)[0][0] == _MISSING]
    present = [each for each in by_id if sort_key(each, order)[0][0] != _MISSING]
    present.sort(key=lambda each: sort_key(each, order)[0], reverse=order.is_descending)
    return present + missing  # equals stay in the order of their ids, also where the sort is reversed


_NUMBER, _TEXT, _MISSING = 0, 1, 9


def _key(value: Any) -> Key:
    if value is None or value == "":
        return _MISSING, ""
    if isinstance(value, bool | int | float | Decimal):
        return _NUMBER, float(value)
    return _TEXT, str(value).casefold()


def is_key(value: Any) -> bool:
    """Whether something from outside can be compared with the keys of records."""
    kinds: dict[int, type | tuple[type, ...]] = {_NUMBER: (int, float), _TEXT: str, _MISSING: str}
    if not is_list(value) or len(value) != 2 or not isinstance(value[0], int):
        return False
    return value[0] in kinds and isinstance(value[1], kinds[value[0]])


def _comes_later(key: Key, mark: Key, order: Order) -> bool:
    if _MISSING in (key[0], mark[0]):
        return key[0] == _MISSING and mark[0] != _MISSING
    return key < mark if order.is_descending else key > mark


def _told(rule: FilterRule, known: Filter | None) -> Filter:
    base = known or Filter()
    return Filter(
        type=rule.type or base.type,
        field=rule.field or base.field,
        description=rule.description or base.description,
        enum=rule.enum or base.enum,
    )


def _typed(name: str, value: Any, told: Filter) -> Any:
    if told.type == "array":
        return [_one(each, told) for each in _several(name, value, told)]
    if told.type == "range":
        return _range(value)
    if is_record(value) and list(value) == ["eq"]:
        value = value["eq"]
    if is_list(value) or is_record(value):
        raise ValueError("one value")
    return _one(value, told)


def _several(name: str, value: Any, told: Filter) -> list[Any]:
    """`a,b`, a list, or either of them below `[eq]`, `[in]` or the field that it looks at: `emails[email]=a`."""
    if is_list(value):
        return [found for each in value for found in (_several(name, each, told) if is_record(each) else [each])]
    if not is_record(value):
        return str(value).split(",")
    fields = [place.removeprefix(f"{name}.") for place in told.field.split(",") if place.startswith(f"{name}.")]
    below, *others = value.items()
    if others or is_record(below[1]) or below[0] not in {"eq", "in", *fields}:
        raise ValueError(", ".join([f"{name}=…", *(f"{name}[{each}]=…" for each in ("eq", "in", *fields))]))
    return _several(name, below[1], told)


def _one(value: Any, told: Filter) -> Any:
    text = str(value)
    if is_record(value) or is_list(value):
        raise ValueError(_form(told) or "one value")
    if told.enum and text not in told.enum:
        raise ValueError(_form(told))
    if told.type == "boolean":
        if text.lower() not in {"true", "false"}:
            raise ValueError(_form(told))
        return text.lower() == "true"
    if told.type == "integer":
        if not text.lstrip("-").isdecimal() or len(text) > 18:
            raise ValueError(_form(told))
        return int(text)
    return _written(text) if told.type == "moment" else text


def _form(told: Filter) -> str:
    """How a value is to be written, where not every text will do."""
    forms = {"boolean": "true, false", "integer": "a whole number", "moment": MOMENT_FORM, "range": MOMENT_FORM}
    return ", ".join(told.enum) or forms.get(told.type, "")


def _range(value: Any) -> Json:
    """Comparisons with moments; a moment alone, or below `[eq]`, means that very one."""
    given: Json = dict(value) if is_record(value) else {"eq": value}
    if "eq" in given:
        very = given.pop("eq")
        given |= {"gte": very, "lte": very}
    try:
        if not given or any(name not in _COMPARISONS for name in given):
            raise ValueError
        return {name: _written(each) for name, each in given.items()}
    except ValueError:
        raise ValueError(f"{', '.join(f'[{each}]' for each in (*_COMPARISONS, 'eq'))} with {MOMENT_FORM}") from None


def _written(value: Any) -> str:
    """A moment as mappings read it: in ISO 8601, whichever way it was said."""
    moment, text = _moment(value), str(value)
    if moment is None:
        raise ValueError(MOMENT_FORM)
    return moment.isoformat().replace("+00:00", "Z") if is_seconds(text) else text


def _moment(value: Any) -> datetime | None:
    return read_moment(str(value))


def _passes(record: Json, wanted: Any, told: Filter) -> bool:
    found = [value for field in told.field.split(",") for value in _at(record, field)]
    if told.type == "range":
        moments = [moment for each in found if (moment := _moment(each)) is not None]
        return any(_within(each, wanted) for each in moments)
    options = {_folded(each) for each in (wanted if is_list(wanted) else [wanted])}
    return any(_folded(each) in options for each in found)


def _within(moment: datetime, wanted: Json) -> bool:
    return all(_COMPARISONS[name](moment, _moment(bound) or moment) for name, bound in wanted.items())


def _folded(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value).casefold()


def _at(value: Any, path: str) -> list[Any]:
    """Everything that a dotted path leads to, through lists too."""
    found: list[Any] = [value]
    for name in path.split("."):
        found = [each.get(name) for each in _flat(found) if is_record(each)]
    return [each for each in _flat(found) if each is not None]


def _flat(values: Iterable[Any]) -> list[Any]:
    return [item for each in values for item in (each if is_list(each) else [each])]
