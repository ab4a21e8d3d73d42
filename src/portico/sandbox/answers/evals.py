"""Evals: what is to be graded and by which criteria."""

from portico.sandbox import roster
from portico.sandbox.checks import Check, Checks, array, boolean, by_type, fields, metadata, number, record
from portico.sandbox.evaluating.start import make_eval
from portico.sandbox.evaluating.store import EVALS, Eval
from portico.sandbox.grading.grader import declared, models_of
from portico.sandbox.pages import Cursor
from portico.sandbox.shelves import Rows
from portico.sandbox.wire import Answer, Ask, Reply, Route

LIST = Cursor(order="asc")
THRESHOLD: Checks = {"pass_threshold": number()}
CRITERIA: dict[str, Check] = {
    "label_model": declared("label_model"),
    "string_check": declared("string_check"),
    "text_similarity": declared("text_similarity", needed=THRESHOLD),
    "python": declared("python", extra=THRESHOLD),
    "score_model": declared("score_model", extra=THRESHOLD),
}
CONFIGS: dict[str, Check] = {
    "custom": record({"type": str, "item_schema": dict}, {"include_sample_schema": boolean}),
    "logs": record({"type": str}, {"metadata": dict}),
    "stored_completions": record({"type": str}, {"metadata": dict}),
}


BODY = {"data_source_config": by_type(CONFIGS), "testing_criteria": array(by_type(CRITERIA), shortest=1)}


def create_eval(ask: Ask) -> Answer:
    body = fields(ask.body, BODY, {"name": str, "metadata": metadata})
    for criterion in body["testing_criteria"]:
        for model in models_of(criterion):
            roster.require(ask, model, "chat")
    return Reply(make_eval(ask.world, ask.project, body).show(), 201)


def list_evals(ask: Ask) -> Answer:
    rows = ask.held(EVALS).rows()
    if ask.query.choice("order_by", ("created_at", "updated_at")) == "updated_at":
        ordered = sorted(rows.held.items(), key=lambda pair: pair[1].updated_at)
        rows = Rows(dict(ordered), {identity: place for place, (identity, _) in enumerate(ordered)})
    return LIST.answer(ask, rows, Eval.show)


def get_eval(ask: Ask) -> Answer:
    return ask.held(EVALS).get(ask["eval_id"]).show()


def update_eval(ask: Ask) -> Answer:
    held = ask.held(EVALS).get(ask["eval_id"])
    body = fields(ask.body, optional={"name": str, "metadata": metadata})
    held.name = body.get("name", held.name)
    # A null takes the metadata away.
    held.metadata = body.get("metadata", {}) if "metadata" in ask.body else held.metadata
    held.updated_at = ask.now
    return held.show()


def delete_eval(ask: Ask) -> Answer:
    held = ask.held(EVALS).remove(ask["eval_id"])
    return {"object": "eval.deleted", "deleted": True, "eval_id": held.id}


ROUTES = (
    Route("GET", "/evals", list_evals),
    Route("POST", "/evals", create_eval),
    Route("GET", "/evals/{eval_id}", get_eval),
    Route("POST", "/evals/{eval_id}", update_eval),
    Route("DELETE", "/evals/{eval_id}", delete_eval),
)
