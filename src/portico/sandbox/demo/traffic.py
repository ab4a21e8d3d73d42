"""What the demo organization has used in its last ninety days: streams of calls with a rhythm, growth and spikes.

The rows are made when a report first asks for them. They follow from the tables and the day on which the emulator
began, so they are the same at every start on that day.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from portico.sandbox import ids
from portico.sandbox.state import Usage

DAY, HOUR = 86_400, 3_600
HISTORY_DAYS = 90
# The last two days are told in finer steps, as they are looked at minute by minute.
FINE_DAYS = 2
FINE_STEPS = 6
SATURDAY = 5
# The first of January 1970 was a Thursday.
FIRST_WEEKDAY = 3
MEBIBYTE = 1024 * 1024

# What part of a day's calls falls into each hour (UTC), and how much of a weekday is left on a weekend day.
Rhythm = tuple[tuple[float, ...], float]
OFFICE: Rhythm = ((0,) * 7 + (0.05, 0.11, 0.13, 0.12, 0.08, 0.07, 0.11, 0.12, 0.1, 0.07, 0.04) + (0,) * 6, 0.12)
ALWAYS: Rhythm = (
    tuple(part / 100 for part in (1, 1, 1, 1, 1, 2, 3, 4, 6, 7, 7, 6, 6, 6, 7, 7, 6, 6, 6, 5, 4, 3, 2, 2)),
    0.74,
)
NIGHT: Rhythm = ((0, 0.3, 0.4, 0.2, 0.1) + (0,) * 19, 1.0)


@dataclass(frozen=True, slots=True)
class Stream:
    """Calls of one sort by one key: how many on a weekday now, and what one of them uses on average."""

    label: str
    kind: str
    model: str
    calls: float
    each: dict[str, float]
    rhythm: Rhythm = OFFICE
    growth: float = 1.004
    labels: dict[str, str] = field(default_factory=dict[str, str])
    is_batch: bool = False
    spikes: dict[int, float] = field(default_factory=dict[int, float])


@dataclass(frozen=True, slots=True)
class Source:
    """The key that a stream's calls were made with, and from when until when it was in use."""

    project_id: str
    owner_id: str
    key_id: str
    first: int
    last: int


def tokens(read: float, made: float, cached: float = 0) -> dict[str, float]:
    """What one call reads and writes; `cached` is the part of its input that comes from the cache."""
    return {"input_tokens": read, "input_cached_tokens": read * cached, "output_tokens": made}


@lru_cache(maxsize=2)
def history(sources: tuple[tuple[str, Source], ...], now: int) -> tuple[Usage, ...]:
    """The same for the same moment: worlds that begin together share it."""
    return tuple(_history(dict(sources), now))


def _history(sources: dict[str, Source], now: int) -> Iterator[Usage]:
    seen: set[str] = set()
    for place, stream in enumerate(STREAMS):
        source = sources[stream.label]
        yield from _rows(stream, source, place, now)
        if stream.label not in seen and source.last >= now - HISTORY_DAYS * DAY:
            # The last thing that a key did is what its `last_used_at` tells.
            seen.add(stream.label)
            yield _row(stream, source, source.last, 1, 1.0)


def storage(project_id: str, mebibytes: float, now: int) -> Iterator[Usage]:
    """What a project's vector stores held on each of the days, growing by a hundredth a day."""
    for age in range(HISTORY_DAYS):
        at = (now // DAY - age) * DAY
        kept = int(mebibytes * MEBIBYTE * 1.01**-age)
        yield Usage(at, "vector_stores", project_id, "", "", "", {"usage_bytes": kept})


def _rows(stream: Stream, source: Source, place: int, now: int) -> Iterator[Usage]:
    hours, weekend = stream.rhythm
    today = now // DAY
    for day in range(max(today - HISTORY_DAYS, source.first // DAY), source.last // DAY + 1):
        # Samples must repeat from run to run; nothing here is a secret.
        chance = random.Random(f"{place} {stream.label} {day}")  # noqa: S311 -- invented data
        calls = stream.calls * stream.growth ** (day - today) * stream.spikes.get(today - day, 1.0)
        calls *= (weekend if (day + FIRST_WEEKDAY) % 7 >= SATURDAY else 1.0) * (0.85 + 0.3 * chance.random())
        steps = FINE_STEPS if day > today - FINE_DAYS else 1
        for hour, part in enumerate(hours):
            if part == 0:
                continue
            for step in range(steps):
                noise, jitter = chance.random(), chance.random()
                at = day * DAY + hour * HOUR + int((step + jitter) * HOUR / steps)
                count = int(calls * part / steps * (0.7 + 0.6 * noise) + 0.5)
                if count and source.first <= at < source.last:
                    yield _row(stream, source, at, count, 0.9 + 0.2 * jitter)


def _row(stream: Stream, source: Source, at: int, count: int, measure: float) -> Usage:
    amounts = {name: max(1, int(count * mean * measure)) if mean else 0 for name, mean in stream.each.items()}
    name = COUNTED.get(stream.kind)
    if name is not None:
        amounts[name] = count
    if stream.kind in MODEL_KINDS:
        amounts["num_model_requests"] = count
    return Usage(
        at,
        stream.kind,
        source.project_id,
        source.owner_id,
        source.key_id,
        stream.model,
        amounts,
        is_batch=stream.is_batch,
        labels=stream.labels,
    )


# Kinds whose calls are themselves what is counted.
COUNTED = {
    "images": "images",
    "file_search_calls": "num_requests",
    "web_search_calls": "num_requests",
    "code_interpreter_sessions": "num_sessions",
}
MODEL_KINDS = frozenset(
    (
        "completions",
        "embeddings",
        "moderations",
        "images",
        "audio_speeches",
        "audio_transcriptions",
        "web_search_calls",
        "decisions",
    )
)

HELP_CENTER = {"vector_store_id": ids.named("vs_", "Help center")}
PRIORITY = {"service_tier": "priority"}
LANDSCAPE = {"size": "1792x1024", "source": "image.generation"}
SQUARE = {"size": "1024x1024", "source": "image.generation"}
RETOUCHED = {"size": "1024x1024", "source": "image.edit"}

OUTAGE = {33: 1.8, 32: 1.5}
CAMPAIGN = {12: 3.6, 11: 3.1, 10: 1.9}
BACKFILL = {26: 3.0, 5: 2.2}

STREAMS = (
    Stream("support", "completions", "gpt-4o", 4_000, tokens(2_600, 320, 0.52), ALWAYS, spikes=OUTAGE),
    Stream("support", "completions", "gpt-4o", 300, tokens(2_600, 320, 0.4), ALWAYS, 1.006, PRIORITY),
    Stream("support", "completions", "gpt-4o-mini", 6_000, tokens(400, 60, 0.3), ALWAYS, spikes=OUTAGE),
    Stream("support", "embeddings", "text-embedding-3-small", 5_000, {"input_tokens": 120}, ALWAYS),
    Stream("support", "moderations", "omni-moderation-latest", 6_000, {"input_tokens": 90}, ALWAYS, spikes=OUTAGE),
    Stream("support", "file_search_calls", "", 2_400, {}, ALWAYS, labels=HELP_CENTER, spikes=OUTAGE),
    Stream("staging", "completions", "gpt-4o-mini", 140, tokens(1_900, 240, 0.35)),
    Stream("aisha", "completions", "gpt-4o", 40, tokens(2_400, 380, 0.2)),
    Stream("batch", "completions", "gpt-5.4-mini", 4_500, tokens(4_500, 700), NIGHT, is_batch=True, spikes=BACKFILL),
    Stream("features", "embeddings", "text-embedding-3-large", 12_000, {"input_tokens": 300}, ALWAYS),
    Stream("priya", "completions", "gpt-5.4", 200, tokens(4_000, 900, 0.25)),
    Stream("priya", "code_interpreter_sessions", "", 45, {}),
    Stream("yuki", "completions", "o4-mini", 380, tokens(2_000, 1_500, 0.15), growth=1.02),
    Stream("daniel", "completions", "gpt-4o", 90, tokens(3_200, 700, 0.3)),
    Stream("daniel", "web_search_calls", "gpt-5.4", 90, {}, labels={"context_level": "medium"}),
    Stream("writer", "completions", "gpt-4.1", 900, tokens(1_800, 900, 0.18), spikes=CAMPAIGN),
    Stream("writer", "audio_speeches", "gpt-4o-mini-tts", 40, {"characters": 2_400}),
    Stream("newsletter", "completions", "gpt-4o-mini", 700, tokens(1_500, 700, 0.4)),
    Stream("mei", "images", "gpt-image-1.5", 80, {}, labels=SQUARE, spikes=CAMPAIGN),
    Stream("mei", "images", "gpt-image-1.5", 25, {}, labels=RETOUCHED),
    Stream("jonas", "images", "dall-e-3", 30, {}, labels=LANDSCAPE, spikes=CAMPAIGN),
    Stream("notes", "audio_transcriptions", "gpt-4o-transcribe", 45, {"seconds": 1_500}),
    Stream("notes", "completions", "gpt-5.4-mini", 260, tokens(9_000, 600, 0.1)),
    Stream("review", "completions", "gpt-5.4-mini", 800, tokens(5_000, 500, 0.45), growth=1.01),
    Stream("sofia", "completions", "gpt-4o-mini", 70, tokens(1_200, 300, 0.2)),
    Stream("kwame", "web_search_calls", "gpt-5.4-mini", 35, {}, labels={"context_level": "low"}),
    Stream("kwame", "completions", "gpt-5.4-mini", 110, tokens(2_600, 420, 0.5)),
    Stream("oliver", "completions", "gpt-4o-mini", 55, tokens(1_700, 350)),
    Stream("elena", "completions", "gpt-4o", 60, tokens(1_500, 400, 0.2)),
    Stream(
        "concierge",
        "completions",
        "gpt-realtime",
        150,
        {
            "input_tokens": 1_700,
            "input_cached_tokens": 150,
            "input_audio_tokens": 1_200,
            "output_tokens": 1_080,
            "output_audio_tokens": 900,
        },
        ALWAYS,
        1.025,
    ),
    Stream("concierge", "decisions", "gpt-5.4-nano", 420, tokens(380, 12), ALWAYS, 1.025),
    Stream("latency", "completions", "gpt-4o-mini", 25, tokens(700, 150)),
    Stream("playground", "completions", "gpt-5.4", 8, tokens(1_600, 700)),
    Stream("scratch", "completions", "gpt-4o", 12, tokens(1_100, 300), labels={"api_source": "agents_api"}),
    Stream("legacy", "completions", "gpt-4", 60, tokens(1_500, 300), ALWAYS, 0.99),
)
