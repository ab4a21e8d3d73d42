"""Fields of an answer, two levels deep, taken from a shape: names and kinds only."""

from portico.catalog.harvest.record import AnswerField, AnswerFields
from portico.catalog.harvest.shape import Shape

LEVELS = 2


def fields_of(shape: Shape, levels: int = LEVELS) -> AnswerFields:
    """The fields of an object, of an array's items, or of all alternatives together."""
    if levels <= 0:
        return {}
    match shape.type:
        case "array":
            return fields_of(shape.items, levels) if shape.items else {}
        case "union":
            return _joined([fields_of(part, levels) for part in shape.any_of])
        case _:
            bodies = [variant.properties for variant in shape.variants] or [shape.properties]
            return _joined([{entry.name: _field(entry.shape, levels) for entry in body} for body in bodies])


def kind_word(shape: Shape) -> str:
    """A shape in one word: string, array<object>, string|object."""
    match shape.type:
        case "array":
            return f"array<{kind_word(shape.items)}>" if shape.items else "array"
        case "union":
            return "|".join(dict.fromkeys(kind_word(part) for part in shape.any_of))
        case kind:
            return kind


def join(first: AnswerFields, second: AnswerFields) -> AnswerFields:
    """Both, the first one's kinds winning."""
    return _joined([first, second])


def _field(shape: Shape, levels: int) -> AnswerField:
    return AnswerField(kind_word(shape), fields_of(shape, levels - 1))


def _joined(parts: list[AnswerFields]) -> AnswerFields:
    gathered: AnswerFields = {}
    for part in parts:
        for name, entry in part.items():
            known = gathered.get(name)
            gathered[name] = AnswerField(known.type, join(known.fields, entry.fields)) if known else entry
    return gathered
