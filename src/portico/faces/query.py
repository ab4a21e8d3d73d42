"""Queries of the admin API as types: `a[b]` and `a.b` nest, `a[]`, `a[0]`, repetition and commas gather.

A filter is written `name=v` or `name[eq]=v`. One that takes several, a tuple, also as `name[]=v&name[]=w`,
`name=v,w`, `name[in]=v,w` and `name[in][]=v&name[in][]=w`; what is behind `[eq]` or in a list is never taken apart.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from portico.clock import MOMENT_FORM, read_moment
from portico.errors import Failure, InvalidArguments
from portico.gateway.brackets import plain_list
from portico.shapes import Json, is_list, is_record

T = TypeVar("T")
Moment = Annotated[datetime, Meta(tz=True)]
_HOLDS_COMMAS = Meta(extra={"holds_commas": True})
# A name that people choose: it may hold commas, so that only `[in]` is taken apart.
Name = Annotated[str, _HOLDS_COMMAS]
DEEPEST = 4
_MILLISECOND = timedelta(milliseconds=1)
# Beyond these there are moments that have no date in another zone, and nothing that was kept.
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
_PLAINLY = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "one value",
    "datetime": MOMENT_FORM,
}
_ONE, _SEVERAL = ("eq",), ("eq", "in")


class Range(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`field[gt]=…`, `[gte]`, `[lt]`, `[lte]`, `[eq]` with a day or a moment in ISO 8601, or in Unix
    seconds; `field=…` is `[eq]`."""

    gt: Moment | None = None
    gte: Moment | None = None
    lt: Moment | None = None
    lte: Moment | None = None
    eq: Moment | None = None


class Span(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`field[gt]=…`, `[gte]`, `[lt]`, `[lte]` with whole numbers."""

    gt: int | None = None
    gte: int | None = None
    lt: int | None = None
    lte: int | None = None


def later_than(moments: Range | None) -> datetime | None:
    """What something must be later than. Moments are kept by the millisecond."""
    if moments is None:
        return None
    least = [each - _MILLISECOND for each in (moments.gte, moments.eq) if each]
    return max([*least, *([moments.gt] if moments.gt else [])], default=None)


def earlier_than(moments: Range | None) -> datetime | None:
    """What something must be earlier than."""
    if moments is None:
        return None
    most = [each + _MILLISECOND for each in (moments.lte, moments.eq) if each]
    return min([*most, *([moments.lt] if moments.lt else [])], default=None)


def read_query(pairs: Sequence[tuple[str, str]], kind: type[T]) -> T:
    """The query as its type; an empty value counts as absent. Every parameter that is not known is named."""
    values: Json = {}
    for name, value in pairs:
        if value != "":
            _put(values, plain_list(name), value)
    known = _hints(kind)
    taken = ", ".join(known) or "none"
    failures = [Failure(name, "is not taken here", taken) for name in values if name not in known]
    read = {name: _read(name, known[name], value, failures) for name, value in values.items() if name in known}
    if failures:
        raise InvalidArguments(failures)
    try:
        return msgspec.convert(read, kind, strict=False)
    except msgspec.ValidationError as problem:
        raise InvalidArguments([_failure(problem, read, known)]) from None


@cache
def _hints(kind: type) -> Json:
    """Of a type that is asked for: reading them takes longer than reading a query."""
    return get_type_hints(kind, include_extras=True)


def commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _put(values: Json, name: str, value: str) -> None:
    """Under its steps. Where one name is a value and leads into another, the value is what it equals."""
    steps = [each for each in re.split(r"[\[\].]+", name) if each] or [name]
    if len(steps) > DEEPEST:
        raise InvalidArguments([Failure(name[:100], "is nested too deeply", f"{DEEPEST} levels at most")])
    place = values
    for step in steps[:-1]:
        if not is_record(place.get(step, {})):
            place[step] = {"eq": place[step]}
        place = place.setdefault(step, {})
    last = steps[-1]
    if is_record(place.get(last)):
        place, last = place[last], "eq"
    if last in place or name.endswith("[]"):
        known = place.get(last, [])
        place[last] = [*known, value] if is_list(known) else [known, value]
    else:
        place[last] = value


def _read(name: str, hint: Any, value: Any, failures: list[Failure]) -> Any:
    """The value of one filter in the one form that its type is made of; what does not fit stays, and is refused."""
    kinds = [hint, *get_args(hint)]
    parts = next((each for each in kinds if isinstance(each, type) and issubclass(each, Struct)), None)
    several = next((each for each in kinds if get_origin(each) is tuple), None)
    if parts is Range:
        return _moments(name, value, failures)
    if parts and parts is not Span:
        return _inner(name, parts, value, failures)
    if any(get_origin(each) is dict for each in kinds):
        return value
    spans = parts.__struct_fields__ if parts else ()
    if is_record(value) and all(each in spans for each in value):
        return value
    odd = [each for each, one in value.items() if each not in _SEVERAL or is_record(one)] if is_record(value) else []
    if odd:
        allowed = ", ".join([*spans, *(_SEVERAL if several else _ONE)])
        problems = {each: "does not go with eq or in" for each in spans}
        failures += [Failure(f"{name}[{each}]", problems.get(each, "is not taken here"), allowed) for each in odd]
        return value
    gathered = _gathered(value, is_whole=several is None or _holds_commas(get_args(several)[0]))
    return gathered if several or len(gathered) != 1 else gathered[0]


def _holds_commas(item: Any) -> bool:
    return any(each is _HOLDS_COMMAS for each in getattr(item, "__metadata__", ()))


def _inner(name: str, kind: type[Struct], value: Any, failures: list[Failure]) -> Any:
    """What has parts is by its first, unless another is named."""
    known = _hints(kind)
    first = next(iter(known))
    given = value if is_record(value) and not set(_SEVERAL).intersection(value) else {first: value}
    failures += [
        Failure(f"{name}[{each}]", "is not taken here", ", ".join(known)) for each in given if each not in known
    ]
    return {each: _read(f"{name}[{each}]", known[each], one, failures) for each, one in given.items() if each in known}


def _gathered(value: Any, *, is_whole: bool) -> list[str]:
    """All values that were given, each once."""
    if is_record(value):
        among = value.get("in", [])
        given = [*_listed(value.get("eq", [])), *(among if is_list(among) else commas(among))]
    elif is_list(value) or is_whole:
        given = _listed(value)
    else:
        given = commas(value)
    return list(dict.fromkeys(given))


def _listed(value: Any) -> list[Any]:
    return value if is_list(value) else [value]


def _moments(name: str, value: Any, failures: list[Failure]) -> Any:
    """What is no text stays, and is refused as what it is."""
    given: Json = value if is_record(value) else {"eq": value}
    read = {operator: _moment(text) for operator, text in given.items()}
    failures += [
        Failure(f"{name}.{operator}", f"is {given[operator]!r}"[:200], MOMENT_FORM)
        for operator in Range.__struct_fields__
        if operator in given and read[operator] is None
    ]
    return read


def _moment(text: Any) -> Any:
    read = read_moment(text) if isinstance(text, str) else text
    return min(max(read, _FIRST), _LAST) if isinstance(read, datetime) else read


def _failure(problem: msgspec.ValidationError, values: Json, known: Json) -> Failure:
    sentence, _, place = str(problem).partition(" - at `$")
    steps = re.findall(r"[^.\[\]`]+", place)
    given: Any = values
    for step in steps:
        inner = given.get(step) if is_record(given) else given
        given = given[int(step)] if is_list(given) and step.isdecimal() else inner
    path = ".".join(step for step in steps if not step.isdecimal())
    hint = known.get(steps[0] if steps else "")
    if "unknown field" in sentence:
        inner = sentence.partition("`")[2].strip("`")
        return Failure(f"{path}[{inner}]", "is not taken here", _operators(hint))
    wanted = sentence.partition("`")[2].partition("`")[0].partition(" |")[0]
    allowed = ", ".join(str(each) for each in _literals(hint) if isinstance(each, str) and each)
    shown = "has several values" if is_list(given) else f"is {given!r}"[:200]
    return Failure(path, shown, allowed or _PLAINLY.get(wanted, MOMENT_FORM))


def _literals(hint: Any) -> Sequence[Any]:
    inner = next((get_args(each)[0] for each in (hint, *get_args(hint)) if get_origin(each) is tuple), hint)
    return get_args(inner)


def _operators(hint: Any) -> str:
    inner = next((each for each in get_args(hint) if isinstance(each, type) and issubclass(each, Struct)), None)
    return ", ".join(each.encode_name for each in msgspec.structs.fields(inner)) if inner else ""
