"""How a list is paged, told from a record's arguments and answer: what is sent, and where the next value stands."""

from portico.catalog.harvest.narrow import JsonObject, compact
from portico.catalog.harvest.record import Record

CURSOR_ARGUMENTS = ("after", "page")
ENVELOPE = ("has_more", "first_id", "last_id", "next", "next_page")
NEXT_VALUES = ("last_id", "next_page", "next")
LAST_ITEM = "data[-1].id"


def page_json(record: Record) -> JsonObject:
    """Page facts, or nothing for an operation that is no list and takes no cursor."""
    sent = cursor_argument(record)
    if not record.page_style and not sent:
        return {}
    fields = [name for name in ENVELOPE if name in record.answer.fields]
    style: JsonObject = {"style": record.page_style or None, "send": sent or None, "next_from": next_from(record)}
    backwards = any(entry.place == "query" and entry.name == "before" for entry in record.parameters)
    return style | {"fields": fields} | compact({"backwards": backwards})


def next_from(record: Record) -> str | None:
    """Where the next cursor stands; None where the answer is a single page."""
    if not cursor_argument(record):
        return None
    return next((name for name in NEXT_VALUES if name in record.answer.fields), LAST_ITEM)


def cursor_argument(record: Record) -> str:
    """The argument that carries the cursor; empty where there is none, or no list to move through."""
    if "data" not in record.answer.fields or record.verb != "GET":
        return ""
    names = [entry.name for entry in record.parameters if entry.place == "query"]
    return next((name for name in CURSOR_ARGUMENTS if name in names), "")
