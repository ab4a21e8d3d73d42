"""Vector stores through the official SDK: files that become searchable, filters, batches, expiry."""

from typing import Any

import openai
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.types.responses import ResponseFileSearchToolCall, ResponseOutputMessage

from portico.sandbox.chunking import Strategy, chunks_of
from portico.sandbox.mind import tokens
from portico.sandbox.state import World

TEXTS = {
    "whales.txt": "Whales are large mammals that live in the ocean. They breathe air.",
    "bread.txt": "Bread is baked from flour, water and yeast in a hot oven.",
    "money.txt": "Inflation raises prices, and central banks raise interest rates.",
}


def uploaded(client: OpenAI, name: str, content: bytes | None = None) -> str:
    return client.files.create(file=(name, content or TEXTS[name].encode()), purpose="assistants").id


def filled(client: OpenAI, world: World, **options: Any) -> tuple[str, dict[str, str]]:
    """A store with the three texts in it, ready to search."""
    files = {name: uploaded(client, name) for name in TEXTS}
    store = client.vector_stores.create(name="facts", file_ids=list(files.values()), **options)
    world.advance(3)
    return store.id, files


def test_files_become_searchable_with_time(client: OpenAI, world: World) -> None:
    file = uploaded(client, "whales.txt")
    store = client.vector_stores.create(name="facts", file_ids=[file], metadata={"a": "b"})
    assert (store.status, store.file_counts.in_progress, store.usage_bytes) == ("in_progress", 1, 0)
    assert client.vector_stores.search(store.id, query="whales").data == []
    world.advance(3)
    store = client.vector_stores.retrieve(store.id)
    assert (store.status, store.file_counts.completed, store.file_counts.total) == ("completed", 1, 1)
    assert store.usage_bytes > 0
    assert client.vector_stores.search(store.id, query="whales").data[0].file_id == file


def test_search_finds_the_fitting_file_first(client: OpenAI, world: World) -> None:
    store, files = filled(client, world)
    hits = client.vector_stores.search(store, query="How do I bake bread in an oven?").data
    assert hits[0].file_id == files["bread.txt"]
    assert hits[0].filename == "bread.txt"
    assert hits[0].content[0].text == TEXTS["bread.txt"]
    assert 1 >= hits[0].score > (hits[1].score if len(hits) > 1 else 0)
    strict = client.vector_stores.search(
        store, query="interest rates", ranking_options={"score_threshold": 0.3}, max_num_results=1
    )
    assert [hit.file_id for hit in strict.data] == [files["money.txt"]]
    assert client.vector_stores.search(store, query="bread", ranking_options={"score_threshold": 1}).data == []


def test_attributes_filter_the_search(client: OpenAI, world: World) -> None:
    store, files = filled(client, world)
    for place, file in enumerate(files.values()):
        changed = client.vector_stores.files.update(
            file, vector_store_id=store, attributes={"place": place, "kind": "fact", "odd": place % 2 == 1}
        )
        assert changed.attributes
        assert changed.attributes["kind"] == "fact"
    names = list(files)
    cases: list[tuple[Any, list[str]]] = [
        ({"type": "eq", "key": "place", "value": 1}, [names[1]]),
        ({"type": "ne", "key": "place", "value": 1}, [names[0], names[2]]),
        ({"type": "gte", "key": "place", "value": 1}, [names[1], names[2]]),
        ({"type": "lt", "key": "place", "value": 1}, [names[0]]),
        ({"type": "in", "key": "place", "value": [0, 2]}, [names[0], names[2]]),
        ({"type": "nin", "key": "place", "value": [0, 2]}, [names[1]]),
        ({"type": "eq", "key": "missing", "value": 1}, []),
        (
            {
                "type": "and",
                "filters": [
                    {"type": "eq", "key": "kind", "value": "fact"},
                    {
                        "type": "or",
                        "filters": [
                            {"type": "eq", "key": "odd", "value": True},
                            {"type": "gt", "key": "place", "value": 1},
                        ],
                    },
                ],
            },
            [names[1], names[2]],
        ),
    ]
    for filters, expected in cases:
        hits = client.vector_stores.search(store, query=" ".join(TEXTS.values()), filters=filters).data
        assert sorted(hit.filename for hit in hits) == sorted(expected), filters


@pytest.mark.parametrize(
    ("filters", "param"),
    [
        ({"type": "like", "key": "a", "value": 1}, "filters.type"),
        ({"type": "eq", "key": "a"}, "filters"),
        ({"type": "in", "key": "a", "value": 1}, "filters.value"),
        ({"type": "and", "filters": []}, "filters.filters"),
        ({"type": "or", "filters": [{"type": "x"}]}, "filters.filters[0].type"),
    ],
)
def test_bad_filters_are_refused(client: OpenAI, call: Caller, filters: Any, param: str) -> None:
    store = client.vector_stores.create().id
    body = {"query": "x", "filters": filters}
    got = call("POST", f"/v1/vector_stores/{store}/search", body, {"openai-beta": "assistants=v2"})
    assert (got.status, got.error["param"]) == (400, param)


def test_unreadable_file_fails(client: OpenAI, world: World) -> None:
    store = client.vector_stores.create().id
    file = uploaded(client, "picture.png", b"\x89PNG\x00\xff\xfe")
    client.vector_stores.files.create(store, file_id=file)
    world.advance(3)
    failed = client.vector_stores.files.retrieve(file, vector_store_id=store)
    assert failed.status == "failed"
    assert failed.last_error
    assert failed.last_error.code == "unsupported_file"
    assert [held.id for held in client.vector_stores.files.list(store, filter="failed")] == [file]
    assert client.vector_stores.files.list(store, filter="completed").data == []


def test_content_shows_the_chunks(client: OpenAI, world: World) -> None:
    text = " ".join(f"word{n}" for n in range(300))
    file = uploaded(client, "long.txt", text.encode())
    store = client.vector_stores.create().id
    strategy: Any = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50}}
    added = client.vector_stores.files.create(store, file_id=file, chunking_strategy=strategy)
    assert added.chunking_strategy
    assert added.chunking_strategy.type == "static"
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.files.content(file, vector_store_id=store)
    world.advance(3)
    chunks = [part.text or "" for part in client.vector_stores.files.content(file, vector_store_id=store)]
    assert chunks == [chunk.text for chunk in chunks_of(text, Strategy(100, 50))]
    assert len(chunks) > 5
    assert chunks[0].split()[-1] in chunks[1]


def test_chunks_cover_the_text_and_overlap() -> None:
    text = "".join(f"s{n} " for n in range(1000))
    strategy = Strategy(200, 80)
    chunks = chunks_of(text, strategy)
    assert all(tokens.count(chunk.text) <= 200 for chunk in chunks)
    assert all(f"s{n}" in " ".join(chunk.text for chunk in chunks) for n in range(1000))
    assert chunks_of("", strategy) == []


@pytest.mark.parametrize(
    "static",
    [
        {"max_chunk_size_tokens": 50, "chunk_overlap_tokens": 0},
        {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 60},
        {"max_chunk_size_tokens": 100},
    ],
)
def test_bad_chunking_is_refused(client: OpenAI, static: Any) -> None:
    store, file = client.vector_stores.create().id, uploaded(client, "bread.txt")
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.files.create(store, file_id=file, chunking_strategy={"type": "static", "static": static})


def test_removed_file_is_no_longer_found(client: OpenAI, world: World) -> None:
    store, files = filled(client, world)
    assert client.vector_stores.files.delete(files["bread.txt"], vector_store_id=store).deleted
    client.files.delete(files["whales.txt"])
    left = [file.id for file in client.vector_stores.files.list(store)]
    assert left == [files["money.txt"]]
    assert client.files.retrieve(files["bread.txt"]).id == files["bread.txt"]


def test_stores_are_listed_both_ways_changed_and_deleted(client: OpenAI) -> None:
    made = [client.vector_stores.create(name=str(n)).id for n in range(5)]
    page = client.vector_stores.list(limit=2)
    assert [store.id for store in page.data] == [made[4], made[3]]
    assert [store.id for store in client.vector_stores.list(limit=2)] == made[::-1]
    back = client.vector_stores.list(before=made[0], limit=2)
    assert [store.id for store in back.data] == [made[2], made[1]]
    changed = client.vector_stores.update(made[0], name="new", metadata={"a": "b"})
    assert (changed.name, changed.metadata) == ("new", {"a": "b"})
    assert client.vector_stores.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(made[0])


def test_store_expires_when_unused(client: OpenAI, world: World) -> None:
    store = client.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 1})
    assert store.expires_at == (store.last_active_at or 0) + 24 * 3600
    world.advance(20 * 3600)
    client.vector_stores.search(store.id, query="x")
    world.advance(20 * 3600)
    assert client.vector_stores.retrieve(store.id).status == "completed"
    world.advance(5 * 3600)
    assert client.vector_stores.retrieve(store.id).status == "expired"
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.search(store.id, query="x")
    assert client.vector_stores.update(store.id, expires_after=None).status == "completed"


def test_batch_of_files_goes_through_its_states(client: OpenAI, world: World) -> None:
    store = client.vector_stores.create().id
    files = [uploaded(client, name) for name in TEXTS]
    batch = client.vector_stores.file_batches.create(store, file_ids=files, attributes={"a": 1})
    assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 3)
    world.advance(3)
    batch = client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store)
    assert (batch.status, batch.file_counts.completed) == ("completed", 3)
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store, limit=2)
    assert [file.id for file in listed] == files[::-1]
    assert listed.data[0].attributes == {"a": 1}


def test_batch_of_files_can_be_cancelled(client: OpenAI, world: World) -> None:
    store = client.vector_stores.create().id
    files: Any = [{"file_id": uploaded(client, name), "attributes": {"name": name}} for name in TEXTS]
    batch = client.vector_stores.file_batches.create(store, files=files)
    cancelled = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store)
    assert (cancelled.status, cancelled.file_counts.cancelled) == ("cancelled", 3)
    world.advance(3)
    assert client.vector_stores.search(store, query="bread").data == []


def test_beta_header_is_needed(call: Caller) -> None:
    got = call("GET", "/v1/vector_stores")
    assert (got.status, got.error["code"]) == (400, "invalid_beta")
    assert call("GET", "/v1/vector_stores", headers={"openai-beta": "other=v1, assistants=v2"}).status == 200


def test_response_searches_and_cites_files(client: OpenAI, world: World) -> None:
    store, files = filled(client, world)
    response = client.responses.create(
        model="gpt-4.1",
        input="What do whales breathe?",
        tools=[{"type": "file_search", "vector_store_ids": [store]}],
        include=["file_search_call.results"],
    )
    search, message = response.output
    assert isinstance(search, ResponseFileSearchToolCall)
    assert search.results
    assert search.results[0].file_id == files["whales.txt"]
    assert isinstance(message, ResponseOutputMessage)
    assert "They breathe air." in response.output_text
    part = message.content[0]
    assert part.type == "output_text"
    assert [note.type for note in part.annotations] == ["file_citation"]


def test_search_shows_in_the_stream(client: OpenAI, world: World) -> None:
    store, _ = filled(client, world)
    stream = client.responses.create(
        model="gpt-4.1",
        input="Tell me about bread",
        tools=[{"type": "file_search", "vector_store_ids": [store]}],
        stream=True,
    )
    types = [event.type for event in stream]
    assert types[2:7] == [
        "response.output_item.added",
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed",
        "response.output_item.done",
    ]
    assert "response.output_text.annotation.added" in types
