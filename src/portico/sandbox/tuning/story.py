"""The events of a fine-tuning job: what it has to tell until now, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass

from portico.sandbox import ids
from portico.sandbox.shapes import Json
from portico.sandbox.tuning.dataset import Problem
from portico.sandbox.tuning.job import Course, Job

MOST_METRICS = 100


@dataclass(frozen=True, slots=True)
class Event:
    """`mark` tells events of one job apart, so that each keeps its id."""

    at: float
    mark: str
    message: str
    level: str = "info"
    data: Json | None = None

    def show(self, job: Job) -> Json:
        return {
            "object": "fine_tuning.job.event",
            "id": ids.named("ftevent-", f"{job.id} {self.mark}"),
            "created_at": int(self.at),
            "level": self.level,
            "message": self.message,
            "type": "metrics" if self.mark.startswith("step") else "message",
            "data": self.data or {},
        }


def events(job: Job, now: float) -> dict[str, Json]:
    """By id. What happens at the same moment keeps the order of the story."""
    told = sorted((event for event in _all(job, now) if event.at <= now), key=lambda event: event.at)
    return {shown["id"]: shown for shown in (event.show(job) for event in told)}


def marks(steps: int) -> list[int]:
    """The steps that are worth a line: all of them, or evenly a hundred and the last."""
    every = max(1, steps // MOST_METRICS)
    return sorted({*range(every, steps + 1, every), steps})


def _all(job: Job, now: float) -> Iterator[Event]:
    yield Event(job.started, "created", f"The job {job.id} was made.")
    yield Event(job.started, "validating", f"Reading the training file {job.wish['training_file']}.")
    read_at, begins_at = job.moment(job.plan.validating), job.moment(job.plan.ready)
    if isinstance(job.course, Problem):
        if read_at is not None:
            yield Event(read_at, "failed", f"The job failed: {job.course.message}", "error")
    else:
        if read_at is not None:
            yield Event(read_at, "queued", "The files are good. The job waits for its turn.")
        if begins_at is not None:
            yield Event(begins_at, "running", "The training has begun.")
        yield from _training(job, job.course, now)
    yield from _interruptions(job)


def _training(job: Job, course: Course, now: float) -> Iterator[Event]:
    for step in marks(course.steps):
        done_at = job.step_done(step)
        if done_at is not None:
            metrics: Json = {**course.curve.at(step), "total_steps": course.steps}
            message = f"Step {step} of {course.steps}: the training loss is {metrics['train_loss']:.2f}."
            yield Event(done_at, f"step {step}", message, data=metrics)
    for checkpoint in job.checkpoints(now):
        message = f"Checkpoint after step {checkpoint.step}: {checkpoint.model}."
        yield Event(checkpoint.made_at, f"checkpoint {checkpoint.step}", message)
    ended_at = job.moment(job.plan.total)
    if ended_at is not None:
        yield Event(ended_at, "model", f"The new model is {job.model_name}.")
        yield Event(ended_at, "succeeded", "The job is complete.")


def _interruptions(job: Job) -> Iterator[Event]:
    for number, pause in enumerate(job.pauses):
        yield Event(pause.started_at, f"pause {number}", "The job was paused.")
        if pause.ends_at is not None:
            yield Event(pause.ends_at, f"resume {number}", "The job goes on.")
    if job.cancelled_at is not None:
        yield Event(job.cancelled_at, "cancelled", "The job was cancelled.", "warn")
