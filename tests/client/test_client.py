"""The Python client against a served gateway, over real sockets: both kinds say the same things in the same words."""

import json
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from portico.sandbox.faults import from_body
from portico.vault.signatures import make_secret, sign
from portico_client import (
    ApiError,
    AsyncPortico,
    Binary,
    InvalidArguments,
    NotConnected,
    NotFound,
    NotSigned,
    Portico,
    RateLimited,
    Retry,
    ServerError,
    ToolFailed,
    ToolManager,
    seconds_to_wait,
    verify_webhook,
)
from portico_client.errors import error_of
from tests.served import Served, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with served(tmp_path_factory.mktemp("client")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(house: Served) -> Generator[Portico]:
    with Portico(house.url, house.token, account_id=house.account_id) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def other(house: Served) -> AsyncGenerator[AsyncPortico]:
    async with AsyncPortico(house.url, house.token, account_id=house.account_id) as made:
        yield made


def spoil(house: Served, fault: str, times: int) -> None:
    house.world.faults.append(from_body({"fault": fault, "match": {"path": "/v1/"}, "times": times}))


async def test_lists_are_gone_through_page_by_page(client: Portico, other: AsyncPortico) -> None:
    for number in range(3):
        client.proxy.create("vector_stores", {"name": f"store {number}"})
    names = [each["name"] for each in client.proxy.list("vector_stores", limit=2)]
    assert {"store 0", "store 1", "store 2"} <= set(names)
    assert names == [each["name"] async for each in other.proxy.list("vector_stores", limit=2)]
    first = client.proxy.list("vector_stores", limit=2).page()
    assert (len(first.items), bool(first.next_cursor)) == (2, True)
    rest = client.proxy.list("vector_stores", next_cursor=first.next_cursor)
    assert [each["name"] for each in first.items] + [each["name"] for each in rest] == names


async def test_the_directory_is_read_and_written_in_unified_words(client: Portico, other: AsyncPortico) -> None:
    made = client.unified.create("user-directory", "workspaces", {"name": "Bay"})
    names = [each["name"] for each in client.unified.list("user-directory", "workspaces", limit=1)]
    assert "Bay" in names
    assert names == [each["name"] async for each in other.unified.list("user-directory", "workspaces", limit=1)]
    changed = await other.unified.update("user-directory", "workspaces", made["id"], {"name": "Cove"})
    assert changed == client.unified.get("user-directory", "workspaces", made["id"])
    users = client.unified.list("user-directory", "users").all()
    given = {"id": users[0]["id"], "role_id": "owner"}
    assert client.unified.method("user-directory", "users", "assign_role", given)["is_assigned"]


async def test_items_are_made_read_changed_and_deleted(other: AsyncPortico) -> None:
    made = await other.proxy.create("vector_stores", {"name": "short-lived"})
    assert (await other.proxy.update("vector_stores", made["id"], {"name": "renamed"}))["name"] == "renamed"
    assert (await other.proxy.get("vector_stores", made["id"]))["name"] == "renamed"
    assert (await other.proxy.delete("vector_stores", made["id"]))["deleted"]
    with pytest.raises(NotFound) as caught:
        await other.proxy.get("vector_stores", made["id"])
    assert caught.value.is_remote
    assert caught.value.request_id
    assert caught.value.raw_response["error"]


async def test_files_go_up_and_come_back(client: Portico) -> None:
    made = client.proxy.create("files", {"purpose": "batch"}, files={"file": ("lines.jsonl", b'{"custom_id": "1"}\n')})
    kept: Any = client.custom.request("GET", f"files/{made['id']}/content")
    assert (kept.content if isinstance(kept, Binary) else json.dumps(kept).encode()).strip().startswith(b'{"custom_id"')


async def test_events_arrive_as_they_are_sent(client: Portico, other: AsyncPortico) -> None:
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    with client.proxy.stream("chat_completions", asked) as stream:
        assert {event["object"] for event in stream} == {"chat.completion.chunk"}
    async with other.proxy.stream("chat_completions", asked) as awaited:
        assert [event async for event in awaited]


async def test_what_is_wrong_is_told_argument_by_argument(client: Portico) -> None:
    with pytest.raises(InvalidArguments) as caught:
        client.proxy.create("vector_stores", {}, truto_nonsense="1")
    assert caught.value.failures[0]["path"] == "truto_nonsense"
    assert caught.value.code == "invalid_arguments"


async def test_a_rate_limit_comes_at_once_and_says_how_long(client: Portico, house: Served) -> None:
    spoil(house, "status=429;retry-after=3", 1)
    with pytest.raises(RateLimited) as caught:
        client.proxy.list("models").page()
    assert caught.value.retry_after == 3.0
    assert caught.value.told()["retry_after_seconds"] == caught.value.retry_after


def refused(status: int, **headers: str) -> ApiError:
    return error_of(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"{}")


class RefusedElsewhere(Exception):
    """A 429 as the SDKs of vendors raise it."""

    def __init__(self, **headers: str) -> None:
        self.response = httpx2.Response(429, headers={n.replace("_", "-"): value for n, value in headers.items()})


@pytest.mark.parametrize(
    ("problem", "seconds"),
    [
        (refused(429, retry_after="3", ratelimit_reset="60"), 3.0),
        (refused(429, ratelimit_reset="60", ratelimit_remaining="0"), 60.0),
        (refused(429, ratelimit_reset="1", ratelimit_remaining="9"), None),
        (refused(503, retry_after="5"), 5.0),
        (refused(400, ratelimit_reset="60"), None),
        (refused(429), None),
        (RefusedElsewhere(retry_after="4"), 4.0),
        (RefusedElsewhere(), None),
        (ValueError("429"), None),
    ],
)
async def test_a_program_knows_how_long_to_pause(problem: Exception, seconds: float | None) -> None:
    wrapped = RuntimeError("A framework's own words.")
    wrapped.__cause__ = problem
    assert (seconds_to_wait(problem), seconds_to_wait(wrapped)) == (seconds, seconds)


async def test_patience_waits_as_long_as_the_headers_say(house: Served) -> None:
    pauses: list[float] = []
    spoil(house, "status=429;retry-after=3", 1)
    with Portico(
        house.url, house.token, account_id=house.account_id, retry=Retry(most_seconds=600), pause=pauses.append
    ) as client:
        assert client.proxy.list("models").page().items
        assert client.proxy.create("vector_stores", {"name": "after a pause"})["name"] == "after a pause"
    assert pauses == [3.0]


async def test_patience_has_an_end(house: Served) -> None:
    spoil(house, "status=429;retry-after=3", 5)
    pauses: list[float] = []
    retry = Retry(attempts=2, most_seconds=600)
    asking = Portico(house.url, house.token, account_id=house.account_id, retry=retry, pause=pauses.append)
    with asking as client, pytest.raises(RateLimited):
        client.proxy.list("models").page()
    house.world.faults.clear()
    assert pauses == [3.0]


def answering(*answers: Callable[[httpx2.Request], httpx2.Response]) -> tuple[httpx2.MockTransport, list[Any]]:
    left, seen = list(answers), list[Any]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return left.pop(0)(request)

    return httpx2.MockTransport(answer), seen


def lost(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadError("connection lost", request=request)


def done(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json={"id": "1"})


async def test_a_lost_write_is_sent_again_under_the_same_key_and_only_where_patience_was_asked_for() -> None:
    transport, seen = answering(lost, done)
    with Portico("http://gateway.test", "t", transport=transport, retry=Retry(), pause=lambda _: None) as client:
        assert client.proxy.create("files", {}) == {"id": "1"}
    keys = [each.headers["idempotency-key"] for each in seen]
    assert (len(keys), len(set(keys))) == (2, 1)
    transport, seen = answering(lost, done)
    with Portico("http://gateway.test", "t", transport=transport) as client, pytest.raises(NotConnected):
        client.proxy.create("files", {})
    assert len(seen) == 1


async def test_a_write_that_the_vendor_failed_is_not_sent_again() -> None:
    transport, seen = answering(lambda _: httpx2.Response(502, json={"message": "no", "code": "upstream_interrupted"}))
    with Portico("http://gateway.test", "t", transport=transport, retry=Retry()) as client, pytest.raises(ServerError):
        client.proxy.create("files", {})
    assert len(seen) == 1


async def test_the_admin_api_has_typed_groups(client: Portico, house: Served) -> None:
    account = client.integrated_accounts.get(house.account_id)
    assert account["status"] == "active"
    made = client.mcp_servers.create(house.account_id, name="readers", config={"methods": ["read"]})
    assert made["url"].startswith(house.url)
    assert made["id"] in {each["id"] for each in client.mcp_servers.list(house.account_id)}
    assert client.mcp_servers.delete(house.account_id, made["id"]) == {"id": made["id"]}


async def test_an_account_token_needs_no_account(client: Portico, house: Served) -> None:
    token = client.integrated_accounts.create_token(house.account_id)["integrated_account_token"]
    with Portico(house.url, token) as own:
        assert own.proxy.list("models").page().items
        assert own.tools.run("list_all_openai_models", {"fields": ["id"]}).checked().structured["result"]


async def test_the_vendors_own_sdk_gets_its_base_url_from_the_account(client: Portico, house: Served) -> None:
    assert client.passthrough_url == house.passthrough
    assert client.of("another").passthrough_url == f"{house.url}/passthrough/another"
    with pytest.raises(ValueError, match="PORTICO_ACCOUNT"):
        _ = client.of("").passthrough_url


async def test_a_tools_files_are_fetched_by_their_links(client: Portico) -> None:
    asked = {"model": "tts-1", "voice": "alloy", "input": "Hello", "response_format": "wav"}
    (link,) = client.tools.run("create_a_openai_speech", asked).checked().links
    sound = client.kept_files.fetch(link)
    assert isinstance(sound, Binary)
    assert sound.content.startswith(b"RIFF")
    assert client.tools.run("list_all_openai_models", {"fields": ["id"]}).checked().links == []


async def test_without_an_account_it_is_told_what_is_missing(house: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTICO_ACCOUNT", raising=False)
    with Portico(house.url, house.token) as nobody:
        with pytest.raises(ValueError, match="give account_id, or set PORTICO_ACCOUNT"):
            nobody.tools.run("list_all_openai_models")
        with pytest.raises(InvalidArguments, match="integrated_account_id"):
            nobody.proxy.list("models").page()


async def test_a_manager_gives_tools_that_agents_can_hold(client: Portico, other: AsyncPortico) -> None:
    tools = {each.name: each for each in ToolManager(client).get_tools(methods=["read"])}
    awaited = {each.name: each for each in await ToolManager(other).get_tools(methods=["read"])}
    assert set(tools) == set(awaited)
    assert all(each.reads_only for each in tools.values())
    models = {"fields": ["id"]}
    assert tools["list_all_openai_models"].call(models) == await awaited["list_all_openai_models"].acall(models)
    bad = tools["get_single_openai_file_by_id"]
    assert "list_all_openai_files" in bad.call({"id": "file-not-there"})
    with pytest.raises(ToolFailed):
        bad.run({"id": "file-not-there"}).checked()


async def test_an_unchanged_list_of_tools_is_not_sent_again(client: Portico) -> None:
    statuses: list[int] = []
    inner = httpx2.HTTPTransport()

    class Watching(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            answer = inner.handle_request(request)
            statuses.append(answer.status_code)
            return answer

        def close(self) -> None:
            inner.close()

    target = client.proxy.driver.target
    with Portico(target.url, target.token, account_id=client.account_id, transport=Watching()) as watched:
        assert watched.tools.list(tags=["billing"]) == watched.tools.list(tags=["billing"])
    assert statuses == [200, 304]


async def test_an_id_cannot_lead_to_another_address(client: Portico) -> None:
    with pytest.raises(ValueError, match="address"):
        client.proxy.get("files", "..")
    with pytest.raises(NotFound):
        client.proxy.get("files", "x/../../integrated-account")


async def test_webhooks_are_proved_by_their_signature() -> None:
    secret, stamp, body = make_secret(), int(time.time()), b'{"event": "test"}'
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(secret, "m1", stamp, body),
    }
    assert verify_webhook(body, headers, secret) == {"event": "test"}
    assert verify_webhook(body, headers, [make_secret(), secret]) == {"event": "test"}
    for wrong in (make_secret(), [make_secret()]):
        with pytest.raises(NotSigned):
            verify_webhook(body, headers, wrong)
    with pytest.raises(NotSigned):
        verify_webhook(body + b" ", headers, secret)
    with pytest.raises(NotSigned):
        verify_webhook(body, headers, secret, now=lambda: stamp + 301.0)
