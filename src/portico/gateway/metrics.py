"""Counters for Prometheus, with labels that stay few: faces, classes of status, codes, shipped vendors; never an id."""

from collections.abc import Callable, Collection

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

from portico.gateway.tallies import Counts, Timings
from portico.model.request import RequestRow
from portico.version import VERSION

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_OTHER = "other"
# Codes are classes of our own; should a face ever make one up from what it was sent, they still stay few.
_MOST_CODES = 100
# Not ours: the vendor's answer is counted as such, and a client that leaves is refused nothing.
_NO_REFUSALS = frozenset({"", "vendor_failure", "client_left"})
_BILLION = 1e9
_CLASSES = tuple(f"{number}xx" for number in range(10))


class Metrics:
    """A registry of its own for each gateway, so that several can live in one process.

    `integrations` are named; others, whose names their tenants choose, are counted together.
    """

    def __init__(self, integrations: Collection[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._integrations, self._codes = frozenset(integrations), set[str]()
        self._watched: dict[str, Gauge] = {}
        ProcessCollector(registry=self.registry)
        Gauge("portico_build_info", "Always 1.", ("version",), registry=self.registry).labels(VERSION).set(1)
        self._calls = self._counts("calls", "Calls by face and class of status.", "face", "status")
        self._seconds = self._timings("call_seconds", "How long calls took, until the last byte.", "face")
        self._refusals = self._counts("refusals", "What Portico refused, or could not do, by code.", "code")
        self._answers = self._counts("vendor_answers", "Vendors' answers by class.", "integration", "status")
        self._vendor_seconds = self._timings(
            "vendor_seconds", "How long vendors took until their answers began.", "integration"
        )
        self._bytes = self._counts("bytes", "Bytes of bodies, to vendors and back.", "direction")
        self._tokens = self._counts("tokens", "Tokens that vendors counted.", "integration", "kind")
        self._cost = self._counts("cost_dollars", "What calls cost by the price lists, estimated.", "integration")
        self._runs = self._counts("job_runs", "Runs of jobs: done, again, failed, lost.", "kind", "outcome")
        self._messages = self._counts(
            "vendor_messages", "Vendors' webhooks: taken, repeated, or refused where nothing proved them.", "outcome"
        )
        self._spans = self._counts(
            "spans", "Spans of traces: sent, failed where the collector took them not, dropped while too many waited.",
            "outcome",
        )  # fmt: skip
        self._late = self._timings("job_late_seconds", "How late jobs were taken up.", "kind")
        self.rows_dropped = self._counter("request_rows_dropped", "Rows of the request log that could not be kept.")
        self.bodies_dropped = self._counter(
            "request_bodies_dropped", "Calls whose bodies were to be kept beside the request log and could not be."
        )
        # What alerts look at is there before it first happens: a rise from nothing is none to Prometheus.
        self._refusals.by[(self._code("unavailable"),)] = 0
        self._messages.by["refused",] = 0
        for name in integrations:
            self._answers.by[name, "5xx"] = 0
        self.in_flight = 0
        self.watch("portico_calls_in_flight", "Calls under way.", lambda: self.in_flight)
        self.loop_late = Gauge(
            "portico_loop_late_seconds", "How late the event loop woke at its last look.", registry=self.registry
        )

    def called(self, row: RequestRow) -> None:
        """A call has ended; this is its row in the log."""
        self._calls.by[row.face, _CLASSES[row.status // 100]] += 1
        self._seconds.add(row.face, row.duration_us / 1e6)
        if row.code not in _NO_REFUSALS:
            self._refusals.by[(self._code(row.code),)] += 1
        self._bytes.by["in",] += row.bytes_in
        self._bytes.by["out",] += row.bytes_out
        if row.vendor_status:
            self._answered(row)

    def ran(self, kind: str, outcome: str) -> None:
        self._runs.by[kind, outcome] += 1

    def taken(self, kind: str, late_seconds: float) -> None:
        self._late.add(kind, max(0.0, late_seconds))

    def message(self, outcome: str) -> None:
        self._messages.by[(outcome,)] += 1

    def spans(self, outcome: str, count: int) -> None:
        self._spans.by[(outcome,)] += count

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """A number that is looked up when somebody asks."""
        if name not in self._watched:
            self._watched[name] = Gauge(name, meaning, registry=self.registry)
        self._watched[name].set_function(value)

    def _counts(self, name: str, meaning: str, *labels: str) -> Counts:
        return Counts(self.registry, f"portico_{name}", meaning, *labels)

    def _timings(self, name: str, meaning: str, label: str) -> Timings:
        return Timings(self.registry, f"portico_{name}", meaning, label, _BUCKETS)

    def _counter(self, name: str, meaning: str) -> Counts:
        """One number without labels, there from the start."""
        made = self._counts(name, meaning)
        made.inc(0)
        return made

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _answered(self, row: RequestRow) -> None:
        name = row.integration if row.integration in self._integrations else _OTHER
        self._answers.by[name, _CLASSES[row.vendor_status // 100]] += 1
        self._vendor_seconds.add(name, row.vendor_us / 1e6)
        if row.input_tokens or row.output_tokens:
            self._tokens.by[name, "input"] += row.input_tokens
            self._tokens.by[name, "cached"] += row.cached_tokens
            self._tokens.by[name, "output"] += row.output_tokens
        if row.cost_nanos:
            self._cost.by[name,] += row.cost_nanos / _BILLION

    def _code(self, code: str) -> str:
        if len(self._codes) < _MOST_CODES:
            self._codes.add(code)
        return code if code in self._codes else _OTHER
