"""What a value may look like: one frozen record for both sources, and how alternatives are joined.

A shape holds facts only (kinds, names, bounds), never the vendor's sentences.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from portico.catalog.harvest.narrow import Scalar, without_repeats

Sources: TypeAlias = Literal["sdk", "openapi", "both", ""]

PREFERRED_DISCRIMINATORS = ("type", "role", "object", "event", "action", "kind", "mode")
NULL = "null"


@dataclass(frozen=True, slots=True)
class Shape:
    """`enum` is a closed list, `known` an open one; `source` is set where one source alone gave the shape."""

    type: str = "any"
    nullable: bool = False
    enum: tuple[Scalar, ...] = ()
    known: tuple[Scalar, ...] = ()
    sdk_values: tuple[Scalar, ...] = ()
    facts: tuple[tuple[str, object], ...] = ()
    items: "Shape | None" = None
    values: "Shape | None" = None
    properties: "tuple[Field, ...]" = ()
    by: str = ""
    variants: "tuple[Variant, ...]" = ()
    any_of: "tuple[Shape, ...]" = ()
    open: bool = False
    source: Sources = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A named argument or property; `sdk_required` is set where the SDK and the OpenAPI file disagree."""

    name: str
    shape: Shape = field(default_factory=Shape)
    required: bool = False
    sources: Sources = ""
    place: str = ""
    wire_name: str = ""
    sdk_name: str = ""
    only_in: str = ""
    deprecated: bool = False
    sdk_required: bool | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several object forms; `type_value` is the constant that tells it apart."""

    type_value: Scalar | None
    properties: tuple[Field, ...]
    sources: Sources = ""


def unite(shapes: Iterable[Shape]) -> Shape:
    """One shape that admits each of the given ones."""
    flat = [part for shape in shapes for part in _parts(shape)]
    nullable = any(shape.nullable or shape.type == NULL for shape in flat)
    groups: dict[str, list[Shape]] = {}
    for shape in flat:
        if shape.type != NULL:
            groups.setdefault(kind_of(shape), []).append(replace(shape, nullable=False))
    unknown = groups.pop("any", [])
    if "number" in groups:
        groups["number"].extend(groups.pop("integer", []))
    joined = [_join(group) for group in groups.values()]
    if unknown:
        # An unnamed alternative stands for "and deeper nestings of this" where objects are listed beside it.
        joined = [replace(shape, open=True) if shape.type == "object" else shape for shape in joined]
    if not joined:
        return replace(unknown[0] if unknown else Shape(), nullable=nullable)
    if len(joined) == 1:
        return replace(joined[0], nullable=nullable)
    return Shape(type="union", any_of=tuple(joined), nullable=nullable)


def kind_of(shape: Shape) -> str:
    """The word by which two shapes count as the same alternative."""
    if shape.type == "array" and shape.items is not None:
        return f"array<{kind_of(shape.items)}>"
    return shape.type


def objects(forms: Sequence[Shape]) -> Shape:
    """Object forms as one object: merged when alone, listed as variants when several."""
    told = [form for form in forms if form.properties or form.variants]
    distinct = [form for position, form in enumerate(told) if _bodies(form) not in map(_bodies, told[:position])]
    is_open = any(form.open or not (form.properties or form.variants) for form in forms)
    values = next((form.values for form in forms if form.values is not None), None)
    if not distinct:
        return Shape(type="object", open=True, values=values, facts=forms[0].facts)
    if len(distinct) == 1:
        return replace(distinct[0], open=distinct[0].open or is_open, values=distinct[0].values or values)
    bodies = [properties for form in distinct for properties in _bodies(form)]
    by = _discriminator(bodies)
    variants = tuple(Variant(_constant(properties, by), properties) for properties in bodies)
    return Shape(type="object", by=by, variants=variants, open=is_open, values=values)


def _parts(shape: Shape) -> list[Shape]:
    if shape.type != "union":
        return [shape]
    rest = [Shape(type=NULL)] if shape.nullable else []
    return [*shape.any_of, *rest]


def _join(group: Sequence[Shape]) -> Shape:
    first = group[0]
    if first.type == "object":
        return objects(group)
    if first.type == "array":
        return replace(first, items=unite(shape.items or Shape() for shape in group), facts=_facts(group))
    return _scalars(group)


def _scalars(group: Sequence[Shape]) -> Shape:
    listed = without_repeats(value for shape in group for value in (*shape.enum, *shape.known))
    kind = "number" if any(shape.type == "number" for shape in group) else group[0].type
    is_closed = all(shape.enum for shape in group)
    if kind == "boolean" and len(listed) > 1:
        listed = ()
    return Shape(type=kind, enum=listed if is_closed else (), known=() if is_closed else listed, facts=_facts(group))


def _facts(group: Sequence[Shape]) -> tuple[tuple[str, object], ...]:
    return tuple({name: (name, value) for shape in reversed(group) for name, value in shape.facts}.values())


def _bodies(form: Shape) -> list[tuple[Field, ...]]:
    return [variant.properties for variant in form.variants] or [form.properties]


def _constant(properties: tuple[Field, ...], name: str) -> Scalar | None:
    for entry in properties:
        if entry.name == name and len(entry.shape.enum) == 1:
            return entry.shape.enum[0]
    return None


def _discriminator(bodies: Sequence[tuple[Field, ...]]) -> str:
    names = Counter(entry.name for body in bodies for entry in body if len(entry.shape.enum) == 1)
    ranked = sorted(names, key=lambda name: (-names[name], _rank(name), name))
    return ranked[0] if ranked and names[ranked[0]] > 1 else ""


def _rank(name: str) -> int:
    return PREFERRED_DISCRIMINATORS.index(name) if name in PREFERRED_DISCRIMINATORS else len(PREFERRED_DISCRIMINATORS)
