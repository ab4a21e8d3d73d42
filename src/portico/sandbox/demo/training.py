"""The demo organization's fine-tuning jobs, with the files they used: old and new ones, in all states."""

from collections.abc import Callable
from dataclasses import dataclass

from portico.sandbox.blobs import Blob
from portico.sandbox.demo import lessons
from portico.sandbox.demo.steady import steady
from portico.sandbox.file_store import FILES, StoredFile
from portico.sandbox.shapes import Json
from portico.sandbox.state import Organization, Project, World
from portico.sandbox.tuning.job import SETTINGS, Plan
from portico.sandbox.tuning.start import start

DAY = 86_400
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """A file, and how many days ago it was uploaded."""

    filename: str
    age: float
    write: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Told:
    """A job that somebody started: days ago, from which files, and, if all did not go its usual way, how."""

    age: float
    model: str
    training: str
    validation: str | None = None
    suffix: str | None = None
    method: str = "supervised"
    epochs: int | str = "auto"
    plan: Plan | None = None
    cancelled_after: float | None = None


LESSONS = (
    Lesson("orders-2026-09.jsonl", 61.4, lambda: lessons.care(2)),
    Lesson("care-first-draft.jsonl", 48.9, lessons.too_few),
    Lesson("care.jsonl", 41.0, lambda: lessons.care(0)),
    Lesson("care-and-calendar.jsonl", 33.6, lambda: lessons.care(0, 1)),
    Lesson("tone-pairs.jsonl", 27.5, lessons.preferences),
    Lesson("number-quiz.jsonl", 19.8, lessons.number_quiz),
    Lesson("calendar-train.jsonl", 9.3, lessons.unfinished),
    Lesson("calendar-validation.jsonl", 9.3, lambda: lessons.care(1)),
    Lesson("triage-train.jsonl", 4.4, lambda: lessons.care(0, 2)),
    Lesson("triage-validation.jsonl", 4.4, lambda: lessons.care(2)),
    Lesson("season-train.jsonl", 0.25, lessons.too_few),
    Lesson("season-validation.jsonl", 0.25, lambda: lessons.care(1)),
    Lesson("everything.jsonl", 0.11, lambda: lessons.care(0, 1, 2)),
)

JOBS_TOLD = (
    Told(61.2, "gpt-3.5-turbo", "orders-2026-09.jsonl", suffix="orders"),
    Told(48.7, "gpt-4o", "care-first-draft.jsonl", suffix="care"),
    Told(40.8, "gpt-4o-mini", "care.jsonl", suffix="plant-care", epochs=4),
    Told(33.3, "gpt-4.1", "care-and-calendar.jsonl", suffix="almanac", cancelled_after=61.0),
    Told(27.1, "gpt-4.1-mini", "tone-pairs.jsonl", suffix="warm-tone", method="dpo"),
    Told(19.6, "o4-mini", "number-quiz.jsonl", suffix="numbers", method="reinforcement"),
    Told(9.1, "gpt-4o-mini", "calendar-train.jsonl", "calendar-validation.jsonl", "calendar"),
    Told(4.2, "gpt-4.1-nano", "triage-train.jsonl", "triage-validation.jsonl", "triage"),
    Told(1.3, "gpt-4o", "care-and-calendar.jsonl", "triage-validation.jsonl", "care", epochs=2),
    Told(0.21, "gpt-4o-mini", "season-train.jsonl", "season-validation.jsonl", "season"),
    Told(0.09, "gpt-4.1", "everything.jsonl", suffix="almanac", plan=Plan(60, 600, 9 * HOUR)),
    Told(0.01, "gpt-4o-mini", "care-and-calendar.jsonl", suffix="plant-care", plan=Plan(60, 5 * HOUR, HOUR)),
)

QUIZ_GRADER: Json = {
    "type": "string_check",
    "name": "right number",
    "input": "{{sample.output_text}}",
    "reference": "{{item.number}}",
    "operation": "ilike",
}


def seed(world: World, organization: Organization) -> None:
    project, now = organization.default_project, world.time()
    files: dict[str, str] = {}
    with steady(world, "demo training"):
        for told in JOBS_TOLD:
            for lesson in LESSONS:
                if lesson.age > told.age and lesson.filename not in files:
                    files[lesson.filename] = _upload(world, project, lesson, now)
            job = start(world, organization, project, _wish(told, files), at=now - told.age * DAY)
            if told.cancelled_after is not None:
                job.cancelled_at = job.started + told.cancelled_after
            if told.plan is not None:
                job.plan = told.plan.scaled(world.pace)
            # What it made comes into the project before anything newer does.
            project.settle(now)


def _upload(world: World, project: Project, lesson: Lesson, now: float) -> str:
    made_at = int(now - lesson.age * DAY)
    file = StoredFile(world.new_id(FILES.prefix), lesson.filename, "fine-tune", Blob(lesson.write()), made_at)
    return project.shelf.of(FILES).add(file.id, file).id


def _wish(told: Told, files: dict[str, str]) -> Json:
    wish: Json = {
        "model": told.model,
        "training_file": files[told.training],
        "method": told.method,
        "settings": {**SETTINGS[told.method], "n_epochs": told.epochs},
        "metadata": {"team": "customer-care" if "care" in told.training else "catalogue"},
    }
    if told.validation is not None:
        wish["validation_file"] = files[told.validation]
    if told.suffix is not None:
        wish["suffix"] = told.suffix
    if told.method == "reinforcement":
        wish["grader"] = QUIZ_GRADER
    return wish
