"""{url}: fetched without a key, within limits, wherever it is sent on to, and not at all where that is switched off."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from portico import errors
from portico.upstream.transport import AiohttpTransport, Deadlines, UpstreamRequest
from tests.faces.mcp.speaker import HOST, Json
from tests.stage import Stage, open_stage
from tests.unit.said import Said

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIMIT = 1000
PLACE = "https://files.example"


@dataclass
class Internet:
    """Some addresses that answer; everything that is no business of theirs goes over real sockets."""

    pages: dict[str, Said | Exception] = field(default_factory=dict[str, Said | Exception])
    asked: list[UpstreamRequest] = field(default_factory=list[UpstreamRequest])

    def __post_init__(self) -> None:
        self._real = AiohttpTransport(Deadlines(), "tests")

    async def send(self, request: UpstreamRequest) -> Any:
        if request.url not in self.pages:
            return await self._real.send(request)
        self.asked.append(request)
        said = self.pages[request.url]
        if isinstance(said, Exception):
            raise said
        return said

    async def close(self) -> None:
        await self._real.close()


@dataclass
class Shop:
    stage: Stage
    internet: Internet

    async def give(self, url: str, **more: Any) -> Json:
        """The result of uploading what lies at an address."""
        path = f"/integrated-account/{self.stage.account_id}/tools/create_a_openai_file"
        got = await self.stage.client.post(path, {"purpose": "user_data", "file": {"url": url, **more}})
        assert got.status == 200, got.content
        return got.json

    async def problem(self, url: str) -> str:
        result = await self.give(url)
        assert result["is_error"], result
        return result["structured"]["failures"][0]["problem"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Shop]:
    internet, folder = Internet(), tmp_path_factory.mktemp("shop")
    limits: Json = {"fetch_limit_bytes": LIMIT, "public_url": f"https://{HOST}"}
    async with open_stage(folder, transport=internet, **limits) as stage:
        yield Shop(stage, internet)


@pytest.fixture(autouse=True)
def empty(shop: Shop) -> None:
    shop.internet.pages.clear()
    shop.internet.asked.clear()
    shop.stage.clear()


def page(content: bytes, kind: str = "text/plain", *, sized: bool = True, **head: str) -> Said:
    headers = [("Content-Type", kind), *((name.replace("_", "-"), value) for name, value in head.items())]
    return Said(content, headers=headers, sized=sized)


def moved(place: str, status: int = 302) -> Said:
    return Said(b"", status=status, headers=[("Location", place)])


@pytest.mark.parametrize("sized", [True, False])
async def test_what_lies_there_becomes_the_file(shop: Shop, sized: bool) -> None:
    shop.internet.pages[f"{PLACE}/notes/a%20b.txt?x=1"] = page(b"hello", "text/plain; charset=utf-8", sized=sized)
    made = (await shop.give(f"{PLACE}/notes/a%20b.txt?x=1"))["structured"]
    assert (made["filename"], made["bytes"]) == ("a b.txt", 5)
    assert [name for name, _ in shop.internet.asked[0].headers] == ["Accept"]


async def test_name_that_was_given_wins(shop: Shop) -> None:
    shop.internet.pages[f"{PLACE}/x"] = page(b"hello")
    assert (await shop.give(f"{PLACE}/x", filename="mine.txt"))["structured"]["filename"] == "mine.txt"


async def test_redirects_are_followed_and_each_address_is_checked(shop: Shop) -> None:
    pages = shop.internet.pages
    pages[f"{PLACE}/a"] = moved("/b", 301)
    pages[f"{PLACE}/b"] = moved("https://cdn.example/c", 307)
    pages["https://cdn.example/c"] = page(b"hello")
    assert (await shop.give(f"{PLACE}/a"))["structured"]["filename"] == "c"
    pages[f"{PLACE}/inside"] = moved("https://127.0.0.1/secret")
    assert "https://127.0.0.1/secret is in a private network" in await shop.problem(f"{PLACE}/inside")
    pages[f"{PLACE}/plain"] = moved("http://cdn.example/c")
    assert "only https" in await shop.problem(f"{PLACE}/plain")
    pages[f"{PLACE}/loop"] = moved("/loop")
    assert "more than 5 times" in await shop.problem(f"{PLACE}/loop")
    pages[f"{PLACE}/nowhere"] = Said(b"", status=302)
    assert "status 302" in await shop.problem(f"{PLACE}/nowhere")
    assert shop.stage.seen("/v1/files") == shop.stage.seen("/v1/files")[:1]


async def test_what_is_not_there_or_no_file_is_refused(shop: Shop) -> None:
    shop.internet.pages[f"{PLACE}/gone"] = Said(b"no", status=404)
    assert "status 404" in await shop.problem(f"{PLACE}/gone")
    shop.internet.pages[f"{PLACE}/page"] = page(b"<html>", "text/html")
    assert "text/html" in await shop.problem(f"{PLACE}/page")
    shop.internet.pages[f"{PLACE}/dead"] = errors.VendorConnectTimeout()
    assert f"{PLACE}/dead could not be reached in time; " in await shop.problem(f"{PLACE}/dead")
    assert shop.stage.seen() == []


PROBLEMS: list[errors.Refusal] = [
    errors.VendorUnreachable(), errors.VendorConnectTimeout(), errors.VendorTimeout(), errors.VendorInsecure(),
    errors.VendorProtocol(), errors.VendorInterrupted(), errors.Unavailable(),
]  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: type(each).__name__)
async def test_address_that_cannot_be_read_is_named_and_what_to_do_said(shop: Shop, problem: errors.Refusal) -> None:
    shop.internet.pages[f"{PLACE}/a?signature=s3cret"] = problem
    sentence = await shop.problem(f"{PLACE}/a?signature=s3cret")
    assert sentence.startswith(f"{PLACE}/a "), sentence
    assert "{base64}" in sentence
    assert "vendor" not in sentence
    assert "s3cret" not in sentence


async def test_host_that_does_not_exist_is_named_without_a_user_and_a_query(shop: Shop) -> None:
    sentence = await shop.problem("https://me:pass@files.nowhere.invalid/a.txt?signature=s3cret#top")
    assert sentence.startswith("https://files.nowhere.invalid/a.txt could not be reached; see that it is right")


@pytest.mark.parametrize("url", ["https://", "https:///a.txt", "https://[::1", "ftp://files.example/a", "a.txt", ""])
async def test_what_is_no_https_address_is_refused(shop: Shop, url: str) -> None:
    assert "only https addresses are fetched" in await shop.problem(url)


async def test_what_is_too_large_is_refused_as_soon_as_that_is_known(shop: Shop) -> None:
    shop.internet.pages[f"{PLACE}/announced"] = large = page(bytes(LIMIT + 1))
    assert str(LIMIT + 1) in await shop.problem(f"{PLACE}/announced")
    assert large.released
    shop.internet.pages[f"{PLACE}/unannounced"] = page(bytes(LIMIT + 1), sized=False)
    assert "holds more than is fetched here" in await shop.problem(f"{PLACE}/unannounced")
    assert shop.stage.seen() == []


async def test_address_that_sends_more_than_it_announced_uploads_nothing(shop: Shop) -> None:
    shop.internet.pages[f"{PLACE}/liar"] = page(bytes(500), sized=False, Content_Length="10")
    result = await shop.give(f"{PLACE}/liar")
    assert result["is_error"]
    assert "sent more than it had announced" in result["structured"]["error"], result
    assert all(entry.status >= 400 for entry in shop.stage.seen("/v1/files"))


async def test_nothing_is_fetched_where_that_is_switched_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    internet = Internet({f"{PLACE}/a": page(b"hello")})
    async with open_stage(tmp_path_factory.mktemp("off"), transport=internet, fetch="off") as stage:
        shop = Shop(stage, internet)
        assert "not fetched here" in await shop.problem(f"{PLACE}/a")
        assert internet.asked == []
