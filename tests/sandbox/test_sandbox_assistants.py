"""Assistants, threads and messages, through the official SDK and bare."""

# The SDK marks the whole Assistants API as deprecated; the emulator answers it all the same.
# pyright: reportDeprecated=false

from typing import Any

import openai
import pytest
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.state import World

pytestmark = [
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:^deprecated$:DeprecationWarning"),
]

BETA = {"openai-beta": "assistants=v2"}
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def add(client: OpenAI, name: str, content: str) -> str:
    return client.files.create(file=(name, content.encode()), purpose="assistants").id


def test_assistant_lives_from_creation_to_deletion(client: OpenAI) -> None:
    made = client.beta.assistants.create(
        model="gpt-4o", name="Tutor", instructions="Be kind.", tools=[WEATHER], metadata={"team": "a"}, temperature=0.5
    )
    assert client.beta.assistants.retrieve(made.id) == made
    assert (made.name, made.temperature, made.top_p, made.response_format) == ("Tutor", 0.5, 1.0, "auto")
    changed = client.beta.assistants.update(made.id, name=None, model="gpt-4o-mini", tools=[])
    assert (changed.name, changed.model, changed.tools) == (None, "gpt-4o-mini", [])
    assert (changed.instructions, changed.metadata) == ("Be kind.", {"team": "a"})
    deleted = client.beta.assistants.delete(made.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (made.id, True, "assistant.deleted")
    with pytest.raises(openai.NotFoundError):
        client.beta.assistants.retrieve(made.id)


def test_assistants_are_paged_both_ways(client: OpenAI, call: Caller) -> None:
    made = [client.beta.assistants.create(model="gpt-4o", name=str(n)).id for n in range(5)]
    assert [held.id for held in client.beta.assistants.list(limit=2)] == made[::-1]
    assert [held.id for held in client.beta.assistants.list(limit=2, order="asc")] == made
    page = client.beta.assistants.list(order="asc", before=made[3], limit=2)
    assert [held.id for held in page.data] == made[1:3]
    got = call("GET", "/v1/assistants?limit=2", headers={**BETA}).json
    assert (got["first_id"], got["last_id"], got["has_more"]) == (made[4], made[3], True)


def test_assistant_keeps_files_and_stores_that_exist(client: OpenAI) -> None:
    file, store = add(client, "a.csv", "a,b\n1,2\n"), client.vector_stores.create(name="known")
    made = client.beta.assistants.create(
        model="gpt-4o",
        tool_resources={"code_interpreter": {"file_ids": [file]}, "file_search": {"vector_store_ids": [store.id]}},
    )
    assert made.tool_resources is not None
    assert made.tool_resources.model_dump() == {
        "code_interpreter": {"file_ids": [file]},
        "file_search": {"vector_store_ids": [store.id]},
    }
    nowhere: list[Any] = [
        {"code_interpreter": {"file_ids": ["file-none"]}},
        {"file_search": {"vector_store_ids": ["vs_none"]}},
    ]
    for resources in nowhere:
        with pytest.raises(openai.NotFoundError):
            client.beta.assistants.update(made.id, tool_resources=resources)


def test_assistant_makes_the_store_that_it_is_asked_for(client: OpenAI) -> None:
    file = add(client, "rules.txt", "Tea is served at four.")
    made = client.beta.assistants.create(
        model="gpt-4o",
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_stores": [{"file_ids": [file], "metadata": {"of": "us"}}]}},
    )
    assert made.tool_resources is not None
    assert made.tool_resources.file_search is not None
    (store_id,) = made.tool_resources.file_search.vector_store_ids or []
    assert client.vector_stores.retrieve(store_id).metadata == {"of": "us"}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 4}, "model"),
        ({"model": "text-embedding-3-small"}, "model"),
        ({"name": "x" * 257}, "name"),
        ({"instructions": "x" * 256_001}, "instructions"),
        ({"tools": [{"type": "hammer"}]}, "tools[0].type"),
        ({"tools": ["file_search"]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"name": "no spaces"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "code_interpreter"}] * 129}, "tools"),
        ({"temperature": 3}, "temperature"),
        ({"metadata": {"k": 1}}, "metadata.k"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"tool_resources": {"code_interpreter": {"files": []}}}, "tool_resources.code_interpreter.files"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_assistants_are_refused(call: Caller, change: dict[str, Any], param: str) -> None:
    got = call("POST", "/v1/assistants", {"model": "gpt-4o", **change}, {**BETA})
    assert (got.status, got.error["param"]) == (400, param)


@pytest.mark.parametrize("path", ["/v1/assistants", "/v1/threads/thread_1", "/v1/threads/thread_1/runs"])
def test_beta_header_is_needed(call: Caller, path: str) -> None:
    got = call("GET", path)
    assert (got.status, got.error["code"]) == (400, "invalid_beta")
    assert call("GET", path, headers={"openai-beta": "assistants=v1"}).status == 400


def test_thread_lives_from_creation_to_deletion(client: OpenAI) -> None:
    thread = client.beta.threads.create(
        messages=[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Yes?"}], metadata={"a": "1"}
    )
    assert client.beta.threads.retrieve(thread.id) == thread
    said = client.beta.threads.messages.list(thread.id, order="asc").data
    assert [(message.role, message.status) for message in said] == [("user", "completed"), ("assistant", "completed")]
    assert client.beta.threads.update(thread.id, metadata={"a": "2"}).metadata == {"a": "2"}
    assert client.beta.threads.update(thread.id, metadata=None).metadata == {}
    assert client.beta.threads.delete(thread.id).object == "thread.deleted"
    with pytest.raises(openai.NotFoundError):
        client.beta.threads.retrieve(thread.id)
    with pytest.raises(openai.NotFoundError):
        client.beta.threads.messages.list(thread.id)


def test_message_lives_from_creation_to_deletion(client: OpenAI) -> None:
    thread, picture = client.beta.threads.create(), add(client, "a.png", "not really")
    message = client.beta.threads.messages.create(
        thread.id,
        role="user",
        content=[
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
            {"type": "image_file", "image_file": {"file_id": picture}},
        ],
        metadata={"k": "v"},
    )
    assert [part.type for part in message.content] == ["text", "image_url", "image_file"]
    assert client.beta.threads.messages.retrieve(message.id, thread_id=thread.id) == message
    changed = client.beta.threads.messages.update(message.id, thread_id=thread.id, metadata={"k": "w"})
    assert (changed.metadata, changed.content) == ({"k": "w"}, message.content)
    assert client.beta.threads.messages.delete(message.id, thread_id=thread.id).object == "thread.message.deleted"
    with pytest.raises(openai.NotFoundError):
        client.beta.threads.messages.retrieve(message.id, thread_id=thread.id)
    assert client.beta.threads.messages.list(thread.id).data == []


def test_messages_are_paged_newest_first(client: OpenAI) -> None:
    thread = client.beta.threads.create()
    made = [client.beta.threads.messages.create(thread.id, role="user", content=str(n)).id for n in range(5)]
    assert [message.id for message in client.beta.threads.messages.list(thread.id, limit=2)] == made[::-1]


def test_attachments_reach_the_tools_of_the_thread(client: OpenAI) -> None:
    thread = client.beta.threads.create()
    first, second = add(client, "a.txt", "Cats sleep."), add(client, "b.txt", "Dogs bark.")
    for file in (first, second):
        message = client.beta.threads.messages.create(
            thread.id,
            role="user",
            content="See this.",
            attachments=[{"file_id": file, "tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}],
        )
        assert message.attachments is not None
        assert message.attachments[0].file_id == file
    resources = client.beta.threads.retrieve(thread.id).tool_resources
    assert resources is not None
    assert resources.code_interpreter is not None
    assert resources.code_interpreter.file_ids == [first, second]
    assert resources.file_search is not None
    (store_id,) = resources.file_search.vector_store_ids or []
    assert {held.id for held in client.vector_stores.files.list(store_id)} == {first, second}
    policy = client.vector_stores.retrieve(store_id).expires_after
    assert policy is not None
    assert policy.days == 7


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"content": "x"}, "role"),
        ({"role": "user"}, "content"),
        ({"role": "system", "content": "x"}, "role"),
        ({"role": "user", "content": []}, "content"),
        ({"role": "user", "content": ""}, "content"),
        ({"role": "user", "content": [{"type": "smell"}]}, "content[0].type"),
        ({"role": "user", "content": "x", "attachments": [{"file_id": "f"}]}, "attachments[0].tools"),
    ],
)
def test_bad_messages_are_refused(client: OpenAI, call: Caller, body: dict[str, Any], param: str) -> None:
    thread = client.beta.threads.create()
    got = call("POST", f"/v1/threads/{thread.id}/messages", body, {**BETA})
    assert (got.status, got.error["param"]) == (400, param)


def test_things_of_another_project_look_missing(client: OpenAI, sandbox_url: str, world: World) -> None:
    thread, assistant = client.beta.threads.create(), client.beta.assistants.create(model="gpt-4o")
    stranger = Caller(sandbox_url, "sk-proj-stranger", {**BETA})
    assert stranger("GET", f"/v1/threads/{thread.id}").status == 404
    assert stranger("GET", f"/v1/assistants/{assistant.id}").status == 404
    assert stranger("GET", "/v1/assistants").json["data"] == []
