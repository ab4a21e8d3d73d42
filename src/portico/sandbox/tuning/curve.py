"""The course of a training: losses and accuracies for every step, from what the files really hold.

They begin at the surprise of the answers to a reader who only knows how often each piece comes, and fall from there.
"""

import math
from collections import Counter
from dataclasses import dataclass

from portico.sandbox.shapes import Json, without_nothing
from portico.sandbox.tuning.dataset import Dataset

LEAST_LOSS = 0.05
FALL = 3.0
WAVE = 0.04


@dataclass(frozen=True, slots=True)
class Curve:
    steps: int
    seed: int
    start: float
    valid_start: float | None

    @classmethod
    def of(cls, training: Dataset, validation: Dataset | None, steps: int, seed: int) -> "Curve":
        start = surprise(training.pieces, training.pieces)
        return cls(steps, seed, start, surprise(validation.pieces, training.pieces) if validation else None)

    def at(self, step: int) -> Json:
        """The metrics after a step; those of validation only where there is a validation file."""
        train = self._loss(self.start, step, 0)
        metrics: Json = {"step": step, "train_loss": train, "train_mean_token_accuracy": accuracy(train)}
        return {**metrics, **self._validation(step, "valid", 1)}

    def checkpoint(self, step: int) -> Json:
        """The same with the metrics over the whole validation file."""
        return without_nothing({**self.at(step), **self._validation(step, "full_valid", 2)})

    def _validation(self, step: int, name: str, phase: int) -> Json:
        if self.valid_start is None:
            return {}
        loss = self._loss(self.valid_start, step, phase)
        return {f"{name}_loss": loss, f"{name}_mean_token_accuracy": accuracy(loss)}

    def _loss(self, start: float, step: int, phase: int) -> float:
        fallen = LEAST_LOSS + start * math.exp(-FALL * step / self.steps)
        return round(fallen * (1 + WAVE * math.sin(1.7 * step + self.seed % 628 / 100 + phase)), 5)


def surprise(read: Counter[str], known: Counter[str]) -> float:
    """The mean surprise, in nats, at each piece read for one who knows how often pieces came before."""
    total, kinds = known.total(), len(known) + 1
    length = read.total()
    if length == 0:
        return 0.0
    likely = {piece: (known[piece] + 1) / (total + kinds) for piece in read}
    return sum(-count * math.log(likely[piece]) for piece, count in read.items()) / length


def accuracy(loss: float) -> float:
    return round(math.exp(-loss / 2), 5)
