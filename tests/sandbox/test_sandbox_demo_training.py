"""What the demo organization has of trainings, evals and safety notices."""

from collections.abc import Iterator

import pytest
from bare_http import Caller
from openai import OpenAI

from portico.sandbox import ids
from portico.sandbox.state import World

DAY = 24 * 3600


@pytest.fixture
def demo(sandbox_url: str) -> Iterator[OpenAI]:
    key = "sk-proj-demo"
    with OpenAI(base_url=f"{sandbox_url}/v1", api_key=key, max_retries=0, _strict_response_validation=True) as client:
        yield client


def test_demo_has_jobs_in_many_states(demo: OpenAI) -> None:
    jobs = list(demo.fine_tuning.jobs.list())
    assert len(jobs) >= 10
    assert {job.status for job in jobs} == {"queued", "running", "succeeded", "failed", "cancelled"}
    moments = [job.created_at for job in jobs]
    assert moments == sorted(moments, reverse=True)


def test_demo_has_one_old_failure_whose_validation_file_is_there(demo: OpenAI, world: World) -> None:
    failed = [job for job in demo.fine_tuning.jobs.list() if (job.model, job.status) == ("gpt-4o-mini", "failed")]
    old = [job for job in failed if job.created_at < world.now() - DAY]
    assert (len(failed), len(old)) == (2, 1)
    assert old[0].error is not None
    assert old[0].validation_file is not None
    assert demo.files.retrieve(old[0].validation_file).filename == "calendar-validation.jsonl"


def test_demo_jobs_have_left_models_and_files(demo: OpenAI) -> None:
    models = {model.id for model in demo.models.list()}
    done = [job for job in demo.fine_tuning.jobs.list() if job.status == "succeeded"]
    assert done
    for job in done:
        assert job.fine_tuned_model in models
        assert job.trained_tokens
        assert demo.files.content(job.result_files[0]).text.startswith("step,")


def test_demo_files_are_listed_in_the_order_of_their_age(demo: OpenAI) -> None:
    purposes = ("fine-tune", "fine-tune-results")
    moments = [file.created_at for file in demo.files.list(order="asc") if file.purpose in purposes]
    assert moments == sorted(moments)


def test_demo_ids_are_the_same_after_a_reset(demo: OpenAI, call: Caller) -> None:
    def seen() -> list[str]:
        return [job.id for job in demo.fine_tuning.jobs.list()] + [held.id for held in demo.evals.list()]

    before = seen()
    call("POST", "/_sandbox/reset")
    # Whatever else has drawn ids meanwhile.
    call("GET", "/v1/models")
    assert seen() == before


def test_demo_has_evals_with_runs(demo: OpenAI) -> None:
    seen: list[tuple[str, str, int, int]] = []
    for held in demo.evals.list():
        for run in demo.evals.runs.list(held.id):
            seen.append((held.name, run.status, run.result_counts.passed, run.result_counts.failed))
    assert seen == [
        ("Care answers", "completed", 0, 12),
        ("Care answers", "completed", 12, 0),
        ("Ticket triage", "failed", 0, 0),
        ("Ticket triage", "canceled", 2, 1),
        ("Ticket triage", "completed", 4, 1),
    ]


def test_demo_has_safety_notices(demo: OpenAI, world: World) -> None:
    # The reference names this id.
    alert = demo.safety.alerts.retrieve("alert_fc6c1c6b50711e3d921e37d4b7d84ee8")
    assert alert.error_type == "potentially_unintended_data_transfer"
    assert alert.created_at < world.now() - DAY
    case = demo.safety.cases.retrieve("C-cfvYn3IZQciZpxSd9Vn5Xd3q")
    assert (case.notice.type, case.entity_identifier) == ("warning", "customer-4711")


def test_safety_notices_of_others_look_missing(call: Caller) -> None:
    assert call("GET", f"/v1/safety/alerts/{ids.named('alert_', 'demo mailbox export')}").status == 404
    assert call("GET", f"/v1/safety/cases/{ids.named('C-', 'demo warned customer')}").status == 404
    assert call("GET", f"/v1/safety/alerts/{'x' * 39}").error["code"] == "string_above_max_length"
