"""Graders on their own: checked, or tried on one sample."""

from portico.sandbox import roster
from portico.sandbox.checks import fields
from portico.sandbox.evaluating.sampling import known_sample
from portico.sandbox.grading.grader import FOR_TRAINING, Grade, declared, grade, models_of
from portico.sandbox.grading.judging import meter
from portico.sandbox.mind import tokens
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route

GRADER = declared(*FOR_TRAINING)
FLAGS = (
    "formula_parse_error",
    "sample_parse_error",
    "truncated_observation_error",
    "unresponsive_reward_error",
    "invalid_variable_error",
    "other_error",
    "python_grader_server_error",
    "python_grader_runtime_error",
    "model_grader_server_error",
    "model_grader_refusal_error",
    "model_grader_parse_error",
)
# How long grading is said to have taken, for each piece of text.
SECONDS_PER_PIECE = 0.0005


def run_grader(ask: Ask) -> Answer:
    body = fields(ask.body, {"grader": GRADER, "model_sample": str}, {"item": dict})
    _require_models(ask, body["grader"])
    found = grade(body["grader"], body.get("item", {}), known_sample(body["model_sample"]))
    spent = [verdict.spent for verdict in found.verdicts]
    meter(ask, spent)
    per_model: dict[str, Json] = {}
    for model, used in spent:
        total = per_model.setdefault(model, dict.fromkeys(used, 0))
        per_model[model] = {name: total[name] + amount for name, amount in used.items()}
    return {
        "reward": found.score,
        "metadata": _metadata(body, found, per_model),
        "sub_rewards": found.parts,
        "model_grader_token_usage_per_model": per_model,
    }


def validate_grader(ask: Ask) -> Answer:
    body = fields(ask.body, {"grader": GRADER})
    _require_models(ask, body["grader"])
    return {"grader": ask.body["grader"]}


def _require_models(ask: Ask, grader: Json) -> None:
    for model in models_of(grader):
        roster.require(ask, model, "chat")


def _metadata(body: Json, found: Grade, per_model: dict[str, Json]) -> Json:
    errors: Json = {name: name in found.trouble for name in FLAGS}
    return {
        "name": body["grader"]["name"],
        "type": body["grader"]["type"],
        "errors": {
            **errors,
            "python_grader_server_error_type": None,
            "python_grader_runtime_error_details": found.trouble.get("python_grader_runtime_error"),
            "model_grader_server_error_details": None,
        },
        "execution_time": round(SECONDS_PER_PIECE * tokens.count(body["model_sample"]), 6),
        "scores": found.parts,
        "token_usage": sum(used["total_tokens"] for used in per_model.values()) if per_model else None,
        "sampled_model_name": next(iter(per_model), None),
    }


ROUTES = (
    Route("POST", "/fine_tuning/alpha/graders/run", run_grader),
    Route("POST", "/fine_tuning/alpha/graders/validate", validate_grader),
)
