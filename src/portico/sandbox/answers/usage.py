"""The eleven usage reports of an organization."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from portico.sandbox.reports import WIDTHS, answer, grouped, passing
from portico.sandbox.shapes import Json
from portico.sandbox.state import Usage
from portico.sandbox.wire import Answer, Ask, Handler, Route

Sums = Callable[[Callable[[str], int]], Json]

CALLER = ("project_id", "user_id", "api_key_id", "model")
WORK = (*CALLER, "batch", "service_tier", "api_source")


@dataclass(frozen=True, slots=True)
class Report:
    """One report: the kind of usage, the noun of its results, what can be grouped by, and the sums it shows."""

    kind: str
    noun: str
    groups: tuple[str, ...]
    sums: Sums

    def handler(self) -> Handler:
        def handle(ask: Ask) -> Answer:
            mine = (used for used in ask.organization.all_usage() if used.kind == self.kind)
            rows = passing(ask.query, mine, self.groups)
            return answer(ask, rows, WIDTHS, self.groups, self._results)

        return handle

    def _results(self, rows: Iterable[Usage], wanted: Sequence[str]) -> list[Json]:
        results: list[Json] = []
        for values, inside in grouped(rows, wanted).items():
            named = dict(zip(wanted, values, strict=True))
            shown: Json = {"object": f"organization.usage.{self.noun}.result", **self.sums(_adding(inside))}
            results.append(shown | {name: named.get(name) for name in self.groups})
        return results


def _adding(rows: Sequence[Usage]) -> Callable[[str], int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for used in rows:
        for name, count in used.amounts.items():
            sums[name] += count
        # Whoever meters a call of a model without saying how many calls it was means one.
        if "num_model_requests" not in used.amounts:
            sums["num_model_requests"] += 1
    return sums.__getitem__


def _plain(*names: str) -> Sums:
    return lambda total: {name: total(name) for name in names}


def _tokens(total: Callable[[str], int]) -> Json:
    """Input counts cached and written tokens too; the text in it is what is neither those nor audio nor image."""
    read, cached, written = total("input_tokens"), total("input_cached_tokens"), total("input_cache_write_tokens")
    audio, image = total("input_audio_tokens"), total("input_image_tokens")
    cached_audio, cached_image = total("input_cached_audio_tokens"), total("input_cached_image_tokens")
    made, made_audio, made_image = (total(f"output_{word}tokens") for word in ("", "audio_", "image_"))
    return {
        "input_tokens": read,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": written,
        "input_uncached_tokens": read - cached - written,
        "input_text_tokens": read - cached - written - audio - image,
        "input_cached_text_tokens": cached - cached_audio - cached_image,
        "input_audio_tokens": audio,
        "input_cached_audio_tokens": cached_audio,
        "input_image_tokens": image,
        "input_cached_image_tokens": cached_image,
        "output_tokens": made,
        "output_text_tokens": made - made_audio - made_image,
        "output_audio_tokens": made_audio,
        "output_image_tokens": made_image,
        "num_model_requests": total("num_model_requests"),
    }


REPORTS = (
    Report("completions", "completions", WORK, _tokens),
    Report("decisions", "decisions", WORK, _tokens),
    Report("embeddings", "embeddings", CALLER, _plain("input_tokens", "num_model_requests")),
    Report("moderations", "moderations", CALLER, _plain("input_tokens", "num_model_requests")),
    Report("images", "images", (*CALLER, "size", "source"), _plain("images", "num_model_requests")),
    Report("audio_speeches", "audio_speeches", CALLER, _plain("characters", "num_model_requests")),
    Report("audio_transcriptions", "audio_transcriptions", CALLER, _plain("seconds", "num_model_requests")),
    Report("vector_stores", "vector_stores", ("project_id",), _plain("usage_bytes")),
    Report("code_interpreter_sessions", "code_interpreter_sessions", ("project_id",), _plain("num_sessions")),
    Report(
        "file_search_calls",
        "file_searches",
        ("project_id", "user_id", "api_key_id", "vector_store_id"),
        _plain("num_requests"),
    ),
    Report(
        "web_search_calls",
        "web_searches",
        (*CALLER, "context_level", "api_source"),
        _plain("num_requests", "num_model_requests"),
    ),
)

ROUTES = tuple(Route("GET", f"/organization/usage/{report.kind}", report.handler()) for report in REPORTS)
