"""Traces: a span for each call, from the face that took it to the vendor and back, sent to OpenTelemetry where wanted.

Switched on by OpenTelemetry's own variable, OTEL_EXPORTER_OTLP_ENDPOINT. Without it nothing of OpenTelemetry is even
imported, and of a request's `traceparent` only the trace's id is kept, for the request log.
"""

import importlib.util
import os
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from msgspec import structs

from portico.errors import Refusal
from portico.gateway.metrics import Metrics
from portico.log import about, logger
from portico.model.call import Call
from portico.model.request import RequestRow
from portico.upstream.transport import UpstreamRequest
from portico.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

    from portico.gateway.collector import Queue

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HEADERS = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
PROTOCOL = "http/protobuf"
SAMPLERS = (
    "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off",
    "parentbased_traceidratio",
)  # fmt: skip
PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
MISSING = (
    "Traces are wanted ({variable} is set), but their packages are missing: pip install 'portico-gateway[tracing]'."
)
UNUSABLE = "traces are off: OpenTelemetry does not take its variables"
# The span under which whatever comes next belongs: the caller's at first, then our own.
_above: "ContextVar[Context | None]" = ContextVar("portico_trace", default=None)
_log = logger("tracing")


def wanted(environment: Mapping[str, str]) -> str:
    """The variable that asks for traces; empty where none does."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none":
        return ""
    return next((name for name in ENDPOINTS if environment.get(name, "").strip()), "")


def endpoint(environment: Mapping[str, str]) -> str:
    """Where spans go, as OpenTelemetry reads it."""
    variable = wanted(environment)
    address = environment.get(variable, "").strip() if variable else ""
    return address if not address or variable == ENDPOINTS[0] else f"{address.rstrip('/')}/v1/traces"


def mistake(environment: Mapping[str, str]) -> str:
    """What in OpenTelemetry's variables cannot be meant: it would say so once for each batch, or not at all."""
    variable = wanted(environment)
    if not variable:
        return ""
    if not environment[variable].strip().startswith(("http://", "https://")):
        return f"{variable} has to begin with http:// or https://."
    for name in PROTOCOLS:
        protocol = environment.get(name, "").strip().lower()
        if protocol and protocol != PROTOCOL:
            return f"{name} is {protocol!r}, but spans go out as {PROTOCOL}: collectors take that at port 4318."
    for name in HEADERS:
        if any("=" not in each for each in environment.get(name, "").split(",") if each.strip()):
            return f"{name} has to be name=value, several apart by commas."
    sampler = environment.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    if sampler and sampler not in SAMPLERS:
        return f"OTEL_TRACES_SAMPLER is {sampler!r}, and so everything is kept. Possible: {', '.join(SAMPLERS)}."
    return ""


def is_installed() -> bool:
    try:
        return all(importlib.util.find_spec(name) is not None for name in PACKAGES)
    except ModuleNotFoundError:
        return False


def open_tracing(metrics: Metrics, environment: Mapping[str, str] | None = None) -> "Tracing | None":
    """None where no traces are wanted, or where they cannot be made, which is said but stops nobody."""
    environment = os.environ if environment is None else environment
    variable = wanted(environment)
    if not variable:
        return None
    if not is_installed():
        _log.warning(MISSING.format(variable=variable))
        return None
    if wrong := mistake(environment):
        _log.warning(wrong)
    from portico.gateway.collector import open_provider

    try:
        provider, queue = open_provider(environment, metrics)
    except Exception as problem:
        _log.warning(UNUSABLE, reason=repr(problem))
        return None
    return Tracing(provider, queue)


class Tracing:
    """Makes the spans of one gateway."""

    def __init__(self, provider: "TracerProvider", queue: "Queue | None" = None) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider, self._queue = provider, queue
        self.tracer = provider.get_tracer("portico", VERSION)
        self.propagator = TraceContextTextMapPropagator()

    def came(self, traceparent: str, tracestate: str) -> None:
        """A request has come, as part of that trace or of none."""
        carrier = {"traceparent": traceparent, "tracestate": tracestate}
        _above.set(self.propagator.extract(carrier) if traceparent else None)

    def begin(self, call: Call) -> "Trace":
        return Trace(self, self.tracer, call)

    async def close(self) -> None:
        """What has not been sent yet is sent, unless that takes long."""
        from portico.gateway.collector import closed

        if not await closed(self._provider) and self._queue is not None:
            self._queue.give_up()
            _log.warning("spans were not sent: the collector is away or slow")


class Trace:
    """One call: its span, which ends when the last byte has left, and one inside for each request to the vendor."""

    __slots__ = ("_inside", "_is_outermost", "_outside", "_span", "_tracer", "_tracing", "id")

    def __init__(self, tracing: Tracing, tracer: "Tracer", call: Call) -> None:
        from opentelemetry.trace import INVALID_SPAN, SpanKind, format_trace_id, get_current_span, set_span_in_context

        self._tracing, self._tracer, self._outside = tracing, tracer, _above.get()
        above = get_current_span(self._outside).get_span_context() if self._outside else INVALID_SPAN.get_span_context()
        self._is_outermost = above.is_remote or not above.is_valid
        kind = SpanKind.SERVER if self._is_outermost and call.face != "jobs" else SpanKind.INTERNAL
        self._span = tracer.start_span(call.face, context=self._outside, kind=kind, start_time=time.time_ns())
        self._inside = set_span_in_context(self._span, self._outside)
        _above.set(self._inside)
        self.id = format_trace_id(self._span.get_span_context().trace_id)
        about(trace_id=self.id)

    def ask(self, request: UpstreamRequest, *, is_raw: bool) -> "Asking":
        """A request is about to go to the vendor; one that passes through untouched keeps its own headers."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        scheme, _, rest = request.url.partition("://")
        facts = {"http.request.method": request.verb, "server.address": rest.partition("/")[0], "url.scheme": scheme}
        span = self._tracer.start_span(request.verb, context=self._inside, kind=SpanKind.CLIENT, attributes=facts)
        if not is_raw:
            carrier: dict[str, str] = {}
            self._tracing.propagator.inject(carrier, set_span_in_context(span, self._inside))
            request = structs.replace(request, headers=[*request.headers, *carrier.items()])
        return Asking(span, request)

    def end(self, row: RequestRow) -> None:
        """Told with what stands in the request log, and nothing else."""
        if _above.get() is self._inside:
            _above.set(self._outside)
        span = self._span
        if span.is_recording():
            called = (row.tool if self._is_outermost else "") or f"{row.resource}.{row.method}".strip(".")
            span.update_name(f"{row.face} {called or row.verb}".strip())
            span.set_attributes({name: value for name, value in _facts(row).items() if value not in ("", None)})
            if row.status >= 500 or row.code:
                _spoil(span, row.code or str(row.status), is_error=row.status >= 500)
        span.end()


class Asking:
    """One request to a vendor, until the head of its answer is here."""

    __slots__ = ("_span", "request")

    def __init__(self, span: "Span", request: UpstreamRequest) -> None:
        self._span, self.request = span, request

    def answered(self, status: int, vendor_request_id: str) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if vendor_request_id:
            self._span.set_attribute("portico.vendor_request_id", vendor_request_id)
        if status >= 400:
            _spoil(self._span, str(status), is_error=True)
        self._span.end()

    def failed(self, problem: BaseException) -> None:
        code = problem.code if isinstance(problem, Refusal) else type(problem).__name__
        _spoil(self._span, code, is_error=True)
        self._span.end()


def _facts(row: RequestRow) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "http.request.method": row.verb, "http.route": row.path, "http.response.status_code": row.status,
        "portico.request_id": row.request_id, "portico.face": row.face, "portico.tool": row.tool,
        "portico.environment_id": row.environment_id, "portico.account_id": row.account_id,
        "portico.server_id": row.server_id, "portico.integration": row.integration,
        "portico.is_replay": row.is_replay or None,
    }  # fmt: skip
    if row.input_tokens or row.output_tokens:
        facts |= {
            "gen_ai.request.model": row.model, "gen_ai.usage.input_tokens": row.input_tokens,
            "gen_ai.usage.output_tokens": row.output_tokens,
        }  # fmt: skip
    return facts


def _spoil(span: "Span", kind: str, *, is_error: bool) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    if is_error:
        span.set_status(StatusCode.ERROR)
