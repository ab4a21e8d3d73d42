"""How usage is reported: in buckets of time, filtered and grouped. What is added up differs from report to report."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from portico.sandbox.pages import Token
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json
from portico.sandbox.state import Usage
from portico.sandbox.values import Values
from portico.sandbox.wire import Ask

DAY, HOUR, MINUTE = 86_400, 3_600, 60
PAGES = Token()


@dataclass(frozen=True, slots=True)
class Width:
    """How long a bucket is, and how many of them a page has unless asked otherwise, and at most."""

    seconds: int
    default: int
    maximum: int


WIDTHS = {"1d": Width(DAY, 7, 31), "1h": Width(HOUR, 24, 168), "1m": Width(MINUTE, 60, 1440)}
COST_WIDTHS = {"1d": Width(DAY, 7, 180)}

# What a row can be grouped by: the name in the report, the filter for it, and what a row says of it.
Group = str | bool | None
GROUPS: dict[str, tuple[str | None, Callable[[Usage], Group]]] = {
    "project_id": ("project_ids", lambda used: used.project_id),
    "user_id": ("user_ids", lambda used: used.user_id or None),
    "api_key_id": ("api_key_ids", lambda used: used.api_key_id or None),
    "model": ("models", lambda used: used.model or None),
    "batch": (None, lambda used: used.is_batch),
    "service_tier": (None, lambda used: used.labels.get("service_tier", "default")),
    "api_source": (None, lambda used: used.labels.get("api_source", "unlabeled")),
    "size": ("sizes", lambda used: used.labels.get("size")),
    "source": ("sources", lambda used: used.labels.get("source")),
    "context_level": ("context_levels", lambda used: used.labels.get("context_level")),
    "vector_store_id": ("vector_store_ids", lambda used: used.labels.get("vector_store_id")),
}
CLOSED_LISTS = {
    "sources": ("image.generation", "image.edit", "image.variation"),
    "context_levels": ("low", "medium", "high"),
}

# From the rows of one bucket and the groups that were asked for to its results.
Results = Callable[[Iterable[Usage], Sequence[str]], list[Json]]


def answer(ask: Ask, rows: list[Usage], widths: dict[str, Width], groups: Sequence[str], results: Results) -> Json:
    """One page of buckets. The first and the last are shorter where the wanted time begins or ends inside them."""
    width = widths[ask.query.choice("bucket_width", tuple(widths), "1d") or "1d"]
    wanted = grouping(ask.query, groups)
    start, end = _span(ask)
    # Without an end, the bucket that has just begun is the last one.
    last = end if end is not None else ask.now + 1
    starts = range(start // width.seconds * width.seconds, last, width.seconds)
    moments = [used.at for used in rows]

    def show(begins: int) -> Json:
        first = max(begins, start)
        until = begins + width.seconds if end is None else min(begins + width.seconds, end)
        inside = rows[bisect_left(moments, first) : bisect_left(moments, until)]
        return {"object": "bucket", "start_time": first, "end_time": until, "results": results(inside, wanted)}

    return PAGES.answer(ask, starts, show, width.default, width.maximum)


def grouping(query: Values, groups: Sequence[str]) -> list[str]:
    wanted = query.many("group_by")
    for name in wanted:
        if name not in groups:
            raise invalid(f"'group_by' takes {', '.join(groups)}, not '{name}'.", "group_by")
    return [name for name in groups if name in wanted]


def passing(query: Values, rows: Iterable[Usage], groups: Iterable[str]) -> list[Usage]:
    """The rows that pass the filters for these groups."""
    chosen = list(rows)
    for name in groups:
        word, read = GROUPS[name]
        values = set(query.many(word)) if word is not None else set[str]()
        if word in CLOSED_LISTS and values - set(CLOSED_LISTS[word]):
            raise invalid(f"'{word}' takes {', '.join(CLOSED_LISTS[word])}.", word)
        if values:
            chosen = [used for used in chosen if read(used) in values]
    if "batch" in groups and query.text("batch") not in (None, ""):
        only_batch = query.flag("batch")
        chosen = [used for used in chosen if used.is_batch == only_batch]
    return chosen


def grouped(rows: Iterable[Usage], wanted: Sequence[str]) -> dict[tuple[Group, ...], list[Usage]]:
    """The rows by what the wanted groups say of them, in an order that doesn't depend on the rows' order."""
    readers = [GROUPS[name][1] for name in wanted]
    found: dict[tuple[Group, ...], list[Usage]] = {}
    for used in rows:
        found.setdefault(tuple([read(used) for read in readers]), []).append(used)
    return dict(sorted(found.items(), key=lambda pair: [str(part) for part in pair[0]]))


def _span(ask: Ask) -> tuple[int, int | None]:
    if ask.query.text("start_time") in (None, ""):
        raise missing("start_time")
    start = ask.query.integer("start_time", 0)
    if ask.query.text("end_time") in (None, ""):
        return start, None
    end = ask.query.integer("end_time", 0)
    if end <= start:
        raise invalid("'end_time' must be later than 'start_time'.", "end_time")
    return start, end
