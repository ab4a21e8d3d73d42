"""Graders: which there are, what each must say of itself, and how it grades one sample."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from portico.sandbox.checks import Check, Checks, anything, array, either, fields, integer, number, one_of, record, text
from portico.sandbox.grading import formula, metrics, script
from portico.sandbox.grading.judging import Verdict, choose_label, give_score
from portico.sandbox.grading.script_values import ScriptStopped
from portico.sandbox.grading.template import Space, VariableUnknown, split, variables
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_list, is_record, records

LONGEST_FORMULA = 500
REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
PART = record({"type": one_of("input_text", "output_text", "input_image", "input_audio")}, is_open=True)
MESSAGE = record(
    {
        "role": one_of("user", "assistant", "system", "developer"),
        "content": either(str, PART, array(either(str, PART))),
    },
    {"type": one_of("message")},
)
SAMPLING = {
    "max_completions_tokens": integer(1),
    "reasoning_effort": one_of(*REASONING_EFFORTS),
    "seed": integer(),
    "temperature": number(0, 2),
    "top_p": number(0, 1),
}
NEEDED: dict[str, Checks] = {
    "string_check": {"input": str, "reference": str, "operation": one_of("eq", "ne", "like", "ilike")},
    "text_similarity": {"input": str, "reference": str, "evaluation_metric": one_of(*metrics.METRICS)},
    "python": {"source": text(shortest=1, longest=script.LONGEST_SOURCE)},
    "score_model": {"model": str, "input": array(MESSAGE, shortest=1)},
    "label_model": {
        "model": str,
        "input": array(MESSAGE, shortest=1),
        "labels": array(str, shortest=1),
        "passing_labels": array(str, shortest=1),
    },
    "multi": {"graders": anything, "calculate_output": text(shortest=1, longest=LONGEST_FORMULA)},
}
EXTRA: dict[str, Checks] = {
    "python": {"image_tag": str},
    "score_model": {"range": array(number(), shortest=2, longest=2), "sampling_params": record(optional=SAMPLING)},
    "label_model": {"sampling_params": record(optional=SAMPLING)},
}
# What reinforcement fine-tuning and the graders' own endpoints take; evals take labels, but nothing nested.
FOR_TRAINING = ("string_check", "text_similarity", "python", "score_model", "multi")
INSIDE_MULTI = ("string_check", "text_similarity", "python", "score_model", "label_model")


@dataclass(slots=True)
class Grade:
    """What a grader found. `trouble` names what went wrong, by OpenAI's words, with details where there are any."""

    score: float
    parts: dict[str, float] = field(default_factory=dict[str, float])
    trouble: dict[str, str | None] = field(default_factory=dict[str, str | None])
    verdicts: list[Verdict] = field(default_factory=list[Verdict])


def declared(*kinds: str, needed: Checks | None = None, extra: Checks | None = None) -> Check:
    """The check of a grader of one of these kinds, for use in a body's declaration."""
    more, optional = needed or {}, extra or {}

    def check(value: Any, path: str) -> Json:
        kind = value.get("type") if is_record(value) else None
        checked = fields(value, {"type": one_of(*kinds)}, path=path, is_open=True)
        required = {"type": str, "name": text(shortest=1), **NEEDED[str(kind)], **more}
        checked = fields(value, required, {**EXTRA.get(str(kind), {}), **optional, "id": str}, path=path)
        _sound(checked, path)
        return checked

    return check


def graders_of(grader: Json) -> dict[str, Json]:
    """The graders inside a multi grader, by the names that its formula uses: a map, a list, or only one."""
    inside: object = grader["graders"]
    if is_record(inside) and "type" not in inside:
        return {name: value for name, value in inside.items() if is_record(value)}
    listed = records(inside) if is_list(inside) else records([inside])
    return {str(held.get("name", "")): held for held in listed}


def models_of(grader: Json) -> list[str]:
    """The models that a grader asks."""
    if grader["type"] == "multi":
        return [model for inside in graders_of(grader).values() for model in models_of(inside)]
    return [str(grader["model"])] if "model" in grader else []


def grade(grader: Json, item: Json, sample: Json) -> Grade:
    """Grade one sample; trouble is part of the answer, never raised."""
    try:
        return GRADING[str(grader["type"])](grader, Space(item, sample))
    except VariableUnknown as unknown:
        return Grade(0.0, trouble={"invalid_variable_error": str(unknown)})
    except ScriptStopped as stopped:
        return Grade(0.0, trouble={"python_grader_runtime_error": str(stopped)})
    except formula.FormulaBroken as broken:
        return Grade(0.0, trouble={"formula_parse_error": str(broken)})


def score_range(grader: Json) -> tuple[float, float]:
    low, high = grader.get("range") or (0.0, 1.0)
    return float(low), float(high)


def _sound(grader: Json, path: str) -> None:
    """What the fields' own checks don't see: templates, labels, ranges, formulas and scripts."""
    for name in (
        name for written in _texts(grader.get("input"), grader.get("reference")) for name in variables(written)
    ):
        try:
            split(name)
        except VariableUnknown:
            raise invalid(f"'{name}' is neither in 'item' nor in 'sample'.", f"{path}.input") from None
    if strangers := [label for label in grader.get("passing_labels", ()) if label not in grader["labels"]]:
        raise invalid(f"'{strangers[0]}' is not among the labels.", f"{path}.passing_labels")
    low, high = score_range(grader)
    if low >= high:
        raise invalid("A range goes from a lower to a higher number.", f"{path}.range")
    if grader["type"] == "python":
        try:
            script.parse(grader["source"])
        except ScriptStopped as stopped:
            raise invalid(f"This script can't be used: {stopped}.", f"{path}.source") from None
    if grader["type"] == "multi":
        _sound_multi(grader, path)


def _sound_multi(grader: Json, path: str) -> None:
    held = graders_of(grader)
    if not held:
        raise invalid("A multi grader needs graders.", f"{path}.graders")
    inner = declared(*INSIDE_MULTI)
    for name, inside in held.items():
        inner({"name": name, **inside}, f"{path}.graders.{name}")
    try:
        unknown = sorted(formula.names(grader["calculate_output"]) - set(_scores(held, dict.fromkeys(held, 0.0))))
    except formula.FormulaBroken as broken:
        raise invalid(f"This formula can't be used: {broken}.", f"{path}.calculate_output") from None
    if unknown:
        raise invalid(f"The formula names {', '.join(unknown)}, which no grader has.", f"{path}.calculate_output")


def _scores(held: dict[str, Json], scores: dict[str, float]) -> dict[str, float]:
    """The scores under every name that a formula may use: a grader's key, or its kind with `_score` behind."""
    return {**{f"{held[name]['type']}_score": score for name, score in scores.items()}, **scores}


def _texts(*values: object) -> list[str]:
    """All texts in a grader's input, however deep."""
    found: list[str] = []
    for value in values:
        if isinstance(value, str):
            found.append(value)
        elif is_list(value):
            found.extend(_texts(*value))
        elif is_record(value):
            found.extend(_texts(value.get("content"), value.get("text")))
    return found


def _string_check(grader: Json, space: Space) -> Grade:
    said, wanted = space.fill(grader["input"]), space.fill(grader["reference"])
    holds = {
        "eq": said == wanted,
        "ne": said != wanted,
        "like": wanted in said,
        "ilike": wanted.lower() in said.lower(),
    }
    return Grade(float(holds[grader["operation"]]))


def _text_similarity(grader: Json, space: Space) -> Grade:
    said, wanted = space.fill(grader["input"]), space.fill(grader["reference"])
    return Grade(metrics.similarity(grader["evaluation_metric"], said, wanted))


def _python(grader: Json, space: Space) -> Grade:
    score = script.run(grader["source"], space.sample, space.item)
    return Grade(score) if math.isfinite(score) else Grade(0.0, trouble={"unresponsive_reward_error": None})


def _score_model(grader: Json, space: Space) -> Grade:
    score, verdict = give_score(grader, space, *score_range(grader))
    return Grade(score, verdicts=[verdict])


def _label_model(grader: Json, space: Space) -> Grade:
    verdict = choose_label(grader, space)
    return Grade(float(verdict.said in grader["passing_labels"]), verdicts=[verdict])


def _multi(grader: Json, space: Space) -> Grade:
    held = graders_of(grader)
    grades = {name: grade(inside, space.item, space.sample) for name, inside in held.items()}
    whole = Grade(0.0, {name: part.score for name, part in grades.items()})
    for part in grades.values():
        whole.trouble.update(part.trouble)
        whole.verdicts.extend(part.verdicts)
    whole.score = formula.evaluate(grader["calculate_output"], _scores(held, whole.parts))
    return whole


GRADING: dict[str, Callable[[Json, Space], Grade]] = {
    "string_check": _string_check,
    "text_similarity": _text_similarity,
    "python": _python,
    "score_model": _score_model,
    "label_model": _label_model,
    "multi": _multi,
}
