"""Batches through the official SDK: validation, the states, real answers, cancellation, expiry."""

import json
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Batch

from portico.sandbox.state import World


def line(custom_id: str, text: str, **changes: Any) -> dict[str, Any]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Say: {text}"}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def begun(client: OpenAI, lines: list[Any], endpoint: Any = "/v1/chat/completions") -> Batch:
    content = "\n".join(item if isinstance(item, str) else json.dumps(item) for item in lines)
    file = client.files.create(file=("in.jsonl", content.encode() or b"\n"), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", metadata={"a": "b"})


def rows_of(client: OpenAI, file_id: str | None) -> dict[str, dict[str, Any]]:
    assert file_id
    rows = [json.loads(row) for row in client.files.content(file_id).text.splitlines()]
    return {row["custom_id"]: row for row in rows}


def test_batch_answers_every_line(client: OpenAI, world: World) -> None:
    bad = line("bad", "x", body={"model": "gpt-4o-mini", "messages": []})
    batch = begun(client, [line("one", "eins"), bad, line("two", "zwei")])
    assert batch.status == "validating"
    world.advance(1.1)
    assert client.batches.retrieve(batch.id).status == "in_progress"
    world.advance(3)
    assert client.batches.retrieve(batch.id).status == "finalizing"
    world.advance(1)
    done = client.batches.retrieve(batch.id)
    assert (done.status, done.model, done.metadata) == ("completed", "gpt-4o-mini", {"a": "b"})
    assert done.request_counts
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (3, 2, 1)
    assert done.usage
    assert done.usage.total_tokens > 0
    good = rows_of(client, done.output_file_id)
    assert list(good) == ["one", "two"]
    assert good["two"]["response"]["status_code"] == 200
    assert good["two"]["response"]["body"]["choices"][0]["message"]["content"] == "zwei"
    failed = rows_of(client, done.error_file_id)
    assert failed["bad"]["response"]["status_code"] == 400
    assert failed["bad"]["response"]["body"]["error"]["param"] == "messages"
    assert all(used.is_batch for used in world.organization("test").usage)
    assert client.files.retrieve(done.output_file_id or "").purpose == "batch_output"


def test_work_shows_its_progress(client: OpenAI, world: World) -> None:
    batch = begun(client, [line(str(n), "x") for n in range(10)])
    world.advance(2.55)
    half = client.batches.retrieve(batch.id)
    assert half.request_counts
    assert 3 <= half.request_counts.completed <= 7
    assert half.output_file_id is None


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("/v1/responses", {"model": "gpt-4.1", "input": "Say: x"}),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}),
        ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Say: x"}),
        ("/v1/moderations", {"input": "x"}),
    ],
)
def test_batches_reach_other_endpoints(client: OpenAI, world: World, endpoint: str, body: dict[str, Any]) -> None:
    world.pace = 0
    batch = begun(client, [line("one", "x", url=endpoint, body=body)], endpoint)
    assert batch.status == "completed"
    assert rows_of(client, batch.output_file_id)["one"]["response"]["status_code"] == 200
    assert batch.error_file_id is None


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([""], "empty_file", None),
        ([line("a", "x"), "{nope"], "invalid_json_line", 2),
        ([line("a", "x"), line("a", "y")], "duplicate_custom_id", 2),
        ([line("a", "x", url="/v1/responses")], "mismatched_endpoint", 1),
        ([line("a", "x", method="GET")], "invalid_method", 1),
        ([line("", "x")], "missing_required_parameter", 1),
        ([line("a", "x"), line("b", "x", body={"model": "gpt-4o"})], "mismatched_model", None),
    ],
)
def test_bad_input_fails_the_batch(
    client: OpenAI, world: World, lines: list[Any], code: str, number: int | None
) -> None:
    batch = begun(client, lines)
    assert batch.status == "validating"
    world.advance(2)
    failed = client.batches.retrieve(batch.id)
    assert failed.status == "failed"
    assert failed.failed_at
    assert failed.errors
    assert failed.errors.data
    assert [(error.code, error.line) for error in failed.errors.data] == [(code, number)]


def test_cancelled_batch_keeps_what_is_done(client: OpenAI, world: World) -> None:
    batch = begun(client, [line(str(n), "x") for n in range(10)])
    world.advance(2.55)
    cancelling = client.batches.cancel(batch.id)
    assert cancelling.status == "cancelling"
    world.advance(1.1)
    cancelled = client.batches.retrieve(batch.id)
    assert cancelled.status == "cancelled"
    assert cancelled.cancelled_at
    assert 3 <= len(rows_of(client, cancelled.output_file_id)) <= 7
    assert client.batches.cancel(batch.id).status == "cancelled"


def test_done_batch_can_not_be_cancelled(client: OpenAI, world: World) -> None:
    batch = begun(client, [line("a", "x")])
    world.advance(10)
    with pytest.raises(openai.BadRequestError):
        client.batches.cancel(batch.id)


def test_batch_expires_after_its_window(client: OpenAI, world: World) -> None:
    world.pace = 24 * 3600
    batch = begun(client, [line("a", "x"), line("b", "y")])
    world.advance(24 * 3600 + 1)
    expired = client.batches.retrieve(batch.id)
    assert expired.status == "expired"
    late = rows_of(client, expired.error_file_id)
    assert late["b"]["error"]["code"] == "batch_expired"
    assert late["b"]["response"] is None


def test_batches_are_listed_newest_first(client: OpenAI, world: World) -> None:
    world.pace = 0
    made = [begun(client, [line("a", "x")]).id for _ in range(3)]
    assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]


def test_input_must_be_a_batch_file(client: OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="user_data")
    with pytest.raises(openai.BadRequestError) as refused:
        client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    assert refused.value.param == "input_file_id"
    with pytest.raises(openai.NotFoundError):
        client.batches.create(input_file_id="file-none", endpoint="/v1/responses", completion_window="24h")


def test_output_can_expire(client: OpenAI, world: World) -> None:
    world.pace = 0
    content = json.dumps(line("a", "x")).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        output_expires_after={"anchor": "created_at", "seconds": 3600},
    )
    output = client.files.retrieve(batch.output_file_id or "")
    assert output.expires_at == output.created_at + 3600
