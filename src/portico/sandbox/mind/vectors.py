"""Embeddings without a model: words, word pairs and letter groups hashed into dimensions; like texts lie close."""

import base64
import math
import struct
import zlib
from collections.abc import Iterator, Sequence

from portico.sandbox.mind import tokens
from portico.sandbox.mind.hints import IGNORED, stem

PAIR_WEIGHT = 0.5
LETTERS_WEIGHT = 0.25
COMMON_WEIGHT = 0.1


def embed(text: str, dimensions: int) -> list[float]:
    """A vector of length one. The same text always gives the same vector."""
    sums = [0.0] * dimensions
    for feature, weight in _features(text):
        mark = zlib.crc32(feature.encode())
        sums[mark % dimensions] += weight if mark & 0x8000_0000 else -weight
    length = math.sqrt(sum(value * value for value in sums))
    if length == 0.0:
        # Nothing in the text, or all of it cancelled out: some direction is still owed.
        sums[zlib.crc32(text.encode()) % dimensions] = length = 1.0
    return [round(value / length, 8) for value in sums]


def closeness(left: Sequence[float], right: Sequence[float]) -> float:
    """The cosine of two vectors of length one."""
    return sum(a * b for a, b in zip(left, right, strict=True))


def packed(vector: Sequence[float]) -> str:
    """The vector as base64 of little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _features(text: str) -> Iterator[tuple[str, float]]:
    previous = ""
    for word in tokens.words(text):
        root = stem(word)
        yield f"w {root}", COMMON_WEIGHT if word in IGNORED else 1.0
        if word in IGNORED:
            continue
        if previous:
            yield f"p {previous} {root}", PAIR_WEIGHT
        previous = root
        padded = f" {word} "
        for start in range(len(padded) - 2):
            yield f"l {padded[start : start + 3]}", LETTERS_WEIGHT
