"""Makes evals and their runs, for the endpoints and for the demo organization."""

import uuid
from collections.abc import Callable

from portico.sandbox.evaluating.grading import outcome
from portico.sandbox.evaluating.rows import Row, RowsUnusable
from portico.sandbox.evaluating.sampling import Sampled
from portico.sandbox.evaluating.store import EVALS, Eval, Run
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project, World

QUEUED_SECONDS = 5.0
ROW_SECONDS = 1.0


def make_eval(world: World, project: Project, wish: Json, *, at: int | None = None) -> Eval:
    """Make an eval from checked wishes (`name`, `metadata`, `data_source_config`, `testing_criteria`)."""
    moment = world.now() if at is None else at
    criteria = [{**criterion, "id": f"{criterion['name']}-{_uuid(world)}"} for criterion in wish["testing_criteria"]]
    made = Eval(
        id=world.new_id(EVALS.prefix),
        name=wish.get("name") or "Unnamed eval",
        created_at=moment,
        updated_at=moment,
        data_source_config=configured(wish["data_source_config"]),
        testing_criteria=criteria,
        metadata=wish.get("metadata", {}),
    )
    return project.shelf.of(EVALS).add(made.id, made)


def make_run(
    world: World, held: Eval, wish: Json, rows: list[Row] | RowsUnusable, sample: Callable[[Row], Sampled]
) -> Run:
    """Make a run from checked wishes (`name`, `metadata`, `data_source`, perhaps `at`), and grade its rows."""
    source: Json = wish["data_source"]
    run = Run(
        id=world.new_id("evalrun_"),
        eval_id=held.id,
        name=wish.get("name") or str(source.get("model", held.name)),
        started=wish.get("at", world.time()),
        data_source=source,
        metadata=wish.get("metadata", {}),
        queued=QUEUED_SECONDS * world.pace,
        each=ROW_SECONDS * world.pace,
    )
    if isinstance(rows, RowsUnusable):
        run.trouble = {"code": rows.code, "message": str(rows)}
    else:
        run.outcomes = [outcome(world, held, number, row, sample(row)) for number, row in enumerate(rows)]
    return held.runs.add(run.id, run)


def configured(config: Json) -> Json:
    """The data source as an eval shows it: with the schema of what its graders can name."""
    anything: Json = {"type": "object"}
    if config["type"] != "custom":
        schema: Json = {"type": "object", "properties": {"item": anything, "sample": anything}}
        metadata: Json = config.get("metadata", {})
        return {"type": config["type"], "metadata": metadata, "schema": {**schema, "required": ["item", "sample"]}}
    properties: Json = {"item": config["item_schema"]}
    if config.get("include_sample_schema"):
        properties["sample"] = {"type": "object", "properties": {"output_text": {"type": "string"}}}
    return {"type": "custom", "schema": {"type": "object", "properties": properties, "required": list(properties)}}


def _uuid(world: World) -> uuid.UUID:
    return uuid.UUID(int=world.random.getrandbits(128), version=4)
