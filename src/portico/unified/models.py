"""Unified models: what a record of each resource looks like, whoever the vendor is. Data beside this file says so."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from portico.errors import NotFound
from portico.shapes import Json

FilterType = Literal["string", "array", "boolean", "integer", "moment", "range"]
DEFAULT_LIMIT = 50
MOST_ITEMS = 500  # of a page
STANDARD = ("list", "get", "create", "update", "delete")


class Filter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that a list can be narrowed by. `field`: what to look at where the vendor does not do it."""

    type: FilterType = "string"
    field: str = ""
    description: str = ""
    enum: tuple[str, ...] = ()


class Resource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    says: str
    fields: dict[str, Json] = {}
    filters: dict[str, Filter] = {}
    sort: tuple[str, ...] = ()
    body: dict[str, Json] = {}
    same_as: str = ""
    methods: tuple[str, ...] = STANDARD

    def schema(self) -> Json:
        """A record as JSON Schema. Mappings may add fields of their own."""
        remote = {"description": "The vendor's own record", "type": ["object", "null"]}
        return {"type": "object", "properties": {**self.fields, "remote_data": remote}, "required": ["id"]}


class Model(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    label: str
    says: str
    resources: dict[str, Resource]

    def resource(self, name: str) -> Resource:
        found = self.resources.get(name)
        if found is None:
            raise NotFound(f"The unified model {self.model!r} has no {name!r}; it has: {', '.join(self.resources)}.")
        if not found.same_as:
            return found
        other = self.resources[found.same_as]
        return structs.replace(other, says=found.says, methods=found.methods, same_as="")


@cache
def shipped() -> Mapping[str, Model]:
    """All models that there are, by name."""
    folder = resources.files("portico.unified").joinpath("models")
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".json")), key=lambda each: each.name)
    found = [read(msgspec.json.decode(each.read_bytes())) for each in files]
    return {each.model: each for each in found}


def read(value: Any) -> Model:
    return msgspec.convert({name: each for name, each in value.items() if name != "generated"}, Model)


def find(name: str) -> Model:
    found = shipped().get(name)
    if found is None:
        raise NotFound(f"There is no unified model {name!r}; there are: {', '.join(shipped())}.")
    return found
