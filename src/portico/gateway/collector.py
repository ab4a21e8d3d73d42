"""Spans on their way to the collector: by a thread of their own, counted, and never waited for for long.

Loaded only where traces are wanted; nobody but `tracing` uses it.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from portico.gateway.metrics import Metrics
from portico.version import VERSION

# How long a stop waits for what was not sent yet: OpenTelemetry itself would wait half a minute and more for a
# collector that is away, and whoever stops us would kill us meanwhile.
CLOSE_SECONDS = 3.0
SERVICE = "portico"


class Sent(SpanExporter):
    """Counts what has left the queue, and whether the collector took it."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._exporter, self._metrics = exporter, metrics
        self.taken = 0
        self.is_over = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.is_over:  # these were given up, and counted then
            return SpanExportResult.FAILURE
        self.taken += len(spans)
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            outcome = "sent" if result is SpanExportResult.SUCCESS else "failed"
            self._metrics.spans(outcome, len(spans))
        return result

    def shutdown(self) -> None:
        self.is_over = True
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class Queue(BatchSpanProcessor):
    """OpenTelemetry's own, which drops the oldest where more wait than may; that is counted here."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        self._sent, self._metrics = Sent(exporter, metrics), metrics
        self._most, self._put = self._default_max_queue_size(), 0
        super().__init__(self._sent)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context and span.context.trace_flags.sampled:
            if self._put - self._sent.taken >= self._most:
                self._metrics.spans("dropped", 1)
            else:
                self._put += 1
        super().on_end(span)

    def give_up(self) -> None:
        """On what is still here."""
        self._sent.shutdown()
        if left := self._put - self._sent.taken:
            self._metrics.spans("dropped", left)


def open_provider(environment: Mapping[str, str], metrics: Metrics) -> tuple[TracerProvider, Queue]:
    """Raises ValueError where OpenTelemetry's variables contradict each other."""
    facts: dict[str, str] = {"service.version": VERSION}
    # A name that the operator gave in either of OpenTelemetry's two places stays.
    if "service.name" not in environment.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        facts["service.name"] = environment.get("OTEL_SERVICE_NAME", "") or SERVICE
    # It would quote headers that it cannot read, keys and all; `tracing.mistake` says so without them.
    logging.getLogger("opentelemetry.util.re").setLevel(logging.CRITICAL)
    provider = TracerProvider(resource=Resource.create(facts), shutdown_on_exit=False)
    queue = Queue(OTLPSpanExporter(), metrics)
    provider.add_span_processor(queue)
    return provider, queue


async def closed(provider: TracerProvider) -> bool:
    """What has not been sent yet is sent; False where that would take long.

    In a thread that nobody waits for at the end of the process, unlike those of an executor.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def close() -> None:
        provider.shutdown()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=close, name="portico-traces", daemon=True).start()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await done.wait()
    except TimeoutError:
        return False
    return True
