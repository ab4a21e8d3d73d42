"""Generated catalog files → Operation values. Refuses malformed ones, naming the file and the field."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from portico.catalog.find import View
from portico.errors import Refusal
from portico.model.offered import Offered
from portico.model.operation import Integration, Operation

T = TypeVar("T")

INTEGRATION_FILE = "integration.json"
UNIFIED_FOLDER = "unified"


class CatalogMalformed(Refusal):
    """A generated catalog file cannot be read; run scripts/catalog to make it again."""

    code = "catalog_malformed"


class ResourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """One generated file: a resource and all its operations. `generated` says by what, for whoever opens it."""

    generated: str
    resource: str
    operations: tuple[Operation, ...]


_integration = msgspec.json.Decoder(Integration)
_resource = msgspec.json.Decoder(ResourceFile)
_mappings = msgspec.json.Decoder(dict[str, Any])
_NOT_RESOURCES = frozenset({"generated", "model"})


def load_folder(folder: Path, composed: Iterable[Offered] = ()) -> View:
    """One integration from its folder of generated files, with the tools that are composed of its operations."""
    integration = _decode(folder / INTEGRATION_FILE, _integration)
    operations: list[Operation] = []
    for path in sorted(folder.glob("*.json")):
        if path.name != INTEGRATION_FILE:
            operations.extend(_decode(path, _resource).operations)
    return View(integration, operations, composed)


def load_mappings(folder: Path) -> dict[str, dict[str, Any]]:
    """What a vendor is in the words of the unified models: model → resource → method → mapping."""
    found = [_decode(path, _mappings) for path in sorted((folder / UNIFIED_FOLDER).glob("*.json"))]
    return {
        each["model"]: {name: value for name, value in each.items() if name not in _NOT_RESOURCES} for each in found
    }


def _decode(path: Path, decoder: "msgspec.json.Decoder[T]") -> T:
    try:
        return decoder.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as problem:
        raise CatalogMalformed(f"{path}: {problem}. Run scripts/catalog to make it again.") from problem
