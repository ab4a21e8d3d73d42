"""Answers of the vendor that are no JSON after all, or such as nobody can read: told in words, no failure inside."""

import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import msgspec
import pytest
import pytest_asyncio

from portico.settings import Settings
from tests.conftest import MASTER_KEY
from tests.faces.mcp.speaker import HOST, Maker, Speaker
from tests.gateways import connect_account, open_client, open_gateway
from tests.handmade import HEAD, Talk, handmade

pytestmark = pytest.mark.asyncio(loop_scope="module")
GARBLED, DEEP = "was not the JSON that this operation promises", "is nested deeper than can be shown"
# What has to be looked into: anything else leaves as it was written.
MISLEADING = b'"\\u202e"'
# How deep an answer can be read that can not be looked into: up to 3.11 what libraries in C do counted towards the same
# limit as Python's own calls.
DEEPLY = 600 if sys.version_info < (3, 12) else 3000
FILE, FILES, REPORT = "get_single_openai_file_by_id", "list_all_openai_files", "openai_costs_report"


@dataclass
class Odd:
    """A server, and what its vendor says to everything."""

    server: Speaker
    says: list[bytes]


def nested(depth: int, innermost: bytes = b"1") -> bytes:
    return b'{"a":' * depth + innermost + b"}" * depth


def as_read(content: bytes) -> object:
    """What there is to show: the value where this Python reads that deep, or else the text."""
    try:
        return msgspec.json.decode(content)
    except RecursionError:
        return {"result": content.decode()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def odd(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Odd]:
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(handmade())
        says = [b'{"object":"list","data":[]}']

        async def answer(talk: Talk) -> None:
            await talk.say(HEAD, b"content-length: %d\r\n\r\n" % len(says[0]), says[0])

        vendor.perform(answer)
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("data"),
            master_key=MASTER_KEY,
            public_url=f"https://{HOST}",
            vendor_base_urls=(f"openai={vendor.base_url}",),
        )
        client = await stack.enter_async_context(open_client(await open_gateway(stack, settings)))
        maker = Maker(client, (await connect_account(client))["id"])
        yield Odd(await maker.server(comforts_off=["names"]), says)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (b'{"id":"\xff"}', {"result": '{"id":"\ufffd"}'}),
        (nested(3000), as_read(nested(3000))),
        (b'{"id":"a\\u0000\\u202eb","\\u202ekey\\u0000":1}', {"id": "ab", "key": 1}),
        (b"null", {"result": None}),
    ],
    ids=["bytes that are no text", "nested without end", "signs that mislead", "nothing"],
)
async def test_answer_that_is_no_json_comes_as_text_and_without_signs_that_mislead(
    odd: Odd, said: bytes, value: object
) -> None:
    odd.says[0] = said
    assert await odd.server.value(FILE, {"id": "file-1"}) == value


@pytest.mark.parametrize(
    ("tool", "said", "words"),
    [
        (FILE, nested(DEEPLY, MISLEADING), DEEP),
        (FILES, b'{"object":"list","data":[{"id":"\xff"}]}', GARBLED),
        (FILES, b'{"object":"list","data":[' + nested(DEEPLY, MISLEADING) + b"]}", DEEP),
        (FILES, b'{"object":"list","data":[{"id":"\\ud800"}]}', GARBLED),
        (REPORT, b'{"object":"page","data":[{"id":"\xff"}]}', GARBLED),
    ],
)
async def test_answer_that_cannot_be_read_is_told_as_the_vendors(odd: Odd, tool: str, said: bytes, words: str) -> None:
    odd.says[0] = said
    refusal = await odd.server.refusal(tool, {"id": "file-1"} if tool == FILE else {})
    assert words in str(refusal)
    assert refusal["status"] == 502
