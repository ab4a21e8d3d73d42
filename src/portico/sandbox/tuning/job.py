"""A fine-tuning job: its plan in seconds of work, and what time, pauses and a cancellation have made of it."""

from dataclasses import dataclass, field

from portico.sandbox import ids
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.tuning.curve import Curve
from portico.sandbox.tuning.dataset import Dataset, Problem

# Only the last epochs leave a checkpoint behind.
KEPT_EPOCHS = 3
OVER = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the phases of a job last, in seconds of work."""

    validating: float
    queued: float
    running: float

    def scaled(self, pace: float) -> "Plan":
        return Plan(self.validating * pace, self.queued * pace, self.running * pace)

    @property
    def ready(self) -> float:
        return self.validating + self.queued

    @property
    def total(self) -> float:
        return self.ready + self.running


@dataclass(slots=True)
class Pause:
    """From when to when nothing was done, and how much work was done before."""

    worked: float
    started_at: float
    ends_at: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """How a training goes: the settings in numbers, its steps and its losses."""

    hyperparameters: Json
    steps_per_epoch: int
    trained_tokens: int
    curve: Curve

    @property
    def epochs(self) -> int:
        return int(self.hyperparameters["n_epochs"])

    @property
    def steps(self) -> int:
        return self.curve.steps


@dataclass(frozen=True, slots=True)
class Checkpoint:
    id: str
    model: str
    step: int
    made_at: float


@dataclass(slots=True)
class Job:
    """`wish` is what the job was asked to do; `model_name` is what its result will be called."""

    id: str
    organization_id: str
    started: float
    wish: Json
    seed: int
    model_name: str
    plan: Plan
    # Where a file can't be used there is no course, only the problem.
    course: Course | Problem
    pauses: list[Pause] = field(default_factory=list[Pause])
    cancelled_at: float | None = None
    result_file: str | None = None
    delivered: set[str] = field(default_factory=set[str])

    def worked(self, now: float) -> float:
        """The seconds of work done until then."""
        end = now if self.cancelled_at is None else min(now, self.cancelled_at)
        idle = sum(
            max(0.0, (end if pause.ends_at is None else min(end, pause.ends_at)) - pause.started_at)
            for pause in self.pauses
        )
        return max(0.0, end - self.started - idle)

    def moment(self, worked: float) -> float | None:
        """When that much work was or will be done; None if, as things stand, it never will be."""
        at = self.started + worked
        for pause in self.pauses:
            if pause.worked < worked:
                if pause.ends_at is None:
                    return None
                at += pause.ends_at - pause.started_at
        return None if self.cancelled_at is not None and at > self.cancelled_at else at

    def is_paused(self, now: float) -> bool:
        return any(pause.started_at <= now and (pause.ends_at is None or now < pause.ends_at) for pause in self.pauses)

    def status(self, now: float) -> str:
        """OpenAI's word for the state. It has none for a pause, so that a paused job counts as queued."""
        worked = self.worked(now)
        if self.cancelled_at is not None:
            return "cancelled"
        if worked < self.plan.validating:
            return "validating_files"
        if isinstance(self.course, Problem):
            return "failed"
        if worked >= self.plan.total:
            return "succeeded"
        return "queued" if worked < self.plan.ready or self.is_paused(now) else "running"

    def finished_at(self, now: float) -> float | None:
        match self.status(now):
            case "succeeded":
                return self.moment(self.plan.total)
            case "failed":
                return self.moment(self.plan.validating)
            case "cancelled":
                return self.cancelled_at
            case _:
                return None

    def step_done(self, step: int) -> float | None:
        """When that step was or will be done."""
        if isinstance(self.course, Problem):
            return None
        return self.moment(self.plan.ready + self.plan.running * step / self.course.steps)

    def checkpoints(self, now: float) -> list[Checkpoint]:
        """The checkpoints made until then, oldest first. The last one is the model itself."""
        if isinstance(self.course, Problem):
            return []
        found: list[Checkpoint] = []
        for epoch in range(max(1, self.course.epochs - KEPT_EPOCHS + 1), self.course.epochs + 1):
            step = epoch * self.course.steps_per_epoch
            made_at = self.step_done(step)
            if made_at is not None and made_at <= now:
                is_last = epoch == self.course.epochs
                model = self.model_name if is_last else f"{self.model_name}:ckpt-step-{step}"
                found.append(Checkpoint(ids.named("ftckpt_", model), model, step, made_at))
        return found

    def metrics(self, step: int) -> Json:
        return {} if isinstance(self.course, Problem) else self.course.curve.checkpoint(step)

    def show(self, now: float) -> Json:
        status, finished_at = self.status(now), self.finished_at(now)
        is_done = status == "succeeded" and not isinstance(self.course, Problem)
        due = self.moment(self.plan.total) if status == "running" else None
        settings = self._settings(now)
        shared = ("batch_size", "learning_rate_multiplier", "n_epochs")
        return {
            "object": "fine_tuning.job",
            "id": self.id,
            "model": self.wish["model"],
            "created_at": int(self.started),
            "finished_at": None if finished_at is None else int(finished_at),
            "estimated_finish": None if due is None else int(due),
            "fine_tuned_model": self.model_name if is_done else None,
            "organization_id": self.organization_id,
            "status": status,
            "training_file": self.wish["training_file"],
            "validation_file": self.wish.get("validation_file"),
            "result_files": [self.result_file] if self.result_file is not None else [],
            "trained_tokens": self.course.trained_tokens if is_done and isinstance(self.course, Course) else None,
            "error": self._error(status),
            "hyperparameters": {name: settings[name] for name in shared},
            "method": self._method(settings),
            "seed": self.seed,
            "integrations": self.wish.get("integrations", []),
            "metadata": self.wish.get("metadata"),
            "user_provided_suffix": self.wish.get("suffix"),
        }

    def _settings(self, now: float) -> Json:
        """The hyperparameters: as asked for until the files are read, then in numbers."""
        is_read = self.worked(now) >= self.plan.validating and isinstance(self.course, Course)
        return self.course.hyperparameters if is_read and isinstance(self.course, Course) else self.wish["settings"]

    def _method(self, settings: Json) -> Json:
        kind = str(self.wish["method"])
        inside: Json = {"hyperparameters": settings}
        if "grader" in self.wish:
            inside["grader"] = self.wish["grader"]
        return {"type": kind, kind: inside}

    def _error(self, status: str) -> Json | None:
        if status != "failed" or not isinstance(self.course, Problem):
            return None
        return {"code": self.course.code, "message": self.course.message, "param": self.course.param}


JOBS = Kind[Job]("fine-tuning job", "ftjob-")


def learnt(training: Dataset, validation: Dataset | None, settings: Json, base: str, seed: int) -> Course:
    """Turn the settings into numbers, as OpenAI does for `auto`, and lay out the steps."""
    numbers = dict(settings)
    epochs = _epochs(training.examples) if numbers["n_epochs"] == "auto" else int(numbers["n_epochs"])
    # A batch of about a five-hundredth of the examples.
    batch = numbers["batch_size"]
    batch = min(256, max(1, training.examples // 500)) if batch == "auto" else int(batch)
    rate = numbers["learning_rate_multiplier"]
    rate = (1.8 if "mini" in base else 2.0) if rate == "auto" else float(rate)
    numbers |= {"n_epochs": epochs, "batch_size": batch, "learning_rate_multiplier": rate}
    numbers = {name: DEFAULTS.get(name, value) if value == "auto" else value for name, value in numbers.items()}
    steps_per_epoch = -(-training.examples // batch)
    curve = Curve.of(training, validation, epochs * steps_per_epoch, seed)
    return Course(numbers, steps_per_epoch, training.tokens * epochs, curve)


AUTOMATIC: Json = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}
# What each method is set to if nothing is said.
SETTINGS: dict[str, Json] = {
    "supervised": AUTOMATIC,
    "dpo": {**AUTOMATIC, "beta": "auto"},
    "reinforcement": {
        **AUTOMATIC,
        "compute_multiplier": "auto",
        "eval_interval": "auto",
        "eval_samples": "auto",
        "reasoning_effort": "default",
    },
}
DEFAULTS: Json = {"beta": 0.1, "compute_multiplier": 1.0, "eval_interval": 5, "eval_samples": 3}


def _epochs(examples: int) -> int:
    """Three, but so that a model sees between a hundred and 25,000 examples if that can be had."""
    if examples * 3 < 100:
        return min(25, 100 // examples)
    return max(1, 25_000 // examples) if examples * 3 > 25_000 else 3
