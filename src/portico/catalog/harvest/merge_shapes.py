"""Fields and shapes of both sources joined, with marks on what the SDK alone said, and the marks undone."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from portico.catalog.harvest.narrow import without_repeats
from portico.catalog.harvest.shape import Field, Shape, Sources, Variant, kind_of


def merge_fields(openapi: Sequence[Field], sdk: Sequence[Field], *, nested: bool = False) -> tuple[Field, ...]:
    """Every field of both, the OpenAPI file's order first; `nested` fields say where they come from only if alone."""
    newer = {(entry.name, _group(entry)): entry for entry in sdk}
    merged: list[Field] = []
    for entry in openapi:
        other = newer.pop((entry.name, _group(entry)), None)
        if other is None:
            merged.append(replace(entry, sources="openapi"))
        else:
            merged.append(_field(entry, other, "" if nested else "both"))
    return (*merged, *(replace(entry, sources="sdk") for entry in newer.values()))


def openapi_fields(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The same fields without anything that only the SDK said."""
    return tuple(
        replace(
            entry,
            shape=openapi_shape(entry.shape),
            sources="openapi" if entry.sources == "both" else entry.sources,
            sdk_name="",
            sdk_required=None,
        )
        for entry in fields
        if entry.sources != "sdk"
    )


def merge_shapes(openapi: Shape, sdk: Shape, *, keeps_kind: bool = False) -> Shape:
    """The joined shape; with `keeps_kind` the OpenAPI file's kind stands even where the SDK admits more."""
    if openapi.type == "any":
        return replace(sdk, source="sdk", facts=openapi.facts or sdk.facts, nullable=openapi.nullable or sdk.nullable)
    if sdk.type == "any":
        return replace(openapi, source="openapi")
    if openapi.type == sdk.type and openapi.type != "union":
        return _same_kind(openapi, sdk)
    if keeps_kind or {openapi.type, sdk.type} == {"integer", "number"}:
        return openapi
    return _alternatives(openapi, sdk)


def openapi_shape(shape: Shape) -> Shape:
    """The shape without what only the SDK said; an unknown one where nothing is left."""
    if shape.source == "sdk":
        return Shape(facts=shape.facts)
    parts = [openapi_shape(part) for part in shape.any_of if part.source != "sdk"]
    if len(parts) == 1:
        return replace(parts[0], nullable=shape.nullable, source="")
    variants = tuple(_openapi_variant(variant) for variant in shape.variants if variant.sources != "sdk")
    properties = openapi_fields(shape.properties)
    by = shape.by
    if len(variants) == 1:
        properties, variants, by = variants[0].properties, (), ""
    return replace(
        shape,
        enum=tuple(value for value in shape.enum if value not in shape.sdk_values),
        known=tuple(value for value in shape.known if value not in shape.sdk_values),
        sdk_values=(),
        items=_half(shape.items),
        values=_half(shape.values),
        properties=properties,
        variants=variants,
        by=by,
        any_of=tuple(replace(part, source="") for part in parts),
        open=shape.open or (shape.type == "object" and not properties and not variants),
        source="",
    )


def _group(entry: Field) -> str:
    return "body" if entry.place == "upload" else entry.place


def _field(openapi: Field, sdk: Field, sources: Sources) -> Field:
    keeps_kind = openapi.place in ("path", "query", "header")
    return replace(
        openapi,
        shape=merge_shapes(openapi.shape, sdk.shape, keeps_kind=keeps_kind),
        sources=sources,
        place="upload" if sdk.place == "upload" else openapi.place,
        wire_name=openapi.wire_name or sdk.wire_name,
        sdk_name=sdk.sdk_name,
        sdk_required=sdk.required if sdk.required != openapi.required else None,
    )


def _same_kind(openapi: Shape, sdk: Shape) -> Shape:
    match openapi.type:
        case "object":
            return _objects(openapi, sdk)
        case "array":
            return replace(openapi, items=_joined(openapi.items, sdk.items))
        case "file" | "boolean":
            return openapi
        case _:
            return _scalars(openapi, sdk)


def _scalars(openapi: Shape, sdk: Shape) -> Shape:
    older, newer = (*openapi.enum, *openapi.known), (*sdk.enum, *sdk.known)
    listed = without_repeats((*older, *newer))
    is_open = bool(openapi.known or sdk.known)
    return replace(
        openapi,
        enum=() if is_open else listed,
        known=listed if is_open else (),
        sdk_values=tuple(value for value in listed if value not in older),
    )


def _objects(openapi: Shape, sdk: Shape) -> Shape:
    values = _joined(openapi.values, sdk.values)
    has_fields = openapi.properties or openapi.variants
    is_open = openapi.open if has_fields else sdk.open
    if not openapi.variants and not sdk.variants:
        properties = merge_fields(openapi.properties, sdk.properties, nested=True)
        return replace(openapi, properties=properties, values=values, open=is_open)
    by = openapi.by or sdk.by
    variants = _variants(_as_variants(openapi, by), _as_variants(sdk, by))
    return replace(openapi, properties=(), by=by, variants=variants, values=values, open=is_open)


def _as_variants(shape: Shape, by: str) -> tuple[Variant, ...]:
    if shape.variants or not shape.properties:
        return shape.variants
    constants = [entry.shape.enum[0] for entry in shape.properties if entry.name == by and len(entry.shape.enum) == 1]
    return (Variant(constants[0] if constants else None, shape.properties),)


def _variants(openapi: Sequence[Variant], sdk: Sequence[Variant]) -> tuple[Variant, ...]:
    rest = list(sdk)
    merged: list[Variant] = []
    for variant in openapi:
        same = next((other for other in rest if other.type_value == variant.type_value), None)
        if same is None:
            merged.append(replace(variant, sources="openapi"))
        else:
            # By identity: two variants without a constant can be equal.
            rest = [other for other in rest if other is not same]
            properties = merge_fields(variant.properties, same.properties, nested=True)
            merged.append(Variant(variant.type_value, properties))
    return (*merged, *(replace(variant, sources="sdk") for variant in rest))


def _alternatives(openapi: Shape, sdk: Shape) -> Shape:
    rest = list(_parts(sdk))
    merged: list[Shape] = []
    for part in _parts(openapi):
        same = _counterpart(part, rest)
        if same is None:
            merged.append(replace(part, source="openapi"))
        else:
            rest = [other for other in rest if other is not same]
            merged.append(merge_shapes(part, same))
    merged.extend(replace(part, source="sdk") for part in rest)
    return Shape(type="union", any_of=tuple(merged), nullable=openapi.nullable, facts=openapi.facts)


def _counterpart(part: Shape, others: Sequence[Shape]) -> Shape | None:
    exact = next((other for other in others if kind_of(other) == kind_of(part)), None)
    return exact or next((other for other in others if other.type == part.type), None)


def _parts(shape: Shape) -> tuple[Shape, ...]:
    return shape.any_of if shape.type == "union" else (replace(shape, nullable=False),)


def _joined(openapi: Shape | None, sdk: Shape | None) -> Shape | None:
    if openapi is None:
        return replace(sdk, source="sdk") if sdk else None
    return merge_shapes(openapi, sdk) if sdk else openapi


def _half(shape: Shape | None) -> Shape | None:
    if shape is None or shape.source == "sdk":
        return None
    return openapi_shape(shape)


def _openapi_variant(variant: Variant) -> Variant:
    return replace(variant, properties=openapi_fields(variant.properties), sources="")
