"""Evals with their runs: everything is graded when a run is made, and shows when the clock has come that far."""

import math
from dataclasses import dataclass, field

from portico.sandbox.grading.judging import Spent
from portico.sandbox.shapes import Json, record
from portico.sandbox.shelves import Collection, Kind

REPORTS = "https://platform.openai.com/evaluations"
# OpenAI's own client takes no null here, so that nothing wrong is an error without words.
NOTHING_WRONG: Json = {"code": "", "message": ""}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One graded row. `sampled` and `judged` hold the models that were asked, each with what that used."""

    id: str
    number: int
    item: Json
    sample: Json
    results: list[Json]
    status: str
    sampled: list[Spent]
    judged: list[Spent]


@dataclass(slots=True)
class Run:
    id: str
    eval_id: str
    name: str
    started: float
    data_source: Json
    metadata: Json
    # Seconds until the first row is graded, and for each row.
    queued: float
    each: float
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    # Why nothing could be graded.
    trouble: Json | None = None
    cancelled_at: float | None = None

    def status(self, now: float) -> str:
        if self.cancelled_at is not None:
            return "canceled"
        if now < self.started + self.queued:
            return "queued"
        if self.trouble is not None:
            return "failed"
        return "in_progress" if len(self.graded(now)) < len(self.outcomes) else "completed"

    def graded(self, now: float) -> list[Outcome]:
        """The rows that are graded by then, oldest first."""
        end = now if self.cancelled_at is None else min(now, self.cancelled_at)
        spent = end - self.started - self.queued
        if spent < 0:
            return []
        return self.outcomes if self.each == 0 else self.outcomes[: math.floor(spent / self.each)]

    def show(self, now: float) -> Json:
        graded, status = self.graded(now), self.status(now)
        counts = {word: sum(outcome.status == word for outcome in graded) for word in ("pass", "fail", "error")}
        return {
            "object": "eval.run",
            "id": self.id,
            "eval_id": self.eval_id,
            "report_url": f"{REPORTS}/{self.eval_id}?run_id={self.id}",
            "status": status,
            "model": self.data_source.get("model", ""),
            "name": self.name,
            "created_at": int(self.started),
            "result_counts": {
                "total": len(graded),
                "errored": counts["error"],
                "failed": counts["fail"],
                "passed": counts["pass"],
            },
            "per_model_usage": usage_by_model(graded),
            "per_testing_criteria_results": results_by_criterion(graded),
            "data_source": self.data_source,
            "error": self.trouble if self.trouble is not None and status == "failed" else NOTHING_WRONG,
            "metadata": self.metadata,
        }

    def show_item(self, outcome: Outcome) -> Json:
        return {
            "object": "eval.run.output_item",
            "id": outcome.id,
            "created_at": int(self.started + self.queued + self.each * (outcome.number + 1)),
            "run_id": self.id,
            "eval_id": self.eval_id,
            "status": outcome.status,
            "datasource_item_id": outcome.number,
            "datasource_item": outcome.item,
            "results": outcome.results,
            "sample": outcome.sample,
        }


@dataclass(slots=True)
class Eval:
    id: str
    name: str
    created_at: int
    updated_at: int
    data_source_config: Json
    testing_criteria: list[Json]
    metadata: Json
    runs: Collection[Run] = field(default_factory=lambda: Collection[Run]("eval run"))

    def show(self) -> Json:
        return {
            "object": "eval",
            "id": self.id,
            "name": self.name,
            "created_at": self.created_at,
            "data_source_config": self.data_source_config,
            "testing_criteria": self.testing_criteria,
            "metadata": self.metadata,
        }


EVALS = Kind[Eval]("eval", "eval_")


def usage_by_model(graded: list[Outcome]) -> list[Json]:
    found: dict[str, Json] = {}
    for model, used in (pair for outcome in graded for pair in (*outcome.sampled, *outcome.judged)):
        total = found.setdefault(model, {"model_name": model, "invocation_count": 0, **dict.fromkeys(used, 0)})
        total["invocation_count"] += 1
        for name, amount in used.items():
            total[name] += amount
    return list(found.values())


def results_by_criterion(graded: list[Outcome]) -> list[Json]:
    found: dict[str, Json] = {}
    for result in (record(result) for outcome in graded for result in outcome.results):
        name = str(result["name"])
        total = found.setdefault(name, {"testing_criteria": name, "passed": 0, "failed": 0})
        total["passed" if result["passed"] else "failed"] += 1
    return list(found.values())
