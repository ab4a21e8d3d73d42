"""openai_rate_limit_check: a project's limits for a model, what was left when last seen, and whether some work fits."""

import math
from datetime import datetime
from typing import Any

from msgspec import Struct

from portico.catalog.near import nearest
from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.gateway.rates import seconds_of
from portico.gateway.seen import Left
from portico.integrations.openai import filters
from portico.model.operation import ToolName
from portico.shapes import Json
from portico.toolbox.composed import Composed, Context

_LIMITS = {
    "requests per minute": "max_requests_per_1_minute",
    "tokens per minute": "max_tokens_per_1_minute",
    "requests per day": "max_requests_per_1_day",
    "images per minute": "max_images_per_1_minute",
    "audio megabytes per minute": "max_audio_megabytes_per_1_minute",
    "input tokens of batches per day": "batch_1_day_max_input_tokens",
}
_REQUESTS, _TOKENS, _DAILY, _BATCHED = (
    "requests per minute",
    "tokens per minute",
    "requests per day",
    "input tokens of batches per day",
)


class Work(Struct, frozen=True, kw_only=True):
    requests: int
    tokens_each: int

    @property
    def tokens(self) -> int:
        return self.requests * self.tokens_each


class Bucket(Struct, frozen=True, kw_only=True):
    """What a minute allows, and how much of it is there now; it fills evenly."""

    name: str
    per_minute: int
    there: int

    def seconds_for(self, amount: int) -> float:
        """How long until so much has gone through; infinite where it never will."""
        if amount <= self.there:
            return 0.0
        return math.inf if not self.per_minute else (amount - self.there) * 60 / self.per_minute


async def run(context: Context, arguments: Json) -> Json:
    project_id = _project(context, arguments)
    work = Work(requests=int(arguments.get("requests", 1)), tokens_each=int(arguments.get("tokens_per_request", 0)))
    model = str(arguments["model"])
    limits = await context.pages("project_rate_limits.list", {"project_id": project_id})
    limit = _of_model(limits, model)
    left = context.asked.left(model)
    remaining = _remaining(left, limit, context.now) if left else {}
    if left and not remaining:
        context.note("what is left", "the limits last seen are not this project's: the account's key is another's")
    buckets = [
        Bucket(name=name, per_minute=limit[name], there=min(remaining.get(name, limit[name]), limit[name]))
        for name in (_REQUESTS, _TOKENS)
        if name in limit
    ]
    rows = [[name, limit[name], remaining.get(name), _needed(name, work)] for name in limit]
    return {
        "limits": {"columns": ["limit", "allowed", "left", "needed"], "rows": rows},
        **_verdict(buckets, limit, work),
        "left": _told(left, context.now) if remaining and left else None,
        "model": model,
        "project_id": project_id,
    }


def _project(context: Context, arguments: Json) -> str:
    known = arguments.get("project_id") or context.connected.account.context.get("project")
    if not known:
        raise InvalidArguments([Failure("project_id", "is required", "a name or id from list_all_openai_projects")])
    return str(known)


def _of_model(limits: list[Json], model: str) -> dict[str, int]:
    found = next((each for each in limits if each.get("model") == model), None)
    if found is None:
        models = [str(each.get("model")) for each in limits]
        near = nearest(model, models, 5, 0.4) or models[:5]
        raise InvalidArguments([Failure("model", f"this project has no limits for {model!r}", ", ".join(near))])
    return {name: int(found[field]) for name, field in _LIMITS.items() if found.get(field) is not None}


def _remaining(left: Left, limit: dict[str, int], now: datetime) -> dict[str, int]:
    """What is left now, if it went on filling since; nothing where the answer spoke of other limits than these."""
    headers = left.headers
    minutes = max((now - left.at).total_seconds(), 0.0) / 60
    found: dict[str, int] = {}
    for name, word in ((_REQUESTS, "requests"), (_TOKENS, "tokens")):
        allowed, rest = headers.get(f"x-ratelimit-limit-{word}", ""), headers.get(f"x-ratelimit-remaining-{word}", "")
        if name not in limit or not rest.isdigit():
            continue
        if allowed.isdigit() and int(allowed) != limit[name]:
            return {}
        found[name] = min(int(rest) + int(minutes * limit[name]), limit[name])
    return found


def _needed(name: str, work: Work) -> int | None:
    needed = {
        _REQUESTS: work.requests, _DAILY: work.requests, _TOKENS: work.tokens, _BATCHED: work.tokens
    }  # fmt: skip
    return needed.get(name)


def _verdict(buckets: list[Bucket], limit: dict[str, int], work: Work) -> Json:
    times = {each.name: max(each.seconds_for(_needed(each.name, work) or 0), 0.0) for each in buckets}
    seconds = max(times.values(), default=0.0)
    bound_by = max(times, key=lambda name: times[name]) if seconds else None
    problems: list[str] = []
    if work.tokens_each > limit.get(_TOKENS, work.tokens_each):
        problems.append(f"one request of {work.tokens_each} tokens is more than a minute allows")
    if work.requests > limit.get(_DAILY, work.requests):
        problems.append(f"{work.requests} requests are more than a day allows")
    if math.isinf(seconds):
        problems.append(f"nothing is allowed: {bound_by} is 0")
    shown: Json = {"fits_now": not seconds and not problems, "fits": not problems}
    if problems:
        return shown | {"because": problems}
    told = "All of it can be sent at once." if not seconds else f"Spread it over {math.ceil(seconds)} seconds."
    return shown | {"takes_seconds": math.ceil(seconds), "bound_by": bound_by, "advice": told}


def _told(left: Left, now: datetime) -> Json:
    headers = left.headers
    resets = {
        f"{word}_full_in_seconds": math.ceil(seconds)
        for word in ("requests", "tokens")
        if (seconds := seconds_of(headers.get(f"x-ratelimit-reset-{word}", ""))) is not None
    }
    ago = max(round((now - left.at).total_seconds()), 0)
    seen: dict[str, Any] = {"seen_at": iso(left.at), "seconds_ago": ago}
    words = ("requests", "tokens")
    rests = {f"{word}_then": int(headers[f"x-ratelimit-remaining-{word}"]) for word in words if _is_told(headers, word)}
    return seen | rests | resets


def _is_told(headers: dict[str, str], word: str) -> bool:
    return headers.get(f"x-ratelimit-remaining-{word}", "").isdigit()


CHECK = Composed(
    comfort="reports",
    integration="openai",
    resource="rate_limit",
    method="check",
    tool=ToolName(name="openai_rate_limit_check"),
    title="Check rate limits before work",
    says=(
        "Whether so many requests of so many tokens fit a project's limits for a model, how long they take, and what "
        "was left when last seen here. Sends nothing to the model. For all limits: list_all_openai_project_rate_limits."
    ),
    alias="preflight, will it fit, headroom, avoid 429, throttling, capacity, rpm, tpm, near its limit",
    effect="read",
    tags=("projects", "admin"),
    credentials=("admin_key",),
    parameters=(
        filters.argument(
            "project_id", "string", "Project, by name or id; the account's own if set", names="projects.list"
        ),
        filters.argument("model", "string", "Model id such as gpt-4o", required=True),
        filters.argument("requests", "integer", "How many requests; 1 if absent", minimum=1, maximum=100_000_000),
        filters.argument(
            "tokens_per_request", "integer", "Input and output together; 0 if absent", minimum=0, maximum=100_000_000
        ),
    ),
    run=run,
)
