"""The lines of a batch's input file, and of a training file: read, checked, measured. Pure.

Tokens are guessed at four characters each, as OpenAI's own rule of thumb has it; whoever needs better asks OpenAI.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from portico.shapes import Json, NotJson, decode, is_list, is_record

MOST_LINES = 50_000
MOST_BYTES = 209_715_200
MOST_PROBLEMS = 20
_ASCII_PER_TOKEN = 4
# What a message costs beside its words.
_PER_MESSAGE = 4
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
# Where a training example keeps what was said: supervised and reinforcement training, or preferences.
_SAID = ("messages", "preferred_output")
_PLAIN_PARTS = ("text", "input_text", "output_text", "refusal")


class Line(Struct, frozen=True, kw_only=True):
    """One request. `most_output`: None where the request sets no limit; 0 where nothing is generated."""

    number: int
    custom_id: str
    url: str
    model: str
    body: Json
    rough_tokens: int
    most_output: int | None
    has_media: bool


class Conversation(Struct, frozen=True, kw_only=True):
    """One example of a training file."""

    rough_tokens: int
    has_media: bool


class BatchFile(Struct, frozen=True, kw_only=True):
    lines: list[Line]
    problems: list[Json]
    size_bytes: int


def read(content: bytes) -> BatchFile:
    """Lines that cannot be read are among the problems, with their numbers; at most twenty are told."""
    lines: list[Line] = []
    problems: list[Json] = []
    for number, text in enumerate(content.splitlines(), start=1):
        if not text.strip():
            continue
        found, problem = _line(number, text)
        if found is not None:
            lines.append(found)
        else:
            problems.append({"line": number, "problem": problem})
    problems += _together(lines, len(content))
    return BatchFile(lines=lines, problems=problems[:MOST_PROBLEMS], size_bytes=len(content))


def _line(number: int, text: bytes) -> tuple[Line | None, str]:
    try:
        value: Any = decode(text)
    except NotJson:
        return None, "is not JSON"
    if not is_record(value):
        return None, "is not an object"
    missing = [name for name in ("custom_id", "method", "url", "body") if not value.get(name)]
    if missing:
        return None, f"has no {', '.join(missing)}"
    body: Any = value["body"]
    if value["method"] != "POST":
        return None, f"has the method {value['method']}; batches take POST"
    if not is_record(body) or not isinstance(body.get("model"), str):
        return None, "has no body.model"
    if body.get("stream"):
        return None, "asks for a stream, which batches do not give"
    texts, messages, has_media = _words(body)
    return Line(
        number=number,
        custom_id=str(value["custom_id"]),
        url=str(value["url"]),
        model=body["model"],
        body=body,
        rough_tokens=sum(map(rough_tokens, texts)) + _PER_MESSAGE * messages,
        most_output=_most_output(str(value["url"]), body),
        has_media=has_media,
    ), ""


def read_conversations(content: bytes) -> tuple[list[Conversation], list[Json]]:
    """The examples of a training file, and the lines that are none, with their numbers; at most twenty are told."""
    found: list[Conversation] = []
    problems: list[Json] = []
    for number, text in enumerate(content.splitlines(), start=1):
        if not text.strip():
            continue
        try:
            value: Any = decode(text)
        except NotJson:
            value = None
        if not is_record(value) or not _is_example(value):
            problems.append({"line": number, "problem": "is no object with messages"})
            continue
        asked: Any = value.get("input")
        texts, messages, has_media = _words(asked if is_record(asked) else value)
        for name in ("completion", "preferred_output", "non_preferred_output"):
            more, count, media = _words({"messages": value.get(name) or []})
            texts, messages, has_media = [*texts, *more], messages + count, has_media or media
        tokens = sum(map(rough_tokens, texts)) + _PER_MESSAGE * messages
        found.append(Conversation(rough_tokens=tokens, has_media=has_media))
    if not found and not problems:
        problems.append({"problem": "there is no example in it"})
    return found, problems[:MOST_PROBLEMS]


def _is_example(value: Json) -> bool:
    return "prompt" in value or any(is_list(value.get(name)) for name in _SAID)


def _together(lines: list[Line], size_bytes: int) -> Iterator[Json]:
    """What is wrong with the file as a whole."""
    seen: dict[str, int] = {}
    for each in lines:
        if each.custom_id in seen:
            yield {"line": each.number, "problem": f"has the custom_id of line {seen[each.custom_id]}"}
        seen.setdefault(each.custom_id, each.number)
    for name in ("url", "model"):
        values = list(dict.fromkeys(str(getattr(each, name)) for each in lines))
        if len(values) > 1:
            yield {"problem": f"more than one {name}: {', '.join(values[:5])}; a batch takes one"}
    if len(lines) > MOST_LINES:
        yield {"problem": f"{len(lines)} requests; a batch takes {MOST_LINES}"}
    if size_bytes > MOST_BYTES:
        yield {"problem": f"{size_bytes} bytes; a batch takes {MOST_BYTES}"}
    if not lines:
        yield {"problem": "there is no request in it"}


def rough_tokens(text: str) -> int:
    """Four characters of Latin script are about a token; other scripts take about one for each."""
    plain = sum(character < "\u0250" for character in text)
    return -(-plain // _ASCII_PER_TOKEN) + (len(text) - plain)


def _most_output(url: str, body: Json) -> int | None:
    if any(word in url for word in ("embeddings", "moderations")):
        return 0
    given = next((body[name] for name in _LIMITS if isinstance(body.get(name), int)), None)
    count: Any = body.get("n", 1)
    return None if given is None else given * (count if isinstance(count, int) else 1)


def _words(body: Json) -> tuple[list[str], int, bool]:
    """(texts that the model reads, how many messages hold them, whether there is more than text)."""
    texts: list[str] = []
    media = False
    said: Any = body.get("messages") or body.get("input") or body.get("prompt") or []
    listed: list[Any] = said if is_list(said) else [said]
    for each in (*listed, *([body["instructions"]] if body.get("instructions") else [])):
        content: Any = each.get("content") or each.get("text") or "" if is_record(each) else each
        for part in content if is_list(content) else [content]:
            if isinstance(part, str):
                texts.append(part)
            elif is_record(part) and part.get("type", "text") in _PLAIN_PARTS:
                texts.append(str(part.get("text") or part.get("refusal") or ""))
            else:
                media = True
    return texts, len(listed) + bool(body.get("instructions")), media
