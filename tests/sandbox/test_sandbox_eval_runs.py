"""Runs of evals and their output items, through the official SDK and bare."""

import json
from typing import Any

import openai
import pytest
from bare_http import Caller
from eval_parts import CLOSE, LABEL, OSLO, PARIS, PYTHON, ROME, SAME, SCORE, TEXT, asked, given, make, row
from openai import OpenAI
from receiver import listening

from portico.sandbox.state import World


def test_run_goes_through_its_states(client: OpenAI, world: World) -> None:
    eval_id = make(client)
    run = client.evals.runs.create(eval_id, data_source=given(PARIS, ROME, OSLO), name="first")
    seen = [(run.status, run.result_counts.total)]
    for seconds in (6, 1, 3):
        world.advance(seconds)
        run = client.evals.runs.retrieve(run.id, eval_id=eval_id)
        seen.append((run.status, run.result_counts.total))
    assert seen == [("queued", 0), ("in_progress", 1), ("in_progress", 2), ("completed", 3)]
    assert run.report_url.endswith(f"{eval_id}?run_id={run.id}")


def test_graders_really_grade(client: OpenAI, world: World) -> None:
    world.pace = 0
    eval_id = make(client, SAME, CLOSE, LABEL, SCORE, PYTHON)
    run = client.evals.runs.create(eval_id, data_source=given(PARIS, ROME, OSLO))
    assert run.status == "completed"
    counts = run.result_counts
    assert (counts.total, counts.passed, counts.failed, counts.errored) == (3, 1, 2, 0)
    results = {found.testing_criteria: found.passed for found in run.per_testing_criteria_results}
    names = [name.rsplit("-", 5)[0] for name in results]
    assert dict(zip(names, results.values(), strict=True)) == {
        "same": 1,
        "close": 2,
        "label": 2,
        "score": 2,
        "script": 2,
    }
    (usage,) = run.per_model_usage
    assert (usage.run_model_name, usage.invocation_count) == ("gpt-5.4-mini", 6)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_output_items_show_what_was_graded(client: OpenAI, world: World) -> None:
    world.pace = 0
    eval_id = make(client, CLOSE, LABEL)
    run = client.evals.runs.create(eval_id, data_source=given(PARIS, OSLO))
    first, second = client.evals.runs.output_items.list(run.id, eval_id=eval_id)
    assert (first.status, second.status) == ("pass", "fail")
    assert (second.datasource_item_id, second.datasource_item) == (1, {"q": "x", "a": "Oslo"})
    assert second.sample.output[0].content == "Bergen"
    close, label = second.results
    assert (close.type, close.passed, close.score) == ("text_similarity", False, 0)
    assert label.sample is not None
    assert label.sample["output"] == [{"role": "assistant", "content": "incorrect"}]
    one = client.evals.runs.output_items.retrieve(second.id, eval_id=eval_id, run_id=run.id)
    assert one.to_dict() == second.to_dict()


def test_output_items_are_paged_and_filtered(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    eval_id = make(client)
    run = client.evals.runs.create(eval_id, data_source=given(PARIS, OSLO, PARIS, OSLO))
    items = client.evals.runs.output_items
    listed = list(items.list(run.id, eval_id=eval_id, limit=3))
    assert [item.datasource_item_id for item in listed] == [0, 1, 2, 3]
    failed = items.list(run.id, eval_id=eval_id, status="fail", order="desc").data
    assert [item.datasource_item_id for item in failed] == [3, 1]
    path = f"/v1/evals/{eval_id}/runs/{run.id}/output_items"
    page = call("GET", f"{path}?limit=2&status=pass&after={listed[1].id}").json
    assert (page["first_id"], page["last_id"], page["has_more"]) == (listed[2].id, listed[2].id, False)
    assert call("GET", f"{path}/outputitem_none").status == 404
    assert call("GET", f"{path}?status=maybe").error["param"] == "status"


def test_model_answers_the_prompts_of_the_rows(client: OpenAI, world: World) -> None:
    world.pace = 0
    eval_id = make(client)
    settings = {"temperature": 0.5, "seed": 7, "max_completion_tokens": 5}
    source = asked(row("Say Paris", "Paris"), row("Say Bergen", "Oslo"), sampling_params=settings)
    run = client.evals.runs.create(eval_id, data_source=source)
    assert (run.model, run.name) == ("gpt-4o-mini", "gpt-4o-mini")
    assert (run.result_counts.passed, run.result_counts.failed) == (1, 1)
    (usage,) = run.per_model_usage
    assert (usage.run_model_name, usage.invocation_count) == ("gpt-4o-mini", 2)
    sample = client.evals.runs.output_items.list(run.id, eval_id=eval_id).data[0].sample
    assert [(said.role, said.content) for said in sample.input] == [("developer", "Be brief."), ("user", "Say Paris")]
    assert (sample.temperature, sample.seed, sample.max_completion_tokens, sample.top_p) == (0.5, 7, 5, 1)
    assert len(world.organization("test").usage) == 2


def test_sampling_keeps_to_a_schema(client: OpenAI, world: World) -> None:
    world.pace = 0
    json_check = {**SAME, "input": "{{sample.output_json.city}}"}
    eval_id = make(client, json_check)
    schema = {"type": "object", "properties": {"city": TEXT}, "required": ["city"]}
    rows = [row("The city is Paris.", "Paris")]
    as_chat = {"response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}}
    as_response = {"text": {"format": {"type": "json_schema", "name": "c", "schema": schema}}}
    for source in (asked(*rows, sampling_params=as_chat), asked(*rows, type="responses", sampling_params=as_response)):
        assert client.evals.runs.create(eval_id, data_source=source).result_counts.passed == 1


def test_rows_come_from_a_file(client: OpenAI, world: World) -> None:
    world.pace = 0
    lines = "\n".join(json.dumps(line) for line in (PARIS, OSLO)).encode()
    file = client.files.create(file=("rows.jsonl", lines), purpose="user_data")
    source: Any = {"type": "jsonl", "source": {"type": "file_id", "id": file.id}}
    run = client.evals.runs.create(make(client), data_source=source)
    assert (run.status, run.result_counts.total, run.result_counts.passed) == ("completed", 2, 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "file_not_found"),
        (b"?", "invalid_file"),
        (b'{"x": 1}', "invalid_file"),
        (b"\n", "no_items"),
        (b'{"item": {"q": "x"}}', "invalid_item"),
    ],
)
def test_bad_files_make_the_run_fail(client: OpenAI, world: World, content: bytes | None, code: str) -> None:
    file_id = "file-none"
    if content is not None:
        file_id = client.files.create(file=("rows.jsonl", content), purpose="user_data").id
    eval_id = make(client)
    source: Any = {"type": "jsonl", "source": {"type": "file_id", "id": file_id}}
    run = client.evals.runs.create(eval_id, data_source=source)
    assert (run.status, run.error.code) == ("queued", "")
    world.advance(6)
    run = client.evals.runs.retrieve(run.id, eval_id=eval_id)
    assert (run.status, run.error.code) == ("failed", code)


def test_stored_completions_are_graded_or_asked_anew(client: OpenAI, world: World) -> None:
    world.pace = 0
    for city, use in (("Paris", "a"), ("Rome", "a"), ("Paris", "b")):
        said: Any = [{"role": "user", "content": f"Say {city}"}]
        client.chat.completions.create(model="gpt-4o", messages=said, store=True, metadata={"use": use})
    check = {**SAME, "reference": "Paris"}
    eval_id = make(client, check, data_source_config={"type": "stored_completions"})
    source = {"type": "stored_completions", "metadata": {"use": "a"}}
    plain: Any = {"type": "completions", "source": source}
    run = client.evals.runs.create(eval_id, data_source=plain)
    assert (run.result_counts.total, run.result_counts.passed, run.per_model_usage) == (2, 1, [])
    plain["model"] = "gpt-4.1"
    anew = client.evals.runs.create(eval_id, data_source=plain)
    assert (anew.result_counts.passed, anew.per_model_usage[0].invocation_count) == (1, 2)
    last: Any = {"type": "completions", "source": {"type": "stored_completions", "limit": 1, "model": "gpt-4o"}}
    (item,) = client.evals.runs.output_items.list(
        client.evals.runs.create(eval_id, data_source=last).id, eval_id=eval_id
    )
    assert item.datasource_item["metadata"] == {"use": "b"}


def test_kept_responses_are_graded(client: OpenAI, world: World) -> None:
    world.pace = 0
    client.responses.create(model="gpt-4o", input="Say Paris", instructions="Speak French", user="u1")
    client.responses.create(model="gpt-4o", input="Say Rome", temperature=0.5)
    check = {**SAME, "reference": "Paris"}
    eval_id = make(client, check, data_source_config={"type": "logs"})

    def total(**filters: Any) -> tuple[int, int]:
        source: Any = {"type": "responses", "source": {"type": "responses", **filters}}
        counts = client.evals.runs.create(eval_id, data_source=source).result_counts
        return counts.total, counts.passed

    assert total() == (2, 1)
    assert total(instructions_search="french") == (1, 1)
    assert total(temperature=0.5) == (1, 0)
    assert total(users=["u1"]) == (1, 1)
    assert total(model="gpt-4.1") == (0, 0)


def test_trajectory_of_an_item_is_the_prompt(client: OpenAI, world: World) -> None:
    world.pace = 0
    config = {"type": "custom", "item_schema": {"type": "object"}}
    eval_id = make(client, {**SAME, "reference": "fern"}, data_source_config=config)
    talk = {"item": {"talk": [{"role": "user", "content": "Say fern"}]}}
    run = client.evals.runs.create(
        eval_id, data_source=asked(talk, input_messages={"type": "item_reference", "item_reference": "item.talk"})
    )
    assert run.result_counts.passed == 1


def test_broken_rows_count_as_errors(client: OpenAI, world: World) -> None:
    world.pace = 0
    eval_id = make(client, SAME, data_source_config={"type": "custom", "item_schema": {"type": "object"}})
    run = client.evals.runs.create(eval_id, data_source=asked({"item": {"q": "Say x", "a": "x"}}, {"item": {"a": "x"}}))
    assert (run.result_counts.passed, run.result_counts.errored) == (1, 1)
    broken = client.evals.runs.output_items.list(run.id, eval_id=eval_id).data[1]
    assert (broken.status, broken.sample.error.code, broken.results) == ("error", "invalid_variable", [])
    # A grader that misses a variable is in trouble, too.
    lone = client.evals.runs.create(eval_id, data_source=given({"item": {"a": "x"}}))
    assert lone.result_counts.errored == 1


def test_cancelled_run_keeps_what_was_graded(client: OpenAI, world: World) -> None:
    eval_id = make(client)
    run = client.evals.runs.create(eval_id, data_source=given(PARIS, ROME, OSLO))
    world.advance(6)
    cancelled = client.evals.runs.cancel(run.id, eval_id=eval_id)
    assert (cancelled.status, cancelled.result_counts.total) == ("canceled", 1)
    world.advance(60)
    assert client.evals.runs.retrieve(run.id, eval_id=eval_id).result_counts.total == 1
    with pytest.raises(openai.BadRequestError):
        client.evals.runs.cancel(run.id, eval_id=eval_id)


def test_runs_are_paged_filtered_and_deleted(client: OpenAI, call: Caller, world: World) -> None:
    eval_id = make(client)
    made = [client.evals.runs.create(eval_id, data_source=given(PARIS)).id for _ in range(3)]
    client.evals.runs.cancel(made[1], eval_id=eval_id)
    world.advance(60)
    assert [run.id for run in client.evals.runs.list(eval_id, limit=2)] == made
    assert [run.id for run in client.evals.runs.list(eval_id, status="canceled")] == [made[1]]
    page = call("GET", f"/v1/evals/{eval_id}/runs?order=desc&limit=1").json
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[2], made[2], True)
    gone = client.evals.runs.delete(made[0], eval_id=eval_id)
    assert (gone.deleted, gone.run_id, gone.object) == (True, made[0], "eval.run.deleted")
    assert call("GET", f"/v1/evals/{eval_id}/runs/{made[0]}").status == 404
    client.evals.delete(eval_id)
    assert call("GET", f"/v1/evals/{eval_id}/runs").status == 404


@pytest.mark.parametrize(
    ("data_source", "param", "status"),
    [
        (None, "data_source", 400),
        ({"type": "csv"}, "data_source.type", 400),
        (given(), "data_source.source.content", 400),
        (given({"item": {"q": "x"}}), "data_source.source.content", 400),
        (given({"sample": {}}), "data_source.source.content[0].item", 400),
        ({"type": "jsonl", "source": {"type": "responses"}}, "data_source.source.type", 400),
        (asked(PARIS, model=None), "data_source.model", 400),
        (asked(PARIS, model="gpt-none"), "model", 404),
        (asked(PARIS, input_messages=None), "data_source.input_messages", 400),
        (asked(PARIS, sampling_params={"temperature": 3}), "data_source.sampling_params.temperature", 400),
    ],
)
def test_bad_runs_are_refused(client: OpenAI, call: Caller, data_source: Any, param: str, status: int) -> None:
    got = call("POST", f"/v1/evals/{make(client)}/runs", {"data_source": data_source})
    assert (got.status, got.error["param"]) == (status, param)


def test_end_of_a_run_is_told_to_webhooks(client: OpenAI, call: Caller, world: World) -> None:
    with listening() as receiver:
        client.webhooks.create(event_types=["eval.run.succeeded"], name="ours", url=receiver.url)
        run = client.evals.runs.create(make(client), data_source=given(PARIS))
        world.advance(60)
        call("POST", "/_sandbox/webhooks/pump")
        told = [delivery["event"] for delivery in call("GET", "/_sandbox/webhooks").json["data"]]
    assert [(event["type"], event["data"]["id"]) for event in told] == [("eval.run.succeeded", run.id)]
