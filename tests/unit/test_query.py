"""Queries of the admin API: how filters may be written, and what is said of those that cannot be read."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl

import pytest
from msgspec import Struct

from portico.clock import MOMENT_FORM
from portico.errors import InvalidArguments
from portico.faces.query import Name, Range, Span, earlier_than, later_than, read_query

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
FIRST, LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)


class Filter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str = ""


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    limit: int = 10
    is_new: bool | None = None
    state: Literal["", "open", "closed"] = ""
    word: str = ""
    tenant: tuple[str, ...] = ()
    name: tuple[Name, ...] = ()
    phase: tuple[Literal["early", "late"], ...] = ()
    status: tuple[str, ...] | Span = ()
    integration: Filter = Filter()
    created_at: Range | None = None


def read(text: str) -> Query:
    return read_query(parse_qsl(text, keep_blank_values=True), Query)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", ()),
        ("tenant=", ()),
        ("tenant=a", ("a",)),
        ("tenant=a,b", ("a", "b")),
        ("tenant=a, ,b,", ("a", "b")),
        ("tenant=a&tenant=b", ("a", "b")),
        ("tenant=a&tenant=a", ("a",)),
        ("tenant[]=a", ("a",)),
        ("tenant[]=a&tenant[]=b", ("a", "b")),
        ("tenant[0]=a&tenant[1]=b", ("a", "b")),
        ("tenant[eq]=a", ("a",)),
        ("tenant[eq]=a,b", ("a,b",)),
        ("tenant.eq=a", ("a",)),
        ("tenant[in]=a,b", ("a", "b")),
        ("tenant[in][]=a&tenant[in][]=b", ("a", "b")),
        ("tenant[in][0]=a&tenant[in][1]=b,c", ("a", "b,c")),
        ("tenant=a&tenant[in]=b,c", ("a", "b", "c")),
        ("tenant[in]=b,c&tenant=a", ("a", "b", "c")),
    ],
)
def test_one_of_several_may_be_written_in_many_ways(text: str, values: tuple[str, ...]) -> None:
    assert read(text).tenant == values


def test_a_name_is_taken_apart_only_behind_in() -> None:
    assert read("name=Acme, Inc.").name == read("name[eq]=Acme, Inc.").name == ("Acme, Inc.",)
    assert read("name[in]=a,b").name == ("a", "b")


@pytest.mark.parametrize("text", ["{}=open", "{}[eq]=open", "{}.eq=open", "{}[]=open", "{}[in]=open", "{}[in][]=open"])
def test_a_filter_of_one_value_is_written_in_the_same_ways(text: str) -> None:
    assert read(text.format("state")).state == read(text.format("word")).word == "open"


def test_one_value_may_hold_commas() -> None:
    assert read("word=a,b").word == read("word[eq]=a,b").word == "a,b"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("status=404,4xx", ("404", "4xx")),
        ("status[in]=404,500", ("404", "500")),
        ("status[gte]=400", Span(gte=400)),
        ("status[gt]=399&status[lt]=500", Span(gt=399, lt=500)),
        ("status.lte=299", Span(lte=299)),
    ],
)
def test_a_number_may_be_compared(text: str, status: tuple[str, ...] | Span) -> None:
    assert read(text).status == status


@pytest.mark.parametrize(
    ("text", "later", "earlier"),
    [
        ("", None, None),
        ("created_at[gt]=2026-11-20T00:00:00Z", MOMENT, None),
        ("created_at[gt]=2026-11-20", MOMENT, None),
        ("created_at[gt]=2026-11-20 00:00:00", MOMENT, None),
        ("created_at[gt]=2026-11-20T01:00:00%2B01:00", MOMENT, None),
        ("created_at[gte]=2026-11-20", MOMENT - MILLISECOND, None),
        ("created_at[lt]=2026-11-20", None, MOMENT),
        ("created_at[lte]=2026-11-20", None, MOMENT + MILLISECOND),
        ("created_at[eq]=2026-11-20", MOMENT - MILLISECOND, MOMENT + MILLISECOND),
        ("created_at=2026-11-20", MOMENT - MILLISECOND, MOMENT + MILLISECOND),
        ("created_at.gt=2026-11-20", MOMENT, None),
        (f"created_at[gt]={MOMENT.timestamp():.0f}", MOMENT, None),
        (f"created_at[lt]={MOMENT.timestamp():.0f}.001", None, MOMENT + MILLISECOND),
        (f"created_at={MOMENT.timestamp():.0f}", MOMENT - MILLISECOND, MOMENT + MILLISECOND),
        ("created_at[gt]=20261120", MOMENT, None),
        ("created_at[lte]=9999-12-31T23:59:59-12:00", None, LAST + MILLISECOND),
        ("created_at[gte]=0001-01-01T00:00:00%2B12:00", FIRST - MILLISECOND, None),
    ],
)
def test_a_range_is_between_moments_that_do_not_belong_to_it(
    text: str, later: datetime | None, earlier: datetime | None
) -> None:
    moments = read(text).created_at
    assert (later_than(moments), earlier_than(moments)) == (later, earlier)


def test_names_may_lead_into_something() -> None:
    assert read("integration.name=x").integration == read("integration[name]=x").integration == Filter(name="x")
    assert read("integration=x").integration == read("integration[eq]=x").integration == Filter(name="x")
    assert read("integration.name[eq]=x").integration == read("integration[name][in]=x").integration == Filter(name="x")


@pytest.mark.parametrize(
    ("text", "failures"),
    [
        ("bogus=1&limit=2&more=3", {"bogus": "limit, is_new, state", "more": "limit, is_new, state"}),
        ("limit=abc", {"limit": "a whole number"}),
        ("limit=1&limit=2", {"limit": "a whole number"}),
        ("is_new=maybe", {"is_new": "true or false"}),
        ("state=ajar", {"state": "open, closed"}),
        ("created_at[gt]=yesterday", {"created_at.gt": MOMENT_FORM}),
        ("created_at[gt]=2026", {"created_at.gt": MOMENT_FORM}),
        (
            "created_at[gt]=1795000000000&created_at[lt]=-5",
            {"created_at.gt": MOMENT_FORM, "created_at.lt": MOMENT_FORM},
        ),
        ("created_at[gt]=1e9", {"created_at.gt": MOMENT_FORM}),
        ("created_at=soon", {"created_at.eq": MOMENT_FORM}),
        ("created_at[gt]=2026-11-20&created_at[gt]=2026-11-21", {"created_at.gt": MOMENT_FORM}),
        ("created_at[gt][lt]=2026-11-20", {"created_at.gt": MOMENT_FORM}),
        ("created_at[about]=2026-11-20", {"created_at[about]": "gt, gte, lt, lte, eq"}),
        ("integration[color]=x", {"integration[color]": "name"}),
        ("tenant[like]=x", {"tenant[like]": "eq, in"}),
        ("tenant[in][x]=y", {"tenant[in]": "eq, in"}),
        ("word[in]=a,b", {"word": "one value"}),
        ("word[like]=x", {"word[like]": "eq"}),
        ("limit[gt]=5", {"limit[gt]": "eq"}),
        ("state[in]=open,closed", {"state": "open, closed"}),
        ("phase=early,noon", {"phase": "early, late"}),
        ("status[about]=400", {"status[about]": "gt, gte, lt, lte, eq, in"}),
        ("status[gte]=400&status[in]=200", {"status[gte]": "gt, gte, lt, lte"}),
        ("status[gte]=many", {"status.gte": "a whole number"}),
        ("integration[name][like]=x", {"integration[name][like]": "eq"}),
        ("a[b][c][d][e]=x", {"a[b][c][d][e]": "4 levels"}),
        (".=x&[]=y", {".": "limit", "[]": "limit"}),
    ],
)
def test_what_cannot_be_read_is_named_with_what_is_allowed(text: str, failures: dict[str, Any]) -> None:
    with pytest.raises(InvalidArguments) as caught:
        read(text)
    told = {each.path: each.allowed for each in caught.value.failures}
    assert told.keys() == failures.keys()
    assert all(allowed in told[path] for path, allowed in failures.items()), told
