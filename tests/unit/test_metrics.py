"""What is counted of calls and jobs, and that nobody can make the series many or put a name of theirs into them."""

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from portico.gateway.metrics import Metrics
from portico.model.request import RequestRow

PLAIN: dict[str, Any] = {
    **dict.fromkeys(RequestRow.__struct_fields__, ""),
    **dict.fromkeys(("at", "bytes_in", "bytes_out", "duration_us", "vendor_us", "vendor_status", "status_class"), 0),
    **dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens"), 0),
    **{"face": "proxy", "integration": "openai", "status": 200, "cost_nanos": None},
}


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def called(metrics: Metrics, **changes: Any) -> dict[tuple[str, ...], float]:
    call(metrics, **changes)
    return samples(metrics)


def call(metrics: Metrics, **changes: Any) -> None:
    metrics.called(RequestRow(**{**PLAIN, **changes}))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["openai"])


def test_a_call_counts_with_its_vendors_answer_its_bytes_and_what_it_used(metrics: Metrics) -> None:
    found = called(
        metrics, face="proxy", status=200, code="", integration="openai", vendor_status=200, vendor_us=1_500_000,
        duration_us=2_000_000, bytes_in=10, bytes_out=100, input_tokens=7, cached_tokens=3, output_tokens=5,
        cost_nanos=2_000_000_000,
    )  # fmt: skip
    assert found["portico_calls_total", "proxy", "2xx"] == 1
    assert found["portico_call_seconds_sum", "proxy"] == 2
    assert found["portico_vendor_answers_total", "openai", "2xx"] == 1
    assert found["portico_vendor_seconds_sum", "openai"] == 1.5
    assert (found["portico_bytes_total", "in"], found["portico_bytes_total", "out"]) == (10, 100)
    assert [found["portico_tokens_total", "openai", kind] for kind in ("input", "cached", "output")] == [7, 3, 5]
    assert found["portico_cost_dollars_total", "openai"] == 2


def test_what_we_refused_counts_by_code_and_what_others_did_does_not(metrics: Metrics) -> None:
    called(metrics, status=429, code="rate_limited", vendor_status=0)
    called(metrics, status=500, code="vendor_failure", vendor_status=500)
    found = called(metrics, status=499, code="client_left", vendor_status=0)
    assert {key[1]: found[key] for key in found if key[0] == "portico_refusals_total"} == {
        "rate_limited": 1, "unavailable": 0,
    }  # fmt: skip


def test_every_series_is_called_as_the_documentation_has_it(metrics: Metrics) -> None:
    """No moments of making among them, which the library adds by itself."""
    metrics.rows_dropped.inc(2)
    called(metrics)
    found = samples(metrics)
    assert found["portico_request_rows_dropped_total",] == 2
    text = (Path(__file__).parents[2] / "docs/how-to/watch-a-gateway.md").read_text("utf-8")
    told = {name.partition("{")[0] for name in re.findall(r"`(portico_[a-z_]+)", text)}
    ours = {re.sub(r"_(bucket|count|sum)$", "", key[0]) for key in found if key[0].startswith("portico_")}
    assert ours <= told


def test_what_alerts_look_at_is_there_before_it_happens(metrics: Metrics) -> None:
    found = samples(metrics)
    assert found["portico_refusals_total", "unavailable"] == 0
    assert found["portico_vendor_answers_total", "openai", "5xx"] == 0
    assert found["portico_vendor_messages_total", "refused"] == 0


def test_names_that_tenants_choose_are_counted_together(metrics: Metrics) -> None:
    for name in ("acme-secret-project", "another"):
        called(metrics, integration=name, vendor_status=200)
    found = samples(metrics)
    assert found["portico_vendor_answers_total", "other", "2xx"] == 2
    assert "acme" not in metrics.text().decode()


def test_codes_that_never_end_stay_few(metrics: Metrics) -> None:
    for number in range(300):
        call(metrics, code=f"made-up-{number}", status=400)
    found = [key for key in samples(metrics) if key[0] == "portico_refusals_total"]
    assert len(found) == 101
    assert samples(metrics)["portico_refusals_total", "other"] == 201


def test_jobs_count_by_kind_and_outcome_and_how_late_they_were(metrics: Metrics) -> None:
    metrics.taken("deliver", 2.0)
    metrics.taken("deliver", -1.0)  # taken up before the clock here says so
    metrics.ran("deliver", "again")
    found = samples(metrics)
    assert found["portico_job_runs_total", "deliver", "again"] == 1
    assert (found["portico_job_late_seconds_count", "deliver"], found["portico_job_late_seconds_sum", "deliver"]) == (
        2,
        2,
    )


def test_a_number_that_is_looked_up_is_as_it_is_when_somebody_asks(metrics: Metrics) -> None:
    waiting = [1]
    metrics.watch("portico_waiting", "What waits.", lambda: len(waiting))
    waiting.append(2)
    assert samples(metrics)["portico_waiting",] == 2
    metrics.watch("portico_waiting", "What waits.", lambda: 0)
    assert samples(metrics)["portico_waiting",] == 0
