"""Traces from the face to the vendor: whose they are part of, what they tell, and what they never hold."""

import socket
import threading
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from portico.gateway import collector
from portico.gateway import tracing as tracings
from portico.gateway.collector import open_provider
from portico.gateway.metrics import Metrics
from portico.gateway.tracing import Tracing, endpoint, mistake, open_tracing, wanted
from portico.log import facts
from portico.model.account import AccountId
from portico.model.call import Call
from tests.stage import ADMIN_KEY, PROJECT_KEY, Stage, open_stage
from tests.wire import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class Seen:
    """The spans that have ended, by name."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracing = Tracing(provider)

    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        return next(each for each in self.spans() if each.name == name)

    def pair(self) -> tuple[ReadableSpan, ReadableSpan]:
        """The call's span and that of its one request to the vendor."""
        asking, call = self.spans()
        return call, asking


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[tuple[Stage, Seen]]:
    seen = Seen()
    async with open_stage(tmp_path_factory.mktemp("traces"), tracing=seen.tracing) as stage:
        yield stage, seen


@pytest_asyncio.fixture(loop_scope="module")
async def stage(opened: tuple[Stage, Seen]) -> Stage:
    opened[0].clear()
    return opened[0]


@pytest_asyncio.fixture(loop_scope="module")
async def seen(opened: tuple[Stage, Seen]) -> Seen:
    opened[1].exporter.clear()
    return opened[1]


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return format_trace_id(context.trace_id), format_span_id(context.span_id)


def above(span: ReadableSpan) -> str:
    return format_span_id(span.parent.span_id) if span.parent else ""


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_call_is_part_of_the_trace_that_came_with_it_and_hands_it_on(stage: Stage, seen: Seen) -> None:
    got = await stage.proxy("GET", "models", headers={"traceparent": TRACEPARENT, "tracestate": "a=b"})
    assert got.status == 200
    call, asking = seen.pair()
    assert (call.name, call.kind, above(call), ids(call)[0]) == ("proxy models.list", SpanKind.SERVER, PARENT, TRACE)
    assert (asking.name, asking.kind, above(asking)) == ("GET", SpanKind.CLIENT, ids(call)[1])
    sent = stage.last_headers()
    assert sent["traceparent"] == f"00-{TRACE}-{ids(asking)[1]}-01"
    assert sent["tracestate"] == "a=b"
    assert told(asking)["http.response.status_code"] == 200
    assert told(asking)["portico.vendor_request_id"]
    assert told(call)["portico.request_id"] == got.headers["x-portico-request-id"]


async def test_a_call_that_came_alone_begins_a_trace_which_the_log_knows(stage: Stage, seen: Seen) -> None:
    got = await stage.proxy("GET", "models")
    call, _ = seen.pair()
    assert call.parent is None
    await stage.gateway.parts.recorder.flush()
    rows = (await stage.client.get("/log", request_id=got.headers["x-portico-request-id"])).json["result"]
    assert [row["trace_id"] for row in rows] == [ids(call)[0]]


async def test_what_is_logged_during_a_call_says_its_trace(seen: Seen) -> None:
    trace = seen.tracing.begin(Call(account_id=AccountId("a"), face="proxy"))
    assert facts()["trace_id"] == trace.id


async def test_what_passes_through_keeps_its_own_headers(stage: Stage, seen: Seen) -> None:
    await stage.passthrough("GET", "v1/models", headers={"traceparent": TRACEPARENT})
    assert stage.last_headers()["traceparent"] == TRACEPARENT
    await stage.passthrough("GET", "v1/models")
    assert "traceparent" not in stage.last_headers()
    assert [ids(each)[0] == TRACE for each in seen.spans()] == [True, True, False, False]


async def test_a_tools_own_look_ups_belong_to_the_call_that_needs_them(stage: Stage, seen: Seen) -> None:
    path = f"/integrated-account/{stage.account_id}/tools/list_all_openai_project_api_keys"
    projects = (await stage.proxy("GET", "projects")).json["result"]
    seen.exporter.clear()
    got = await stage.client.send("POST", path, json={"project_id": projects[0]["name"]})
    assert got.status == 200, got.content
    spans = seen.spans()
    tool = seen.named("tools list_all_openai_project_api_keys")
    assert tool.kind == SpanKind.SERVER
    assert len({ids(each)[0] for each in spans}) == 1
    inner = [each for each in spans if each.kind == SpanKind.INTERNAL]
    assert inner
    assert all(above(each) == ids(tool)[1] for each in inner)


async def test_what_is_refused_and_what_fails_says_why(stage: Stage, seen: Seen) -> None:
    await stage.proxy("GET", "nothing-of-the-kind")
    refused = seen.spans()[-1]
    assert (told(refused)["error.type"], refused.status.is_ok) == ("no_such_operation", True)
    seen.exporter.clear()
    stage.fault("reset", path="/v1/models")
    assert (await stage.proxy("GET", "models")).status == 502
    call, asking = seen.pair()
    assert not call.status.is_ok
    assert not asking.status.is_ok
    assert told(asking)["error.type"].startswith("upstream_")


async def test_tokens_that_a_model_used_are_told_when_the_stream_has_ended(stage: Stage, seen: Seen) -> None:
    body = {"model": "gpt-5", "input": "Hello", "stream": True}
    await stage.passthrough("POST", "v1/responses", json=body)
    call, _ = seen.pair()
    assert told(call)["gen_ai.usage.output_tokens"] > 0
    assert told(call)["gen_ai.request.model"]


async def test_no_span_holds_a_key_a_token_or_a_body(stage: Stage, seen: Seen) -> None:
    await stage.proxy("GET", "models", query={"after": "canary-in-the-query"})
    await stage.passthrough("POST", "v1/responses", json={"model": "gpt-5", "input": "canary-in-the-body"})
    written = " ".join(each.to_json() for each in seen.spans())
    for secret in (PROJECT_KEY, ADMIN_KEY, str(stage.client.token), "canary"):
        assert secret not in written


async def test_a_broken_traceparent_counts_as_none(stage: Stage, seen: Seen) -> None:
    for broken in ("00-xyz", "00-" + "0" * 32 + "-" + PARENT + "-01", "ÿ"):
        seen.exporter.clear()
        assert (await stage.proxy("GET", "models", headers={"traceparent": broken})).status == 200
        assert seen.pair()[0].parent is None


async def test_spans_reach_a_collector_with_the_services_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    received: list[ExportTraceServiceRequest] = []

    async def collect(request: web.Request) -> web.Response:
        received.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response()

    application = web.Application()
    application.router.add_post("/v1/traces", collect)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", site.name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    try:
        async with open_stage(tmp_path_factory.mktemp("collected")) as stage:
            await stage.proxy("GET", "models")
        # Stopping has sent what was left.
        spans = [each for got in received for of in got.resource_spans for each in of.scope_spans[0].spans]
        assert {"proxy models.list", "GET"} <= {each.name for each in spans}
        named = {each.key: each.value.string_value for each in received[0].resource_spans[0].resource.attributes}
        assert named["service.name"] == "portico"
    finally:
        await runner.cleanup()


WANTED: list[tuple[dict[str, str], str]] = [
    ({}, ""),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, ""),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, ""),
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, ""),
]


@pytest.mark.parametrize(("environment", "variable"), WANTED)
async def test_traces_are_made_where_opentelemetrys_own_variables_ask_for_them(
    environment: dict[str, str], variable: str
) -> None:
    assert wanted(environment) == variable


async def test_without_its_packages_traces_are_off_and_nothing_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracings, "PACKAGES", ("opentelemetry.nothing_of_the_kind",))
    assert open_tracing(Metrics(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) is None
    monkeypatch.setattr(tracings, "PACKAGES", ("no_such_package.at_all",))
    assert open_tracing(Metrics(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) is None


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "begin with http"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "port 4318"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "api-key: s3cr3t-of-ours"}, "name=value"),
        ({"OTEL_TRACES_SAMPLER": "sometimes"}, "parentbased_traceidratio"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "10"}, ""),
    ],
)
async def test_variables_that_cannot_be_meant_are_said_without_secrets_and_stop_nothing(
    variables: dict[str, str], word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"} | variables
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = mistake(environment)
    assert word in said
    assert bool(word) == bool(said)
    made = open_tracing(Metrics(), environment)
    assert (made is None) == (not word)
    if made is not None:
        await made.close()
    assert "s3cr3t" not in said + str(capsys.readouterr()) + caplog.text


async def test_where_spans_go_is_read_as_opentelemetry_reads_it() -> None:
    assert endpoint({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}) == "http://c:4318/v1/traces"
    assert endpoint({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/x"}) == "http://c:4318/x"
    assert endpoint({}) == ""


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({}, "portico"),
        ({"OTEL_SERVICE_NAME": "doors"}, "doors"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=gates,deployment.environment=prod"}, "gates"),
    ],
)
async def test_a_service_is_called_what_its_operator_calls_it(
    variables: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    provider, _ = open_provider(variables, Metrics())
    assert provider.resource.attributes["service.name"] == name
    provider.shutdown()


def counted(metrics: Metrics) -> dict[str, float]:
    lines = [line.split() for line in metrics.text().decode().splitlines() if line.startswith("portico_spans_total{")]
    return {name.split('"')[1]: float(value) for name, value in lines}


async def test_a_collector_that_hangs_holds_up_no_stop_and_what_is_lost_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """OpenTelemetry by itself would go on for ten seconds with each batch, and for half a minute in all."""

    silent = socket.create_server(("127.0.0.1", 0))  # takes connections, and never reads
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "700")
    monkeypatch.setattr(collector, "CLOSE_SECONDS", 0.5)
    metrics, threads = Metrics(), set(threading.enumerate())
    tracing = open_tracing(metrics)
    assert tracing is not None
    tracer = tracing.tracer
    for _ in range(2000):
        tracer.start_span("proxy").end()
    began = time.monotonic()
    await tracing.close()
    assert time.monotonic() - began < 3
    # One batch of 512 is at the collector, which has not said anything yet.
    assert counted(metrics) == {"dropped": 2000 - 512}
    silent.close()
    await until(lambda: not any(each.is_alive() for each in set(threading.enumerate()) - threads))
    # That batch has failed now; what was given up is not told a second time by the queue, which ends only here.
    assert counted(metrics) == {"dropped": 2000 - 512, "failed": 512}
