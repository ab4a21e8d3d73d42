"""What a source says today against what the inventory holds of it: additions, changes, and breaks.

A break is what makes a call of yesterday fail today: an operation or argument gone, an argument newly required.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from portico.catalog.harvest.narrow import Scalar
from portico.catalog.harvest.record import Record
from portico.catalog.harvest.shape import Field, Shape

Source: TypeAlias = Literal["sdk", "openapi"]
Severity: TypeAlias = Literal["break", "new", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    severity: Severity
    source: Source
    call: str
    name: str
    what: str


def drift(held: Iterable[Record], fresh: Iterable[Record], source: Source) -> list[Change]:
    """Every difference, breaks first; `held` are merged records, `fresh` those of the one source."""
    before = {record.key: record for record in held if (record.sdk if source == "sdk" else record.in_openapi)}
    after = {record.key: record for record in fresh}
    changes: list[Change] = []
    for key in before | after:
        old, new = before.get(key), after.get(key)
        if old is None and new is not None:
            changes.append(Change("new", source, _call(new), "", "operation added"))
        elif new is None and old is not None:
            changes.append(Change("break", source, _call(old), "", "operation removed"))
        elif old is not None and new is not None:
            changes.extend(_operation(old, new, source))
    order: tuple[Severity, ...] = ("break", "new", "changed")
    return sorted(changes, key=lambda change: (order.index(change.severity), change.call, change.name, change.what))


def _call(record: Record) -> str:
    return f"{record.verb} {record.path}"


def _operation(old: Record, new: Record, source: Source) -> Iterator[Change]:
    call = _call(old)
    if source in new.deprecated_in and source not in old.deprecated_in:
        yield Change("changed", source, call, "", "deprecated")
    if source == "sdk":
        yield from _operation_facts(old, new)
    before = {(entry.name, _group(entry)): entry for entry in old.parameters if _is_from(entry, source)}
    after = {(entry.name, _group(entry)): entry for entry in new.parameters if entry.place != "path"}
    for key in before | after:
        name = key[0]
        held, fresh = before.get(key), after.get(key)
        if fresh is None:
            yield Change("break", source, call, name, "argument removed")
        elif held is None:
            what = "required argument added" if fresh.required else "argument added"
            yield Change("break" if fresh.required else "new", source, call, name, what)
        else:
            yield from _argument(held, fresh, source, call)


def _operation_facts(old: Record, new: Record) -> Iterator[Change]:
    pairs = (
        ("beta header", old.beta_header, new.beta_header),
        ("answer", old.answer.kind, new.answer.kind),
        ("page style", old.page_style, new.page_style),
        ("accessor", old.sdk, new.sdk),
    )
    for label, before, after in pairs:
        if before != after:
            yield Change("changed", "sdk", _call(old), "", f"{label}: {before or 'none'} is now {after or 'none'}")


def _argument(old: Field, new: Field, source: Source, call: str) -> Iterator[Change]:
    was_required = _was_required(old, source)
    if new.required and not was_required:
        yield Change("break", source, call, old.name, "argument is now required")
    if was_required and not new.required:
        yield Change("changed", source, call, old.name, "argument is no longer required")
    known, told = _values(old.shape), _values(new.shape)
    for value in [value for value in told if value not in known]:
        yield Change("new", source, call, old.name, f"value added: {value}")
    if source == "sdk":
        for value in [value for value in _sdk_values(old.shape) if value not in told]:
            yield Change("changed", source, call, old.name, f"value removed: {value}")
    held, fresh = set(_names(old.shape, source)), set(_names(new.shape, source))
    for name in fresh - held:
        yield Change("new", source, call, f"{old.name}.{name}", "property added")
    for name in held - fresh:
        yield Change("changed", source, call, f"{old.name}.{name}", "property removed")


def _group(entry: Field) -> str:
    return "body" if entry.place == "upload" else entry.place


def _is_from(entry: Field, source: Source) -> bool:
    return entry.place != "path" and entry.sources in (source, "both")


def _was_required(entry: Field, source: Source) -> bool:
    return entry.sdk_required if source == "sdk" and entry.sdk_required is not None else entry.required


def _values(shape: Shape) -> tuple[Scalar, ...]:
    """The listed values of a plain argument, of a list's items, or of all alternatives."""
    inner = _values(shape.items) if shape.items else ()
    return (*shape.enum, *shape.known, *inner, *(value for part in shape.any_of for value in _values(part)))


def _sdk_values(shape: Shape) -> tuple[Scalar, ...]:
    inner = _sdk_values(shape.items) if shape.items else ()
    return (*shape.sdk_values, *inner, *(value for part in shape.any_of for value in _sdk_values(part)))


def _names(shape: Shape, source: Source) -> Iterator[str]:
    """Dotted names of every property below a shape that the source gave."""
    other = "openapi" if source == "sdk" else "sdk"
    if shape.source == other:
        return
    for inner in (shape.items, shape.values, *shape.any_of):
        if inner is not None:
            yield from _names(inner, source)
    bodies = [shape.properties, *(variant.properties for variant in shape.variants if variant.sources != other)]
    for entry in (entry for body in bodies for entry in body if entry.sources != other):
        yield entry.name
        yield from (f"{entry.name}.{name}" for name in _names(entry.shape, source))
