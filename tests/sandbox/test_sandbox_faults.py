"""Faults asked for by header or by command, seen from the outside."""

import http.client
import json
import logging
import time

import openai
import pytest
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.serve import running
from portico.sandbox.state import World


@pytest.mark.parametrize("status", [400, 403, 409, 422, 500, 502, 503, 529])
def test_status_is_answered_in_openais_envelope(call: Caller, status: int) -> None:
    got = call("GET", "/v1/models", headers={"x-sandbox-fault": f"status={status}"})
    assert got.status == status
    assert set(got.error) == {"message", "type", "param", "code"}


def test_rate_limit_says_how_long_to_wait(call: Caller) -> None:
    got = call("GET", "/v1/models", headers={"x-sandbox-fault": "status=429;retry-after=7"})
    assert (got.status, got.header("retry-after"), got.error["code"]) == (429, "7", "rate_limit_exceeded")


def test_failure_can_come_after_the_act(client: OpenAI) -> None:
    file = client.files.create(file=("a.txt", b"x"), purpose="user_data")
    with pytest.raises(openai.InternalServerError):
        client.files.delete(file.id, extra_headers={"x-sandbox-fault": "status=500;after=true"})
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_answer_can_be_late(call: Caller) -> None:
    began = time.monotonic()
    assert call("GET", "/v1/models", headers={"x-sandbox-fault": "delay=0.15"}).status == 200
    assert time.monotonic() - began >= 0.15


def test_answer_can_be_slow_and_whole(call: Caller) -> None:
    quick = call("GET", "/v1/models/gpt-4o").body
    began = time.monotonic()
    assert call("GET", "/v1/models/gpt-4o", headers={"x-sandbox-fault": "slow=400"}).body == quick
    assert time.monotonic() - began >= len(quick) / 400 * 0.8


def test_answer_can_stall_after_its_headers(call: Caller) -> None:
    connection = http.client.HTTPConnection(call.url.removeprefix("http://"), timeout=0.2)
    call.send(connection, "GET", "/v1/models", headers={"x-sandbox-fault": "stall"})
    answer = connection.getresponse()
    assert answer.status == 200
    with pytest.raises(TimeoutError):
        answer.read()
    connection.close()


def test_connection_can_be_reset_before_the_headers(call: Caller) -> None:
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        call("GET", "/v1/models", headers={"x-sandbox-fault": "reset"})
    assert call("GET", "/_sandbox/requests").json["data"][0]["status"] == 0


@pytest.mark.parametrize("text", ["reset", "reset=20", "truncate", "truncate=0"])
def test_a_connection_that_ends_on_purpose_is_no_mistake(
    call: Caller, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "uvicorn.error"):
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            call("GET", "/v1/models", headers={"x-sandbox-fault": text})
        assert call("GET", "/v1/models").status == 200
    assert [each.getMessage() for each in caplog.records if each.name.startswith("uvicorn")] == []


def test_an_end_in_the_middle_of_an_answer_is_no_mistake(caplog: pytest.LogCaptureFixture) -> None:
    made = World()
    with running(made) as url:
        caplog.set_level(logging.WARNING, "uvicorn.error")  # as a gateway in the same process has it
        place = url.removeprefix("http://")
        connection = http.client.HTTPConnection(place, timeout=5)
        connection.request("GET", "/v1/models", headers={"x-sandbox-fault": "delay=60"})
        ends = time.monotonic() + 5
        while not made.requests and time.monotonic() < ends:
            time.sleep(0.01)
    connection.close()
    assert made.requests
    assert [each.getMessage() for each in caplog.records if each.name.startswith("uvicorn")] == []


@pytest.mark.parametrize("text", ["reset=20", "truncate", "truncate=0"])
def test_connection_can_end_in_the_body(call: Caller, text: str) -> None:
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        call("GET", "/v1/models", headers={"x-sandbox-fault": text})
    assert call("GET", "/v1/models").status == 200


def test_body_can_be_nonsense(call: Caller) -> None:
    got = call("GET", "/v1/models", headers={"x-sandbox-fault": "invalid-json"})
    assert (got.status, got.header("content-type")) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        assert got.json
    assert call("GET", "/v1/models", headers={"x-sandbox-fault": "empty"}).body == b""
    assert call("GET", "/v1/models", headers={"x-sandbox-fault": "wrong-type"}).header("content-type") == (
        "text/html; charset=utf-8"
    )
    gzip = call("GET", "/v1/models", headers={"x-sandbox-fault": "bad-gzip"})
    assert gzip.header("content-encoding") == "gzip"


def test_body_can_be_huge(call: Caller) -> None:
    got = call("GET", "/v1/models", headers={"x-sandbox-fault": "huge=3000000"})
    assert len(got.body) == 3_000_000
    assert set(got.json) == {"padding"}


def test_redirect_goes_where_told(call: Caller) -> None:
    got = call("GET", "/v1/models", headers={"x-sandbox-fault": "redirect=http://elsewhere.example/"})
    assert (got.status, got.header("location")) == (307, "http://elsewhere.example/")


@pytest.mark.parametrize("text", ["nothing", "status", "status=200", "status=x", "slow=-1", "redirect"])
def test_unknown_faults_are_refused(call: Caller, text: str) -> None:
    got = call("GET", "/v1/models", headers={"x-sandbox-fault": text})
    assert (got.status, got.error["param"]) == (400, "fault")


def test_command_spoils_the_next_matching_requests(call: Caller, world: World) -> None:
    order = {"match": {"verb": "get", "path": "/v1/mod*"}, "times": 2, "fault": {"name": "status", "value": 503}}
    assert call("POST", "/_sandbox/faults", order).json["data"][0]["times"] == 2
    statuses = [call("GET", path).status for path in ("/v1/files", "/v1/models", "/v1/models/gpt-4o", "/v1/models")]
    assert statuses == [200, 503, 503, 200]


def test_command_without_a_count_lasts_until_cleared(call: Caller) -> None:
    call("POST", "/_sandbox/faults", {"match": {"path": "/v1/files"}, "fault": "status=500"})
    assert [call("GET", "/v1/files").status for _ in range(3)] == [500, 500, 500]
    assert call("GET", "/_sandbox/faults").json["data"]
    assert call("DELETE", "/_sandbox/faults").json == {"data": []}
    assert call("GET", "/v1/files").status == 200
    assert call("POST", "/_sandbox/faults", {"fault": 5}).status == 400
