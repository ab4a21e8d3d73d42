"""Refusals that no vendor is needed for, in the words that a model reads."""

from typing import Any

import msgspec
import pytest

from portico.errors import (
    Failure,
    InvalidArguments,
    OperationRemoved,
    QuotaSpent,
    VendorConnectTimeout,
    VendorFailure,
    VendorTimeout,
)
from portico.model.operation import Operation, ToolName
from portico.model.server import ServerConfig
from portico.toolbox.teach import teach
from tests.faces.mcp.speaker import Json

OPERATION = Operation(
    integration="lumen", resource="lamps", method="create", verb="POST", path="/lamps", effect="write",
    credential="key", tool=ToolName(name="create_a_lumen_lamp"), says="Add a lamp.",
)  # fmt: skip


_NOT_TOLD = (
    "It is not told for how long. Ask whoever administers this account whether a budget is used up, "
    "or try again much later."
)


def told(problem: Any) -> Json:
    result = teach(problem, OPERATION)
    assert result.is_error
    assert result.structured is not None
    assert msgspec.json.decode(result.content[0]["text"]) == result.structured
    return result.structured


def test_spent_quota_says_how_long_to_wait() -> None:
    shown = told(QuotaSpent("This server's calls of today are used up.", headers={"retry-after": "90"}))
    assert shown["error"] == "This server's calls of today are used up. Wait 90 seconds, then call again."
    assert (shown["status"], shown["retry_after_seconds"]) == (429, 90)


@pytest.mark.parametrize(
    ("headers", "words", "seconds"),
    [
        ([("Retry-After", "2"), ("ratelimit-reset", "60")], "Wait 2 seconds, then call again.", 2),
        ([("ratelimit-reset", "7")], "Wait 7 seconds, then call again.", 7),
        ([("ratelimit-reset", "7"), ("ratelimit-remaining", "0")], "Wait 7 seconds, then call again.", 7),
        ([("ratelimit-reset", "7"), ("ratelimit-remaining", "3")], _NOT_TOLD, None),
        ([("ratelimit-remaining", "0")], _NOT_TOLD, None),
    ],
)
def test_vendors_limit_says_how_long_to_wait(headers: list[tuple[str, str]], words: str, seconds: float | None) -> None:
    shown = told(VendorFailure(429, b"{}", sentence="Too much.", vendor_headers=headers))
    assert (shown["error"], shown.get("retry_after_seconds")) == (f"Too much. {words}", seconds)


def test_what_we_add_to_the_vendors_words_begins_a_sentence_of_its_own() -> None:
    assert told(VendorFailure(429, b"{}", sentence="slow down"))["error"].startswith("slow down. It is not told")
    assert told(VendorFailure(401, b"{}", sentence="Who?"))["error"].startswith("Who? The account's key")


def test_operation_that_was_switched_off_says_when_and_what_instead() -> None:
    shown = told(OperationRemoved("Lumen switched lamps.create off on 2026-01-31; use bulbs instead."))
    assert shown["error"].endswith("use bulbs instead.")
    assert (shown["code"], shown["status"]) == ("operation_removed", 410)


def test_silence_before_and_after_sending_are_told_apart() -> None:
    assert told(VendorConnectTimeout())["error"].endswith("Nothing was sent; try again in a while.")
    assert told(VendorTimeout())["error"].endswith("look before you repeat a change.")


def test_vendors_words_are_cut_and_cleaned() -> None:
    raw = msgspec.json.encode({"error": {"message": "a\u202eb" + "x" * 100_000, "list": ["y" * 500] * 100}})
    shown = told(VendorFailure(400, raw, sentence="a\u202eb"))
    assert shown["error"] == "ab"
    assert len(msgspec.json.encode(shown)) < 5_000
    assert "\u202e" not in str(shown)


@pytest.mark.parametrize("raw", [b"", b"<html>no</html>", b"\xff\xfe", b"[" * 100_000, b"null", b'"text"'])
def test_vendors_error_of_any_form_can_be_told(raw: bytes) -> None:
    assert told(VendorFailure(500, raw, sentence="It failed."))["error"].startswith("It failed.")


@pytest.mark.parametrize("limit", [1_000, 40_000])
def test_what_was_said_wrong_is_said_back_no_longer_than_an_answer_may_be(limit: int) -> None:
    failures = [Failure(f"{number}" + "x" * 100_000, "y" * 100_000, "z" * 100_000) for number in range(1_000)]
    result = teach(InvalidArguments(failures), OPERATION, config=ServerConfig(result_limit=limit))
    assert result.structured is not None
    schema = result.structured.pop("input_schema")
    assert schema["type"] == "object"
    assert len(msgspec.json.encode(result.structured)) <= limit
    assert result.structured["error"].startswith("0xxx")
    assert result.structured["code"] == "invalid_arguments"
    assert ("failures" in result.structured) is (limit > 1_000)


def test_number_of_further_failures_points_to_where_they_are() -> None:
    shown = told(InvalidArguments([Failure("a", "is required"), Failure("b", "is required")]))
    assert shown["error"] == "a: is required (1 more in failures)"
    assert len(shown["failures"]) == 2


@pytest.mark.parametrize(("status", "is_there"), [(400, True), (422, True), (403, False), (429, False), (500, False)])
def test_schema_comes_where_the_vendor_did_not_like_the_arguments(status: int, is_there: bool) -> None:
    shown = told(VendorFailure(status, b"{}", sentence="No."))
    assert ("input_schema" in shown) is is_there
