"""Lists of objects as tables: the names once, the values in rows. Pure."""

from typing import Any

from portico.gateway.shorten import size_of
from portico.shapes import Json, is_list, is_record
from portico.toolbox.fields import spell_name

COLUMNS, ROWS = "columns", "rows"


def as_table(items: Any) -> Json | None:
    """Objects in objects under dotted names, what an item lacks as null. None where that would not be shorter."""
    if not is_list(items) or not items or not all(is_record(each) for each in items):
        return None
    flat = [_flat(each) for each in items]
    columns = list(dict.fromkeys(name for each in flat for name in each))
    table: Json = {COLUMNS: columns, ROWS: [[each.get(name) for name in columns] for each in flat]}
    return table if size_of(table) < size_of(items) else None


def with_tables(value: Any) -> Any:
    """The value with every list in it that is shorter as a table."""
    if is_list(value):
        return as_table(value) or [with_tables(each) for each in value]
    if is_record(value):
        return {name: with_tables(each) for name, each in value.items()}
    return value


def _flat(value: Json, before: str = "") -> Json:
    flat: Json = {}
    for name, each in value.items():
        path = f"{before}{spell_name(str(name))}"
        if is_record(each) and each:
            flat |= _flat(each, f"{path}.")
        else:
            flat[path] = each
    return flat
