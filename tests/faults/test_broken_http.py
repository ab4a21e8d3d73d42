"""Vendors that break HTTP: each behaviour has one answer for each way in, and one row in the request log."""

import gzip
from collections.abc import Mapping
from typing import Any

import pytest

from portico.sandbox.broken import BEHAVIOURS, BODY, SQUEEZED
from tests.faults.faulty import PLACES, Faulty, is_refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTERRUPTED = (502, "upstream_interrupted")
PROTOCOL = (502, "upstream_protocol")
TIMEOUT = (504, "upstream_timeout")
# Refused in the same way through every way in.
REFUSED: dict[str, tuple[int, str]] = {
    "close-at-once": INTERRUPTED,
    "close-in-headers": INTERRUPTED,
    "close-in-body": INTERRUPTED,
    "garbage-status": PROTOCOL,
    "length-and-chunked": PROTOCOL,
    "two-lengths": PROTOCOL,
    "nul-in-header": PROTOCOL,
    "long-line": PROTOCOL,
    "many-headers": PROTOCOL,
    "bad-chunk-size": PROTOCOL,
    "bytes-after-body": PROTOCOL,
    "body-on-204": PROTOCOL,
    "status-999": PROTOCOL,
    "dripping-header": TIMEOUT,
    "endless-continue": TIMEOUT,
    "stall-after-headers": TIMEOUT,
    "redirect-elsewhere": (502, "upstream_redirect_refused"),
}
# A list must be read whole, and is refused where it cannot be; anything else passes as it is.
READ_OR_PASSED: dict[str, tuple[int, str]] = {
    "close-in-chunk": INTERRUPTED,
    "truncated-gzip": (502, "upstream_bad_encoding"),
    "gzip-bomb": (502, "upstream_too_large"),
}
# Odd, but understood.
FINE = ("folded-header", "one-byte-a-second")
ELSEWHERE = ("no-tls",)


async def test_every_behaviour_has_its_answer() -> None:
    assert {*REFUSED, *READ_OR_PASSED, *FINE, *ELSEWHERE} == set(BEHAVIOURS)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("behaviour", REFUSED)
async def test_an_answer_that_is_none_is_refused(faulty: Faulty, behaviour: str, place: str) -> None:
    status, code = REFUSED[behaviour]
    told = await faulty.ask(place, behaviour)
    assert is_refusal(told, place, status, code), told
    assert "location" not in told.headers
    assert (await faulty.logged(faulty.accounts[behaviour]))[0] == (status, code)


@pytest.mark.parametrize("behaviour", READ_OR_PASSED)
async def test_a_list_that_cannot_be_read_whole_is_refused(faulty: Faulty, behaviour: str) -> None:
    assert is_refusal(await faulty.ask("list", behaviour), "list", *READ_OR_PASSED[behaviour])


@pytest.mark.parametrize("place", PLACES[1:])
async def test_a_chunk_that_breaks_off_after_the_first_byte_is_cut_short(faulty: Faulty, place: str) -> None:
    told = await faulty.ask(place, "close-in-chunk")
    assert (told.status, told.content, told.was_cut) == (200, BODY[:10], True)
    assert (await faulty.logged(faulty.accounts["close-in-chunk"]))[0] == (502, "upstream_interrupted")


@pytest.mark.parametrize("place", PLACES[1:])
async def test_a_compression_that_ends_too_soon_passes_as_it_is(faulty: Faulty, place: str) -> None:
    told = await faulty.ask(place, "truncated-gzip")
    assert (told.status, told.headers["content-encoding"], told.was_cut) == (200, "gzip", False)
    assert told.content == SQUEEZED[: len(SQUEEZED) // 2]


@pytest.mark.parametrize("place", PLACES[1:])
async def test_a_bomb_passes_unopened(faulty: Faulty, place: str) -> None:
    told = await faulty.ask(place, "gzip-bomb")
    assert (told.status, told.headers["content-encoding"], told.was_cut) == (200, "gzip", False)
    assert 1_000_000 < len(told.content) < 2_000_000
    assert told.content.startswith(gzip.compress(b"")[:3])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("behaviour", FINE)
async def test_what_is_merely_odd_is_answered(faulty: Faulty, behaviour: str, place: str) -> None:
    told = await faulty.ask(place, behaviour)
    assert (told.status, told.was_cut, told.code) == (200, False, "")
    assert told.json["result"] == [] if place == "list" else told.content == BODY
    if behaviour == "folded-header":
        assert told.headers["x-folded"] == "one two"


async def test_no_connection_is_left_behind(faulty: Faulty) -> None:
    """What broke is not used again, and what was fine is kept at most once for each host."""
    transport: Mapping[str, Any] = vars(faulty.stage.gateway.parts.transport)
    connectors: Mapping[bool, object] = transport["_connectors"]
    kept: int = len(transport["_pool"])
    assert sum(busy(each) for each in connectors.values()) == kept <= 2


def busy(connector: object) -> int:
    held: Mapping[str, Any] = vars(connector)
    return len(held["_acquired"])
