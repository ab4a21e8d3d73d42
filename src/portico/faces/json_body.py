"""Bodies that are to be JSON: read, or refused with what they are instead."""

from typing import Any

from portico.errors import Failure, InvalidArguments
from portico.shapes import NotJson, decode

_MOST_CHARACTERS = 100


def read_json(content: bytes, content_type: str = "") -> Any:
    """What the body says; an empty one says an empty object. Some programs send JSON as a form, which is taken."""
    try:
        return decode(content or b"{}")
    except NotJson as problem:
        kind = content_type.partition(";")[0].strip().lower()[:_MOST_CHARACTERS]
        if not kind or "json" in kind:
            raise InvalidArguments([Failure("", f"the body is not valid JSON: {problem}")]) from None
        said = f"the body is {kind!r}, and not to be read as JSON: {problem}"
        raise InvalidArguments([Failure("", said, "JSON, with content-type: application/json")]) from None
