"""JSON laid out for people and diffs: what fits on a line stays on it, larger things one entry per line."""

import json

from portico.catalog.harvest.narrow import as_list, as_object

WIDTH = 120
STEP = " "


def lay_out(value: object, indent: str = "") -> str:
    short = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    deeper = indent + STEP
    members, values = as_object(value), as_list(value)
    if len(short) + len(indent) <= WIDTH or not (members or values):
        return short
    if members:
        entries = [f"{json.dumps(key)}: {lay_out(entry, deeper)}" for key, entry in members.items()]
        return "{\n" + ",\n".join(deeper + entry for entry in entries) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + row for row in _rows(values, deeper)) + f"\n{indent}]"


def _rows(values: list[object], indent: str) -> list[str]:
    """Plain values share lines up to the width; anything larger has its own."""
    if any(isinstance(value, dict | list) for value in values):
        return [lay_out(value, indent) for value in values]
    rows: list[str] = []
    for text in (json.dumps(value, ensure_ascii=False) for value in values):
        if rows and len(indent) + len(rows[-1]) + len(text) + 3 <= WIDTH:
            rows[-1] += f", {text}"
        else:
            rows.append(text)
    return rows
