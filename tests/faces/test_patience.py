"""Trying again: never by itself, on request only what changes nothing, and never with a body that is gone."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio

from tests.scripted import Scripted, json
from tests.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUSY = b'{"error":{"message":"Slow down."}}'
EMPTY = b'{"object":"list","data":[]}'
vendor = Scripted()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path_factory.mktemp("stage"), transport=vendor) as stage:
        yield stage


def busy(status: int = 429, wait: str = "0") -> tuple[bytes, int, tuple[str, str]]:
    return BUSY, status, ("Retry-After", wait)


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
async def test_nothing_is_tried_twice_unless_asked_for(patient: Stage, verb: str, status: int) -> None:
    vendor.say(json(*busy(status)))
    got = await patient.proxy(verb, "vector_stores", json={"name": "v"} if verb == "POST" else None)
    assert (got.status, got.headers["retry-after"], len(vendor.asked)) == (status, "0", 1)


@pytest.mark.parametrize("option", ["portico_retry", "portico_retry[max_seconds]"])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_reading_call_may_ask_for_patience(patient: Stage, option: str, status: int) -> None:
    vendor.say(json(*busy(status)), json(*busy(status)), json(EMPTY))
    got = await patient.proxy("GET", "files", query={option: "5"})
    assert (got.status, len(vendor.asked)) == (200, 3)


@pytest.mark.parametrize("given", ["5", '{"max_seconds": 5}'])
async def test_patience_may_be_written_as_an_object(patient: Stage, given: str) -> None:
    vendor.say(json(*busy()), json(EMPTY))
    got = await patient.proxy("GET", "files", query={"portico_retry": given})
    assert (got.status, len(vendor.asked)) == (200, 2)


@pytest.mark.parametrize("given", [{"max_seconds": 5}, 5, '{"max_seconds": 5}'])
async def test_tool_may_be_asked_for_patience(patient: Stage, given: Any) -> None:
    vendor.say(json(*busy()), json(EMPTY))
    result = await patient.tool("list_all_openai_files", {"portico_retry": given})
    assert (result["is_error"], len(vendor.asked)) == (False, 2)


async def test_report_is_as_patient_as_it_was_asked_to_be(patient: Stage) -> None:
    vendor.say(json(*busy()), *[json(EMPTY)] * 9)
    result = await patient.tool("openai_key_audit", {"portico_retry": {"max_seconds": 5}})
    assert not result["is_error"]
    assert "incomplete" not in result["structured"]


async def test_tool_that_changes_something_is_run_once_however_patient(patient: Stage) -> None:
    vendor.say(json(*busy()))
    result = await patient.tool("create_a_openai_vector_store", {"name": "v", "portico_retry": {"max_seconds": 5}})
    assert (result["structured"]["status"], len(vendor.asked)) == (429, 1)


@pytest.mark.parametrize("given", [{"max_seconds": 301}, {"seconds": 5}, -1, True, "soon", [5]])
async def test_tools_patience_that_is_none_is_refused(patient: Stage, given: Any) -> None:
    vendor.say(json(EMPTY))
    result = await patient.tool("list_all_openai_files", {"portico_retry": given})
    assert result["structured"]["failures"][0]["argument"] == "portico_retry"
    assert not vendor.asked


async def test_patience_ends_where_the_vendor_asks_for_more(patient: Stage) -> None:
    vendor.say(json(*busy(wait="6")))
    got = await patient.proxy("GET", "files", query={"portico_retry": "5"})
    assert (got.status, got.headers["retry-after"], len(vendor.asked)) == (429, "6", 1)


@pytest.mark.parametrize(("verb", "path"), [("POST", "vector_stores"), ("DELETE", "files/f"), ("PATCH", "projects/p")])
async def test_patience_does_not_make_a_write_act_twice(patient: Stage, verb: str, path: str) -> None:
    vendor.say(json(*busy()))
    got = await patient.proxy(verb, path, query={"portico_retry": "5"}, json={"name": "v"})
    assert (got.status, len(vendor.asked)) == (429, 1)


async def test_a_reading_post_is_sent_again_with_its_body(patient: Stage) -> None:
    vendor.say(json(*busy()), json(EMPTY))
    query = {"portico_retry": "5", "vector_store_id": "v", "query": "red"}
    got = await patient.proxy("GET", "vector_store_search", query=query)
    assert (got.status, vendor.bodies) == (200, [b'{"query":"red"}'] * 2)


async def test_a_body_that_has_flowed_away_is_not_sent_again(patient: Stage) -> None:
    vendor.say(json(*busy()), json(EMPTY))
    large = b'{"query":"' + b"x" * 300_000 + b'"}'
    query = {"portico_retry": "5", "vector_store_id": "v"}
    got = await patient.proxy(
        "GET", "vector_store_search", query=query, content=large, headers={"content-type": "application/json"}
    )
    assert (got.status, vendor.bodies) == (429, [large])


@pytest.mark.parametrize("seconds", ["-1", "301", "soon", "", "inf", "nan"])
async def test_patience_has_limits(patient: Stage, seconds: str) -> None:
    vendor.say(json(EMPTY))
    got = await patient.proxy("GET", "files", query={"portico_retry": seconds})
    assert (got.status, got.json["details"]["failures"][0]["allowed"]) == (400, "0 to 300")
    assert vendor.asked == []


@pytest.mark.parametrize("face", ["custom", "passthrough"])
async def test_raw_calls_are_never_tried_twice(patient: Stage, face: str) -> None:
    vendor.say(json(*busy()))
    call = patient.custom if face == "custom" else patient.passthrough
    got = await call("GET", "files")
    assert (got.status, len(vendor.asked)) == (429, 1)
    assert BUSY in got.content, "as it is, or within the Custom API's envelope"
