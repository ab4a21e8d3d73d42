"""The catalog as a page of the docs: every operation with its names, key, effect, state and tests. Development only.

python -m portico.catalog.document [--check]
"""

import sys
from pathlib import Path

from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.model.operation import Operation

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "operations.md"
CATALOG = ROOT / "src" / "portico" / "integrations" / "openai" / "catalog"
_HEAD = """\
# Operations

Every operation of {label}'s API that Portico knows: {count}. Made by `scripts/docs`; the same as data:
`portico catalog list --json`. Each is called twice by the tests, from its own example, against the sandbox: through the
Proxy API and as a tool (`tests/catalog/test_every_operation.py`).

| state | operations |
| --- | --- |
{states}

Areas, by which tools and MCP servers are filtered:

| area | what it is |
| --- | --- |
{areas}
"""


def render(view: View) -> str:
    states: dict[str, int] = {}
    for each in view.operations:
        states[each.lifecycle.state] = states.get(each.lifecycle.state, 0) + 1
    head = _HEAD.format(
        label=view.integration.label,
        count=len(view.operations),
        states="\n".join(f"| {name} | {count} |" for name, count in states.items()),
        areas="\n".join(f"| `{name}` | {words} |" for name, words in view.integration.tags.items()),
    )
    sections = [_section(view, resource) for resource in view.resources]
    return head + "\n" + "\n".join(sections)


def _section(view: View, resource: str) -> str:
    rows = [_row(each) for each in view.operations if each.resource == resource]
    return (
        f"## {resource}\n\n| method | call | tool | key | effect | state |\n| --- | --- | --- | --- | --- | --- |\n"
        + "\n".join(rows)
        + "\n"
    )


def _row(operation: Operation) -> str:
    lifecycle = operation.lifecycle
    state = lifecycle.state if lifecycle.date is None else f"{lifecycle.state} {lifecycle.date}"
    if lifecycle.replacement:
        state += f", use {lifecycle.replacement}"
    aliases = "".join(f", `{name}`" for name in operation.tool.aliases)
    key = operation.credential.removesuffix("_key")
    return (
        f"| {operation.method} | `{operation.verb} {operation.path}` | `{operation.tool.name}`{aliases} | {key} "
        f"| {operation.effect} | {state} |"
    )


def main(arguments: list[str]) -> int:
    text = render(load_folder(CATALOG))
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"{PAGE.relative_to(ROOT)} is stale; run scripts/docs and commit it.\n")
        return 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
