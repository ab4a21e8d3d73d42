"""The catalog as a page of the docs: every operation with its names, key, effect, state and tests. Development only.

python -m portico.catalog.document [--check]
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.model.operation import Operation

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "operations.md"
CATALOG = ROOT / "src" / "portico" / "integrations" / "openai" / "catalog"
TESTED_BY = ROOT / "tests" / "catalog" / "tested_by.json"
_HEAD = """\
# Operations

Every operation of {label}'s API that Portico knows: {count}. Made by `scripts/docs`; the same as data:
`portico catalog list --json`. Each is called twice by the tests, from its own example, against the sandbox: through the
Proxy API and as a tool (`tests/catalog/test_every_operation.py`).

`tested by` names files with more tests. `openai_sdk…` calls it with the official SDK through a gateway ({passthrough}
operations), `sandbox_…` with the official SDK at the sandbox ({sdk}) or, in brackets, by bare HTTP where the SDK has no
way ({http}); the files are `tests/outside/test_….py` and `tests/sandbox/test_….py`. `scripts/tested-by` writes down in
`tests/catalog/tested_by.json` which test calls what; each of these tests fails where it does not do what is said of it.

States and dates are as the definition has them, and the gateway goes by its clock: what is deprecated with a date, or
read-only with an end, is removed from that day of UTC on, and what becomes so on a later day is deprecated until then.

| state | operations |
| --- | --- |
{states}

Areas, by which tools and MCP servers are filtered:

| area | what it is |
| --- | --- |
{areas}
"""


TestedBy = Mapping[str, Mapping[str, str]]


def render(view: View, tested_by: TestedBy) -> str:
    states: dict[str, int] = {}
    for each in view.operations:
        states[each.lifecycle.state] = states.get(each.lifecycle.state, 0) + 1
    head = _HEAD.format(
        label=view.integration.label,
        count=len(view.operations),
        states="\n".join(f"| {name} | {count} |" for name, count in states.items()),
        areas="\n".join(f"| `{name}` | {words} |" for name, words in view.integration.tags.items()),
        **{way: sum(way in ways for ways in tested_by.values()) for way in ("passthrough", "sdk", "http")},
    )
    sections = [_section(view, resource, tested_by) for resource in view.resources]
    return head + "\n" + "\n".join(sections)


def _section(view: View, resource: str, tested_by: TestedBy) -> str:
    rows = [_row(each, tested_by.get(each.key, {})) for each in view.operations if each.resource == resource]
    columns = ("method", "call", "tool", "key", "effect", "state", "tested by")
    return f"## {resource}\n\n| {' | '.join(columns)} |\n{'| --- ' * len(columns)}|\n" + "\n".join(rows) + "\n"


def _row(operation: Operation, tests: Mapping[str, str]) -> str:
    lifecycle = operation.lifecycle
    state = lifecycle.state if lifecycle.date is None else f"{lifecycle.state} {lifecycle.date}"
    if lifecycle.ends is not None:
        state += f", ends {lifecycle.ends}"
    if lifecycle.replacement:
        state += f", use {lifecycle.replacement}"
    aliases = "".join(f", `{name}`" for name in operation.tool.aliases)
    key = operation.credential.removesuffix("_key")
    return (
        f"| {operation.method} | `{operation.verb} {operation.path}` | `{operation.tool.name}`{aliases} | {key} "
        f"| {operation.effect} | {state} | {_tests(tests)} |"
    )


def _tests(tests: Mapping[str, str]) -> str:
    """The files, in the order of the ways."""
    files = {way: Path(test.partition("::")[0]).stem.removeprefix("test_") for way, test in tests.items()}
    return ", ".join(f"(`{name}`)" if way == "http" else f"`{name}`" for way, name in files.items())


def main(arguments: list[str]) -> int:
    text = render(load_folder(CATALOG), json.loads(TESTED_BY.read_text("utf-8")))
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"{PAGE.relative_to(ROOT)} is stale; run scripts/docs and commit it.\n")
        return 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
