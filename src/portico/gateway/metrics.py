"""Counters for Prometheus, with labels that stay few: the face and the class of the status, never an id."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """A registry of its own for each gateway, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "portico_calls", "Calls by face and class of status.", ("face", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "portico_call_seconds",
            "How long calls took, until the last byte.",
            ("face",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.rows_dropped = Counter(
            "portico_request_rows_dropped", "Rows of the request log that could not be kept.", registry=self.registry
        )
        self.bodies_dropped = Counter(
            "portico_request_bodies_dropped",
            "Calls whose bodies were to be kept beside the request log and could not be.",
            registry=self.registry,
        )
        self.in_flight = Gauge("portico_calls_in_flight", "Calls under way.", registry=self.registry)
        self._counters: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def count(self, face: str, status: int, seconds: float) -> None:
        key = (face, status // 100)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self._calls.labels(face, f"{status // 100}xx")
            self._timers.setdefault(face, self._seconds.labels(face))
        counter.inc()
        self._timers[face].observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)
