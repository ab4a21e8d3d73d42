"""Cuts a text into overlapping chunks of a number of tokens, and finds the chunks that lie closest to a question."""

from dataclasses import dataclass
from typing import Any

from portico.sandbox.checks import Check, fields, integer, one_of
from portico.sandbox.mind import tokens
from portico.sandbox.mind.vectors import closeness, embed
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import record

# Enough to tell chunks apart; these vectors are never shown.
DIMENSIONS = 256


@dataclass(frozen=True, slots=True)
class Chunk:
    text: str
    vector: list[float]


@dataclass(frozen=True, slots=True)
class Strategy:
    max_chunk_size_tokens: int = 800
    chunk_overlap_tokens: int = 400


def chunking(value: Any, path: str) -> Strategy:
    """The body field that says how files are cut."""
    given = fields(value, {"type": one_of("auto", "static")}, {"static": dict}, path=path)
    if given["type"] == "auto":
        return Strategy()
    sizes = {"max_chunk_size_tokens": integer(100, 4096), "chunk_overlap_tokens": integer(0)}
    static = fields(record(value).get("static"), sizes, path=f"{path}.static")
    if static["chunk_overlap_tokens"] * 2 > static["max_chunk_size_tokens"]:
        name = f"{path}.static.chunk_overlap_tokens"
        raise invalid("The overlap may be half of the chunk size at most.", name)
    return Strategy(**static)


CHUNKING: Check = chunking


def chunks_of(text: str, strategy: Strategy) -> list[Chunk]:
    pieces = tokens.pieces(text)
    step = max(1, strategy.max_chunk_size_tokens - strategy.chunk_overlap_tokens)
    made: list[Chunk] = []
    for start in range(0, len(pieces), step):
        part = "".join(pieces[start : start + strategy.max_chunk_size_tokens]).strip()
        if part:
            made.append(Chunk(part, embed(part, DIMENSIONS)))
        if start + strategy.max_chunk_size_tokens >= len(pieces):
            break
    return made


def question(text: str) -> list[float]:
    return embed(text, DIMENSIONS)


def score(chunk: Chunk, asked: list[float]) -> float:
    """How well a chunk fits, from 0 to 1."""
    return round(min(1.0, max(0.0, closeness(chunk.vector, asked))), 6)
