"""Begin a new vendor from an OpenAPI file: its facts as an inventory, and a definition that still lacks its words.

Development only. The names follow the grammar of names.py; whoever goes on writes the sentences and the credentials.
"""

from collections.abc import Iterable
from pathlib import Path

import yaml

from portico.catalog.compile import compile_definition
from portico.catalog.harvest.codec import records_json
from portico.catalog.harvest.layout import lay_out
from portico.catalog.harvest.merge import merge
from portico.catalog.harvest.openapi import read_openapi
from portico.catalog.harvest.record import Record
from portico.catalog.names import resource_and_method
from portico.errors import AlreadyExists
from portico.shapes import Json

VENDOR_TEMPLATE = """\
# {label}: what is true of the vendor as a whole. The words that may be used here are in docs/reference/definitions.md.

name: {name}
label: {label}
category: other
base_url: https://api.example.com
context:
  api_key: {{label: API key, secret: true}}
credentials:
  key:
    label: API key
    field: api_key
    headers:
      Authorization: Bearer {{api_key}}
rules:
  credential:
    - {{path: /**, use: key}}
tags:
  {name}: Everything that {label} can do.
"""


def scaffold(name: str, openapi: Path, folder: Path, *, force: bool = False) -> list[Path]:
    """The files written. What they define compiles at once; `portico catalog check` says which words are missing."""
    if folder.exists() and any(folder.iterdir()) and not force:
        raise AlreadyExists(f"{folder} is not empty; choose another folder, or write over it with --force.")
    version, found = read_openapi(openapi, {})
    records = merge(found, [], [])
    inventory: Json = {
        "about": {"made_by": "portico catalog new", "format": 1, "openapi": {"version": version}},
        "operations": records_json(records),
    }
    resources = _named(records)
    vendor = VENDOR_TEMPLATE.format(name=name, label=name.replace("_", " ").title())
    compile_definition({**yaml.safe_load(vendor), "resources": resources}, inventory)
    files = {
        folder / "inventory.json": lay_out(inventory) + "\n",
        folder / "definition" / "vendor.yaml": vendor,
        folder / "definition" / "operations.yaml": _yaml(resources, name),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(files)


def _named(records: Iterable[Record]) -> dict[str, dict[str, Json]]:
    """Resource → method → call; a second operation of the same name gets its last fixed word as its method."""
    resources: dict[str, dict[str, Json]] = {}
    for record in records:
        resource, method = resource_and_method(record.verb, record.path)
        methods = resources.setdefault(_word(resource), {})
        name = _word(method)
        while name in methods:
            name = f"{name}_{_word(record.path.replace('{', '').replace('}', '').rsplit('/', 1)[-1])}"
        methods[name] = {"call": f"{record.verb} {record.path}"}
    return resources


def _word(text: str) -> str:
    """As a name of ours: lower case, letters, digits and _."""
    cleaned = "".join(letter if letter.isalnum() else "_" for letter in text.lower()).strip("_")
    return cleaned if cleaned[:1].isalpha() else f"r_{cleaned}"


def _yaml(resources: dict[str, dict[str, Json]], tag: str) -> str:
    lines = ["resources:"]
    for resource, methods in resources.items():
        lines += [f"  {resource}:", f"    tags: [{tag}]"]
        for method, entry in methods.items():
            lines += [f"    {method}:", f"      call: {entry['call']}"]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
