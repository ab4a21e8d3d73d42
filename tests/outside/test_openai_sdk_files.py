"""The unmodified official SDK through passthrough: what is stored, searched and worked through."""

import hashlib
import io
import json
from typing import Any

import pytest

from tests.outside.sdk import Sdk, every, settled
from tests.served import Served

pytestmark = pytest.mark.outside

# More than is ever taken in at once, with every byte there is in it.
LARGE = bytes(range(256)) * 4096
FACTS = b"Portico keeps keys in a vault.\n\nThe moon is 384,400 kilometres away.\n\nBread needs flour and patience.\n"


@pytest.mark.parametrize("content", [b"one line\n", bytes(range(256)), LARGE], ids=["text", "every byte", "1 MB"])
async def test_a_file_comes_back_as_it_went(both: Sdk, content: bytes) -> None:
    made = await settled(both.ask.files.create(file=("thing.bin", content), purpose="user_data"))
    assert (made.filename, made.bytes) == ("thing.bin", len(content))
    got = await settled(both.ask.files.content(made.id))
    assert hashlib.sha256(got.content).digest() == hashlib.sha256(content).digest()
    assert [each.id for each in await every(both.ask.files.list(purpose="user_data"))] == [made.id]
    assert (await settled(both.ask.files.delete(made.id))).deleted


async def test_a_list_goes_on_over_its_pages(both: Sdk, house: Served) -> None:
    made = [
        (await settled(both.ask.files.create(file=(f"{number}.txt", b"x"), purpose="user_data"))).id
        for number in range(5)
    ]
    house.world.requests.clear()
    listed = [each.id for each in await every(both.ask.files.list(limit=2, order="asc"))]
    assert listed == made
    assert [entry.query for entry in house.world.requests] == [
        "limit=2&order=asc",
        f"limit=2&order=asc&after={made[1]}",
        f"limit=2&order=asc&after={made[3]}",
    ]


async def test_a_vector_store_finds_what_was_put_into_it(both: Sdk) -> None:
    store = await settled(both.ask.vector_stores.create(name="facts", metadata={"kind": "test"}))
    file = await settled(
        both.ask.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=io.BytesIO(FACTS), poll_interval_ms=10
        )
    )
    assert file.status == "completed"
    found = await every(both.ask.vector_stores.search(store.id, query="How far is the moon?", max_num_results=1))
    assert "384,400" in found[0].content[0].text
    assert (await settled(both.ask.vector_stores.retrieve(store.id))).file_counts.completed == 1


async def test_a_batch_of_files_is_indexed(both: Sdk) -> None:
    store = await settled(both.ask.vector_stores.create(name="facts"))
    batch = await settled(
        both.ask.vector_stores.file_batches.upload_and_poll(
            store.id, files=[("a.txt", FACTS), ("b.txt", b"Cats sleep a lot.")], poll_interval_ms=10
        )
    )
    assert (batch.status, batch.file_counts.completed) == ("completed", 2)
    assert len(await every(both.ask.vector_stores.files.list(store.id))) == 2


async def test_a_batch_is_worked_through(both: Sdk) -> None:
    lines = [
        {
            "custom_id": name,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Say: {name}"}]},
        }
        for name in ("eins", "zwei")
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    file = await settled(both.ask.files.create(file=("in.jsonl", content), purpose="batch"))
    made = await settled(
        both.ask.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    )
    done = await settled(both.ask.batches.retrieve(made.id))
    assert done.status == "completed"
    rows = (await settled(both.ask.files.content(done.output_file_id or ""))).text.splitlines()
    said = {
        row["custom_id"]: row["response"]["body"]["choices"][0]["message"]["content"] for row in map(json.loads, rows)
    }
    assert said == {"eins": "eins", "zwei": "zwei"}
    assert [each.id for each in await every(both.ask.batches.list())] == [made.id]


async def test_an_upload_in_parts_is_put_together(both: Sdk) -> None:
    made = await settled(
        both.ask.uploads.create(
            filename="whole.bin", purpose="user_data", bytes=len(LARGE) * 2, mime_type="application/octet-stream"
        )
    )
    parts = [(await settled(both.ask.uploads.parts.create(made.id, data=part))).id for part in (LARGE, LARGE[::-1])]
    whole = LARGE + LARGE[::-1]
    done = await settled(both.ask.uploads.complete(made.id, part_ids=parts, md5=hashlib.md5(whole).hexdigest()))
    assert done.file
    assert (await settled(both.ask.files.content(done.file.id))).content == whole


async def test_an_upload_is_cut_into_parts_by_the_sdk(both: Sdk) -> None:
    done = await settled(
        both.ask.uploads.upload_file_chunked(
            file=LARGE, filename="whole.bin", bytes=len(LARGE), mime_type="text/plain", purpose="user_data",
            part_size=300_000,
        )
    )  # fmt: skip
    assert done.file
    assert (await settled(both.ask.files.content(done.file.id))).content == LARGE


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_what_needs_a_beta_header_gets_it(both: Sdk, house: Served) -> None:
    assistants: Any = both.ask.beta.assistants  # the SDK calls them deprecated, which the types would repeat
    made = await settled(assistants.create(model="gpt-4o", name="helper"))
    assert made.name == "helper"
    sent = {name.lower(): value for name, value in house.world.requests[-1].headers}
    assert sent["openai-beta"] == "assistants=v2"
