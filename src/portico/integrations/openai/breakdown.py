"""Numbers in buckets of time → small tables: added up, split, ranked, named, compared with the period before."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from portico.errors import Refusal
from portico.integrations.openai import directory
from portico.integrations.openai.money import Number, change, number_of, percent, total
from portico.integrations.openai.periods import DAY, Period, day_of, has_begun, is_midnight, reaches_now, until_now
from portico.shapes import Json, is_list, is_record
from portico.toolbox.composed import Context

Sums = tuple[Number, ...]
# What belongs to nothing that could be named, such as usage without a key.
NOBODY = "(none)"
# Beyond this, hours would be thousands of buckets; days then begin at midnight UTC.
_MOST_HOURS_SECONDS = 62 * DAY


class Dimension(Struct, frozen=True, kw_only=True):
    """One way to split: the vendor's groups that it takes, which of them is meant, and the columns that name it."""

    group_by: tuple[str, ...]
    field: str
    columns: tuple[str, ...]
    called: Callable[[Any], str]


def _called(value: Any) -> str:
    """What a part is known by: yes and no in the vendor's own letters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value or NOBODY)


def _model_of(line_item: Any) -> str:
    """`gpt-4o, cached input` is of gpt-4o; `web search tool calls` of no model."""
    model, comma, _ = str(line_item or "").partition(", ")
    return model if comma else NOBODY


def _way(*group_by: str, columns: tuple[str, ...], called: Callable[[Any], str] = _called) -> Dimension:
    """By the last of the groups; of what is in a project, the project is asked for with it."""
    return Dimension(group_by=group_by, field=group_by[-1] if group_by else "", columns=columns, called=called)


BY_DAY = "day"
DIMENSIONS = {
    "project": _way("project_id", columns=("project", "id")),
    "line_item": _way("line_item", columns=("line_item",)),
    "model": _way("model", columns=("model",)),
    "user": _way("project_id", "user_id", columns=("user", "id")),
    "key": _way("project_id", "api_key_id", columns=("key", "id", "project")),
    BY_DAY: _way(columns=("day",)),
    # What has no name beside what the vendor calls it.
    **{
        name: _way(field, columns=(name,))
        for name, field in {
            "batch": "batch",
            "service_tier": "service_tier",
            "api_source": "api_source",
            "size": "size",
            "source": "source",
            "context_level": "context_level",
            "vector_store": "vector_store_id",
        }.items()
    },
}
# Costs are booked by line items, which begin with their model.
MODEL_OF_LINE_ITEM = _way("line_item", columns=("model",), called=_model_of)


class Subject(Struct, frozen=True, kw_only=True):
    """What is added up. `fields` are the numbers of a result, dotted; `main` is what is ranked and compared.

    `buckets`: how many a page may have, by their width. `derived`: columns that follow from the sums.
    """

    call: str
    columns: tuple[str, ...]
    fields: tuple[str, ...]
    dimensions: tuple[str, ...]
    main_column: str
    main: Callable[[Sums], Number]
    buckets: Mapping[str, int]
    derived: Mapping[str, Callable[[Sums], Any]] = {}
    own: Mapping[str, Dimension] = {}  # where this subject is split otherwise than the others
    show: Callable[[Number], Any] = lambda number: number


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants to see of a subject."""

    period: Period
    by: tuple[str, ...]
    filters: Json
    top: int
    compare: bool


class Split(Struct, frozen=True, kw_only=True):
    """A period's sums by whatever it was split by, and the projects that each part of it was found in."""

    sums: dict[str, Sums]
    projects: dict[str, set[str]]


async def break_down(context: Context, subject: Subject, wish: Wish) -> Json:
    """`tables`, `total` and the periods. What could not be had is noted; where nothing could, it is refused."""
    now = await _splits(context, subject, wish, wish.period)
    is_ahead = not has_begun(wish.period, context.now)
    if is_ahead:
        context.note("all of the period", "it has not begun yet")
    before = await _before(context, subject, wish, tuple(now)) if wish.compare and not is_ahead else {}
    # No day of the period is one of those before.
    beside = {name: split for name, split in before.items() if name != BY_DAY}
    tables = {name: await _table(context, subject, wish, name, now[name], beside.get(name)) for name in now}
    shown: Json = {"tables": tables}
    shown["total"] = _total(subject, _whole(subject, now), _whole(subject, before) if before else None)
    shown["period"] = wish.period.shown(context.zone)
    if before:
        shown["before"] = wish.period.before.shown(context.zone)
    return shown


async def added_up(context: Context, subject: Subject, period: Period, filters: Json) -> Sums:
    """The whole of a period, not split."""
    split = await _split(context, subject, period, BY_DAY, filters)
    return _add(split.sums.values(), len(subject.fields))


async def _before(context: Context, subject: Subject, wish: Wish, names: tuple[str, ...]) -> dict[str, Split]:
    compared = tuple(name for name in names if name != BY_DAY) or names
    earlier = Wish(period=wish.period.before, by=compared, filters=wish.filters, top=wish.top, compare=False)
    try:
        return await _splits(context, subject, earlier, earlier.period, " in the period before")
    except Refusal:
        return {}  # noted already, and the period itself is what was asked for


async def _splits(context: Context, subject: Subject, wish: Wish, period: Period, where: str = "") -> dict[str, Split]:
    work = (_split(context, subject, period, name, wish.filters) for name in wish.by)
    found = await asyncio.gather(*work, return_exceptions=True)
    splits: dict[str, Split] = {}
    refused: list[Refusal] = []
    for name, each in zip(wish.by, found, strict=True):
        if isinstance(each, Refusal):
            refused.append(each)
            context.note(f"by {name}{where}", each.sentence)
        elif isinstance(each, BaseException):
            raise each
        else:
            splits[name] = each
    if refused and not splits:
        raise refused[0]
    return splits


async def _split(context: Context, subject: Subject, period: Period, name: str, filters: Json) -> Split:
    dimension = subject.own.get(name) or DIMENSIONS[name]
    width = _width(context, subject, period, is_by_day=name == BY_DAY)
    asking: Json = {"start_time": period.start, "end_time": period.end, "bucket_width": width, **filters}
    if dimension.group_by:
        asking["group_by"] = list(dimension.group_by)
    buckets = await context.pages(subject.call, asking, size=subject.buckets[width])
    _note_edges(context, period, buckets)
    split = Split(sums={}, projects={})
    for bucket in buckets:
        day = day_of(bucket["start_time"], context.zone) if width == "1h" else day_of(bucket["start_time"])
        for result in _records(bucket.get("results")):
            key = day if name == BY_DAY else dimension.called(result.get(dimension.field))
            _put(split, key, result, subject.fields)
    return split


def _put(split: Split, key: str, result: Json, fields: tuple[str, ...]) -> None:
    sums = tuple(number_of(_field(result, field)) for field in fields)
    split.sums[key] = _add([split.sums[key], sums], len(fields)) if key in split.sums else sums
    if project := result.get("project_id"):
        split.projects.setdefault(key, set()).add(str(project))


def _width(context: Context, subject: Subject, period: Period, *, is_by_day: bool) -> str:
    """Days where they fit the period (and the zone, where days are shown); hours where they do not."""
    if "1h" not in subject.buckets or period.seconds > _MOST_HOURS_SECONDS:
        return "1d"
    is_aligned = is_midnight(period.start) and (is_midnight(period.end) or reaches_now(period, context.now))
    ends = (datetime.fromtimestamp(moment, context.zone).utcoffset() for moment in (period.start, period.end))
    is_utc = all(offset == timedelta(0) for offset in ends)
    return "1d" if is_aligned and (is_utc or not is_by_day) else "1h"


def _note_edges(context: Context, period: Period, buckets: list[Json]) -> None:
    """Some answers come in whole days or hours, however the period was asked for. Then the sums hold more."""
    if not buckets:
        return
    early, late = int(buckets[0]["start_time"]), int(buckets[-1]["end_time"])
    if early < period.start or late > max(period.end, until_now(context.now)):
        zone = context.zone
        told = f"{datetime.fromtimestamp(early, zone).isoformat()} to {datetime.fromtimestamp(late, zone).isoformat()}"
        context.note("the exact edges of the period", f"what came covers {told}")


async def _table(context: Context, subject: Subject, wish: Wish, name: str, now: Split, before: Split | None) -> Json:
    width = len(subject.fields)
    zero: Sums = (0,) * width
    whole = subject.main(_add(now.sums.values(), width))
    keys = sorted(now.sums) if name == BY_DAY else _ranked(subject, now, before)
    top = len(keys) if name == BY_DAY else wish.top
    labels = await _labels(context, name, keys[:top], now, before)

    def row(label: tuple[Any, ...], keys: list[str]) -> list[Any]:
        sums = _add((now.sums.get(key, zero) for key in keys), width)
        cells = [*label, *(subject.show(each) for each in sums), *(of(sums) for of in subject.derived.values())]
        cells.append(percent(subject.main(sums), whole))
        if before is not None:
            earlier = subject.main(_add((before.sums.get(key, zero) for key in keys), width))
            cells += [subject.show(earlier), change(subject.main(sums), earlier)]
        return cells

    rows = [row(labels[key], [key]) for key in keys[:top]]
    if rest := keys[top:]:
        padding = ("",) * (len(DIMENSIONS[name].columns) - 1)
        rows.append(row((f"others ({len(rest)})", *padding), rest))
    columns = [*DIMENSIONS[name].columns, *subject.columns, *subject.derived, "share_percent"]
    if before is not None:
        columns += [f"{subject.main_column}_before", "change_percent"]
    return {"columns": columns, "rows": rows}


def _ranked(subject: Subject, now: Split, before: Split | None) -> list[str]:
    """The largest first; what there was only before comes last."""
    keys = now.sums.keys() | (before.sums.keys() if before else set[str]())
    zero: Sums = (0,) * len(subject.fields)
    earlier = before.sums if before else {}
    return sorted(
        keys, key=lambda key: (-subject.main(now.sums.get(key, zero)), -subject.main(earlier.get(key, zero)), key)
    )


def _total(subject: Subject, now: Sums, before: Sums | None) -> Json:
    shown: Json = {name: subject.show(each) for name, each in zip(subject.columns, now, strict=True)}
    shown |= {name: of(now) for name, of in subject.derived.items()}
    if before is not None:
        shown[f"{subject.main_column}_before"] = subject.show(subject.main(before))
        shown["change_percent"] = change(subject.main(now), subject.main(before))
    return shown


def _whole(subject: Subject, splits: Mapping[str, Split]) -> Sums:
    """Every split adds up to the same; the first will do."""
    return _add(next(iter(splits.values())).sums.values(), len(subject.fields))


async def _labels(
    context: Context, name: str, keys: list[str], now: Split, before: Split | None
) -> dict[str, tuple[str, ...]]:
    """What stands in the naming columns, by key."""
    found = {key: _projects_of(key, now, before) for key in keys}
    everywhere = {project for each in found.values() for project in each}
    if name == "project":
        names = await directory.projects(context)
        return {key: (names.get(key, key), key) for key in keys}
    if name == "user":
        names = await directory.owners(context, everywhere)
        return {key: (names.get(key, key), key) for key in keys}
    if name == "key":
        names, projects = await asyncio.gather(directory.keys(context, everywhere), directory.projects(context))
        joined = {key: ", ".join(projects.get(each, each) for each in sorted(found[key])) for key in keys}
        return {key: (names.get(key, key), key, joined[key]) for key in keys}
    return {key: (key,) for key in keys}


def _projects_of(key: str, now: Split, before: Split | None) -> set[str]:
    earlier = before.projects.get(key, set[str]()) if before else set[str]()
    return now.projects.get(key, set[str]()) | earlier


def _add(sums: Iterable[Sums], width: int) -> Sums:
    listed = list(sums)
    return tuple(total(each[place] for each in listed) for place in range(width))


def _field(result: Json, path: str) -> Any:
    value: Any = result
    for name in path.split("."):
        value = value.get(name) if is_record(value) else None
    return value


def _records(value: Any) -> list[Json]:
    return [each for each in value if is_record(each)] if is_list(value) else []
