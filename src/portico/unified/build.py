"""Mappings and models as people write them → as they are read: checked, every expression compiled. Development only.

python -m portico.unified.build            writes what changed
python -m portico.unified.build --check    only says what is stale or wrong, exit code 1 if anything is
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from portico.catalog.build import INTEGRATIONS, as_text, read_yaml, stale, write
from portico.catalog.find import View
from portico.catalog.load import UNIFIED_FOLDER, load_folder
from portico.errors import Failure
from portico.shapes import Json, is_record
from portico.unified import grammar, mapping, models
from portico.unified.filters import Rules
from portico.unified.models import Model
from portico.unified.plan import EVERY, Layers

MODELS = Path(__file__).parent / "models"
GENERATED = "Made by scripts/catalog from the .yaml of the same name. Change that, not this."


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the unified models and the vendors' mappings.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a file is stale")
    chosen = parser.parse_args(arguments)
    outdated = 0
    for folder, files in _built():
        names = stale(folder, files)
        outdated += len(names)
        if not chosen.check:
            write(folder, files, names)
        for name in names:
            sys.stdout.write(f"{'stale' if chosen.check else 'written'}: {folder.parent.name}/{folder.name}/{name}\n")
    if chosen.check and outdated:
        sys.stderr.write("Run scripts/catalog and commit what it writes.\n")
    return 1 if chosen.check and outdated else 0


def _built() -> Iterator[tuple[Path, dict[str, str]]]:
    """(folder, its files) of the models, then of every vendor that has mappings."""
    known = {path.stem: read_yaml(path) for path in sorted(MODELS.glob("*.yaml"))}
    read = {name: models.read(value) for name, value in known.items()}
    yield MODELS, {f"{name}.json": as_text({"generated": GENERATED, **value}) for name, value in known.items()}
    for folder in sorted(INTEGRATIONS.glob("*/unified")):
        view = load_folder(folder.parent / "catalog")
        files: dict[str, str] = {}
        for path in sorted(folder.glob("*.yaml")):
            value = read_yaml(path)
            if failures := check(value, read, view):
                raise SystemExit(
                    "\n".join(f"{path.name}: {each.path}: {each.problem} {each.allowed}" for each in failures)
                )
            files[f"{path.stem}.json"] = as_text({"generated": GENERATED, **value})
        yield folder.parent / "catalog" / UNIFIED_FOLDER, files


def check(value: Json, known: dict[str, Model], view: View) -> list[Failure]:
    """What is wrong with one model's mappings for one vendor."""
    model = known.get(str(value.get("model")))
    if model is None:
        return [Failure("model", f"is {value.get('model')!r}", ", ".join(known))]
    resources = {name: each for name, each in value.items() if name != "model"}
    failures: list[Failure] = []
    for name, methods in resources.items():
        if name not in model.resources:
            failures.append(Failure(name, "is not a resource of the model", ", ".join(model.resources)))
        elif not is_record(methods):
            failures.append(Failure(name, "must be an object of methods"))
        else:
            failures += _check_resource(model, name, resources, view)
    return failures


def _check_resource(model: Model, name: str, resources: Json, view: View) -> list[Failure]:
    layers = Layers(levels=(("integration", resources),))
    failures: list[Failure] = []
    for method in layers.methods(name):
        if method == EVERY:
            continue
        merged = layers.plan(model.model, name, method, "").value
        place = f"{name}.{method}"
        found = grammar.check(merged, view, place)
        if not found:
            found = [Failure(*each) for each in mapping.check(grammar.expressions(merged), place)]
            found += _check_fields(model, name, merged, place)
            Rules.of(model.resource(name), merged)
        failures += found
    return failures


def _check_fields(model: Model, name: str, merged: Json, place: str) -> list[Failure]:
    """A mapping of ours fills only what the model has."""
    made = merged.get("response_mapping")
    fields = model.resource(name).fields
    if not is_record(made):
        return []
    return [Failure(f"{place}.{each}", "is not a field of the model") for each in made if each not in fields]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except msgspec.ValidationError as problem:
        sys.exit(f"a model: {problem}")
