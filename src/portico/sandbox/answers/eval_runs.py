"""Runs of evals: rows from many sources, sampled from a model where one is named, graded one after the other."""

from portico.sandbox import roster
from portico.sandbox.checks import (
    Check,
    Checks,
    array,
    by_type,
    fields,
    integer,
    metadata,
    number,
    one_of,
    record,
    text,
)
from portico.sandbox.evaluating.rows import Row, RowsUnusable, read
from portico.sandbox.evaluating.sampling import Sampled, brought, made
from portico.sandbox.evaluating.start import make_run
from portico.sandbox.evaluating.store import EVALS, Eval, Run
from portico.sandbox.grading.grader import MESSAGE, REASONING_EFFORTS
from portico.sandbox.grading.judging import meter
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid, missing, no_such
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Rows
from portico.sandbox.webhooks import follow
from portico.sandbox.wire import Answer, Ask, Reply, Route

LIST = Cursor(order="asc")
STATUSES = ("queued", "in_progress", "completed", "canceled", "failed")

CONTENT = record({"type": str, "content": array(record({"item": dict}, {"sample": dict}), shortest=1)})
FILE = record({"type": str, "id": text()})
SINCE: Checks = {"created_after": integer(0), "created_before": integer(0), "model": str}
STORED = record({"type": str}, {**SINCE, "limit": integer(1), "metadata": metadata})
KEPT = record(
    {"type": str},
    {
        **SINCE,
        "instructions_search": str,
        "metadata": dict,
        "reasoning_effort": one_of(*REASONING_EFFORTS),
        "temperature": number(0, 2),
        "tools": array(str),
        "top_p": number(0, 1),
        "users": array(str),
    },
)
PROMPT = by_type(
    {
        "template": record({"type": str, "template": array(MESSAGE, shortest=1)}),
        "item_reference": record({"type": str, "item_reference": text(shortest=1)}),
    }
)
SAMPLING: Checks = {
    "max_completion_tokens": integer(1),
    # So the reference's own examples spell it.
    "max_completions_tokens": integer(1),
    "reasoning_effort": one_of(*REASONING_EFFORTS),
    "seed": integer(),
    "temperature": number(0, 2),
    "tools": array(dict),
    "top_p": number(0, 1),
}


def _asking(source: Check, **more: Check | type) -> Check:
    """A data source that may name a model to be asked."""
    sampling = record(optional={**SAMPLING, **more})
    return record(
        {"type": str, "source": source}, {"input_messages": PROMPT, "model": str, "sampling_params": sampling}
    )


DATA_SOURCE = by_type(
    {
        "jsonl": record({"type": str, "source": by_type({"file_content": CONTENT, "file_id": FILE})}),
        "completions": _asking(
            by_type({"file_content": CONTENT, "file_id": FILE, "stored_completions": STORED}), response_format=dict
        ),
        "responses": _asking(
            by_type({"file_content": CONTENT, "file_id": FILE, "responses": KEPT}),
            text=record(optional={"format": dict}),
        ),
    }
)


def create_run(ask: Ask) -> Answer:
    held = _eval(ask)
    body = fields(ask.body, {"data_source": DATA_SOURCE}, {"name": str, "metadata": metadata})
    data_source: Json = body["data_source"]
    _can_sample(ask, data_source)
    rows = _rows(ask, held, data_source["source"])
    run = make_run(ask.world, held, body, rows, lambda row: _sample(ask, row, data_source))
    for graded in run.outcomes:
        meter(ask, graded.judged)
    follow(ask, f"/evals/{held.id}/runs/{run.id}")
    return Reply(run.show(ask.world.time()), 201)


def list_runs(ask: Ask) -> Answer:
    held, now = _eval(ask), ask.world.time()
    status = ask.query.choice("status", STATUSES)
    rows = held.runs.rows(lambda run: status in (None, run.status(now)))
    return LIST.answer(ask, rows, lambda run: run.show(now))


def get_run(ask: Ask) -> Answer:
    return _run(ask).show(ask.world.time())


def cancel_run(ask: Ask) -> Answer:
    run, now = _run(ask), ask.world.time()
    if run.status(now) not in ("queued", "in_progress"):
        raise invalid(f"The run '{run.id}' is {run.status(now)} and can't be cancelled.", None, "invalid_state")
    run.cancelled_at = now
    return run.show(now)


def delete_run(ask: Ask) -> Answer:
    run = _eval(ask).runs.remove(ask["run_id"])
    return {"object": "eval.run.deleted", "deleted": True, "run_id": run.id}


def list_items(ask: Ask) -> Answer:
    run = _run(ask)
    status = ask.query.choice("status", ("fail", "pass"))
    graded = {outcome.id: outcome for outcome in run.graded(ask.world.time())}
    wanted = {identity: outcome for identity, outcome in graded.items() if status in (None, outcome.status)}
    rows = Rows(wanted, {identity: place for place, identity in enumerate(graded)})
    return LIST.answer(ask, rows, run.show_item)


def get_item(ask: Ask) -> Answer:
    run = _run(ask)
    for outcome in run.graded(ask.world.time()):
        if outcome.id == ask["output_item_id"]:
            return run.show_item(outcome)
    raise no_such("output item", ask["output_item_id"])


def _eval(ask: Ask) -> Eval:
    return ask.held(EVALS).get(ask["eval_id"])


def _run(ask: Ask) -> Run:
    return _eval(ask).runs.get(ask["run_id"])


def _can_sample(ask: Ask, data_source: Json) -> None:
    kept = data_source["source"]["type"] in ("stored_completions", "responses")
    if "model" in data_source:
        roster.require(ask, data_source["model"], "chat")
        if "input_messages" not in data_source and not kept:
            raise missing("data_source.input_messages")
    elif "input_messages" in data_source:
        raise missing("data_source.model")


def _rows(ask: Ask, held: Eval, source: Json) -> list[Row] | RowsUnusable:
    """The rows; what is wrong with rows in the request is refused, what is wrong elsewhere makes the run fail."""
    schema: Json = held.data_source_config["schema"]["properties"]["item"]
    try:
        return read(ask, source, schema)
    except RowsUnusable as unusable:
        if source["type"] == "file_content":
            raise invalid(str(unusable), "data_source.source.content") from None
        return unusable


def _sample(ask: Ask, row: Row, data_source: Json) -> Sampled:
    return made(ask, row, data_source) if "model" in data_source else brought(row)


PATH = "/evals/{eval_id}/runs"

ROUTES = (
    Route("GET", PATH, list_runs),
    Route("POST", PATH, create_run),
    Route("GET", f"{PATH}/{{run_id}}", get_run),
    Route("POST", f"{PATH}/{{run_id}}/cancel", cancel_run),
    Route("DELETE", f"{PATH}/{{run_id}}", delete_run),
    Route("GET", f"{PATH}/{{run_id}}/output_items", list_items),
    Route("GET", f"{PATH}/{{run_id}}/output_items/{{output_item_id}}", get_item),
)
