"""Where requests may go: a table of addresses, hundreds of ways to write one, names that change their mind."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from portico.errors import ForbiddenAddress, Refusal, VendorUnreachable
from portico.upstream.egress import check_base_url, is_public
from portico.upstream.transport import AiohttpTransport, Deadlines, UpstreamRequest

PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "104.18.7.192",
    "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
    "192.0.1.0", "192.0.3.0",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.112.255",
    "223.255.255.255",
    "2001:200::1", "2001:4860:4860::8888", "2606:4700::1111", "2a00:1450:4001::1", "3ffe::1", "::ffff:8.8.8.8",
]  # fmt: skip
PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.171", "192.0.2.1",
    "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "192.175.48.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1",
    "2001:20::1", "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::", "2002:c0a8:1::", "2620:4f:8000::1", "3fff::1",
    "4000::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "::1%lo", "fec0::1", "ff02::1",
]  # fmt: skip
UNCLEAR = [
    "",
    "localhost",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "1.2.3.4.5",
    "::ffff:999.1.1.1",
    "a",
    "1.1.1.1/32",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", [*PRIVATE, *UNCLEAR])
def test_any_other_address_may_not(address: str) -> None:
    assert not is_public(address)


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(PUBLIC) + len(PRIVATE) >= 60


@dataclass
class Canary:
    """Listens where nobody may call; `seen` counts those who did."""

    port: int = 0
    seen: int = 0
    servers: list[asyncio.Server] = field(default_factory=list[asyncio.Server])

    async def listen(self) -> None:
        self.servers.append(await asyncio.start_server(self._notice, "127.0.0.1", 0))
        self.port = self.servers[0].sockets[0].getsockname()[1]
        for host in ("127.0.0.2", "::1"):
            try:
                self.servers.append(await asyncio.start_server(self._notice, host, self.port))
            except OSError:
                continue  # a machine without it cannot be reached through it either

    async def _notice(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        writer.close()


@pytest.fixture
async def canary() -> AsyncGenerator[Canary]:
    canary = Canary()
    await canary.listen()
    yield canary
    for server in canary.servers:
        server.close()


@pytest.fixture
async def transport() -> AsyncGenerator[AiohttpTransport]:
    opened = AiohttpTransport(Deadlines(connect_seconds=1, answer_seconds=2, idle_seconds=1), "tests")
    yield opened
    await opened.close()


class Names:
    """A resolver that answers from a table, each time with the next answer for the name."""

    def __init__(self, table: dict[str, list[list[str]]]) -> None:
        self.table = table

    async def getaddrinfo(self, host: Any, port: int, **_: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        answers = self.table.get(name, [])
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]


async def outcome(transport: AiohttpTransport, url: str) -> type[Exception] | int:
    """A refusal's class, or the status of an answer that should never have come."""
    try:
        response = await transport.send(UpstreamRequest(verb="GET", url=url, headers=[("Authorization", "Bearer k")]))
    except Refusal as problem:
        return type(problem)
    response.release()
    return response.status


LOOPBACKS = [
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.0.0.1", "0x7f.1", "0177.0.0.1",
    "0177.1", "017700000001", "127.000.000.001", "0", "0.0.0.0", "00000000", "0x0", "127.0.0.1.", "localhost",
    "LOCALHOST", "localhost.", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::1%25lo]", "[::1%lo]", "[fe80::1%25lo]",
    "%31%32%37.0.0.1", "127.0.0.1%00.evil.example", "127.0.0.1\\.evil.example", "rebound.example", "xn--locahost-mza",
]  # fmt: skip
USERINFO = ["", "api.openai.com@", "user:secret@"]
TAILS = ["/v1/models", "", "/?x=https://api.openai.com/"]


def forms(port: int) -> list[str]:
    spelled = [f"http://{user}{host}:{port}{tail}" for host in LOOPBACKS for user in USERINFO for tail in TAILS[:2]]
    spelled += [f"https://{host}:{port}{TAILS[2]}" for host in LOOPBACKS]
    odd = [
        f"http:\\\\127.0.0.1:{port}", f"http:/127.0.0.1:{port}", f"http:127.0.0.1:{port}", f"//127.0.0.1:{port}/",
        f"http://api.openai.com#@127.0.0.1:{port}/", f"http://api.openai.com\\@127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}\\@api.openai.com/", f"http://127.0.0.1\t:{port}/", f"http://127.0.0.1\r\n:{port}/",
        f"http:// 127.0.0.1:{port}/", f"http://127.0.0.1:{port}#api.openai.com", f"ftp://127.0.0.1:{port}/",
        f"gopher://127.0.0.1:{port}/", "file:///etc/passwd", f"unix://127.0.0.1:{port}", f"http://127.0.0.1:+{port}/",
        f"http://127.0.0.1:{port + 65536}/", f"http://127.0.0.1:{port:o}x/", "http://", "", "javascript:1",
    ]  # fmt: skip
    return spelled + odd


async def test_no_way_of_writing_a_private_address_reaches_it(
    canary: Canary, transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    numeric = loop.getaddrinfo
    names = Names({name: [["127.0.0.1"]] for name in ("localhost", "localhost.", "rebound.example", "127.0.0.1.")})

    async def resolve(host: Any, port: int, **more: Any) -> list[Any]:
        try:
            return await names.getaddrinfo(host, port)
        except socket.gaierror:
            # What is a number in disguise is one to the system's resolver as well; it is never asked for a name.
            return await numeric(host, port, **{**more, "flags": more.get("flags", 0) | socket.AI_NUMERICHOST})

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    urls = forms(canary.port)
    assert len(urls) >= 200
    outcomes = {url: await outcome(transport, url) for url in urls}
    wrong = {url: found for url, found in outcomes.items() if not isinstance(found, type)}
    assert wrong == {}
    assert canary.seen == 0
    assert sum(found is ForbiddenAddress for found in outcomes.values()) >= 60


async def test_the_canary_can_be_heard(canary: Canary, transport: AiohttpTransport) -> None:
    """Without this, silence would prove nothing: a host that the operator vouches for is reached."""
    request = UpstreamRequest(verb="GET", url=f"http://127.0.0.1:{canary.port}/", headers=[], is_trusted=True)
    with pytest.raises(Refusal):
        await transport.send(request)
    assert canary.seen > 0


@pytest.mark.parametrize(
    "answers",
    [
        [["203.0.113.9"], ["127.0.0.1"]],
        [["127.0.0.1"]],
        [["127.0.0.1", "127.0.0.2"]],
        [["::1", "127.0.0.1"]],
        [["10.0.0.1", "127.0.0.1", "169.254.169.254"]],
    ],
    ids=["changes its mind", "private", "several private ones", "both families", "mixed ranges"],
)
async def test_a_name_is_judged_by_the_address_that_is_connected_to(
    answers: list[list[str]], canary: Canary, transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Names({"rebound.example": answers}).getaddrinfo)
    for _ in range(20):
        assert await outcome(transport, f"http://rebound.example:{canary.port}/") is ForbiddenAddress
    assert canary.seen == 0


async def test_a_name_that_nobody_knows_is_unreachable(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Names({}).getaddrinfo)
    assert await outcome(transport, "http://nowhere.example/") is VendorUnreachable


ALLOWED = ("https://api.openai.com/v1", "http://127.0.0.1:8701/v1")


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "https://api.openai.com/v1/", " https://api.openai.com/v1// ", ALLOWED[1]]
)
def test_a_base_url_on_the_list_is_taken_without_its_last_slash(url: str) -> None:
    assert check_base_url(url, ALLOWED) == url.strip().rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "", "api.openai.com/v1", "https://api.openai.com", "https://api.openai.com/v2", "http://api.openai.com/v1",
        "https://api.openai.com/v1?x=1", "https://api.openai.com/v1#x", "https://api.openai.com@evil.example/v1",
        "https://evil.example/https://api.openai.com/v1", "https://API.openai.com/v1", "https://api.openai.com:443/v1",
        "https://api.openai.com/v1/../v1", "https://api.openai.com.evil.example/v1", "//api.openai.com/v1",
        "https://api.openai.com\\@evil.example/v1", "http://127.0.0.1:8702/v1", "https:///v1", "javascript:alert(1)",
        "https://[::1/v1", "http://127.0.0.1:port/v1",
    ],
)  # fmt: skip
def test_any_other_base_url_is_refused_with_the_list(url: str) -> None:
    with pytest.raises(ForbiddenAddress, match=re.escape(f"is not allowed; allowed: {', '.join(ALLOWED)}. ")):
        check_base_url(url, ALLOWED)


def test_a_list_cannot_allow_a_base_url_that_carries_a_login() -> None:
    with pytest.raises(ForbiddenAddress):
        check_base_url("https://me@api.openai.com/v1", ("https://me@api.openai.com/v1",))
