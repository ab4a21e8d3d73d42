"""What of a call's bodies may be kept: secrets found by name, by the catalog's flags, by shape and by value."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from portico.gateway.heard import MOST_READ_BYTES, Heard
from portico.model.account import AccountId
from portico.model.call import Answer, Call
from portico.model.operation import Credential, Integration, Operation, ToolName
from portico.upstream.transport import UpstreamRequest

LUMEN = Integration(
    name="lumen",
    label="Lumen",
    category="x",
    base_url="https://lumen.example",
    credentials=(Credential(name="key", label="key", field="key", prefixes=("lum_live_", "lum_")),),
)
MAKES_KEYS = Operation(
    integration="lumen", resource="keys", method="create", verb="POST", path="/keys", effect="write",
    credential="key", tool=ToolName(name="make"), secrets=("made.value", "items.shown"),
)  # fmt: skip
PLANTED = "lum_live_Zx81kQq0pLm"
LIMIT = 2_000


def heard() -> Heard:
    return Heard(AccountId("account"), LUMEN, MAKES_KEYS)


def asked(content: bytes, content_type: str = "application/json", url: str = "https://lumen.example/keys") -> Any:
    each = heard()
    headers = [("Content-Type", content_type), ("Authorization", f"Bearer {PLANTED}")]
    each.asks(UpstreamRequest(verb="POST", url=url, headers=headers, content=content))
    each.signed({"key": "opensesame1"})
    return each.kept(LIMIT)["request"]


def answered(content: bytes, content_type: str = "application/json", **headers: str) -> Any:
    each = heard()
    pairs = [("content-type", content_type), *((name.replace("_", "-"), value) for name, value in headers.items())]
    each.answers(Answer(status=200, headers=pairs, content=content))
    return each.kept(LIMIT)["response"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"made": {"id": 1, "value": "plain-looking"}}, {"made": {"id": 1, "value": "[hidden]"}}),
        ({"items": [{"shown": "a"}, {"other": "b"}]}, {"items": [{"shown": "[hidden]"}, {"other": "b"}]}),
        ([{"made": {"value": 5}}], [{"made": {"value": "[hidden]"}}]),
        ({"note": f"use {PLANTED}, please"}, {"note": "use lum_live_[hidden], please"}),
        ({PLANTED: 1}, {"lum_live_[hidden]": 1}),
        ({"password": "x", "deep": {"api_key": ["y"]}}, {"password": "[hidden]", "deep": {"api_key": "[hidden]"}}),
        ({"headers": {"x-own": "abc"}, "model": "m"}, {"headers": "[hidden]", "model": "m"}),
        ({"plumage": "volume_lum_x"}, {"plumage": "volume_lum_x"}),
        (["ptc_api_abc123", "Bearer abc.def"], ["ptc_api_[hidden]", "Bearer [hidden]"]),
    ],
)
def test_secrets_of_an_answer_are_hidden_and_the_rest_stays(value: Any, kept: Any) -> None:
    assert answered(msgspec.json.encode(value))["body"] == kept


def test_a_key_of_the_account_is_found_wherever_it_turns_up_whatever_it_looks_like() -> None:
    shown = asked(b'{"say": "the word is opensesame1!"}', url="https://lumen.example/opensesame1?q=opensesame1&q=2")
    assert "opensesame1" not in str(shown)
    assert PLANTED not in str(shown)
    assert shown["body"] == {"say": "the word is …!"}
    assert shown["query"] == {"q": ["…", "2"]}


def test_secrets_in_a_query_are_hidden_by_their_names() -> None:
    shown = asked(b"", url="https://lumen.example/keys?access_token=abc&limit=5")
    assert (shown["query"], shown["body"]) == ({"access_token": "[hidden]", "limit": "5"}, None)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"password": "hunter2", "a": "b"}', '{"password": "[hidden]", "a": "b"}'),
        ('{"password": "hun\\"ter2", "a": "b"}', '{"password": "[hidden]", "a": "b"}'),
        (
            '{"in": "{\\"api_key\\": \\"hunter2\\", \\"b\\": 1}"}',
            '{"in": "{\\"api_key\\": \\"[hidden]\\", \\"b\\": 1}"}',
        ),
        ('{"client-secret":"hunter2', '{"client-secret":"[hidden]'),
        ("{'access_token': 'hunter2'}", "{'access_token': '[hidden]'}"),
        ("password=hunter2&a=b", "password=[hidden]&a=b"),
        ("see https://x.example/?a=b&token=hunter2#c", "see https://x.example/?a=b&token=[hidden]"),
        (
            "https://x.example/?X-Amz-Signature=hunter2&sig=hunter2",
            "https://x.example/?X-Amz-Signature=[hidden]&sig=[hidden]",
        ),
        ("https://me:hunter2@x.example/", "https://me:[hidden]@x.example/"),
        ('{"max_tokens": "5", "monkey": "x", "design=": "y"}', '{"max_tokens": "5", "monkey": "x", "design=": "y"}'),
        ("the password is: none; a key: b, max_tokens=5", "the password is: none; a key: b, max_tokens=5"),
    ],
)
def test_secrets_inside_a_text_are_hidden_by_their_names(text: str, kept: str) -> None:
    assert answered(msgspec.json.encode({"arguments": text}))["body"] == {"arguments": kept}
    assert answered(text.encode(), "text/plain")["body"] == kept


def test_a_signature_in_a_query_is_hidden() -> None:
    shown = asked(b"", url="https://lumen.example/keys?sig=abc&X-Goog-Signature=def&design=x&code=1")
    assert shown["query"] == {"sig": "[hidden]", "X-Goog-Signature": "[hidden]", "design": "x", "code": "1"}


def test_a_text_full_of_what_looks_like_names_costs_no_time() -> None:
    for text in (
        '"key' * 20_000,
        "token" * 20_000,
        '\\"' * 40_000,
        "a-" * 60_000 + "=",
        "://" * 40_000,
        '"key":"' * 20_000,
    ):
        assert answered(text.encode(), "text/plain")  # the suite ends what takes a minute


def test_what_is_long_is_cut_and_said_so() -> None:
    shown = answered(msgspec.json.encode({"text": "x" * 50_000, "id": 7}))
    assert shown["body"]["id"] == 7
    assert len(shown["body"]["text"]) < LIMIT
    assert (shown["bytes"], "text" in shown["note"]) == (50_018, True)
    whole = answered(b'{"text": "x"}')
    assert whole["note"] == ""


def test_a_secret_is_hidden_before_the_body_is_cut() -> None:
    for length in range(LIMIT - 700, LIMIT - 500):
        shown = answered(msgspec.json.encode({"text": "x" * length + " " + PLANTED + "y" * 9_000}))
        assert "lum_live_Zx" not in str(shown)


@pytest.mark.parametrize(
    ("content_type", "why"),
    [
        ("text/event-stream; charset=utf-8", "A stream of events"),
        ("audio/mpeg", "Not JSON and not text"),
        ("multipart/form-data; boundary=x", "Not JSON and not text"),
        ("application/x-www-form-urlencoded", "Not JSON and not text"),
    ],
)
def test_streams_and_binaries_are_noted_by_type_and_length(content_type: str, why: str) -> None:
    for shown in (answered(b"x" * 12, content_type), asked(b"x" * 12, content_type)):
        assert (shown["body"], shown["bytes"], shown["content_type"]) == (None, 12, content_type)
        assert shown["note"].startswith(why)


async def test_a_streamed_request_is_noted_by_its_length() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    each = heard()
    each.asks(UpstreamRequest(verb="POST", url="https://x/y", headers=[], content=pieces(), size_bytes=2))
    shown = each.kept(LIMIT)["request"]
    assert (shown["body"], shown["bytes"]) == (None, 2)
    assert "noted, not kept" in shown["note"]


def test_pieces_of_an_answer_are_put_together_and_let_go_when_they_are_too_many() -> None:
    each = heard()
    each.answers(Answer(status=200, headers=[("content-type", "application/json")], stream=None))
    for piece in (b'{"a": ', b'"b"', b"}"):
        each.hears(piece)
    assert each.kept(LIMIT)["response"]["body"] == {"a": "b"}
    each.hears(b" " * MOST_READ_BYTES)
    assert each.held_bytes == 0
    shown = each.kept(LIMIT)["response"]
    assert (shown["body"], shown["bytes"]) == (None, MOST_READ_BYTES + 10)
    assert shown["note"].startswith("Too long")


def test_compressed_answers_are_read_and_lines_of_json_too() -> None:
    assert answered(gzip.compress(b'{"api_key": "x"}'), content_encoding="gzip")["body"] == {"api_key": "[hidden]"}
    assert answered(b'{"password": "x"}\n{"b": 1}\n', "application/jsonl")["body"] == [
        {"password": "[hidden]"},
        {"b": 1},
    ]
    assert answered(f"key {PLANTED}".encode(), "text/plain")["body"] == "key lum_live_[hidden]"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 100_000, b"{"])
def test_what_cannot_be_read_is_noted_or_kept_as_text(content: bytes) -> None:
    shown = answered(content)
    assert shown["body"] in (None, "{") or set(str(shown["body"])[:20]) == {"["}


def test_arguments_that_never_became_a_request_are_kept_as_such() -> None:
    each = heard()
    each.asked(Call(account_id=AccountId("a"), face="tools", arguments={"secret": "x", "name": "n"}))
    kept = each.kept(LIMIT)
    assert kept["request"]["body"] == {"secret": "[hidden]", "name": "n"}
    assert kept["request"]["note"] == "As it was asked for; nothing was sent to the vendor."
    assert kept["response"] is None
