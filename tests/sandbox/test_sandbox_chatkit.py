"""ChatKit sessions, and the threads that their users talk in."""

from typing import Any

import openai
import pytest
from bare_http import Caller, Got
from openai import OpenAI

from portico.sandbox.state import World

BETA = {"openai-beta": "chatkit_beta=v1"}


def session(client: OpenAI, user: str = "ada", **options: Any) -> str:
    return client.beta.chatkit.sessions.create(user=user, workflow={"id": "wf_1"}, **options).id


def say(call: Caller, named: str, text: str, **more: str) -> Got:
    return call("POST", "/_sandbox/chatkit/messages", {"session": named, "text": text, **more})


def test_session_says_what_holds_for_it(client: OpenAI) -> None:
    made = client.beta.chatkit.sessions.create(user="ada", workflow={"id": "wf_1"})
    assert (made.status, made.user, made.max_requests_per_1_minute) == ("active", "ada", 10)
    assert made.client_secret
    assert made.workflow.model_dump() == {
        "id": "wf_1",
        "version": None,
        "state_variables": {},
        "tracing": {"enabled": True},
    }
    configuration = made.chatkit_configuration
    assert configuration.file_upload.model_dump() == {"enabled": False, "max_file_size": 512, "max_files": 10}
    assert configuration.history.model_dump() == {"enabled": True, "recent_threads": None}
    assert configuration.automatic_thread_titling.enabled


def test_session_options_count(client: OpenAI) -> None:
    made = client.beta.chatkit.sessions.create(
        user="ada",
        workflow={"id": "wf_1", "version": "2", "state_variables": {"plan": "gold", "age": 3, "new": True}},
        expires_after={"anchor": "created_at", "seconds": 60},
        rate_limits={"max_requests_per_1_minute": 2},
        chatkit_configuration={"file_upload": {"enabled": True, "max_files": 3}, "history": {"recent_threads": 5}},
    )
    assert made.workflow.state_variables == {"plan": "gold", "age": 3, "new": True}
    assert made.rate_limits.max_requests_per_1_minute == 2
    assert made.chatkit_configuration.file_upload.model_dump() == {
        "enabled": True,
        "max_file_size": 512,
        "max_files": 3,
    }
    assert made.chatkit_configuration.history.recent_threads == 5


def test_talk_becomes_a_thread_with_items(client: OpenAI, call: Caller, world: World) -> None:
    made = session(client)
    thread_id = say(call, made, "Say: tea is ready").json["id"]
    say(call, made, "What is 2 + 2?", thread_id=thread_id)
    thread = client.beta.chatkit.threads.retrieve(thread_id)
    assert (thread.user, thread.status.type, thread.title) == ("ada", "active", "Say tea ready")
    items = list(client.beta.chatkit.threads.list_items(thread_id, order="asc", limit=3))
    said: list[Any] = [item.model_dump()["content"] for item in items]
    assert [part["text"] for (part,) in said] == ["Say: tea is ready", "tea is ready", "What is 2 + 2?", "2 + 2 = 4"]
    assert [item.type for item in items] == ["chatkit.user_message", "chatkit.assistant_message"] * 2
    assert client.beta.chatkit.threads.delete(thread_id).deleted
    with pytest.raises(openai.NotFoundError):
        client.beta.chatkit.threads.retrieve(thread_id)
    with pytest.raises(openai.NotFoundError):
        client.beta.chatkit.threads.list_items(thread_id)


def test_threads_are_paged_and_found_by_user(client: OpenAI, call: Caller) -> None:
    ada, bob = session(client), session(client, "bob")
    made = [say(call, ada, f"Hello {n}").json["id"] for n in range(3)]
    other = say(call, bob, "Hello").json["id"]
    assert [thread.id for thread in client.beta.chatkit.threads.list(limit=2)] == [other, *made[::-1]]
    assert [thread.id for thread in client.beta.chatkit.threads.list(user="ada", order="asc")] == made
    page = client.beta.chatkit.threads.list(before=made[2], order="asc", limit=1)
    assert [thread.id for thread in page.data] == [made[1]]


def test_title_is_left_out_on_request(client: OpenAI, call: Caller) -> None:
    made = session(client, chatkit_configuration={"automatic_thread_titling": {"enabled": False}})
    assert say(call, made, "Tea").json["title"] is None


def test_session_ends_by_time_or_by_cancelling(client: OpenAI, call: Caller, world: World) -> None:
    first, second = session(client), session(client)
    cancelled = client.beta.chatkit.sessions.cancel(first)
    assert (cancelled.id, cancelled.status) == (first, "cancelled")
    assert say(call, first, "Hello").status == 403
    assert say(call, second, "Hello").status == 200
    world.advance(601)
    assert say(call, second, "Hello").status == 403
    assert client.beta.chatkit.sessions.cancel(second).status == "expired"
    assert client.beta.chatkit.threads.list().data != []


def test_session_has_its_own_rate_limit(client: OpenAI, call: Caller, world: World) -> None:
    made = session(client, rate_limits={"max_requests_per_1_minute": 1})
    assert say(call, made, "Hello").status == 200
    assert say(call, made, "Hello").status == 429
    world.advance(61)
    assert say(call, made, "Hello").status == 200


def test_users_don_t_see_each_other(client: OpenAI, call: Caller) -> None:
    thread_id = say(call, session(client), "Hello").json["id"]
    assert say(call, session(client, "bob"), "Hello", thread_id=thread_id).status == 404
    assert say(call, "cksess_none", "Hello").status == 404


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"user": None}, "user"),
        ({"user": ""}, "user"),
        ({"workflow": None}, "workflow"),
        ({"workflow": {"version": "1"}}, "workflow.id"),
        ({"workflow": {"id": "w", "state_variables": {"a": {}}}}, "workflow.state_variables.a"),
        ({"workflow": {"id": "w", "state_variables": {str(n): n for n in range(65)}}}, "workflow.state_variables"),
        ({"expires_after": {"anchor": "created_at", "seconds": 601}}, "expires_after.seconds"),
        ({"rate_limits": {"max_requests_per_1_minute": 0}}, "rate_limits.max_requests_per_1_minute"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_sessions_are_refused(call: Caller, change: dict[str, Any], param: str) -> None:
    body = {"user": "ada", "workflow": {"id": "wf_1"}, **change}
    got = call("POST", "/v1/chatkit/sessions", body, {**BETA})
    assert (got.status, got.error["param"]) == (400, param)


def test_beta_header_is_needed(call: Caller) -> None:
    assert call("GET", "/v1/chatkit/threads").error["code"] == "invalid_beta"
    assert call("POST", "/v1/chatkit/sessions/none/cancel", headers={**BETA}).status == 404
    got = call("GET", "/v1/chatkit/threads", headers={**BETA})
    assert set(got.json) == {"object", "data", "first_id", "last_id", "has_more"}
