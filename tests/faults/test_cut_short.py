"""Answers that break off after their first byte has gone out: they must not end as if all were well."""

import asyncio

import pytest

from tests.faults.faulty import Faulty, Told
from tests.handmade import CHUNKED, EVENTS, HEAD, Script, Talk, chunk
from tests.wire import Exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLOWING = ("get", "custom", "passthrough")
FIRST = b'data: {"n":1}\n\n'
SIZED = b"content-length: 900000\r\n\r\n"


def breaking(head: bytes, first: bytes, how: str, said: asyncio.Event) -> Script:
    """Says the head and the first piece; when the test has seen it, breaks off in one way or another."""

    async def script(talk: Talk) -> None:
        await talk.say(head, first)
        await asyncio.wait_for(said.wait(), 5)
        if how == "reset":
            talk.reset()
        elif how == "close":
            await talk.hang_up()
        elif how == "garbage":
            await talk.say(b"zz\r\nnot a chunk\r\n")
            await talk.is_left()
        else:
            await talk.is_left()

    return script


async def seen(exchange: Exchange, first: bytes, said: asyncio.Event) -> Told:
    """The answer of a vendor that goes on once its first piece has arrived."""
    status, headers = await exchange.head()
    got = b""
    while len(got) < len(first):
        got += await exchange.piece() or b""
    said.set()
    rest, was_cut = await exchange.rest()
    return Told(status, headers, got + rest, was_cut)


@pytest.mark.parametrize("place", FLOWING)
@pytest.mark.parametrize(
    ("how", "head", "status", "code"),
    [
        ("reset", HEAD + SIZED, 502, "upstream_interrupted"),
        ("reset", HEAD + CHUNKED, 502, "upstream_interrupted"),
        ("close", HEAD + SIZED, 502, "upstream_interrupted"),
        ("close", HEAD + CHUNKED, 502, "upstream_interrupted"),
        ("garbage", HEAD + CHUNKED, 502, "upstream_protocol"),
        ("silence", HEAD + SIZED, 504, "upstream_timeout"),
        ("silence", HEAD + CHUNKED, 504, "upstream_timeout"),
    ],
)
async def test_bytes_that_break_off_break_off_the_answer(
    faulty: Faulty, place: str, how: str, head: bytes, status: int, code: str
) -> None:
    said = asyncio.Event()
    piece = b"x" * 200_000
    faulty.vendor.perform(breaking(head, chunk(piece) if head.endswith(CHUNKED) else piece, how, said))
    told = await seen(faulty.exchange(place, faulty.accounts[""]), piece, said)
    assert (told.status, told.was_cut, told.content) == (200, True, piece)
    assert (await faulty.logged(faulty.accounts[""]))[0] == (status, code)


@pytest.mark.parametrize("place", FLOWING)
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("reset", "upstream_interrupted"),
        ("close", "upstream_interrupted"),
        ("garbage", "upstream_protocol"),
        ("silence", "upstream_timeout"),
    ],
)
async def test_events_that_break_off_end_with_one_that_says_why(
    faulty: Faulty, place: str, how: str, code: str
) -> None:
    said = asyncio.Event()
    faulty.vendor.perform(breaking(EVENTS + CHUNKED, chunk(FIRST), how, said))
    told = await seen(faulty.exchange(place, faulty.accounts[""]), FIRST, said)
    last = told.content.removeprefix(FIRST)
    assert (told.status, told.was_cut) == (200, True)
    assert last.startswith(b'data: {"error":{"message":"The vendor')
    assert last.endswith(b'"type":"portico_error","param":null,"code":"%s"}}\n\n' % code.encode())
    assert b"[DONE]" not in told.content


@pytest.mark.parametrize("place", FLOWING)
@pytest.mark.parametrize("half", [FIRST[:-1], FIRST[:-6], b"data: {"])
async def test_half_an_event_is_followed_by_nothing(faulty: Faulty, place: str, half: bytes) -> None:
    """Whatever came after it would be read as its other half."""
    said = asyncio.Event()
    faulty.vendor.perform(breaking(EVENTS + CHUNKED, chunk(half), "close", said))
    told = await seen(faulty.exchange(place, faulty.accounts[""]), half, said)
    assert (told.status, told.was_cut, told.content) == (200, True, half)


@pytest.mark.parametrize("place", FLOWING)
async def test_events_that_end_well_end_well(faulty: Faulty, place: str) -> None:
    async def script(talk: Talk) -> None:
        await talk.say(EVENTS, CHUNKED, chunk(FIRST), chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n")

    told = await faulty.ask(place, script=script)
    assert (told.status, told.was_cut, told.content) == (200, False, FIRST + b"data: [DONE]\n\n")


@pytest.mark.parametrize("place", FLOWING)
@pytest.mark.parametrize("how", ["reset", "close", "silence"])
async def test_a_broken_answer_to_a_write_is_never_asked_for_again(faulty: Faulty, place: str, how: str) -> None:
    said = asyncio.Event()
    said.set()
    verb, where = ("DELETE", place) if place == "get" else ("POST", place)
    told = await faulty.ask(where, script=breaking(HEAD + b"content-length: 900\r\n\r\n", b"{", how, said), verb=verb)
    assert told.code == ("upstream_timeout" if how == "silence" else "upstream_interrupted")
    assert len(faulty.vendor.talks) == 1


@pytest.mark.parametrize(("verb", "times"), [("GET", 2), ("POST", 1), ("DELETE", 1), ("PATCH", 1), ("PUT", 1)])
async def test_only_a_reading_request_is_repeated_on_a_connection_that_was_closed(
    faulty: Faulty, verb: str, times: int
) -> None:
    """A kept connection may have been closed meanwhile; for what could act, that is told and not repeated."""

    async def script(talk: Talk) -> None:
        await talk.hang_up()

    told = await faulty.ask("passthrough", script=script, verb=verb)
    assert told.code == "upstream_interrupted"
    assert len(faulty.vendor.talks) == times
