"""Vendors that break HTTP: each behaviour has one answer for each way in, and one row in the request log."""

import gzip

import pytest

from portico.sandbox.broken import BEHAVIOURS, BODY, SQUEEZED
from portico.upstream.transport import AiohttpTransport
from tests.faults.faulty import ELSEWHERE, FINE, PLACES, READ_OR_PASSED, REFUSED, Faulty, is_refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
    transport = faulty.stage.gateway.parts.transport
    assert isinstance(transport, AiohttpTransport)
    assert transport.connections == transport.idle_connections <= 2
