"""Reads what was said: messages and items of all endpoints, with their parts, as turns of plain text."""

from portico.sandbox.file_store import live_files
from portico.sandbox.mind.prose import Turn
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_record, record, records
from portico.sandbox.wire import Ask

# More of a file than this is not read into a conversation.
FILE_CHARACTERS = 20_000
ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def text_of(ask: Ask, content: object) -> str:
    """The text of a message's content: a text, or parts of which texts and readable files count."""
    if isinstance(content, str):
        return content
    return "\n".join(text for part in records(content) if (text := _part(ask, part)))


def chat_turns(ask: Ask, messages: list[Json]) -> list[Turn]:
    return [_chat_turn(ask, message, f"messages[{place}]") for place, message in enumerate(messages)]


def _chat_turn(ask: Ask, message: Json, path: str) -> Turn:
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise invalid(f"'{path}.role' must be one of {', '.join(ROLES)}.", f"{path}.role")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise invalid(f"'{path}' answers a tool call but does not name it.", f"{path}.tool_call_id")
    return Turn(ROLES[role], text_of(ask, message.get("content")))


def _part(ask: Ask, part: Json) -> str:
    kind = str(part.get("type", ""))
    if kind in ("text", "input_text", "output_text", "summary_text", "reasoning_text"):
        return str(part.get("text", ""))
    if kind in ("input_file", "file"):
        inside = record(part.get("file")) if is_record(part.get("file")) else part
        return _file_text(ask, inside.get("file_id"))
    return str(part.get("refusal", ""))


def _file_text(ask: Ask, file_id: object) -> str:
    if not isinstance(file_id, str):
        return ""
    file = live_files(ask).look(file_id)
    if file is None:
        raise invalid(f"There is no file '{file_id}' to read.", "file_id", "file_not_found")
    return file.blob.read(FILE_CHARACTERS).decode("utf-8", "ignore")
