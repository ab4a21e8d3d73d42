"""A unified model's documentation as a page of Markdown or HTML, of the same facts as its JSON. Pure."""

import html
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from portico.shapes import Json

Format = Literal["md", "html"]
KINDS: dict[Format, str] = {"md": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8"}
_TABLES = {"schema": "Fields", "query_schema": "Filters", "request_body_schema": "What a write takes"}


class Heading(NamedTuple):
    level: int
    text: str


class Table(NamedTuple):
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


Block = Heading | Table | str


def page_of(shown: Json, integration: str, form: Format) -> str:
    """`shown`: the model as its JSON has it; `integration`: whose mappings these are, by its label."""
    write = _markdown if form == "md" else _html
    return "\n".join(write(block) for block in _blocks(shown, integration)) + "\n"


def _blocks(shown: Json, integration: str) -> Iterable[Block]:
    yield Heading(1, f"{shown['label']}: {integration}")
    yield shown["description"]
    for name, resource in shown["resources"].items():
        yield Heading(2, name)
        yield resource["description"]
        yield f"Methods: {', '.join(resource['methods'])}."
        for part, title in _TABLES.items():
            if properties := resource[part].get("properties"):
                yield Heading(3, title)
                yield Table(("Name", "Type", "Meaning"), [_row(field, each) for field, each in properties.items()])


def _row(name: str, schema: Json) -> tuple[str, ...]:
    return name, _type(schema), schema.get("description", "")


def _type(schema: Json) -> str:
    if enum := schema.get("enum"):
        return " or ".join(str(each) for each in enum)
    kind: Any = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items') or {})}"
    if kind == "object" and schema.get("properties"):
        return f"object ({', '.join(schema['properties'])})"
    return schema.get("format") or (kind if isinstance(kind, str) else " or ".join(kind))


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_plain(block.text)}\n"
    if isinstance(block, Table):
        lines = [block.head, tuple("---" for _ in block.head), *block.rows]
        return "\n".join(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines) + "\n"
    return f"{_plain(block)}\n"


def _plain(text: str) -> str:
    """In one line, without what would begin a cell, a tag or a link."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    return "".join(f"\\{sign}" if sign in "|[]`\\" else sign for sign in escaped)


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Table):
        head = "".join(f"<th>{html.escape(cell)}</th>" for cell in block.head)
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>\n" for row in block.rows)
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"
    return f"<p>{html.escape(block)}</p>"
