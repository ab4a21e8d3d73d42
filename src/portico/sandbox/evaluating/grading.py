"""Grades the rows of an eval run by the eval's testing criteria."""

from portico.sandbox.evaluating.rows import Row
from portico.sandbox.evaluating.sampling import Sampled
from portico.sandbox.evaluating.store import Eval, Outcome
from portico.sandbox.grading.grader import Grade, grade, score_range
from portico.sandbox.grading.judging import Verdict
from portico.sandbox.shapes import Json
from portico.sandbox.state import World


def outcome(world: World, held: Eval, number: int, row: Row, sampled: Sampled) -> Outcome:
    """Grade one row. It passes if all criteria do; where sampling or a grader broke, it counts as an error."""
    criteria = [] if sampled.is_broken else held.testing_criteria
    grades = [grade(criterion, row.item, sampled.known) for criterion in criteria]
    results = [_result(criterion, found) for criterion, found in zip(criteria, grades, strict=True)]
    is_broken = sampled.is_broken or any(found.trouble for found in grades)
    passed = all(result["passed"] for result in results)
    return Outcome(
        id=world.new_id("outputitem_"),
        number=number,
        item=row.item,
        sample=sampled.shown,
        results=results,
        status="error" if is_broken else "pass" if passed else "fail",
        sampled=sampled.spent,
        judged=[verdict.spent for found in grades for verdict in found.verdicts],
    )


def passes(criterion: Json, score: float) -> bool:
    """Strings must match and labels pass; other scores must reach the threshold, or the middle of their range."""
    if criterion["type"] in ("string_check", "label_model"):
        return score >= 1
    low, high = score_range(criterion)
    return score >= criterion.get("pass_threshold", (low + high) / 2)


def _result(criterion: Json, found: Grade) -> Json:
    sample: Json | None = _said(found.verdicts[0]) if found.verdicts else None
    if found.trouble:
        sample = {**(sample or {}), "error": found.trouble}
    return {
        "name": criterion["id"],
        "type": criterion["type"],
        "score": found.score,
        "passed": not found.trouble and passes(criterion, found.score),
        "sample": sample,
    }


def _said(verdict: Verdict) -> Json:
    said: Json = {"role": "assistant", "content": verdict.said}
    return {"model": verdict.model, "input": verdict.messages, "output": [said], "usage": verdict.usage}
