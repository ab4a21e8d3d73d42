"""`portico mcp stdio` as desktop clients start it: both eras, files, hanging up, and a server that is not there."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portico.sandbox.faults import Fault, FaultRule
from tests.outside.mcp_house import House
from tests.outside.pipes import NEW, OLD, PATIENCE_SECONDS, Pipes
from tests.wire import until

pytestmark = pytest.mark.outside
SLOW = "list_all_openai_vector_stores"


@contextmanager
def bridge(url: str, *options: str, **environment: str) -> Generator[Pipes]:
    command = [sys.executable, "-m", "portico", "mcp", "stdio", url, *options]
    known = {name: value for name, value in os.environ.items() if not name.startswith("PORTICO_")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=known | environment
    ) as process:
        try:
            yield Pipes(process)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server_url(mcp_house: House) -> str:
    return mcp_house.server(tool_exposure="all", tags=["files", "models", "vector_stores"])["url"]


@pytest.fixture
def slow(mcp_house: House) -> Generator[None]:
    """The vendor takes a minute for one operation."""
    mcp_house.world.faults.append(FaultRule(Fault("delay", "60"), path="/v1/vector_stores"))
    yield
    mcp_house.world.faults.clear()


def test_client_with_a_handshake_lists_reads_writes_and_is_refused(server_url: str) -> None:
    with bridge(server_url) as pipes:
        told = pipes.hello()
        assert (told["protocolVersion"], told["serverInfo"]["name"]) == (OLD, "portico")
        pipes.ask("tools/list", 2)
        names = {each["name"] for each in pipes.answer(2)["result"]["tools"]}
        assert {SLOW, "create_a_openai_file"} <= names
        assert pipes.call("list_all_openai_models", {}, 3)["result"]["structuredContent"]["result"]
        made = pipes.call("create_a_openai_vector_store", {"name": "bridged"}, 4)["result"]["structuredContent"]
        assert made["name"] == "bridged"
        wrong = pipes.call("get_single_openai_file_by_id", {"id": "file-nothing"}, 5)["result"]
        assert wrong["isError"]
        pipes.ask("no/such/method", "six")
        assert pipes.answer("six")["error"]["code"] == -32601


def test_client_without_a_handshake_is_served_in_its_own_era(server_url: str) -> None:
    with bridge(server_url) as pipes:
        pipes.ask("server/discover", 1, is_new=True)
        assert pipes.answer()["result"]["supportedVersions"] == [NEW]
        pipes.ask("tools/list", 2, is_new=True)
        listed = pipes.answer(2)["result"]
        assert (listed["resultType"], listed["cacheScope"]) == ("complete", "private")
        result = pipes.call("list_all_openai_models", {}, 3, is_new=True)["result"]
        assert result["resultType"] == "complete"
        unknown = pipes.call("no_such_tool_é", {}, 4, is_new=True)
        assert "Unknown tool" in unknown["error"]["message"]


@pytest.mark.parametrize("is_new", [True, False])
def test_local_file_is_sent_from_the_named_folder_and_from_nowhere_else(
    server_url: str, tmp_path: Path, is_new: bool
) -> None:
    (tmp_path / "batch.jsonl").write_text('{"custom_id":"1"}\n')
    with bridge(server_url, "--files", str(tmp_path)) as pipes:
        assert f'{{"path": "…"}}: a file of this computer, in {tmp_path}' in pipes.hello()["instructions"]
        sent = {"purpose": "user_data", "file": {"path": "batch.jsonl"}}
        made = pipes.call("create_a_openai_file", sent, 1, is_new=is_new)["result"]
        assert (made["isError"], made["structuredContent"]["filename"]) == (False, "batch.jsonl")
        outside = {"purpose": "user_data", "file": {"path": "/etc/passwd"}}
        refused = pipes.call("create_a_openai_file", outside, 2, is_new=is_new)["result"]
        assert refused["isError"]
        assert "outside the folders" in refused["content"][0]["text"]
        assert refused["structuredContent"] == json.loads(refused["content"][0]["text"])
    with bridge(server_url) as pipes:
        refused = pipes.call("create_a_openai_file", sent, 1, is_new=is_new)["result"]
        assert "without --files FOLDER" in refused["structuredContent"]["error"]


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("is_new", [True, False])
def test_cancelled_call_is_cut_off_and_not_answered_and_others_go_on(
    mcp_house: House, server_url: str, is_new: bool
) -> None:
    with bridge(server_url) as pipes:
        if not is_new:
            pipes.hello()
        before = len(mcp_house.world.requests)
        pipes.ask("tools/call", 7, is_new=is_new, name=SLOW, arguments={})
        until_asked(mcp_house, before)
        pipes.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}})
        assert pipes.call("list_all_openai_models", {}, 8, is_new=is_new)["result"]["structuredContent"]["result"]
        assert pipes.is_silent()


def until_asked(house: House, before: int) -> None:
    """Until the vendor was asked once more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(house.world.requests) <= before and time.monotonic() < deadline:
        threading.Event().wait(0.01)


@pytest.mark.usefixtures("slow")
def test_end_of_input_ends_the_bridge_with_what_is_under_way(server_url: str) -> None:
    with bridge(server_url) as pipes:
        pipes.hello()
        pipes.ask("tools/call", 7, name=SLOW, arguments={})
        assert pipes.process.stdin is not None
        pipes.process.stdin.close()
        assert pipes.process.wait(PATIENCE_SECONDS) == 0


def test_progress_comes_through_as_it_is_made(mcp_house: House, server_url: str) -> None:
    mcp_house.world.faults.append(FaultRule(Fault("delay", "2.2"), path="/v1/vector_stores", times=1))
    try:
        with bridge(server_url) as pipes:
            pipes.hello()
            result = pipes.call(SLOW, {}, 1, _meta={"progressToken": "p"})["result"]
            assert not result["isError"]
            assert [each["params"]["progressToken"] for each in pipes.notifications] == ["p"]
    finally:
        mcp_house.world.faults.clear()


def test_server_that_is_gone_is_told_in_words_without_the_secret(mcp_house: House) -> None:
    made = mcp_house.server(tags=["models"])
    with bridge(made["url"]) as pipes:
        pipes.hello()
        mcp_house.ask("DELETE", f"/integrated-account/{mcp_house.account_id}/mcp/{made['id']}")
        pipes.ask("tools/list", 2)
        error = pipes.answer(2)["error"]
        assert "expired, been deleted, or got a new address" in error["message"]
    with bridge("http://127.0.0.1:9/mcp/secret") as pipes:
        pipes.ask("tools/list", 1)
        words = pipes.answer()["error"]["message"]
        assert "No server answers at http://127.0.0.1:9" in words
        assert "secret" not in words


def test_token_is_taken_from_the_environment_and_goes_to_its_own_gateway_alone(mcp_house: House) -> None:
    url = mcp_house.server(tags=["models"], require_api_token_auth=True)["url"]
    with bridge(url) as pipes:
        pipes.ask("tools/list", 1)
        assert "set PORTICO_TOKEN" in pipes.answer()["error"]["message"]
    with bridge(url, PORTICO_TOKEN="ptc_api_wrong") as pipes:
        pipes.ask("tools/list", 1)
        assert "does not take the token in PORTICO_TOKEN" in pipes.answer()["error"]["message"]
    with bridge(url, PORTICO_TOKEN=mcp_house.token) as pipes:
        assert pipes.hello()["serverInfo"]["name"] == "portico"
    with bridge(url, PORTICO_TOKEN=mcp_house.token, PORTICO_URL=mcp_house.url) as pipes:
        assert pipes.hello()["serverInfo"]["name"] == "portico"
    with bridge(url, PORTICO_TOKEN=mcp_house.token, PORTICO_URL="https://elsewhere.example") as pipes:
        pipes.ask("tools/list", 1)
        assert "set PORTICO_TOKEN" in pipes.answer()["error"]["message"]


@pytest.mark.parametrize("line", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
def test_line_that_is_no_message_is_answered_and_the_next_one_served(server_url: str, line: bytes) -> None:
    with bridge(server_url) as pipes:
        pipes.send(line)
        assert pipes.answer(None)["error"]["code"] in {-32700, -32600}
        assert pipes.hello()["protocolVersion"] == OLD


@pytest.mark.parametrize("arguments", [["nonsense"], ["https://host"], ["ftp://host/mcp/x"], [], ["--what"]])
def test_address_that_cannot_be_meant_is_said_at_once(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "portico", "mcp", "stdio", *arguments]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=PATIENCE_SECONDS * 4, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr


def test_bridge_starts_without_the_parser_of_the_other_commands(server_url: str) -> None:
    """A client waits for it at every start: what it imports is counted here, how long that takes is in the docs."""
    program = (
        "import sys, io; sys.argv = ['portico', 'mcp', 'stdio', 'nonsense']\n"
        "from portico.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted(set(sys.modules) & {'cyclopts', 'rich', 'aiohttp', 'starlette', 'asyncio', 'ssl', 'jinja2'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() in {"[]", "['ssl']"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":1e400}}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":"\\ud800"}}', -32700),
        (b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":[]}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}', -32602),
    ],
)
def test_message_that_the_server_cannot_read_is_answered_under_its_own_id(
    server_url: str, line: bytes, code: int
) -> None:
    with bridge(server_url) as pipes:
        pipes.send(line)
        assert pipes.answer(1)["error"]["code"] == code
        assert pipes.hello()["protocolVersion"] == OLD


async def test_many_calls_at_once_are_all_answered(server_url: str) -> None:
    with bridge(server_url) as pipes:
        pipes.hello()
        for number in range(50):
            pipes.ask("tools/call", number, name="list_all_openai_models", arguments={})
        found = [pipes.answer(number)["result"]["isError"] for number in range(50)]
        assert found == [False] * 50
    await until(lambda: pipes.process.poll() is not None)
