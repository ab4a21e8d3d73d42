"""Fine-tuning jobs: made from uploaded files, listed, paused, resumed and cancelled, with events and checkpoints."""

import re
from collections.abc import Mapping
from typing import Any

from portico.sandbox import roster
from portico.sandbox.checks import Check, Checks, array, either, fields, integer, metadata, number, one_of, record, text
from portico.sandbox.file_store import live_files
from portico.sandbox.grading.grader import FOR_TRAINING, declared, models_of
from portico.sandbox.pages import Cursor, with_metadata
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.roster import Model
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import rows_of
from portico.sandbox.tuning.job import JOBS, OVER, SETTINGS, Checkpoint, Job, Pause
from portico.sandbox.tuning.start import QUEUED_SECONDS, start
from portico.sandbox.tuning.story import events
from portico.sandbox.webhooks import follow
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(ends=False)
EVENTS = Cursor(ends=False)
CHECKPOINTS = Cursor(default=10)
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
BOTH = ("supervised", "dpo")
# Which methods each model can be trained with; dated names go as the plain ones.
TUNABLE: Mapping[str, tuple[str, ...]] = {
    "gpt-4.1": BOTH,
    "gpt-4.1-mini": BOTH,
    "gpt-4.1-nano": BOTH,
    "gpt-4o": BOTH,
    "gpt-4o-mini": BOTH,
    "gpt-4": ("supervised",),
    "gpt-3.5-turbo": ("supervised",),
    "davinci-002": ("supervised",),
    "babbage-002": ("supervised",),
    "o4-mini": ("reinforcement",),
}


def above_zero(most: float | None = None) -> Check:
    def check(value: Any, path: str) -> float:
        found: float = number(0, most)(value, path)
        if found == 0:
            raise invalid(f"'{path}' must be more than 0.", path, "decimal_below_min_value")
        return found

    return check


def automatic(check: Check) -> Check:
    return either(one_of("auto"), check)


SUPERVISED: Checks = {
    "batch_size": automatic(integer(1, 256)),
    "learning_rate_multiplier": automatic(above_zero()),
    "n_epochs": automatic(integer(1, 50)),
}
PREFERENCE: Checks = {**SUPERVISED, "beta": automatic(above_zero(2))}
REINFORCEMENT: Checks = {
    **SUPERVISED,
    "compute_multiplier": automatic(above_zero(10)),
    "eval_interval": automatic(integer(1)),
    "eval_samples": automatic(integer(1)),
    "reasoning_effort": one_of("default", "low", "medium", "high"),
}
METHOD = record(
    {"type": one_of("supervised", "dpo", "reinforcement")},
    {
        "supervised": record(optional={"hyperparameters": record(optional=SUPERVISED)}),
        "dpo": record(optional={"hyperparameters": record(optional=PREFERENCE)}),
        "reinforcement": record(
            {"grader": declared(*FOR_TRAINING)}, {"hyperparameters": record(optional=REINFORCEMENT)}
        ),
    },
)
WANDB = record({"project": str}, {"name": str, "entity": str, "tags": array(str)})
OPTIONS: Checks = {
    "hyperparameters": record(optional=SUPERVISED),
    "integrations": array(record({"type": one_of("wandb"), "wandb": WANDB}), longest=5),
    "metadata": metadata,
    "method": METHOD,
    "seed": integer(0, 2**31 - 1),
    "suffix": text(longest=64, shortest=1),
    "validation_file": text(),
}


def create_job(ask: Ask) -> Answer:
    body = fields(ask.body, {"model": text(), "training_file": text()}, OPTIONS)
    method = body.pop("method", {"type": "supervised"})
    kind = str(method["type"])
    inside: Json = method.get(kind, {})
    given = inside.get("hyperparameters") or body.pop("hyperparameters", {})
    body.pop("hyperparameters", None)
    _require_tunable(roster.require(ask, body["model"]), kind)
    if kind == "reinforcement":
        if "grader" not in inside:
            raise invalid("Reinforcement needs a grader.", "method.reinforcement", "missing_required_parameter")
        for model in models_of(inside["grader"]):
            roster.require(ask, model, "chat")
        body["grader"] = inside["grader"]
    for name in ("training_file", "validation_file"):
        if name in body:
            _require_file(ask, body[name], name)
    wish = {**body, "method": kind, "settings": {**SETTINGS[kind], **given}}
    job = start(ask.world, ask.organization, ask.project, wish)
    ask.project.settle(ask.world.time())
    follow(ask, f"/fine_tuning/jobs/{job.id}")
    return job.show(ask.world.time())


def list_jobs(ask: Ask) -> Answer:
    wants_none = ask.query.text("metadata") == "null"
    rows = ask.held(JOBS).rows(
        lambda job: not job.wish.get("metadata") if wants_none else with_metadata(ask, job.wish.get("metadata"))
    )
    return LIST.answer(ask, rows, lambda job: job.show(ask.world.time()))


def get_job(ask: Ask) -> Answer:
    return _job(ask).show(ask.world.time())


def cancel_job(ask: Ask) -> Answer:
    job, now = _job(ask), ask.world.time()
    if job.status(now) in OVER:
        raise _not_now(job, now, "cancelled")
    job.cancelled_at = now
    return job.show(now)


def pause_job(ask: Ask) -> Answer:
    job, now = _job(ask), ask.world.time()
    if job.status(now) != "running":
        raise _not_now(job, now, "paused")
    job.pauses.append(Pause(job.worked(now), now))
    return job.show(now)


def resume_job(ask: Ask) -> Answer:
    job, now = _job(ask), ask.world.time()
    if job.status(now) in OVER or not job.pauses or job.pauses[-1].ends_at is not None:
        raise _not_now(job, now, "resumed")
    # It has to queue once more.
    job.pauses[-1].ends_at = now + QUEUED_SECONDS * ask.world.pace
    return job.show(now)


def list_events(ask: Ask) -> Answer:
    return EVENTS.answer(ask, rows_of(events(_job(ask), ask.world.time())), lambda event: event)


def list_checkpoints(ask: Ask) -> Answer:
    job = _job(ask)
    made = {checkpoint.id: checkpoint for checkpoint in job.checkpoints(ask.world.time())}
    return CHECKPOINTS.answer(ask, rows_of(made), lambda checkpoint: _show(job, checkpoint))


def _job(ask: Ask) -> Job:
    return ask.held(JOBS).get(ask["job_id"])


def _show(job: Job, checkpoint: Checkpoint) -> Json:
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": checkpoint.id,
        "created_at": int(checkpoint.made_at),
        "fine_tuned_model_checkpoint": checkpoint.model,
        "fine_tuning_job_id": job.id,
        "metrics": job.metrics(checkpoint.step),
        "step_number": checkpoint.step,
    }


def _require_tunable(model: Model, method: str) -> None:
    methods = TUNABLE.get(DATED.sub("", model.base or model.id), ())
    if not methods:
        raise invalid(f"The model '{model.id}' can't be fine-tuned.", "model", "model_not_available")
    if method not in methods:
        raise invalid(f"'{model.id}' can be trained by {' or '.join(methods)}, not by {method}.", "method.type")


def _require_file(ask: Ask, file_id: str, name: str) -> None:
    file = live_files(ask).look(file_id)
    if file is None:
        raise invalid(f"There is no file '{file_id}'.", name, "file_not_found")
    if file.purpose != "fine-tune":
        raise invalid(f"'{file_id}' was uploaded for '{file.purpose}', not for 'fine-tune'.", name, "invalid_purpose")


def _not_now(job: Job, now: float, deed: str) -> Refusal:
    word = "paused" if job.is_paused(now) and job.status(now) not in OVER else job.status(now)
    return invalid(f"The job '{job.id}' is {word} and can't be {deed}.", None, "invalid_state")


ROUTES = (
    Route("GET", "/fine_tuning/jobs", list_jobs),
    Route("POST", "/fine_tuning/jobs", create_job),
    Route("GET", "/fine_tuning/jobs/{job_id}", get_job),
    Route("POST", "/fine_tuning/jobs/{job_id}/cancel", cancel_job),
    Route("POST", "/fine_tuning/jobs/{job_id}/pause", pause_job),
    Route("POST", "/fine_tuning/jobs/{job_id}/resume", resume_job),
    Route("GET", "/fine_tuning/jobs/{job_id}/events", list_events),
    Route("GET", "/fine_tuning/jobs/{job_id}/checkpoints", list_checkpoints),
)
