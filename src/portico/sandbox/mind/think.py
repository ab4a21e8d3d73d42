"""Decides what an emulated model does next: call one of its tools, fill a schema, or answer in words."""

from dataclasses import dataclass, field

import msgspec

from portico.sandbox.mind.fill import fill
from portico.sandbox.mind.hints import stem, telling
from portico.sandbox.mind.prose import Turn, compose
from portico.sandbox.shapes import Json

NAME_WEIGHT = 2
ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; a `custom` one takes free text."""

    name: str
    description: str = ""
    parameters: Json = field(default_factory=dict[str, object])
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: str
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """All that a model is given. `choice`: none, auto, required, or the name of the tool to call."""

    turns: list[Turn]
    tools: list[Tool] = field(default_factory=list[Tool])
    choice: str = "auto"
    schema: Json | None = None
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Thought:
    text: str
    calls: list[ToolCall] = field(default_factory=list[ToolCall])


def think(talk: Talk) -> Thought:
    tool = _choose(talk)
    asked = _asked(talk)
    if tool is not None:
        arguments = asked if tool.is_custom else msgspec.json.encode(fill(tool.parameters, asked)).decode()
        return Thought("", [ToolCall(tool.name, arguments, tool.is_custom)])
    if talk.schema is not None:
        return Thought(msgspec.json.encode(fill(talk.schema, asked)).decode())
    return Thought(compose(talk.turns, talk.variant))


def _asked(talk: Talk) -> str:
    return next((turn.text for turn in reversed(talk.turns) if turn.role == "user"), "")


def _choose(talk: Talk) -> Tool | None:
    if talk.choice == "none" or not talk.tools:
        return None
    named = next((tool for tool in talk.tools if tool.name == talk.choice), None)
    if named is not None:
        return named
    asked = {stem(word) for word in telling(_asked(talk))}
    best = max(talk.tools, key=lambda tool: _score(tool, asked))
    if talk.choice == "required":
        return best
    # After a tool has answered, the model speaks.
    is_answered = bool(talk.turns) and talk.turns[-1].role == "tool"
    return None if is_answered or _score(best, asked) < ENOUGH else best


def _score(tool: Tool, asked: set[str]) -> int:
    """How many of the words asked with the tool's name and description share."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in tool.name).replace("_", " ")
    named = {stem(word) for word in telling(spaced.replace("-", " "))}
    described = {stem(word) for word in telling(tool.description)}
    return NAME_WEIGHT * len(asked & named) + len(asked & described - named)
