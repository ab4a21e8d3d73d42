"""What a tool gives back: blocks for a model to read, the same value structured, and whether it went wrong."""

from typing import Any

import msgspec
from msgspec import Struct, structs

from portico.shapes import Json, is_record

# Notes that stand beside an answer: how the waiting went, and how names and times were read.
WAITING, UNDERSTOOD = "waiting", "understood"
_encoder = msgspec.json.Encoder()


class ToolResult(Struct, frozen=True, kw_only=True):
    """`structured` and the first text block carry the same value: some clients show the one, some the other.

    It is kept as JSON, as it leaves again; empty where there is only content.
    """

    content: list[Json]
    encoded: bytes = b""
    is_error: bool = False
    meta: Json = {}

    @property
    def structured(self) -> Json | None:
        return msgspec.json.decode(self.encoded) if self.encoded else None

    def shown(self) -> Json:
        structured = msgspec.Raw(self.encoded) if self.encoded else None
        return {"content": self.content, "structured": structured, "is_error": self.is_error, "meta": self.meta}


def of_value(value: Any, *, blocks: list[Json] | None = None, meta: Json | None = None) -> ToolResult:
    return of_encoded(_encoder.encode(value if is_record(value) else {"result": value}), blocks=blocks, meta=meta)


def of_encoded(encoded: bytes, *, blocks: list[Json] | None = None, meta: Json | None = None) -> ToolResult:
    """An object that somebody has written as JSON already."""
    return ToolResult(content=[_text(encoded.decode()), *(blocks or [])], encoded=encoded, meta=meta or {})


def with_note(result: ToolResult, name: str, note: Json) -> ToolResult:
    """The result with this said first, where it has room for it."""
    structured = result.structured
    if result.is_error or structured is None or name in structured:
        return structs.replace(result, meta={**result.meta, name: note})
    return with_value(result, {name: note, **structured})


def with_value(result: ToolResult, structured: Json) -> ToolResult:
    """The result with another value, in all the forms that it has."""
    encoded = _encoder.encode(structured)
    return structs.replace(result, content=[_text(encoded.decode()), *result.content[1:]], encoded=encoded)


def with_notes(result: ToolResult, notes: Json) -> ToolResult:
    """The result with all of them, each said first in its turn."""
    for name, note in notes.items():
        result = with_note(result, name, note)
    return result


def of_text(text: str, *, meta: Json | None = None) -> ToolResult:
    return ToolResult(content=[_text(text)], encoded=_encoder.encode({"text": text}), meta=meta or {})


def of_refusal(sentence: str, facts: Json) -> ToolResult:
    """An error that the model can act on: one sentence first, the facts behind it."""
    return structs.replace(of_value({"error": sentence, **facts}), is_error=True)


def image(data: str, content_type: str) -> Json:
    return {"type": "image", "data": data, "mimeType": content_type}


def audio(data: str, content_type: str) -> Json:
    return {"type": "audio", "data": data, "mimeType": content_type}


def link(url: str, name: str, content_type: str, size_bytes: int) -> Json:
    return {"type": "resource_link", "uri": url, "name": name, "mimeType": content_type, "size": size_bytes}


def _text(text: str) -> Json:
    return {"type": "text", "text": text}
