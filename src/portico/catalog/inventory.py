"""Writes a vendor's inventory from its SDK package and its OpenAPI file, and reports how the sources have moved.

Development only: nothing of the gateway imports it. The package is read as text and never imported.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from portico.catalog.harvest.answer_schemas import answers_json
from portico.catalog.harvest.codec import read_records, records_json
from portico.catalog.harvest.drift import Change, drift
from portico.catalog.harvest.layout import lay_out
from portico.catalog.harvest.merge import merge, openapi_half
from portico.catalog.harvest.narrow import JsonObject, as_object, as_text
from portico.catalog.harvest.notes import Notes, read_notes
from portico.catalog.harvest.openapi import read_openapi
from portico.catalog.harvest.record import Record
from portico.catalog.harvest.sdk import Sdk

VENDOR = Path(__file__).parent.parent / "integrations" / "openai"
PACKAGE = "openai"
FORMAT = 1
ANSWERS = "answers.json"


class NoPackage(Exception):
    """The SDK package is not installed."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the inventory file holds today."""

    sdk_version: str
    openapi_version: str
    records: list[Record]


def main(arguments: Sequence[str] | None = None, out: TextIO = sys.stdout) -> int:
    options = _options(arguments)
    sdk, notes = Sdk(options.package or installed()), read_notes(options.notes)
    if options.check:
        return check(options.inventory, sdk, notes, options.openapi, out=out, as_json=options.json)
    text = build(options.inventory, sdk, notes, options.openapi)
    options.inventory.write_text(text, encoding="utf-8")
    options.inventory.with_name(ANSWERS).write_text(answers_text(sdk, notes), encoding="utf-8")
    return 0


def installed() -> Path:
    """The folder of the installed package; finding it does not run it."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise NoPackage(PACKAGE)
    return Path(spec.origin).parent


def build(inventory: Path, sdk: Sdk, notes: Notes, openapi: Path | None) -> str:
    """The inventory file's text; without an OpenAPI file its facts are those the present file holds."""
    if openapi is not None:
        openapi_version, first = read_openapi(openapi, notes.corrections)
    else:
        held = read(inventory)
        openapi_version = held.openapi_version
        first = [openapi_half(record) for record in held.records if record.in_openapi]
    records = merge(first, sdk.records(), notes.operations)
    about: JsonObject = {
        "made_by": "scripts/inventory",
        "format": FORMAT,
        "sdk": {"package": PACKAGE, "version": sdk.version},
        "openapi": {"version": openapi_version or None},
    }
    return lay_out({"about": about, "operations": records_json(records)}) + "\n"


def answers_text(sdk: Sdk, notes: Notes) -> str:
    """The text of the file of answers: what each operation answers, as far as the SDK knows."""
    return lay_out({"made_by": "scripts/inventory", **answers_json(sdk.answers(), notes.listed)}) + "\n"


def read(inventory: Path) -> Held:
    """The file's content; an empty one where there is no file yet."""
    if not inventory.is_file():
        return Held("", "", [])
    content = as_object(json.loads(inventory.read_text(encoding="utf-8")))
    about = as_object(content.get("about"))
    return Held(
        as_text(as_object(about.get("sdk")).get("version")),
        as_text(as_object(about.get("openapi")).get("version")),
        read_records(content.get("operations")),
    )


def check(inventory: Path, sdk: Sdk, notes: Notes, openapi: Path | None, *, out: TextIO, as_json: bool) -> int:
    """Report every difference; 1 when one of them breaks calls, else 0."""
    held = read(inventory)
    changes = drift(held.records, sdk.records(), "sdk")
    versions: JsonObject = {"sdk": {"held": held.sdk_version, "found": sdk.version}}
    if openapi is not None:
        openapi_version, first = read_openapi(openapi, notes.corrections)
        changes += drift(held.records, first, "openapi")
        versions["openapi"] = {"held": held.openapi_version, "found": openapi_version}
    told = [change for change in changes if not _is_ignored(change, notes)]
    if as_json:
        report = {"versions": versions, "changes": [asdict(change) for change in told]}
        out.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    else:
        out.write(_table(versions, told))
    return 1 if any(change.severity == "break" for change in told) else 0


def _is_ignored(change: Change, notes: Notes) -> bool:
    return (change.call, change.name) in notes.ignored or (change.call, "") in notes.ignored


def _table(versions: JsonObject, changes: Sequence[Change]) -> str:
    lines: list[str] = []
    for source, pair in versions.items():
        entry = as_object(pair)
        lines.append(f"{source}: inventory {entry['held'] or 'none'}, found {entry['found'] or 'none'}")
    rows = [(change.severity, change.source, f"{change.call} {change.name}".strip(), change.what) for change in changes]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        lines.append("  ".join([*(text.ljust(width) for text, width in zip(row[:3], widths, strict=True)), row[3]]))
    counts = {word: sum(change.severity == word for change in changes) for word in ("break", "new", "changed")}
    lines.append(f"{counts['break']} breaking, {counts['new']} new, {counts['changed']} changed")
    return "\n".join(lines) + "\n"


class _Options(argparse.Namespace):
    check: bool
    json: bool
    openapi: Path | None
    package: Path | None
    inventory: Path
    notes: Path


def _options(arguments: Sequence[str] | None) -> _Options:
    parser = argparse.ArgumentParser(
        prog="inventory", description="Rebuild the inventory, or compare it with its sources."
    )
    parser.add_argument("--check", action="store_true", help="report differences instead of writing")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--openapi", type=Path, help="an OpenAPI file, JSON or YAML")
    parser.add_argument("--package", type=Path, help="folder of the SDK package; default: the installed one")
    parser.add_argument("--inventory", type=Path, default=VENDOR / "inventory.json")
    parser.add_argument("--notes", type=Path, default=VENDOR / "definition" / "inventory-notes.yaml")
    return parser.parse_args(arguments, namespace=_Options())


if __name__ == "__main__":
    sys.exit(main())
