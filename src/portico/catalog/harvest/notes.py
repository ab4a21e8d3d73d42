"""The hand-written facts: operations no source has, paths a source has wrong, changes not worth reporting."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from portico.catalog.harvest.codec import read_record
from portico.catalog.harvest.narrow import Scalar, as_object, as_objects, as_scalars, as_text
from portico.catalog.harvest.record import Record

WORDS = ("operations", "paths", "ignore", "answers")


class UnknownNote(Exception):
    """The notes hold a word the reader does not know."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Values that an answer may have at a dotted place besides those that the package lists there."""

    call: str
    place: str
    also: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """`corrections` map verb and wrong path to the right one; `ignored` are call and name, an empty name for all."""

    operations: tuple[Record, ...] = ()
    corrections: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    ignored: frozenset[tuple[str, str]] = frozenset()
    listed: tuple[Listed, ...] = ()


def read_notes(path: Path) -> Notes:
    notes = as_object(yaml.safe_load(path.read_text(encoding="utf-8")))
    unknown = sorted(set(notes) - set(WORDS))
    if unknown:
        raise UnknownNote(f"{path.name}: {', '.join(unknown)}; known are {', '.join(WORDS)}")
    return Notes(
        operations=tuple(replace(read_record(entry), by_hand=True) for entry in as_objects(notes.get("operations"))),
        corrections={
            (as_text(entry.get("verb")), as_text(entry.get("path"))): as_text(entry.get("right"))
            for entry in as_objects(notes.get("paths"))
        },
        ignored=frozenset(
            (as_text(entry.get("call")), as_text(entry.get("name"))) for entry in as_objects(notes.get("ignore"))
        ),
        listed=tuple(
            Listed(as_text(entry.get("call")), as_text(entry.get("place")), as_scalars(entry.get("also")))
            for entry in as_objects(notes.get("answers"))
        ),
    )
