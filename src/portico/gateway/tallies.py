"""Counters and timings that cost one addition each; they are put into Prometheus' words when somebody asks."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[str, ...]


class Counts(Collector):
    """One number for each combination of labels: `counts.by["proxy", "2xx"] += 1`."""

    def __init__(self, registry: CollectorRegistry, name: str, meaning: str, *labels: str) -> None:
        self.by: defaultdict[Labels, float] = defaultdict(float)
        self._name, self._meaning, self._labels = name, meaning, labels
        registry.register(self)

    def inc(self, count: float = 1) -> None:
        """For one without labels."""
        self.by[()] += count

    def describe(self) -> Iterable[CounterMetricFamily]:
        return [CounterMetricFamily(self._name, self._meaning, labels=self._labels)]

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._meaning, labels=self._labels)
        for labels, count in list(self.by.items()):
            family.add_metric(labels, count)
        return [family]


class Timings(Collector):
    """How often something took how long, by one label."""

    def __init__(
        self, registry: CollectorRegistry, name: str, meaning: str, label: str, buckets: Sequence[float]
    ) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, list[int]] = {}
        self._name, self._meaning, self._label, self._buckets = name, meaning, label, tuple(buckets)
        registry.register(self)

    def add(self, label: str, seconds: float) -> None:
        counts = self._counts.get(label)
        if counts is None:
            counts = self._counts[label] = [0] * (len(self._buckets) + 1)
            self._sums[label] = 0.0
        counts[bisect_left(self._buckets, seconds)] += 1
        self._sums[label] += seconds

    def describe(self) -> Iterable[HistogramMetricFamily]:
        return [HistogramMetricFamily(self._name, self._meaning, labels=[self._label])]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._meaning, labels=[self._label])
        for label, counts in list(self._counts.items()):
            family.add_metric([label], self._cumulated(counts), self._sums[label])
        return [family]

    def _cumulated(self, counts: Sequence[int]) -> list[tuple[str, float]]:
        """As Prometheus wants them: each bucket holds all that were as quick or quicker."""
        total = 0
        found: list[tuple[str, float]] = []
        for bound, count in zip((*self._buckets, float("inf")), counts, strict=True):
            total += count
            found.append(("+Inf" if bound == float("inf") else str(float(bound)), total))
        return found
