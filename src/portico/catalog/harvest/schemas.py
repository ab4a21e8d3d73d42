"""Schemas of an OpenAPI file turned into shapes; references are followed, recursion and depth are cut."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from portico.catalog.harvest.narrow import (
    JsonObject,
    as_json,
    as_list,
    as_object,
    as_scalars,
    as_text,
    as_texts,
)
from portico.catalog.harvest.shape import NULL, Field, Shape, unite

FACTS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minItems": "min_items",
    "maxItems": "max_items",
    "maxProperties": "max_properties",
    "format": "format",
    "default": "default",
}
FILE_FORMATS = ("binary",)
LONGEST_REFERENCE_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Schemas:
    """`document` is the whole file, for references into it."""

    document: JsonObject

    def resolve(self, node: object) -> tuple[JsonObject, str]:
        """The object itself and the last reference followed to it, empty when there was none."""
        current, last = as_object(node), ""
        for _ in range(LONGEST_REFERENCE_CHAIN):
            reference = as_text(current.get("$ref"))
            if not reference:
                break
            last, found = reference, self.document
            for step in reference.removeprefix("#/").split("/"):
                found = as_object(found.get(step))
            current = found | {key: value for key, value in current.items() if key != "$ref"}
        return current, last

    def shape(self, node: object, depth: int, inside: tuple[str, ...] = ()) -> Shape:
        """`depth` counts how many levels of properties are still opened."""
        schema, reference = self.resolve(node)
        if reference and reference in inside:
            return Shape(type="object", open=True)
        deeper = (*inside, reference) if reference else inside
        shape = self._composed(schema, depth, deeper)
        if schema.get("nullable") is True:
            shape = replace(shape, nullable=True)
        return replace(shape, facts=_joined_facts(_facts(schema), shape.facts))

    def _composed(self, schema: JsonObject, depth: int, inside: tuple[str, ...]) -> Shape:
        alternatives = [part for part in _alternatives(schema) if self._says_more_than_required(part)]
        if alternatives and not schema.get("properties"):
            return unite(self.shape(part, depth, inside) for part in alternatives)
        if schema.get("allOf"):
            own = {key: value for key, value in schema.items() if key not in ("allOf", "nullable")}
            parts = [self.shape(part, depth, inside) for part in as_list(schema["allOf"])]
            return _all_of([*parts, self._plain(own, depth, inside)])
        return self._plain(schema, depth, inside)

    def _says_more_than_required(self, part: object) -> bool:
        return bool(set(self.resolve(part)[0]) - {"required", "title", "description"})

    def _plain(self, schema: JsonObject, depth: int, inside: tuple[str, ...]) -> Shape:
        kinds = _kinds(schema)
        shapes = [self._of_kind(kind, schema, depth, inside) for kind in kinds]
        return shapes[0] if len(shapes) == 1 else unite(shapes)

    def _of_kind(self, kind: str, schema: JsonObject, depth: int, inside: tuple[str, ...]) -> Shape:
        match kind:
            case "object":
                return self._object(schema, depth, inside)
            case "array":
                items = self.shape(schema.get("items"), depth, inside)
                return Shape(type="array", items=items)
            case "string" if as_text(schema.get("format")) in FILE_FORMATS:
                return Shape(type="file")
            case "any" | "null":
                return Shape(type=kind)
            case _:
                return Shape(type=kind, enum=_enum(schema, kind), nullable=None in as_list(schema.get("enum")))

    def _object(self, schema: JsonObject, depth: int, inside: tuple[str, ...]) -> Shape:
        properties = as_object(schema.get("properties"))
        extra = schema.get("additionalProperties")
        values = self.shape(extra, depth - 1, inside) if as_object(extra) and depth > 0 else Shape()
        if depth <= 0 or not properties:
            return Shape(type="object", open=True, values=None if values == Shape() else values)
        required = as_texts(schema.get("required"))
        fields = tuple(
            Field(
                name,
                self.shape(schema, depth - 1, inside),
                name in required,
                deprecated=as_object(schema).get("deprecated") is True,
            )
            for name, schema in properties.items()
        )
        is_open = extra is True or values != Shape()
        return Shape(type="object", properties=fields, open=is_open, values=None if values == Shape() else values)


def _alternatives(schema: JsonObject) -> list[object]:
    return [*as_list(schema.get("anyOf")), *as_list(schema.get("oneOf"))]


def _kinds(schema: JsonObject) -> list[str]:
    kinds = [as_text(schema["type"])] if isinstance(schema.get("type"), str) else list(as_texts(schema.get("type")))
    if kinds:
        return kinds
    if "properties" in schema or "additionalProperties" in schema:
        return ["object"]
    if "items" in schema:
        return ["array"]
    return [_kind_of_value(as_scalars(schema.get("enum")) or as_scalars([schema.get("const")]))]


def _kind_of_value(values: tuple[object, ...]) -> str:
    kinds: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return kinds[type(values[0])] if values else "any"


def _enum(schema: JsonObject, kind: str) -> tuple[str | int | float | bool, ...]:
    values = as_scalars(schema.get("enum")) or as_scalars([schema.get("const")])
    return () if kind == "boolean" and len(values) > 1 else values


def _facts(schema: JsonObject) -> tuple[tuple[str, object], ...]:
    if as_text(schema.get("format")) in FILE_FORMATS:
        return ()
    return tuple((ours, as_json(schema[theirs])) for theirs, ours in FACTS.items() if schema.get(theirs) is not None)


def _joined_facts(
    outer: Iterable[tuple[str, object]], inner: Iterable[tuple[str, object]]
) -> tuple[tuple[str, object], ...]:
    known = dict(inner) | dict(outer)
    return tuple((name, known[name]) for name in FACTS.values() if name in known)


def _all_of(parts: list[Shape]) -> Shape:
    """One shape that says what every part says: properties together, otherwise the first part that says something."""
    told = [part for part in parts if part.type not in ("any", NULL)] or parts[:1]
    with_fields = [part for part in told if part.properties]
    facts = _joined_facts((), [fact for part in reversed(parts) for fact in part.facts])
    if len(with_fields) < 2:
        return replace((with_fields or told)[0], facts=facts)
    fields: dict[str, Field] = {}
    for part in with_fields:
        for entry in part.properties:
            required = entry.required or (entry.name in fields and fields[entry.name].required)
            fields[entry.name] = replace(entry, required=required)
    return replace(told[0], type="object", properties=tuple(fields.values()), facts=facts, open=False)
