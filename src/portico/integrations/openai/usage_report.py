"""openai_usage_report: requests, tokens and whatever else is counted, by project, user, key, model or day."""

from typing import Any

from portico.errors import Failure, InvalidArguments
from portico.integrations.openai import breakdown, filters
from portico.integrations.openai.breakdown import Subject, Sums
from portico.integrations.openai.money import percent, total
from portico.integrations.openai.periods import asked_period
from portico.model.operation import ToolName
from portico.shapes import Json
from portico.toolbox.composed import Composed, Context

BY = (
    *("project", "user", "key", "model", "day"),
    *("batch", "service_tier", "api_source", "size", "source", "context_level", "vector_store"),
)
USUALLY = ("project", "model")
COMPLETIONS = "completions"
_BUCKETS = {"1d": 31, "1h": 168}
_CALLER = ("project", "user", "key", "model", "day")
_TOKENS = ("input_tokens", "input_cached_tokens", "output_tokens")


def _hit_percent(sums: Sums) -> Any:
    """How much of the input came from the cache. `sums` begins with requests, input and cached input."""
    return percent(sums[2], sums[1])


def _tokens(call: str) -> Subject:
    """Calls of a model that reads and writes text."""
    return Subject(
        call=call,
        columns=("requests", *_TOKENS),
        fields=("num_model_requests", *_TOKENS),
        dimensions=(*_CALLER, "batch", "service_tier", "api_source"),
        main_column="tokens",
        main=lambda sums: total([sums[1], sums[3]]),
        buckets=_BUCKETS,
        derived={"tokens": lambda sums: total([sums[1], sums[3]]), "cache_hit_percent": _hit_percent},
    )


def _counted(call: str, *fields: str, main: int = 0, dimensions: tuple[str, ...] = _CALLER) -> Subject:
    """Plain sums; `main` is the place of the one that is ranked."""
    columns = tuple(each.removeprefix("num_").replace("model_requests", "requests") for each in fields)
    return Subject(
        call=call,
        columns=columns,
        fields=fields,
        dimensions=dimensions,
        main_column=columns[main],
        main=lambda sums: sums[main],
        buckets=_BUCKETS,
    )


KINDS: dict[str, Subject] = {
    COMPLETIONS: _tokens("usage_completions.list"),
    "decisions": _tokens("usage_decisions.list"),
    "embeddings": _counted("usage_embeddings.list", "num_model_requests", "input_tokens", main=1),
    "moderations": _counted("usage_moderations.list", "num_model_requests", "input_tokens", main=1),
    "images": _counted(
        "usage_images.list", "num_model_requests", "images", main=1, dimensions=(*_CALLER, "size", "source")
    ),
    "audio_speeches": _counted("usage_audio_speeches.list", "num_model_requests", "characters", main=1),
    "audio_transcriptions": _counted("usage_audio_transcriptions.list", "num_model_requests", "seconds", main=1),
    "web_search_calls": _counted(
        "usage_web_search_calls.list",
        "num_requests",
        "num_model_requests",
        dimensions=(*_CALLER, "context_level", "api_source"),
    ),
    "vector_stores": Subject(
        call="usage_vector_stores.list",
        columns=("byte_days",),
        fields=("usage_bytes",),
        dimensions=("project", "day"),
        main_column="byte_days",
        main=lambda sums: sums[0],
        buckets={"1d": 31},
    ),
    "file_search_calls": _counted(
        "usage_file_search_calls.list", "num_requests", dimensions=("project", "user", "key", "day", "vector_store")
    ),
    "code_interpreter_sessions": _counted(
        "usage_code_interpreter_sessions.list", "num_sessions", dimensions=("project", "day")
    ),
}
_FILTERS = (
    *("project_ids", "user_ids", "api_key_ids", "models", "batch"),
    *("sizes", "sources", "context_levels", "vector_store_ids"),
)


async def run(context: Context, arguments: Json) -> Json:
    kind = str(arguments.get("kind") or COMPLETIONS)
    subject = KINDS[kind]
    usually = tuple(name for name in USUALLY if name in subject.dimensions)
    by = filters.unique(arguments.get("by"), usually)
    chosen = filters.chosen(arguments, *_FILTERS)
    _check(context, kind, subject, by, chosen)
    wish = breakdown.Wish(
        period=asked_period(context, arguments),
        by=by,
        filters=chosen,
        top=int(arguments.get("top") or filters.TOP),
        compare=arguments.get("compare") is not False,
    )
    return {**await breakdown.break_down(context, subject, wish), "kind": kind}


def _check(context: Context, kind: str, subject: Subject, by: tuple[str, ...], chosen: Json) -> None:
    """Not every kind of usage can be split and filtered by everything."""
    failures = [
        Failure("by", f"{kind} cannot be split by {name}", ", ".join(subject.dimensions))
        for name in by
        if name not in subject.dimensions
    ]
    resource, _, method = subject.call.partition(".")
    taken = {each.name for each in context.connected.view.find(resource, method).parameters}
    failures += [
        Failure(name, f"{kind} cannot be filtered by this", ", ".join(each for each in _FILTERS if each in taken))
        for name in chosen
        if name not in taken
    ]
    if failures:
        raise InvalidArguments(failures)


REPORT = Composed(
    comfort="reports",
    splits=KINDS[COMPLETIONS].dimensions,
    integration="openai",
    resource="usage",
    method="report",
    tool=ToolName(name="openai_usage_report"),
    title="Report what was used",
    says=(
        "How much was used in a period by project, user, key, model or day: requests, tokens, share of cached input, "
        "change against the period before. For money: openai_costs_report. One call for all pages and names."
    ),
    alias="consumption, output tokens, prompt caching ratio, who used most, top consumers, statistics, trend",
    effect="read",
    tags=("usage", "admin"),
    credentials=("admin_key",),
    parameters=(
        filters.START,
        filters.END,
        filters.argument(
            "kind", "string", "What was used; completions (chat and responses) if absent", enum=list(KINDS)
        ),
        filters.several("by", "A table for each of these; project and model if absent", allowed=BY),
        filters.PROJECTS,
        filters.several("user_ids", "Only these people, by address or id", names="users.list"),
        filters.several("models", "Only these models"),
        filters.several("api_key_ids", "Only these keys, by name or id", names="project_api_keys.list", rare=True),
        filters.argument("batch", "boolean", "Only batch jobs, or only others"),
        filters.several("sizes", "Only pictures of these sizes", rare=True),
        filters.several("sources", "Only pictures made this way: image.generation, image.edit …", rare=True),
        filters.several("context_levels", "Only searches of these levels: low, medium, high", rare=True),
        filters.several("vector_store_ids", "Only these vector stores", names="vector_stores.list", rare=True),
        filters.TOP_ROWS,
        filters.COMPARE,
    ),
    times=filters.RANGE,
    run=run,
)
