"""Rounds: every contestant in turn, again and again, so that what disturbs the machine disturbs all of them alike."""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.asked import Order, Outcome
from bench.contestant import Contestant
from bench.drive import Driver
from bench.scenarios import FEW_STREAMS, Scenario

MOST_FAILED = 0.001
WARM_UP_REQUESTS = 20


class Spoilt(Exception):
    """Answers were wrong or missing: whatever was measured says nothing."""


@dataclass(frozen=True)
class Size:
    """How much is done: all of it, or just enough to see that everything works."""

    rounds: int = 5
    seconds: float = 2.0
    slow_seconds: float = 5.0
    settle_seconds: float = 0.8  # rows of a log may be written after the answer; their time belongs to the round
    first_bytes: int = 50
    events: int = 250
    transfer_bytes: int = 268_435_456


FULL = Size()
QUICK = Size(
    rounds=1, seconds=0.2, slow_seconds=0.2, settle_seconds=0.0, first_bytes=3, events=5, transfer_bytes=4_194_304
)


@dataclass(frozen=True)
class Sample:
    """One round: microseconds of CPU for each unit of work, units a second, times in milliseconds."""

    cpu: float
    rate: float
    p50: float
    p99: float


@dataclass
class Results:
    samples: dict[tuple[Scenario, str], list[Sample]] = field(default_factory=dict[tuple[Scenario, str], list[Sample]])
    spoilt: dict[tuple[Scenario, str], str] = field(default_factory=dict[tuple[Scenario, str], str])

    def of(self, scenario: Scenario, name: str) -> Sample | None:
        """The medians of all rounds."""
        samples = self.samples.get((scenario, name))
        if not samples:
            return None
        return Sample(
            cpu=statistics.median(each.cpu for each in samples),
            rate=statistics.median(each.rate for each in samples),
            p50=statistics.median(each.p50 for each in samples),
            p99=statistics.median(each.p99 for each in samples),
        )


class Progress:
    """Where the run stands, on the terminal or as a line now and then."""

    def __init__(self, steps: int) -> None:
        self._steps, self._done, self._started = steps, 0, time.monotonic()

    def step(self, words: str) -> None:
        self._done += 1
        line = f"[{self._done}/{self._steps}, {time.monotonic() - self._started:.0f} s] {words}"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.write("\n" if self._done == self._steps else "")
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def say(self, words: str) -> None:
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        sys.stderr.write(f"{start}{words}\n")


def run(contestants: Sequence[Contestant], scenarios: Sequence[Scenario], size: Size, driver: Driver) -> Results:
    results = Results()
    entered = [(each, one) for each in scenarios for one in contestants if each.asks in one.requests]
    progress = Progress(len(entered) * (size.rounds + 1))
    for scenario, contestant in entered:
        progress.step(f"warming up: {scenario.title}, {contestant.name}")
        try:
            _warm_up(scenario, contestant, size, driver)
        except Spoilt as problem:
            results.spoilt[scenario, contestant.name] = str(problem)
            progress.say(f"NOT MEASURED: {scenario.title} of {contestant.name}: {problem}")
    for number in range(size.rounds):
        for scenario, contestant in entered:
            progress.step(f"round {number + 1} of {size.rounds}: {scenario.title}, {contestant.name}")
            key = (scenario, contestant.name)
            if key in results.spoilt:
                continue
            try:
                results.samples.setdefault(key, []).append(_measure(scenario, contestant, size, driver))
            except Spoilt as problem:
                results.spoilt[key] = str(problem)
                results.samples.pop(key, None)
                progress.say(f"NOT MEASURED: {scenario.title} of {contestant.name}: {problem}")
    return results


def _warm_up(scenario: Scenario, contestant: Contestant, size: Size, driver: Driver) -> None:
    """A few requests whose answers are looked at: nobody is fast by being wrong."""
    request = contestant.requests[scenario.asks]
    upload_bytes = 1000 if scenario.is_upload else 0
    kind = scenario.kind if scenario.kind != "transfers" else "requests"
    count = WARM_UP_REQUESTS if scenario.kind == "requests" else 1
    order = Order(kind=kind, request=request, connections=1, count=count, upload_bytes=upload_bytes)
    outcome = driver.carry_out(order)
    body = outcome.first_body
    if (
        outcome.failed
        or outcome.first_status != 200
        or scenario.expects not in body
        or len(body) < scenario.least_bytes
    ):
        shown = body[:200].decode("utf-8", "replace")
        raise Spoilt(f"it answered {outcome.first_status or 'nothing'}, {len(body)} bytes: {shown}")


def _measure(scenario: Scenario, contestant: Contestant, size: Size, driver: Driver) -> Sample:
    order = _order(scenario, contestant, size)
    before = contestant.running.cpu_seconds()
    outcome = driver.carry_out(order, is_slow=contestant.is_slow)
    time.sleep(size.settle_seconds)
    cpu = contestant.running.cpu_seconds() - before
    if not outcome.answers or outcome.failed > MOST_FAILED * outcome.answers:
        raise Spoilt(f"{outcome.failed} of {outcome.answers + outcome.failed} requests failed")
    units = _units(scenario, order, outcome)
    return Sample(cpu=cpu / units * 1e6, rate=units / outcome.seconds, p50=outcome.p50, p99=outcome.p99)


def _order(scenario: Scenario, contestant: Contestant, size: Size) -> Order:
    request = contestant.requests[scenario.asks]
    seconds = size.slow_seconds if contestant.is_slow else size.seconds
    if scenario.kind == "requests":
        return Order(kind="requests", request=request, connections=scenario.connections, seconds=seconds)
    if scenario.kind == "first bytes":
        return Order(kind="first bytes", request=request, count=size.first_bytes)
    if scenario.kind == "streams":
        connections = FEW_STREAMS if contestant.is_slow else scenario.connections
        return Order(kind="streams", request=request, connections=connections)
    return Order(kind="transfers", request=request, upload_bytes=size.transfer_bytes if scenario.is_upload else 0)


def _units(scenario: Scenario, order: Order, outcome: Outcome) -> float:
    if scenario.kind == "streams":
        return outcome.events
    if scenario.kind == "transfers":
        return (order.upload_bytes or outcome.received_bytes) / 1e9
    return outcome.answers
