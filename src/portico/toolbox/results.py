"""What a tool gives back: blocks for a model to read, the same value structured, and whether it went wrong."""

from typing import Any

import msgspec
from msgspec import Struct, structs

from portico.shapes import Json, is_record

# Notes that stand beside an answer: how the waiting went, and how names and times were read.
WAITING, UNDERSTOOD = "waiting", "understood"
_encoder = msgspec.json.Encoder()


class ToolResult(Struct, frozen=True, kw_only=True):
    """`structured` and the first text block carry the same value: some clients show the one, some the other."""

    content: list[Json]
    structured: Json | None = None
    is_error: bool = False
    meta: Json = {}
    encoded: bytes = b""  # `structured` as JSON, where that is at hand

    def shown(self) -> Json:
        return {"content": self.content, "structured": self.structured, "is_error": self.is_error, "meta": self.meta}


def of_value(
    value: Any, *, blocks: list[Json] | None = None, meta: Json | None = None, encoded: bytes = b""
) -> ToolResult:
    """`encoded`: the object as JSON, where whoever has it has written it already."""
    structured = value if is_record(value) else {"result": value}
    encoded = encoded or _encoder.encode(structured)
    content: list[Json] = [{"type": "text", "text": encoded.decode()}, *(blocks or [])]
    return ToolResult(content=content, structured=structured, meta=meta or {}, encoded=encoded)


def with_note(result: ToolResult, name: str, note: Json) -> ToolResult:
    """The result with this said first, where it has room for it."""
    if result.is_error or not is_record(result.structured) or name in result.structured:
        return structs.replace(result, meta={**result.meta, name: note})
    return with_value(result, {name: note, **result.structured})


def with_value(result: ToolResult, structured: Json) -> ToolResult:
    """The result with another value, in all the forms that it has."""
    encoded = _encoder.encode(structured)
    text = {"type": "text", "text": encoded.decode()}
    return structs.replace(result, content=[text, *result.content[1:]], structured=structured, encoded=encoded)


def with_notes(result: ToolResult, notes: Json) -> ToolResult:
    """The result with all of them, each said first in its turn."""
    for name, note in notes.items():
        result = with_note(result, name, note)
    return result


def of_text(text: str, *, meta: Json | None = None) -> ToolResult:
    return ToolResult(content=[{"type": "text", "text": text}], structured={"text": text}, meta=meta or {})


def of_refusal(sentence: str, facts: Json) -> ToolResult:
    """An error that the model can act on: one sentence first, the facts behind it."""
    structured = {"error": sentence, **facts}
    return ToolResult(
        content=[{"type": "text", "text": _encoder.encode(structured).decode()}], structured=structured, is_error=True
    )


def image(data: str, content_type: str) -> Json:
    return {"type": "image", "data": data, "mimeType": content_type}


def audio(data: str, content_type: str) -> Json:
    return {"type": "audio", "data": data, "mimeType": content_type}


def link(url: str, name: str, content_type: str, size_bytes: int) -> Json:
    return {"type": "resource_link", "uri": url, "name": name, "mimeType": content_type, "size": size_bytes}
