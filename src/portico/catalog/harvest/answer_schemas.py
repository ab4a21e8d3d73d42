"""Whole answers as JSON Schema, taken from shapes: names, kinds, what may be null, listed values. No sentences.

A shape that stands in several places is written once, under the digest of what it says, so that it keeps its name when
others come and go.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from portico.catalog.harvest.narrow import JsonObject, Scalar, as_list, as_object, as_objects
from portico.catalog.harvest.notes import Listed, UnknownNote
from portico.catalog.harvest.shape import NULL, Field, Shape

DEFINITIONS = "$defs"
_KINDS = {"file": "string"}


def answers_json(shapes: Mapping[str, Shape], listed: Iterable[Listed] = ()) -> JsonObject:
    """All answers by their call, and the shapes that they share. `listed`: what the shapes leave out."""
    schemas = {call: schema_of(shape) for call, shape in sorted(shapes.items())}
    for each in listed:
        if not _listed(schemas.get(each.call, {}), each.place.split("."), each.also):
            raise UnknownNote(f"answers: {each.call} lists no values at {each.place}")
    seen: Counter[str] = Counter()
    for schema in schemas.values():
        _count(schema, seen)
    shared: JsonObject = {}
    operations = {call: _shared(schema, seen, shared) for call, schema in schemas.items()}
    return {DEFINITIONS: dict(sorted(shared.items())), "operations": operations}


def schema_of(shape: Shape) -> JsonObject:
    """A shape as JSON Schema. What may come besides the listed values and fields is left open, as vendors add both."""
    if shape.type == "any":
        return {}
    if shape.type == "union":
        return {"anyOf": [*(schema_of(part) for part in shape.any_of), *([{"type": NULL}] if shape.nullable else [])]}
    schema = _plain(shape)
    if not shape.nullable:
        return schema
    if "properties" in schema or "anyOf" in schema:
        return {"anyOf": [schema, {"type": NULL}]}
    listed = {"enum": [*shape.enum, None]} if shape.enum else {}
    return schema | {"type": [schema["type"], NULL]} | listed


def _listed(schema: JsonObject, steps: Sequence[str], also: Sequence[Scalar]) -> bool:
    """Whether there was a list of values to add these to."""
    if not steps and "enum" in schema:
        schema["enum"] = [*as_list(schema["enum"]), *also]
        return True
    fields = as_object(schema.get("properties"))
    inner = [(as_object(fields[steps[0]]), steps[1:])] if steps and steps[0] in fields else []
    inner += [(each, steps) for each in (*as_objects(schema.get("anyOf")), as_object(schema.get("items"))) if each]
    return any([_listed(each, left, also) for each, left in inner])


def _plain(shape: Shape) -> JsonObject:
    schema: JsonObject = {"type": _KINDS.get(shape.type, shape.type)}
    if shape.enum:
        schema["enum"] = list(shape.enum)
    if shape.items is not None:
        schema["items"] = schema_of(shape.items)
    if shape.values is not None:
        schema["additionalProperties"] = schema_of(shape.values)
    if shape.variants:
        return schema | {"anyOf": [_fields(variant.properties) for variant in shape.variants]}
    return schema | _fields(shape.properties)


def _fields(properties: tuple[Field, ...]) -> JsonObject:
    if not properties:
        return {}
    required = [each.name for each in properties if each.required]
    told: JsonObject = {"properties": {each.name: schema_of(each.shape) for each in properties}}
    return told | ({"required": required} if required else {})


def _count(schema: JsonObject, seen: Counter[str]) -> None:
    """How often each object stands somewhere; what is in one that was met before is not met again."""
    if "properties" in schema:
        digest = _digest(schema)
        seen[digest] += 1
        if seen[digest] > 1:
            return
    for inner in _inside(schema):
        _count(inner, seen)


def _inside(schema: JsonObject) -> Iterator[JsonObject]:
    """The schemas in a schema. The fields of an object are none: one may be called like a word of JSON Schema."""
    yield from as_objects(list(as_object(schema.get("properties")).values()))
    yield from as_objects(schema.get("anyOf"))
    yield from (as_object(schema[name]) for name in ("items", "additionalProperties") if name in schema)


def _shared(schema: JsonObject, seen: Counter[str], shared: JsonObject) -> JsonObject:
    """The schema with what stands elsewhere too in its place by name."""
    if "properties" not in schema or seen[digest := _digest(schema)] < 2:
        return _rebuilt(schema, seen, shared)
    if digest not in shared:
        shared[digest] = _rebuilt(schema, seen, shared)
    return {"$ref": f"#/{DEFINITIONS}/{digest}"}


def _rebuilt(schema: JsonObject, seen: Counter[str], shared: JsonObject) -> JsonObject:
    built = dict(schema)
    if "properties" in schema:
        fields = as_object(schema["properties"])
        built["properties"] = {name: _shared(as_object(inner), seen, shared) for name, inner in fields.items()}
    if "anyOf" in schema:
        built["anyOf"] = [_shared(inner, seen, shared) for inner in as_objects(schema["anyOf"])]
    for name in ("items", "additionalProperties"):
        if name in schema:
            built[name] = _shared(as_object(schema[name]), seen, shared)
    return built


def _digest(schema: JsonObject) -> str:
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:12]
