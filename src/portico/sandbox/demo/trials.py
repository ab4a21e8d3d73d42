"""The demo organization's evals, with runs that went well, went badly, failed or were stopped."""

from dataclasses import dataclass

from portico.sandbox.demo import lessons
from portico.sandbox.demo.steady import steady
from portico.sandbox.evaluating.rows import Row, RowsUnusable
from portico.sandbox.evaluating.sampling import brought
from portico.sandbox.evaluating.start import make_eval, make_run
from portico.sandbox.evaluating.store import Eval
from portico.sandbox.shapes import Json
from portico.sandbox.state import Organization, World

DAY = 86_400
TEXT: Json = {"type": "string"}

CARE: Json = {
    "name": "Care answers",
    "metadata": {"team": "customer-care"},
    "data_source_config": {
        "type": "custom",
        "item_schema": {
            "type": "object",
            "properties": {"plant": TEXT, "answer": TEXT},
            "required": ["plant", "answer"],
        },
        "include_sample_schema": True,
    },
    "testing_criteria": [
        {
            "type": "text_similarity",
            "name": "Close to the handbook",
            "input": "{{sample.output_text}}",
            "reference": "{{item.answer}}",
            "evaluation_metric": "fuzzy_match",
            "pass_threshold": 0.7,
        },
        {
            "type": "string_check",
            "name": "Names the plant",
            "input": "{{sample.output_text}}",
            "reference": "{{item.plant}}",
            "operation": "ilike",
        },
    ],
}
TRIAGE: Json = {
    "name": "Ticket triage",
    "metadata": {"team": "customer-care"},
    "data_source_config": {
        "type": "custom",
        "item_schema": {
            "type": "object",
            "properties": {"ticket": TEXT, "queue": TEXT},
            "required": ["ticket", "queue"],
        },
        "include_sample_schema": True,
    },
    "testing_criteria": [
        {
            "type": "label_model",
            "name": "Right queue",
            "model": "gpt-5.4-mini",
            "input": [
                {"role": "developer", "content": "Is the queue that was chosen the right one?"},
                {"role": "user", "content": "Chosen: {{sample.output_text}}\nRight: {{item.queue}}"},
            ],
            "labels": ["correct", "incorrect"],
            "passing_labels": ["correct"],
        }
    ],
}
TICKETS = (
    ("My parcel has not come yet.", "delivery", "delivery"),
    ("I was charged twice for the boxwood.", "billing", "billing"),
    ("The shears arrived broken.", "returns", "delivery"),
    ("Do you deliver to the islands?", "delivery", "delivery"),
    ("Please send me the invoice once more.", "billing", "billing"),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """A run: days ago, its name, its rows or what was wrong with them, and after how many seconds it was stopped."""

    age: float
    name: str
    rows: list[Row] | RowsUnusable
    stopped_after: float | None = None


def seed(world: World, organization: Organization) -> None:
    project, now = organization.default_project, world.now()
    with steady(world, "demo trials"):
        care = make_eval(world, project, CARE, at=round(now - 44.2 * DAY))
        _run(world, care, Trial(40.1, "before training", _care_rows("Look at the label of your {name}.")))
        _run(world, care, Trial(39.7, "plant-care", _care_rows("The {name} likes {need}.")))
        triage = make_eval(world, project, TRIAGE, at=round(now - 6.8 * DAY))
        _run(world, triage, Trial(6.7, "first try", RowsUnusable("invalid_file", "Line 3 of the file has no 'item'.")))
        _run(world, triage, Trial(6.5, "second try", _tickets(), stopped_after=8.0))
        _run(world, triage, Trial(3.9, "triage", _tickets()))


def _run(world: World, held: Eval, trial: Trial) -> None:
    rows = [] if isinstance(trial.rows, RowsUnusable) else trial.rows
    content = [{"item": row.item, "sample": row.sample} for row in rows]
    source: Json = {"type": "file_content", "content": content}
    if isinstance(trial.rows, RowsUnusable):
        source = {"type": "file_id", "id": world.new_id("file-")}
    wish: Json = {
        "name": trial.name,
        "data_source": {"type": "jsonl", "source": source},
        "at": world.time() - trial.age * DAY,
    }
    run = make_run(world, held, wish, trial.rows, brought)
    if trial.stopped_after is not None:
        run.cancelled_at = run.started + trial.stopped_after


def _care_rows(style: str) -> list[Row]:
    """Answers in a certain style, beside those of the handbook."""
    return [
        Row({"plant": name, "answer": f"The {name} wants {need}."}, {"output_text": style.format(name=name, need=need)})
        for name, _, need, _ in lessons.GOODS
    ]


def _tickets() -> list[Row]:
    return [Row({"ticket": ticket, "queue": queue}, {"output_text": chosen}) for ticket, queue, chosen in TICKETS]
