"""What both sources agree on about the wire: content types, names of arguments, which key, how deep to read."""

from collections.abc import Iterable, Sequence

from portico.catalog.harvest.shape import Shape

MULTIPART, JSON, EVENTS = "multipart/form-data", "application/json", "text/event-stream"
PARAMETER_DEPTH = 4
# One level more than is kept, so that an answer's second level still knows its kinds.
ANSWER_DEPTH = 3
# Deeper than any answer; what holds itself ends where it begins again.
WHOLE_DEPTH = 24


def answer_kind(contents: Sequence[str]) -> str:
    """The kind of an answer by its first declared content type."""
    first = contents[0] if contents else ""
    if first in ("", JSON):
        return "json" if first else "none"
    if first == EVENTS:
        return "events"
    return "text" if is_text(first) else "binary"


def is_text(content_type: str) -> bool:
    return content_type.startswith("text/") or content_type == "application/sdp"


def key_word(schemes: Iterable[str]) -> str:
    """Which of the vendor's two keys a call needs, by the name of its security scheme."""
    return "admin key" if any("admin" in scheme.lower() for scheme in schemes) else "project key"


def query_name(name: str, shape: Shape) -> str:
    """Lists in queries travel as name[], as the official client sends them."""
    kinds = [part.type for part in shape.any_of] or [shape.type]
    return f"{name}[]" if "array" in kinds else ""


def holds_file(shape: Shape) -> bool:
    """Whether a file, alone, in a list or as one alternative, is part of the value itself."""
    inner = shape.items is not None and holds_file(shape.items)
    return shape.type == "file" or inner or any(holds_file(part) for part in shape.any_of)
