"""Rate limits as OpenAI keeps them: two buckets per project and model, for requests and tokens, filled evenly."""

import math
from dataclasses import dataclass, field

from portico.sandbox.refusals import HeaderPairs, Refusal, too_many


@dataclass(frozen=True, slots=True)
class Limit:
    """The buckets keep the first two; the others are only told, as they count what no bucket here can see."""

    requests_per_minute: int = 10_000
    tokens_per_minute: int = 2_000_000
    requests_per_day: int | None = None
    images_per_minute: int | None = None
    audio_megabytes_per_minute: int | None = None
    batch_tokens_per_day: int | None = None


@dataclass(slots=True)
class Bucket:
    level: float
    filled_at: float

    def refill(self, per_minute: int, now: float) -> None:
        gained = max(0.0, now - self.filled_at) * per_minute / 60
        self.level = min(float(per_minute), self.level + gained)
        self.filled_at = now


@dataclass(slots=True)
class RateLimits:
    """The limits of one project. `set` changes one model's; models without a setting of their own use `default`."""

    default: Limit = field(default_factory=Limit)
    by_model: dict[str, Limit] = field(default_factory=dict[str, Limit])
    buckets: dict[str, tuple[Bucket, Bucket]] = field(default_factory=dict[str, tuple[Bucket, Bucket]])

    def set(self, model: str, limit: Limit) -> None:
        self.by_model[model] = limit
        self.buckets.pop(model, None)

    def of(self, model: str) -> Limit:
        return self.by_model.get(model, self.default)

    def take(self, model: str, tokens: int, now: float) -> HeaderPairs:
        """Take one request and its tokens; the answer's headers. Raises 429 with the same headers when empty."""
        limit = self.of(model)
        full = (Bucket(limit.requests_per_minute, now), Bucket(limit.tokens_per_minute, now))
        requests, tokens_left = self.buckets.setdefault(model, full)
        requests.refill(limit.requests_per_minute, now)
        tokens_left.refill(limit.tokens_per_minute, now)
        for bucket, amount, per_minute, noun in (
            (requests, 1, limit.requests_per_minute, "requests"),
            (tokens_left, min(tokens, limit.tokens_per_minute), limit.tokens_per_minute, "tokens"),
        ):
            if bucket.level < amount:
                raise self._refuse(model, noun, (amount - bucket.level) * 60 / max(1, per_minute))
        requests.level -= 1
        tokens_left.level -= min(tokens, limit.tokens_per_minute)
        return self.headers(model)

    def headers(self, model: str) -> HeaderPairs:
        limit = self.of(model)
        requests, tokens = self.buckets[model]
        return (
            ("x-ratelimit-limit-requests", str(limit.requests_per_minute)),
            ("x-ratelimit-limit-tokens", str(limit.tokens_per_minute)),
            ("x-ratelimit-remaining-requests", str(int(requests.level))),
            ("x-ratelimit-remaining-tokens", str(int(tokens.level))),
            ("x-ratelimit-reset-requests", _until_full(requests.level, limit.requests_per_minute)),
            ("x-ratelimit-reset-tokens", _until_full(tokens.level, limit.tokens_per_minute)),
        )

    def _refuse(self, model: str, noun: str, wait_seconds: float) -> Refusal:
        message = f"The {noun} per minute of '{model}' are used up. Try again in {go_duration(wait_seconds)}."
        refusal = too_many(message, math.ceil(wait_seconds), noun)
        refusal.headers = (*refusal.headers, *self.headers(model))
        return refusal


def go_duration(seconds: float) -> str:
    """Write a time span as Go does: 12ms, 1s, 6m0s, 1h0m30.5s."""
    if seconds <= 0:
        return "0s"
    milliseconds = math.ceil(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    tail = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if minutes == 0:
        return tail
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{tail}" if hours else f"{minutes}m{tail}"


def _until_full(level: float, per_minute: int) -> str:
    return go_duration((per_minute - level) * 60 / max(1, per_minute))
