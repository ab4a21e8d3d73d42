"""How model graders come to a score or a label: the practice model reads the filled-in prompt and judges.

A prompt that tells it what to say ("Reply with 0.7") is obeyed, as in chat; else the sample is compared with the
item's values that the prompt shows.
"""

import math
from dataclasses import dataclass

from portico.sandbox.grading.template import Space
from portico.sandbox.mind import tokens, verdict
from portico.sandbox.mind.prose import Turn, compose
from portico.sandbox.shapes import Json, is_list, is_record, records
from portico.sandbox.wire import Ask

# A model and what one question to it used.
Spent = tuple[str, Json]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model was shown and what it said, with what that counts."""

    model: str
    messages: list[Json]
    said: str

    @property
    def prompt_tokens(self) -> int:
        return sum(tokens.count(str(message["content"])) + tokens.MESSAGE_OVERHEAD for message in self.messages)

    @property
    def usage(self) -> Json:
        answered = tokens.count(self.said)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": answered,
            "total_tokens": self.prompt_tokens + answered,
            "cached_tokens": 0,
        }

    @property
    def spent(self) -> Spent:
        return self.model, self.usage


def meter(ask: Ask, spent: list[Spent]) -> None:
    """Write down what model graders used."""
    for model, used in spent:
        ask.meter(
            "completions",
            model,
            input_tokens=used["prompt_tokens"],
            output_tokens=used["completion_tokens"],
            input_cached_tokens=0,
            num_model_requests=1,
        )


def messages(written: object, space: Space) -> list[Json]:
    """Messages with their templates filled in and their texts joined."""
    return [
        {"role": message["role"], "content": space.fill(_plain(message.get("content")))} for message in records(written)
    ]


def give_score(grader: Json, space: Space, low: float, high: float) -> tuple[float, Verdict]:
    shown = messages(grader["input"], space)
    told = _number(_obey(shown))
    if told is not None:
        score = min(high, max(low, told))
    else:
        agreed = _agreement(space)
        share = agreed if agreed is not None else verdict.likelihood(_evidence(space), _question(shown, space))
        score = round(low + (high - low) * share, 4)
    return score, Verdict(str(grader["model"]), shown, f"{score:g}")


def choose_label(grader: Json, space: Space) -> Verdict:
    shown = messages(grader["input"], space)
    labels: list[str] = grader["labels"]
    told = _obey(shown).strip().strip(".!\"'")
    if told not in labels:
        told = verdict.pick(_evidence(space) or _question(shown, space), labels, _agreement(space))
    return Verdict(str(grader["model"]), shown, told)


def _obey(shown: list[Json]) -> str:
    return compose([Turn(_role(str(message["role"])), str(message["content"])) for message in shown])


def _role(role: str) -> str:
    return "system" if role == "developer" else role


def _agreement(space: Space) -> float | None:
    """How far the sample agrees with the item's value that is nearest to it; None if not both are shown."""
    said, wanted = " ".join(space.used["sample"]), space.used["item"]
    return max(verdict.agreement(said, value) for value in wanted) if said and wanted else None


def _evidence(space: Space) -> str:
    return " ".join(space.used["sample"] or space.used["item"])


def _question(shown: list[Json], space: Space) -> str:
    """What the prompt says beside the values that were filled in."""
    text = " ".join(str(message["content"]) for message in shown)
    for value in (*space.used["sample"], *space.used["item"]):
        text = text.replace(value, " ")
    return text


def _number(text: str) -> float | None:
    try:
        number = float(text.strip().rstrip("."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _plain(content: object) -> str:
    if isinstance(content, str):
        return content
    if is_record(content):
        return str(content.get("text", ""))
    return "\n".join(_plain(part) for part in content) if is_list(content) else ""
