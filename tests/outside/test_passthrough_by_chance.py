"""Whatever HTTP allows, drawn by lot: through passthrough it arrives and is answered as it is without it.

Some hundred requests in the everyday suite, ten thousand with PORTICO_SIZE=full; PORTICO_SEED repeats a run.
"""

import sys
from collections.abc import Generator
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

import pytest

from tests.outside.chance import Answer, Asked, answer, asked
from tests.outside.verbatim import Message, Vendor, exchanged, vendor
from tests.served import Served, served
from tests.served import asked as asked_of
from tests.size import IS_FULL, dice

EXCHANGES = 10_000 if IS_FULL else 300
pytestmark = [pytest.mark.outside, pytest.mark.timeout(1800 if IS_FULL else 60)]

KEY = "sk-proj-stage"
MARK = b"x-of-the-test"
# How a message is laid on one connection is the connection's own. That there is no body may be said or left unsaid.
LAID = (b"connection", b"content-length", b"transfer-encoding", b"trailer")
# docs/reference/proxy-api.md tells of these.
OURS_ASKED = (*LAID, b"host")
OURS_ANSWERED = (
    *LAID, b"date", b"server", b"x-portico-request-id", b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset",
)  # fmt: skip


@dataclass(frozen=True)
class Bench:
    house: Served
    vendor: Vendor
    account_id: str

    def through(self, request: Asked) -> tuple[Message, Message]:
        return self._exchange(self.house.url, f"/passthrough/{self.account_id}", self.house.token, request)

    def directly(self, request: Asked) -> tuple[Message, Message]:
        return self._exchange(self.vendor.url, "/v1", KEY, request)

    def _exchange(self, url: str, prefix: str, token: str, request: Asked) -> tuple[Message, Message]:
        """What the vendor heard, and what the client was told."""
        self.vendor.heard.clear()
        told = exchanged(url, request.written(prefix, token, urlsplit(url).netloc))
        assert len(self.vendor.heard) == 1, (request, told)
        return self.vendor.heard[0], told


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bench]:
    with vendor(MARK) as made, served(tmp_path_factory.mktemp("chance"), allowed_base_urls=(made.url,)) as house:
        account = {
            "integration": "openai",
            "tenant_id": "x",
            "base_url": made.url,
            "context": {"api_key": KEY, "admin_key": KEY},
        }
        got = asked_of(house, "POST", "/integrated-account", account)
        assert got.status == 201, got.content
        yield Bench(house, made, got.json["id"])


def test_what_is_drawn_by_lot_arrives_and_is_answered_as_if_nobody_stood_between(bench: Bench) -> None:
    drawn = dice()
    for number in range(EXCHANGES):
        seed = drawn.getrandbits(64)
        compare(bench, Random(seed), f"exchange {number}, Random({seed})")


def compare(bench: Bench, drawn: Random, where: str) -> None:
    request = asked(drawn)
    said: Answer = answer(drawn, request.verb, bench.vendor.url)
    request.headers.append((MARK, b"1"))
    bench.vendor.answer, bench.vendor.hangs_up = said.written, said.hangs_up
    direct_heard, direct_told = bench.directly(request)
    heard, told = bench.through(request)
    sys.stdout.write(f"{where}: {request.verb} {request.target}\n")
    assert heard.words[:2] == direct_heard.words[:2]
    assert heard.named(*OURS_ASKED) == direct_heard.named(*OURS_ASKED)
    assert heard.content == direct_heard.content == request.content
    assert told.words[1] == direct_told.words[1]
    assert told.named(*OURS_ANSWERED) == direct_told.named(*OURS_ANSWERED)
    assert (told.content, told.left_over) == (direct_told.content, b"")


STAYS_BEHIND_ASKED = [
    "Cookie", "Expect", "TE", "Trailer", "Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
    "X-Forwarded-Proto", "X-Real-IP", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive", "X-Named",
]  # fmt: skip
STAYS_BEHIND_ANSWERED = [
    "Set-Cookie", "Server", "Alt-Svc", "NEL", "Report-To", "Strict-Transport-Security", "Proxy-Authenticate",
    "Keep-Alive", "X-Named",
]  # fmt: skip


def test_what_the_reference_lists_stays_behind(bench: Bench) -> None:
    given = [(name.encode(), b"1") for name in STAYS_BEHIND_ASKED]
    kept = [(b"User-Agent", b"somebody"), (MARK, b"1"), (b"X-Kept", b"1")]
    lines = b"".join(b"%s: 1\r\n" % name.encode() for name in STAYS_BEHIND_ANSWERED)
    head = b"HTTP/1.1 200 OK\r\nConnection: X-Named\r\nX-Kept: 1\r\ncontent-length: 2\r\n"
    bench.vendor.answer = head + lines + b"\r\nok"
    heard, told = bench.through(Asked("GET", "/models", given + kept, b"", b"", connection=b"close, X-Named"))
    assert set(heard.named(b"host")) == {b"authorization", b"user-agent", MARK, b"x-kept"}
    assert heard.named()[b"authorization"] == [b"Bearer " + KEY.encode()]
    assert set(told.named(*OURS_ANSWERED)) == {b"x-kept"}
    assert told.named().get(b"server") != [b"1"]


@pytest.mark.parametrize(
    "target", ["/a//b", "/a/../b", "/a/%2e%2E/b", "/a%2F%2Fb", "/a%5Cb", "/a%0d%0aX:%20b", "/a%00"]
)
def test_a_path_that_could_mean_another_place_goes_nowhere(bench: Bench, target: str) -> None:
    bench.vendor.heard.clear()
    request = Asked("GET", target, [(MARK, b"1")], b"", b"")
    house = bench.house
    told = exchanged(house.url, request.written(f"/passthrough/{bench.account_id}", house.token, "portico.test"))
    assert (told.words[1], told.named()[b"x-gateway-error"]) == (b"400", [b"invalid_arguments"])
    assert bench.vendor.heard == []
