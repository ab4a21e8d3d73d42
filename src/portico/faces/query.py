"""Queries of the admin API as types: `a[b]` and `a.b` nest, `a[]`, `a[0]`, repetition and commas gather."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Meta, Struct

from portico.errors import Failure, InvalidArguments
from portico.gateway.brackets import plain_list
from portico.shapes import is_list, is_record

T = TypeVar("T")
Moment = Annotated[datetime, Meta(tz=True)]
_MILLISECOND = timedelta(milliseconds=1)
# Beyond these there are moments that have no date in another zone, and nothing that was kept.
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
_PLAINLY = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "one value",
    "datetime": "a moment in ISO 8601",
}


class Range(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`field[gt]=…`, `[gte]`, `[lt]`, `[lte]`, `[eq]` with a day or a moment in ISO 8601; `field=…` is `[eq]`."""

    gt: Moment | None = None
    gte: Moment | None = None
    lt: Moment | None = None
    lte: Moment | None = None
    eq: Moment | None = None


class Among(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"anything": "in"}):
    """`field[eq]=a`, `field[in]=a,b`."""

    eq: str = ""
    anything: list[str] | str = ""


# One of several: `field=a,b`, `field[]=a&field[]=b`, `field=a&field=b`, or with an operator.
Choice = str | list[str] | Among


def chosen(choice: Choice) -> tuple[str, ...]:
    """The values of which it may be one; none: any."""
    given = (choice.eq, *_listed(choice.anything)) if isinstance(choice, Among) else _listed(choice)
    return tuple(part.strip() for each in given for part in each.split(",") if part.strip())


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
    values: dict[str, Any] = {}
    for name, value in pairs:
        if value != "":
            _put(values, plain_list(name), value)
    known = get_type_hints(kind)
    taken = ", ".join(known) or "none"
    if failures := [Failure(name, "is not taken here", taken) for name in values if name not in known]:
        raise InvalidArguments(failures)
    for name, hint in known.items():
        if Range in get_args(hint) and name in values:
            values[name] = _moments(values[name])
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as problem:
        raise InvalidArguments([_failure(problem, values, known)]) from None


def _listed(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else value


def _put(values: dict[str, Any], name: str, value: str) -> None:
    stem, bracket, inner = name.partition("[" if "[" in name else ".")
    inner, many, _ = inner.removesuffix("]").partition("][")
    if bracket and inner:
        nested = values.setdefault(stem, {})
        if is_record(nested):
            nested[inner] = [*nested.get(inner, []), value] if many else value
        return
    if stem in values or bracket:
        known = values.get(stem, [])
        values[stem] = [*known, value] if is_list(known) else [known, value]
    else:
        values[stem] = value


def _moments(value: Any) -> Any:
    """A day is its first moment; without a zone it is UTC. What is no moment stays, and is refused as what it is."""
    given = value if is_record(value) else {"eq": value}
    return {operator: _moment(text) for operator, text in given.items()}


def _moment(text: Any) -> Any:
    try:
        read = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text
    return min(max(read if read.tzinfo else read.replace(tzinfo=UTC), _FIRST), _LAST)


def _failure(problem: msgspec.ValidationError, values: dict[str, Any], known: dict[str, Any]) -> Failure:
    sentence, _, place = str(problem).partition(" - at `$")
    path = place.strip("`").lstrip(".")
    given: Any = values
    for step in path.split("."):
        given = given.get(step) if is_record(given) else given
    if "unknown field" in sentence:
        inner = sentence.partition("`")[2].strip("`")
        return Failure(f"{path}[{inner}]", "is not taken here", _operators(known.get(path)))
    literals = get_args(known.get(path.partition(".")[0]))
    wanted = sentence.partition("`")[2].partition("`")[0].partition(" |")[0]
    allowed = ", ".join(str(each) for each in literals if isinstance(each, str) and each)
    shown = "has several values" if is_list(given) else f"is {given!r}"[:200]
    return Failure(path, shown, allowed or _PLAINLY.get(wanted, "a moment in ISO 8601"))


def _operators(hint: Any) -> str:
    inner = next((each for each in get_args(hint) if isinstance(each, type) and issubclass(each, Struct)), None)
    return ", ".join(each.encode_name for each in msgspec.structs.fields(inner)) if inner else ""
