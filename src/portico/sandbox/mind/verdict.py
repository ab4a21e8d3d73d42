"""How an emulated model judges: how likely a statement is, which option fits a text, whether two answers agree.

It goes by shared words, negations and a few words that stand for moods; crude, but steady and easy to foresee.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from portico.sandbox.mind import tokens, vectors
from portico.sandbox.mind.hints import stem, telling

DIMENSIONS = 256
# How much shared words count against likeness as a whole, where doubt begins, and how fast it goes.
WORDS_SHARE = 0.75
DOUBT = 0.45
STEEPNESS = 9.0
NEGATION = re.compile(r"\b(?:no|not|never|none|nothing|nobody|without|neither|nor|cannot)\b|n['’]t\b", re.IGNORECASE)
# What people write when they mean one of these.
MEANT = {
    "positive": "good great excellent love like happy glad pleased wonderful nice best thanks perfect enjoy helpful",
    "negative": "bad terrible awful hate broken angry sad poor worst disappointed slow rude fail useless unhappy upset",
    "neutral": "okay average usual normal information fact",
    "urgent": "urgent immediately asap now emergency critical deadline today help failing down",
    "angry": "angry furious outraged terrible unacceptable worst hate threaten lawyer",
    "frustrated": "frustrated annoyed again still waiting days disappointed help failing",
    "calm": "thanks please kindly fine question wondering",
    "spam": "free winner click prize offer lottery unsubscribe",
    "billing": "invoice charge charged payment refund money price bill card subscription twice",
    "technical": "error bug crash broken login password outage failing install",
    "question": "what how why when where which who",
}
AGREEING = tokens.words("accurate acceptable correct equivalent faithful good match pass passed right same true yes")
OPPOSING = tokens.words(
    "bad different fail failed false inaccurate incorrect mismatch no unacceptable unfaithful wrong"
)


def likelihood(text: str, statement: str) -> float:
    """How likely the statement is, given the text. A negation in only one of the two turns the answer round."""
    wanted = telling(statement)
    best = max(_sentences(text), key=lambda part: _met(part, wanted))
    support = max(fit(best, statement), fit(text, statement))
    likely = 1 / (1 + math.exp(-STEEPNESS * (support - DOUBT)))
    is_turned = bool(NEGATION.search(best)) != bool(NEGATION.search(statement))
    return round(1 - likely if is_turned and likely > 1 / 2 else likely, 4)


def distribution(text: str, options: Sequence[str]) -> list[float]:
    """A probability for every option, in their order; they add up to one."""
    weights = [math.exp(STEEPNESS * fit(text, option)) for option in options]
    chances = [round(weight / sum(weights), 4) for weight in weights]
    best = chances.index(max(chances))
    chances[best] = round(chances[best] + 1 - sum(chances), 4)
    return chances


def agreement(left: str, right: str) -> float:
    """How far two answers say the same: 1 where they do in all but punctuation, less as they differ."""
    said, wanted = tokens.words(left), tokens.words(right)
    if said == wanted:
        return 1.0
    if not said or not wanted:
        return 0.0
    short, long = sorted((said, wanted), key=len)
    shared = len({stem(word) for word in short} & {stem(word) for word in long})
    if bool(NEGATION.search(left)) != bool(NEGATION.search(right)):
        return round(shared / len(long) / 2, 4)
    if f" {' '.join(short)} " in f" {' '.join(long)} ":
        # The answer itself, with words around it.
        return 0.9
    return round(max(shared / max(len(set(short)), len(set(long))), _likeness(left, right) / 2), 4)


def pick(text: str, labels: Sequence[str], agreed: float | None) -> str:
    """The label for a text. Labels such as correct and incorrect go by how far the answers agreed, if that is known."""
    if agreed is not None:
        wanted = set(AGREEING if agreed >= 1 / 2 else OPPOSING)
        polar = [label for label in labels if not wanted.isdisjoint(tokens.words(label))]
        if polar:
            return polar[0]
    chances = distribution(text, labels)
    return labels[chances.index(max(chances))]


def fit(text: str, claim: str) -> float:
    """From 0 to 1: the share of the claim's words (or of what people mean by them) that the text has."""
    wanted = telling(claim)
    if not wanted:
        return 0.0
    return WORDS_SHARE * _met(text, wanted) / len(wanted) + (1 - WORDS_SHARE) * _likeness(text, claim)


def _met(text: str, wanted: Sequence[str]) -> int:
    said = _stems(text)
    return sum(stem(word) in said or not said.isdisjoint(_meant(word)) for word in wanted)


def _likeness(left: str, right: str) -> float:
    return max(0.0, vectors.closeness(_vector(left), _vector(right)))


# One text is held against many claims, so that it is worth knowing what was found in it.
@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in tokens.words(text))


@lru_cache(maxsize=256)
def _meant(word: str) -> frozenset[str]:
    return _stems(MEANT.get(word, ""))


@lru_cache(maxsize=64)
def _sentences(text: str) -> list[str]:
    return tokens.sentences(text) or [text]


@lru_cache(maxsize=1024)
def _vector(text: str) -> list[float]:
    return vectors.embed(text, DIMENSIONS)
