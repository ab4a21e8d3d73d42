"""Reads training and validation files: counts their examples and tokens, or says what is wrong with them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from portico.sandbox.blobs import Blob
from portico.sandbox.mind import tokens
from portico.sandbox.shapes import Json, is_list, is_record, records

FEWEST_EXAMPLES = 10
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
Format = Literal["chat", "completion", "preference", "prompt"]


@dataclass(slots=True)
class Dataset:
    """What a file teaches. `pieces` counts the pieces of all answers that the model shall learn."""

    examples: int = 0
    tokens: int = 0
    pieces: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a job fails, in the words of its `error`."""

    code: str
    message: str
    param: str


class _Flawed(Exception):
    """A line that is not an example."""


def read(blob: Blob, form: Format, param: str) -> Dataset | Problem:
    """Read a whole file; `param` is the field that named it."""
    found = Dataset()
    for number, line in enumerate(blob.read().splitlines(), 1):
        if line.strip():
            try:
                learnt, whole = EXAMPLES[form](_decode(line))
            except _Flawed as flaw:
                return Problem("invalid_file_format", f"Line {number} of the file is not an example: {flaw}.", param)
            found.examples += 1
            found.tokens += sum(tokens.count(text) + tokens.MESSAGE_OVERHEAD for text in whole)
            for text in learnt:
                found.pieces.update(tokens.pieces(text))
    fewest = FEWEST_EXAMPLES if param == "training_file" else 1
    if found.examples < fewest:
        message = f"The file has {found.examples} examples, but it needs at least {fewest}."
        return Problem("invalid_n_examples", message, param)
    return found


def _decode(line: bytes) -> Json:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Flawed("it is not JSON") from None
    if not is_record(value):
        raise _Flawed("it is not a JSON object")
    return value


Example = tuple[list[str], list[str]]


def _chat(line: Json) -> Example:
    messages = _messages(line.get("messages"), "messages")
    if messages[-1]["role"] != "assistant":
        raise _Flawed("its last message is not the assistant's")
    return [_text(message) for message in messages if _is_learnt(message)], [_text(message) for message in messages]


def _completion(line: Json) -> Example:
    prompt, answer = line.get("prompt"), line.get("completion")
    if not isinstance(prompt, str) or not isinstance(answer, str):
        raise _Flawed("it needs the texts 'prompt' and 'completion'")
    return [answer], [prompt, answer]


def _preference(line: Json) -> Example:
    asked = line.get("input")
    shown = _messages(asked.get("messages") if is_record(asked) else None, "input.messages")
    better = _messages(line.get("preferred_output"), "preferred_output")
    worse = _messages(line.get("non_preferred_output"), "non_preferred_output")
    if any(message["role"] == "user" for message in (*better, *worse)):
        raise _Flawed("its outputs must be the assistant's")
    return [_text(message) for message in better], [_text(message) for message in (*shown, *better, *worse)]


def _prompt(line: Json) -> Example:
    messages = _messages(line.get("messages"), "messages")
    if messages[-1]["role"] != "user":
        raise _Flawed("its last message is not the user's")
    texts = [_text(message) for message in messages]
    return texts[-1:], texts


def _messages(value: object, name: str) -> list[Json]:
    messages = records(value)
    if not is_list(value) or not messages or len(messages) != len(value):
        raise _Flawed(f"it needs messages in '{name}'")
    for message in messages:
        if message.get("role") not in ROLES:
            raise _Flawed(f"a message in '{name}' has the role '{message.get('role')}'")
        if not any(message.get(part) for part in ("content", "tool_calls", "function_call")):
            raise _Flawed(f"a message in '{name}' is empty")
    return messages


def _is_learnt(message: Json) -> bool:
    return message["role"] == "assistant" and message.get("weight", 1) != 0


def _text(message: Json) -> str:
    content = message.get("content")
    parts = [str(part.get("text", "")) for part in records(content)] if is_list(content) else [str(content or "")]
    return "\n".join([*parts, *(str(message[part]) for part in ("tool_calls", "function_call") if message.get(part))])


EXAMPLES: dict[Format, Callable[[Json], Example]] = {
    "chat": _chat,
    "completion": _completion,
    "preference": _preference,
    "prompt": _prompt,
}
