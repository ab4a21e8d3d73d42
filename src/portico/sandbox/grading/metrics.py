"""The similarity metrics of text graders, each from 0 (nothing in common) to 1 (the same), computed for real.

BLEU is smoothed as sentence BLEU usually is; METEOR knows exact words and stems, but no synonyms.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence

from portico.sandbox.mind import tokens, vectors
from portico.sandbox.mind.hints import stem

LONGEST_GRAM = 4
# The time that some metrics take grows with the product of both lengths; what is beyond is not looked at.
LONGEST_TEXT = 50_000
DIMENSIONS = 512
# METEOR's usual weights: of recall against precision, of scattered matches, and how steeply these cost.
RECALL_SHARE = 0.9
SCATTER_COST = 0.5
SCATTER_POWER = 3

Metric = Callable[[str, str], float]


def similarity(metric: str, text: str, reference: str) -> float:
    return round(METRICS[metric](text[:LONGEST_TEXT], reference[:LONGEST_TEXT]), 6)


def cosine(text: str, reference: str) -> float:
    return max(0.0, vectors.closeness(vectors.embed(text, DIMENSIONS), vectors.embed(reference, DIMENSIONS)))


def fuzzy_match(text: str, reference: str) -> float:
    """How much of both texts, letter by letter, stands in a common order."""
    total = len(text) + len(reference)
    return 1.0 if total == 0 else 2 * common_length(text, reference) / total


def bleu(text: str, reference: str) -> float:
    said, wanted = tokens.words(text), tokens.words(reference)
    orders = min(LONGEST_GRAM, len(said))
    if not orders or not wanted:
        return float(said == wanted)
    logs, penalty = 0.0, 1.0
    for size in range(1, orders + 1):
        matched, total = _matched(said, wanted, size), len(said) - size + 1
        if matched == 0:
            if size == 1:
                return 0.0
            # Each order without a match counts half as much as the one before.
            penalty *= 2
        logs += math.log(matched / total if matched else 1 / (penalty * total))
    brevity = 1.0 if len(said) >= len(wanted) else math.exp(1 - len(wanted) / len(said))
    return brevity * math.exp(logs / orders)


def gleu(text: str, reference: str) -> float:
    """The smaller of precision and recall over all word groups of one to four."""
    said, wanted = tokens.words(text), tokens.words(reference)
    sizes = range(1, LONGEST_GRAM + 1)
    most = max(sum(max(0, len(words) - size + 1) for size in sizes) for words in (said, wanted))
    return float(said == wanted) if most == 0 else sum(_matched(said, wanted, size) for size in sizes) / most


def meteor(text: str, reference: str) -> float:
    said, wanted = [stem(word) for word in tokens.words(text)], [stem(word) for word in tokens.words(reference)]
    if not said or not wanted:
        return float(said == wanted)
    pairs = _align(said, wanted)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(said), len(pairs) / len(wanted)
    mean = precision * recall / (RECALL_SHARE * precision + (1 - RECALL_SHARE) * recall)
    chunks = 1 + sum(right != (left[0] + 1, left[1] + 1) for left, right in itertools.pairwise(pairs))
    # One unbroken run is no scatter at all, so that the same text scores one.
    scatter = 0.0 if chunks == 1 else SCATTER_COST * (chunks / len(pairs)) ** SCATTER_POWER
    return mean * (1 - scatter)


def rouge(size: int) -> Metric:
    """The balance of precision and recall over groups of that many words."""

    def measure(text: str, reference: str) -> float:
        said, wanted = tokens.words(text), tokens.words(reference)
        if min(len(said), len(wanted)) < size:
            return float(said == wanted)
        return _balance(_matched(said, wanted, size), len(said) - size + 1, len(wanted) - size + 1)

    return measure


def rouge_l(text: str, reference: str) -> float:
    said, wanted = tokens.words(text), tokens.words(reference)
    if not said or not wanted:
        return float(said == wanted)
    return _balance(common_length(said, wanted), len(said), len(wanted))


def common_length(left: Sequence[str], right: Sequence[str]) -> int:
    """The length of the longest common subsequence, with one bit of a number for each place on the left."""
    places: dict[str, int] = {}
    for place, item in enumerate(left):
        places[item] = places.get(item, 0) | 1 << place
    everything = (1 << len(left)) - 1
    open_places = everything
    for item in right:
        hit = open_places & places.get(item, 0)
        open_places = (open_places + hit | open_places - hit) & everything
    return len(left) - open_places.bit_count()


def _matched(said: Sequence[str], wanted: Sequence[str], size: int) -> int:
    return (_grams(said, size) & _grams(wanted, size)).total()


def _grams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + size]) for start in range(len(words) - size + 1))


def _balance(matched: int, said: int, wanted: int) -> float:
    return 2 * matched / (said + wanted)


def _align(said: Sequence[str], wanted: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places with the same word; where a word comes more than once, the place that goes on a run wins."""
    free: dict[str, list[int]] = {}
    for place, word in enumerate(wanted):
        free.setdefault(word, []).append(place)
    pairs: list[tuple[int, int]] = []
    for place, word in enumerate(said):
        if places := free.get(word):
            following = pairs[-1][1] + 1 if pairs else 0
            chosen = following if following in places else places[0]
            places.remove(chosen)
            pairs.append((place, chosen))
    return pairs


METRICS: dict[str, Metric] = {
    "cosine": cosine,
    "fuzzy_match": fuzzy_match,
    "bleu": bleu,
    "gleu": gleu,
    "meteor": meteor,
    **{f"rouge_{size}": rouge(size) for size in range(1, 6)},
    "rouge_l": rouge_l,
}
