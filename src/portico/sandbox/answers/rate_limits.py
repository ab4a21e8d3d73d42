"""The rate limits of a project, one per model; what is set here is what its token buckets keep from then on."""

from dataclasses import replace

from portico.sandbox import roster
from portico.sandbox.audit import audit
from portico.sandbox.checks import fields, integer
from portico.sandbox.limits import Limit
from portico.sandbox.pages import Cursor
from portico.sandbox.people import active_project_of, project_of
from portico.sandbox.refusals import invalid, no_such
from portico.sandbox.roster import Model
from portico.sandbox.shapes import Json, without_nothing
from portico.sandbox.shelves import rows_of
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(default=100, order="asc", before=True)
PREFIX = "rl-"

# What OpenAI calls them, what we call them, and the most that the organization as a whole may have.
FIELDS = {
    "max_requests_per_1_minute": ("requests_per_minute", 1_000_000),
    "max_tokens_per_1_minute": ("tokens_per_minute", 2_000_000_000),
    "max_images_per_1_minute": ("images_per_minute", 100_000),
    "max_audio_megabytes_per_1_minute": ("audio_megabytes_per_minute", 100_000),
    "max_requests_per_1_day": ("requests_per_day", 1_000_000_000),
    "batch_1_day_max_input_tokens": ("batch_tokens_per_day", 1_000_000_000_000),
}
ALWAYS = ("max_requests_per_1_minute", "max_tokens_per_1_minute", "max_requests_per_1_day")

# What a model of some purpose has beyond requests and tokens, where nothing else was set.
DEFAULTS: dict[str, dict[str, int]] = {
    "chat": {"batch_tokens_per_day": 5_000_000_000},
    "embedding": {"batch_tokens_per_day": 3_000_000_000},
    "image": {"images_per_minute": 250},
    "transcription": {"audio_megabytes_per_minute": 100},
    "speech": {"audio_megabytes_per_minute": 100},
    "realtime": {"audio_megabytes_per_minute": 100},
}


def list_limits(ask: Ask) -> Answer:
    project = project_of(ask)
    shown = {PREFIX + model.id: model for model in _models(project)}
    return LIST.answer(ask, rows_of(shown), lambda model: show(project, model))


def update_limit(ask: Ask) -> Answer:
    project = active_project_of(ask)
    known = {PREFIX + model.id: model for model in _models(project)}
    model = known.get(ask["rate_limit_id"])
    if model is None:
        raise no_such("rate limit", ask["rate_limit_id"])
    body = fields(ask.body, optional={name: integer(0) for name in FIELDS})
    current = limit_of(project, model)
    for name, value in body.items():
        field, most = FIELDS[name]
        if name not in ALWAYS and getattr(current, field) is None:
            raise invalid(f"'{name}' means nothing for the model '{model.id}'.", name, "not_for_this_model")
        if value > most:
            message = f"'{name}' may not exceed the {most} that the organization has."
            raise invalid(message, name, "rate_limit_exceeds_organization")
    project.limits.set(model.id, replace(current, **{FIELDS[name][0]: value for name, value in body.items()}))
    audit(ask, "rate_limit.updated", project, id=PREFIX + model.id, changes_requested=body)
    return show(project, model)


def limit_of(project: Project, model: Model) -> Limit:
    limit = project.limits.of(model.id)
    unset = {name: value for name, value in DEFAULTS.get(model.purpose, {}).items() if getattr(limit, name) is None}
    return replace(limit, **unset)


def show(project: Project, model: Model) -> Json:
    limit = limit_of(project, model)
    numbers = {name: getattr(limit, field) for name, (field, _) in FIELDS.items()}
    head: Json = {"id": PREFIX + model.id, "object": "project.rate_limit", "model": model.id}
    return without_nothing(head | numbers)


def _models(project: Project) -> list[Model]:
    return [*roster.PUBLISHED.values(), *project.shelf.of(roster.TUNED)]


ROUTES = (
    Route("GET", "/organization/projects/{project_id}/rate_limits", list_limits),
    Route("POST", "/organization/projects/{project_id}/rate_limits/{rate_limit_id}", update_limit),
)
