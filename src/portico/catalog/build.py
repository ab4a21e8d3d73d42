"""Definition files + inventory → generated catalog files. Development only; the one reader of YAML.

python -m portico.catalog.build            writes what changed
python -m portico.catalog.build --check    only says what is stale, exit code 1 if anything is
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import yaml

from portico.catalog.compile import compile_definition
from portico.catalog.find import View
from portico.catalog.load import INTEGRATION_FILE
from portico.errors import InvalidArguments

Json = dict[str, Any]
INTEGRATIONS = Path(__file__).parent.parent / "integrations"
GENERATED = "Made by scripts/catalog from definition/*.yaml and inventory.json. Change those, not this."
VENDOR_FILE, PRICES_FILE, EXCEPTIONS_FILE = "vendor.yaml", "prices.yaml", "exceptions.yaml"
_NOT_RESOURCES = frozenset({VENDOR_FILE, PRICES_FILE, "inventory-notes.yaml", EXCEPTIONS_FILE})


def read_folder(folder: Path) -> tuple[Json, Json | None]:
    """(the definition of one vendor put together from its files, its inventory if it has one)."""
    definition: Json = read_yaml(folder / "definition" / VENDOR_FILE)
    prices = folder / "definition" / PRICES_FILE
    if prices.exists():
        definition["prices"] = read_yaml(prices)
    resources: Json = definition.setdefault("resources", {})
    for path in sorted((folder / "definition").glob("*.yaml")):
        if path.name in _NOT_RESOURCES:
            continue
        found: Json = read_yaml(path).get("resources") or {}
        for name, methods in found.items():
            if name in resources:
                raise SystemExit(f"{path}: the resource {name!r} is defined in another file already")
            resources[name] = methods
    inventory = folder / "inventory.json"
    return definition, json.loads(inventory.read_text("utf-8")) if inventory.exists() else None


def compile_folder(folder: Path) -> View:
    definition, inventory = read_folder(folder)
    return compile_definition(definition, inventory)


def render(view: View) -> dict[str, str]:
    """File name → content, in a fixed order and form."""
    files = {INTEGRATION_FILE: as_text(msgspec.to_builtins(view.integration))}
    for resource in view.resources:
        operations = [msgspec.to_builtins(each) for each in view.operations if each.resource == resource]
        files[f"{resource}.json"] = as_text({"generated": GENERATED, "resource": resource, "operations": operations})
    return files


def stale(folder: Path, files: dict[str, str]) -> list[str]:
    present = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")} if folder.exists() else {}
    return sorted(name for name in files.keys() | present.keys() if files.get(name) != present.get(name))


def write(folder: Path, files: dict[str, str], names: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        if name in files:
            (folder / name).write_text(files[name], "utf-8")
        else:
            (folder / name).unlink()


def read_yaml(path: Path) -> Json:
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader) or {}


def as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the catalog from its definitions.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file is stale")
    chosen = parser.parse_args(arguments)
    outdated = 0
    for definition in sorted(INTEGRATIONS.glob(f"*/definition/{VENDOR_FILE}")):
        folder = definition.parent.parent
        try:
            files = render(compile_folder(folder))
        except InvalidArguments as problem:
            for failure in problem.failures:
                sys.stderr.write(
                    f"{folder.name}: {failure.path}: {failure.problem} {failure.allowed and f'[{failure.allowed}]'}\n"
                )
            return 1
        names = stale(folder / "catalog", files)
        outdated += len(names)
        if not chosen.check:
            write(folder / "catalog", files, names)
        for name in names:
            sys.stdout.write(f"{'stale' if chosen.check else 'written'}: {folder.name}/catalog/{name}\n")
    if chosen.check and outdated:
        sys.stderr.write("Run scripts/catalog and commit what it writes.\n")
    return 1 if chosen.check and outdated else 0


if __name__ == "__main__":
    sys.exit(main())
