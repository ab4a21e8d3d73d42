"""Starts fine-tuning jobs, and brings their fruits into the project when their time has come."""

import math
import re

from portico.sandbox import ids, roster
from portico.sandbox.blobs import Blob
from portico.sandbox.file_store import FILES, StoredFile
from portico.sandbox.roster import TUNED, Model
from portico.sandbox.shapes import Json
from portico.sandbox.state import Organization, Project, World
from portico.sandbox.tuning.dataset import Format, Problem, read
from portico.sandbox.tuning.job import JOBS, Course, Job, Plan, learnt
from portico.sandbox.tuning.story import marks

VALIDATING_SECONDS = 15.0
QUEUED_SECONDS = 30.0
STEP_SECONDS = 1.0
SHORTEST_SECONDS = 30.0
LONGEST_SECONDS = 3600.0
FORMATS: dict[str, Format] = {"supervised": "chat", "dpo": "preference", "reinforcement": "prompt"}
NAME_LENGTH = 8
UNUSUAL = re.compile(r"[^a-z0-9]+")


def start(world: World, organization: Organization, project: Project, wish: Json, *, at: float | None = None) -> Job:
    """Start a job with checked wishes (`model`, `training_file`, `method`, `settings`, …) whose files are there.

    Whenever the project settles, what time has made of the job comes about. `at` is when it began, if not now.
    """
    base = _base(project, wish["model"])
    seed = wish.get("seed")
    seed = world.random.randrange(2**31) if seed is None else int(seed)
    course = _course(project, wish, base, seed)
    tail = "".join(world.random.choices(ids.LETTERS, k=NAME_LENGTH))
    job = Job(
        id=world.new_id(JOBS.prefix),
        organization_id=organization.id,
        started=world.time() if at is None else at,
        wish=wish,
        seed=seed,
        model_name=f"ft:{base.id}:{_spelled(organization.name)}:{wish.get('suffix', '')}:{tail}",
        plan=_plan(course, world.pace),
        course=course,
    )
    project.shelf.of(JOBS).add(job.id, job)
    project.pending.append(lambda now: settle(job, world, project, base, now))
    return job


def settle(job: Job, world: World, project: Project, base: Model, now: float) -> bool:
    """Bring into the project what the job has made until now. True once nothing more can come."""
    for checkpoint in job.checkpoints(now):
        if checkpoint.model not in job.delivered:
            job.delivered.add(checkpoint.model)
            made = Model(checkpoint.model, int(checkpoint.made_at), base.purpose, job.organization_id, base=base.id)
            project.shelf.of(TUNED).add(made.id, made)
    status, ended_at = job.status(now), job.moment(job.plan.total)
    if status == "succeeded" and isinstance(job.course, Course) and ended_at is not None:
        blob = Blob(metrics_file(job.course))
        file = StoredFile(world.new_id(FILES.prefix), "step_metrics.csv", "fine-tune-results", blob, int(ended_at))
        project.shelf.of(FILES).add(file.id, file)
        job.result_file = file.id
    return status in ("succeeded", "failed", "cancelled")


def metrics_file(course: Course) -> bytes:
    """The result file: a line of metrics for each step."""
    columns = ("train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy")
    lines = ["step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"]
    for step in marks(course.steps):
        metrics = course.curve.at(step)
        lines.append(",".join([str(step), *(str(metrics.get(column, "")) for column in columns)]))
    return ("\n".join(lines) + "\n").encode()


def _spelled(name: str) -> str:
    return UNUSUAL.sub("-", name.lower()).strip("-")


def _base(project: Project, name: str) -> Model:
    """The published model that a job starts from, also where it goes on from a tuned one."""
    held = roster.PUBLISHED.get(name) or project.shelf.of(TUNED).get(name)
    return held if held.base is None else roster.PUBLISHED[held.base]


def _course(project: Project, wish: Json, base: Model, seed: int) -> Course | Problem:
    form: Format = "completion" if base.purpose == "completion" else FORMATS[wish["method"]]
    files = project.shelf.of(FILES)
    training = read(files.get(wish["training_file"]).blob, form, "training_file")
    if isinstance(training, Problem):
        return training
    validation = None
    if "validation_file" in wish:
        validation = read(files.get(wish["validation_file"]).blob, form, "validation_file")
        if isinstance(validation, Problem):
            return validation
    return learnt(training, validation, wish["settings"], base.id, seed)


def _plan(course: Course | Problem, pace: float) -> Plan:
    running = 0.0
    if isinstance(course, Course):
        running = math.ceil(min(LONGEST_SECONDS, max(SHORTEST_SECONDS, course.steps * STEP_SECONDS)))
    return Plan(VALIDATING_SECONDS, QUEUED_SECONDS, running).scaled(pace)
