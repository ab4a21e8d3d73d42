"""A small tokenizer of our own: deterministic, and its pieces joined are the text again."""

import re

PIECE = re.compile(r" ?[^\W\d_]{1,8}| ?\d{1,3}| ?[^\w\s]{1,3}|\s+|.", re.DOTALL)
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
# What a message costs beside its words.
MESSAGE_OVERHEAD = 4


def pieces(text: str) -> list[str]:
    return PIECE.findall(text)


def count(text: str) -> int:
    return len(PIECE.findall(text))


def identity(piece: str) -> int:
    """A number that stands for a piece, as a token id does."""
    number = 0
    for byte in piece.encode():
        number = (number * 31 + byte) % 200_000
    return number


def words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def sentences(text: str) -> list[str]:
    return [sentence for sentence in SENTENCE.split(" ".join(text.split())) if sentence]


def shorten(text: str, most: int) -> tuple[str, bool]:
    """At most so many pieces of the text, and whether that cut it."""
    cut = pieces(text)
    return ("".join(cut[:most]), True) if len(cut) > most else (text, False)
