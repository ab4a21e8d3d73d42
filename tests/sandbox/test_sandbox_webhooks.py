"""Webhook endpoints, and the messages that are really sent to them."""

import json
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import openai
import pytest
from bare_http import Caller
from openai import InvalidWebhookSignatureError, OpenAI
from openai.types.webhooks import WebhookEndpointWithSecret, webhook_create_params
from receiver import PATIENCE_SECONDS, Receiver, listening

from portico.sandbox.state import World
from portico.sandbox.webhooks import EVENT_TYPES, announce

DAY = 24 * 3600


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as served:
        yield served


@pytest.fixture
def endpoint(client: OpenAI, receiver: Receiver) -> WebhookEndpointWithSecret:
    return client.webhooks.create(event_types=["batch.completed", "batch.failed"], name="ours", url=receiver.url)


def happen(world: World, event_type: str = "batch.completed", identity: str = "batch_1") -> None:
    announce(world, world.organization("test").default_project, event_type, {"id": identity})


def pump(call: Caller) -> list[dict[str, Any]]:
    """Send what is due, and show all deliveries."""
    assert call("POST", "/_sandbox/webhooks/pump").status == 200
    return call("GET", "/_sandbox/webhooks").json["data"]


def test_endpoint_lives_from_creation_to_deletion(client: OpenAI, world: World) -> None:
    made = client.webhooks.create(event_types=["batch.failed"], name="ours", url="https://example.com/hooks")
    assert made.signing_secret.startswith("whsec_")
    shown = client.webhooks.retrieve(made.id)
    assert "signing_secret" not in (shown.model_extra or {})
    assert (shown.signing_secret_hint or "").endswith(made.signing_secret[-4:])
    world.advance(60)
    assert client.webhooks.update(made.id, name="ours").updated_at == made.created_at
    changed = client.webhooks.update(made.id, name="mine", event_types=["batch.completed"])
    assert (changed.name, changed.event_types, changed.url) == ("mine", ["batch.completed"], made.url)
    assert made.created_at + 60 <= (changed.updated_at or 0) <= made.created_at + 65  # the clock goes on meanwhile
    assert client.webhooks.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.webhooks.retrieve(made.id)


def test_endpoints_are_paged_newest_first_by_the_last_id(client: OpenAI, call: Caller) -> None:
    made = [
        client.webhooks.create(event_types=["batch.failed"], name=f"{n}", url="https://example.com").id
        for n in range(5)
    ]
    assert [held.id for held in client.webhooks.list(limit=2)] == made[::-1]
    page = call("GET", "/v1/webhook_endpoints?limit=2").json
    assert set(page) == {"object", "data", "has_more"}
    assert page["has_more"] is True


def test_event_types_are_those_of_the_sdk(client: OpenAI) -> None:
    (known,) = get_args(get_type_hints(webhook_create_params.WebhookCreateParams)["event_types"])
    listed = client.webhooks.event_types.list().data
    assert set(listed) == set(get_args(known))
    assert len(listed) == 27


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"url": "http://example.com"}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": None}, "url"),
        ({"name": ""}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["batch.eaten"]}, "event_types[0]"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_endpoints_are_refused(call: Caller, change: dict[str, Any], param: str) -> None:
    body = {"url": "https://example.com", "name": "ours", "event_types": ["batch.failed"], **change}
    got = call("POST", "/v1/webhook_endpoints", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_delivery_is_signed_so_that_the_sdk_accepts_it(
    client: OpenAI, call: Caller, world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    # Turned far ahead: a message is still stamped with the time at which it really leaves.
    world.advance(DAY)
    happen(world)
    (delivery,) = pump(call)
    assert (delivery["state"], [tried["status"] for tried in delivery["attempts"]]) == ("delivered", [204])
    (message,) = receiver.received
    assert (message.path, message.headers["content-type"]) == ("/hooks?from=test", "application/json")
    assert message.headers["webhook-id"] == delivery["id"]
    event = message.unwrap(client, endpoint.signing_secret)
    assert (event.type, event.data.model_dump(), event.object) == ("batch.completed", {"id": "batch_1"}, "event")
    assert event.id == delivery["event"]["id"]
    with pytest.raises(InvalidWebhookSignatureError):
        message.unwrap(client, "whsec_c29tZXRoaW5nIGVsc2U=")


def test_server_sends_by_itself(world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret) -> None:
    happen(world)
    assert receiver.arrived.wait(PATIENCE_SECONDS)
    assert receiver.received[0].headers["webhook-id"].startswith("wh_")


def test_only_subscribers_of_the_project_are_told(
    call: Caller, world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    happen(world, "batch.cancelled")
    announce(world, world.organization("other").default_project, "batch.completed", {"id": "batch_2"})
    assert pump(call) == []
    happen(world, "batch.failed")
    assert [delivery["event"]["type"] for delivery in pump(call)] == ["batch.failed"]
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [500, 404, 302, 429])
def test_refused_delivery_is_tried_again_later_with_the_same_id(
    call: Caller, world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret, status: int
) -> None:
    receiver.statuses = [status]
    happen(world)
    (delivery,) = pump(call)
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("waiting", status)
    assert len(pump(call)[0]["attempts"]) == 1
    world.advance(6)
    (delivery,) = pump(call)
    assert delivery["state"] == "delivered"
    assert {message.headers["webhook-id"] for message in receiver.received} == {delivery["id"]}


def test_delivery_is_given_up_after_three_days(
    call: Caller, world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    receiver.statuses = [500] * 50
    happen(world)
    first = world.now()
    while (delivery := pump(call)[0])["state"] == "waiting":
        world.turn_to(delivery["due_at"])
    assert delivery["state"] == "failed"
    assert 2 * DAY < delivery["attempts"][-1]["at"] - first < 3 * DAY
    assert len(receiver.received) == len(delivery["attempts"])


def test_unreachable_endpoint_counts_as_a_failed_attempt(client: OpenAI, call: Caller, world: World) -> None:
    client.webhooks.create(event_types=["batch.completed"], name="gone", url="http://127.0.0.1:9/")
    happen(world)
    (delivery,) = pump(call)
    assert delivery["attempts"][0]["status"] is None
    assert "ConnectionRefused" in delivery["attempts"][0]["error"]


def test_deleted_endpoint_gets_nothing_more(
    client: OpenAI, call: Caller, world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    receiver.statuses = [500]
    happen(world)
    pump(call)
    client.webhooks.delete(endpoint.id)
    world.advance(DAY)
    assert pump(call)[0]["state"] == "dropped"
    assert len(receiver.received) == 1


def test_rotation_ends_the_old_secret_at_once_or_after_a_day(
    client: OpenAI, call: Caller, world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    second = client.webhooks.rotate_secret(endpoint.id).signing_secret
    third = client.webhooks.rotate_secret(endpoint.id, keep_old_secret_active_for_24_hours=True).signing_secret
    assert len({endpoint.signing_secret, second, third}) == 3
    happen(world)
    pump(call)
    world.advance(DAY)
    happen(world)
    pump(call)
    early, late = receiver.received
    for message, secret, is_good in (
        (early, endpoint.signing_secret, False),
        (early, second, True),
        (early, third, True),
        (late, second, False),
        (late, third, True),
    ):
        if is_good:
            assert message.unwrap(client, secret).type == "batch.completed"
        else:
            with pytest.raises(InvalidWebhookSignatureError):
                message.unwrap(client, secret)


@pytest.mark.parametrize("event_type", [name for name in EVENT_TYPES if not name.startswith("video.")])
def test_sample_of_every_event_fits_the_sdk(
    client: OpenAI, receiver: Receiver, endpoint: WebhookEndpointWithSecret, event_type: Any
) -> None:
    result = client.webhooks.test(endpoint.id, event_type=event_type)
    assert (result.event_type, result.status_code, result.webhook_endpoint_id) == (event_type, 204, endpoint.id)
    event = receiver.received[0].unwrap(client, endpoint.signing_secret)
    assert event.type == event_type
    assert type(event).model_validate(event.model_dump()) == event


def test_sample_shows_the_status_and_is_not_repeated(
    client: OpenAI, call: Caller, world: World, receiver: Receiver, endpoint: WebhookEndpointWithSecret
) -> None:
    receiver.statuses = [503]
    assert client.webhooks.test(endpoint.id, event_type="batch.failed").status_code == 503
    world.advance(DAY)
    assert pump(call)[0]["state"] == "failed"
    assert len(receiver.received) == 1


def test_sample_to_an_unreachable_endpoint_is_refused(client: OpenAI) -> None:
    made = client.webhooks.create(event_types=["batch.completed"], name="gone", url="http://127.0.0.1:9/")
    with pytest.raises(openai.BadRequestError) as refused:
        client.webhooks.test(made.id, event_type="batch.completed")
    assert refused.value.code == "webhook_delivery_failed"


def batch(client: OpenAI) -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    file = client.files.create(file=("lines.jsonl", json.dumps(line).encode()), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id


def broken_batch(client: OpenAI) -> str:
    file = client.files.create(file=("lines.jsonl", b"{nope"), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id


def cancelled_batch(client: OpenAI) -> str:
    return client.batches.cancel(batch(client)).id


def response(client: OpenAI) -> str:
    return client.responses.create(model="gpt-4o", input="Hello", background=True).id


def streamed_response(client: OpenAI) -> str:
    with client.responses.create(model="gpt-4o", input="Hello", background=True, stream=True) as stream:
        first = next(iter(stream))
    assert first.type == "response.created"
    return first.response.id


def cancelled_response(client: OpenAI) -> str:
    return client.responses.cancel(response(client)).id


def tuning(client: OpenAI) -> str:
    row = json.dumps({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]})
    file = client.files.create(file=("rows.jsonl", "\n".join([row] * 10).encode()), purpose="fine-tune")
    return client.fine_tuning.jobs.create(model="gpt-4o-mini-2024-07-18", training_file=file.id).id


def eval_run(client: OpenAI) -> str:
    form: Any = {"type": "custom", "item_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
    held = client.evals.create(
        data_source_config=form,
        testing_criteria=[
            {"type": "string_check", "name": "same", "input": "{{item.a}}", "reference": "x", "operation": "eq"}
        ],
    )
    source: Any = {"type": "jsonl", "source": {"type": "file_content", "content": [{"item": {"a": "x"}}]}}
    return client.evals.runs.create(held.id, data_source=source).id


@pytest.mark.parametrize(
    ("make", "event_type"),
    [
        (batch, "batch.completed"),
        (broken_batch, "batch.failed"),
        (cancelled_batch, "batch.cancelled"),
        (response, "response.completed"),
        (streamed_response, "response.completed"),
        (cancelled_response, "response.cancelled"),
        (tuning, "fine_tuning.job.succeeded"),
        (eval_run, "eval.run.succeeded"),
    ],
)
def test_end_of_a_job_is_told_once(
    client: OpenAI, call: Caller, world: World, receiver: Receiver, make: Callable[[OpenAI], str], event_type: str
) -> None:
    everything: Any = list(EVENT_TYPES)
    made = client.webhooks.create(event_types=everything, name="all", url=receiver.url)
    identity = make(client)
    world.advance(DAY / 2)
    pump(call)
    world.advance(DAY / 2)
    (delivery,) = pump(call)
    event = receiver.received[0].unwrap(client, made.signing_secret)
    assert (event.type, event.data.model_dump()) == (event_type, {"id": identity})
    assert delivery["event"]["id"] == event.id


def test_job_that_goes_on_or_that_ended_before_is_not_told(
    client: OpenAI, call: Caller, world: World, receiver: Receiver
) -> None:
    response(client)
    world.advance(DAY)
    client.webhooks.create(event_types=["response.completed"], name="late", url=receiver.url)
    client.responses.create(model="gpt-4o", input="Hello")
    running = response(client)
    assert pump(call) == []
    world.advance(10)
    assert [delivery["event"]["data"]["id"] for delivery in pump(call)] == [running]


def test_agents_are_told_of_without_being_looked_at(
    client: OpenAI, call: Caller, world: World, receiver: Receiver
) -> None:
    made = client.webhooks.create(event_types=["agent.session.idle"], name="agents", url=receiver.url)
    session = client.beta.agents.sessions.create(
        environment={"type": "none"}, agent={"model": "gpt-5.4"}, input="Say: hello"
    )
    world.advance(60)
    pump(call)
    event = receiver.received[-1].unwrap(client, made.signing_secret)
    assert event.type == "agent.session.idle"
    assert event.data.id == session.id


def test_end_of_a_video_is_told_too(client: OpenAI, call: Caller, world: World, receiver: Receiver) -> None:
    client.webhooks.create(event_types=["video.completed"], name="films", url=receiver.url)
    video = call("POST", "/v1/videos", {"prompt": "A red kite"}).json["id"]
    world.advance(DAY / 2)
    (delivery,) = pump(call)
    # The SDK knows no class for this event any more.
    assert (delivery["event"]["type"], delivery["event"]["data"]) == ("video.completed", {"id": video})


def test_deleted_job_is_forgotten(
    client: OpenAI, call: Caller, world: World, endpoint: WebhookEndpointWithSecret
) -> None:
    client.webhooks.update(endpoint.id, event_types=["response.completed"])
    client.responses.delete(response(client))
    world.advance(DAY)
    assert pump(call) == []
