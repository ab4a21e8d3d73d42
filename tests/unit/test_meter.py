"""How many tokens a call used: as its answer says, in JSON or events, compressed or not, whole or in pieces."""

import json
import zlib
from typing import Any

import pytest

from portico.gateway.meter import DECODED_BYTES, MOST_EVENT_BYTES, NOTHING, Meter, Used, readable
from portico.model.account import AccountId
from portico.model.call import Call
from portico.model.operation import UsageWords
from portico.upstream.transport import ByteStream, UpstreamRequest

CHAT = UsageWords(input="prompt_tokens", cached="details.cached", output="completion_tokens", piece='delta"')
RESPONSES = UsageWords(events="response.usage", input="input_tokens", output="output_tokens", piece='.delta"')
USAGE = {"prompt_tokens": 900, "completion_tokens": 200, "details": {"cached": 400}}
SAID = Used(model="gpt-4o", input_tokens=900, cached_tokens=400, output_tokens=200)


class Response:
    """The head of an answer; its body is fed by hand."""

    def __init__(self, content_type: str = "application/json", encoding: str = "") -> None:
        self.status = 200
        self.headers = [("content-type", content_type), ("content-encoding", encoding)]

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    async def read(self, limit_bytes: int) -> bytes:
        raise NotImplementedError

    def stream(self) -> ByteStream:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError


def request(content: bytes = b"", content_type: str = "application/json") -> UpstreamRequest:
    return UpstreamRequest(
        verb="POST", url="https://vendor.test/x", headers=[("Content-Type", content_type)], content=content
    )


def measured(
    content: bytes,
    response: Response | None = None,
    *,
    words: UsageWords = CHAT,
    asked: UpstreamRequest | None = None,
    piece: int = 0,
    **arguments: Any,
) -> Used:
    call = Call(account_id=AccountId("a"), face="proxy", arguments=arguments)
    meter = Meter(words, call, asked or request(), response or Response())
    for at in range(0, len(content), piece or len(content) or 1):
        meter.feed(content[at : at + (piece or len(content))])
    return meter.used()


def answer(**more: Any) -> bytes:
    return json.dumps({"id": "x", "model": "gpt-4o", "usage": USAGE, **more}).encode()


def events(*values: Any, end: str = "\n\n") -> bytes:
    return "".join(f"data: {value if isinstance(value, str) else json.dumps(value)}{end}" for value in values).encode()


@pytest.mark.parametrize("piece", [0, 1, 7, 1000])
@pytest.mark.parametrize("padding", [0, DECODED_BYTES * 2])
def test_json_says_it_however_long_and_however_cut(piece: int, padding: int) -> None:
    if piece == 1 and padding:
        piece = 5
    assert measured(answer(before="x" * padding), piece=piece) == SAID


@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15), ("x-gzip", 31)])
@pytest.mark.parametrize("piece", [0, 3])
def test_compressed_answers_are_read_too(encoding: str, wbits: int, piece: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    content = packer.compress(answer()) + packer.flush()
    assert measured(content, Response(encoding=encoding), piece=piece) == SAID


CHUNK = {"choices": [{"delta": {"content": "wörd"}}], "usage": None, "model": "gpt-4o"}
LAST: dict[str, Any] = {"choices": [], "usage": USAGE, "model": "gpt-4o"}


@pytest.mark.parametrize("piece", [0, 1, 13])
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
def test_events_say_it_at_their_end(piece: int, end: str) -> None:
    stream = events(CHUNK, CHUNK, LAST, "[DONE]", end=end)
    assert measured(stream, Response("text/event-stream; charset=utf-8"), piece=piece) == SAID


def test_usage_may_stand_deeper_in_an_event_with_the_model_beside_it() -> None:
    done = {
        "type": "response.completed",
        "response": {"model": "gpt-4o", "usage": {"input_tokens": 9, "output_tokens": 4}},
    }
    stream = events({"type": "response.created", "response": {"model": "gpt-4o", "usage": None}}, done)
    found = measured(stream, Response("text/event-stream"), words=RESPONSES)
    assert found == Used(model="gpt-4o", input_tokens=9, output_tokens=4)


def test_a_stream_that_says_nothing_is_guessed_by_its_pieces() -> None:
    asked = request(b'{"model":"gpt-4o-mini","x":"' + b"y" * 372 + b'"}')
    found = measured(events(*[CHUNK | {"model": ""}] * 7), Response("text/event-stream"), asked=asked)
    assert found == Used(model="gpt-4o-mini", input_tokens=100, output_tokens=7, is_estimated=True)


def test_an_event_beyond_all_bounds_is_skipped_and_the_next_one_read() -> None:
    stream = b"data: " + b"x" * (MOST_EVENT_BYTES + 10) + b"\n\n" + events(LAST)
    assert measured(stream, Response("text/event-stream"), piece=500_000) == SAID


MODELS: list[tuple[str, dict[str, Any], UpstreamRequest]] = [
    ("said with the answer", {"model": "other"}, request(b'{"model":"third"}')),
    ("an argument", {"model": "gpt-4o"}, request()),
    ("in the body", {}, request(b'{"input":"x","model":"gpt-4o"}')),
    (
        "in a form",
        {},
        request(b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-4o\r\n--b--', "multipart/form-data"),
    ),
    (
        "in a form, with a type",
        {},
        request(
            b'--b\r\nContent-Disposition: form-data; name="model"\r\nContent-Type: text/plain\r\n\r\ngpt-4o\r\n--b--'
        ),
    ),
]


@pytest.mark.parametrize(("place", "arguments", "asked"), MODELS, ids=[place for place, _, _ in MODELS])
def test_the_model_is_the_answers_else_the_requests(
    place: str, arguments: dict[str, Any], asked: UpstreamRequest
) -> None:
    content = answer() if place == "said with the answer" else json.dumps({"usage": USAGE}).encode()
    assert measured(content, asked=asked, **arguments) == SAID


STRANGE: list[bytes] = [
    b"", b"null", b"[]", b'"usage"', b"{", b"\xff", b'{"usage": 5}', b'{"usage": []}', b'{"usage": null}',
    b'{"usage": {"prompt_tokens": -5, "completion_tokens": "9", "details": 3}}', b'{"usage": {"prompt_tokens": true}}',
    b'{"usage": {"prompt_tokens": 1e300, "completion_tokens": 99999999999999999999999}}', b'{"model": 5, "usage": {}}',
]  # fmt: skip


@pytest.mark.parametrize("content", STRANGE, ids=[repr(each)[:40] for each in STRANGE])
def test_what_makes_no_sense_counts_nothing(content: bytes) -> None:
    assert measured(content) == NOTHING
    assert measured(content, Response(encoding="gzip")) == NOTHING
    assert measured(b"data: " + content + b"\n\n", Response("text/event-stream")) == NOTHING


def test_more_cached_than_there_was_is_not_believed() -> None:
    usage = USAGE | {"details": {"cached": 5000}}
    assert measured(json.dumps({"model": "gpt-4o", "usage": usage}).encode()).cached_tokens == 900


def test_names_of_a_vendor_need_not_be_names_in_a_program() -> None:
    words = UsageWords(answer="meta-data.token usage", input="in", output="out", model="model-id")
    content = json.dumps({"meta-data": {"token usage": {"in": 3, "out": 4}, "model-id": "m"}}).encode()
    assert measured(content, words=words) == Used(model="m", input_tokens=3, output_tokens=4)


CODINGS = [
    ("gzip, deflate, br, zstd", "gzip, deflate"),
    ("br;q=1.0, gzip;q=0.5", "gzip;q=0.5"),
    ("br", "identity"),
    ("*", "identity"),
    ("identity", "identity"),
    ("GZIP", "GZIP"),
]


@pytest.mark.parametrize(("asked", "sent"), CODINGS)
def test_only_compressions_that_can_be_read_are_asked_for(asked: str, sent: str) -> None:
    headers = [("Accept", "x, br"), ("Accept-Encoding", asked)]
    assert readable(headers) == [("Accept", "x, br"), ("Accept-Encoding", sent)]
