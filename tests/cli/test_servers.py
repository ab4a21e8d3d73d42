"""The commands that serve: as real programs, because that is how they are started, told and stopped."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.programs import SECONDS, line_of, started

pytestmark = pytest.mark.outside

TOLD = ["url", "api_token", "integrated_account_id", "tenant_id", "mcp_url", "admin_url", "sandbox_url"]


def data(folder: Path) -> dict[str, str]:
    return {"PORTICO_DATA_DIR": str(folder)}


def got(url: str, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        return json.load(answer)


def test_the_demo_says_one_line_of_json_and_keeps_its_data(tmp_path: Path) -> None:
    words = ["demo", "--port", "0", "--json", "--data", str(tmp_path / "kept")]
    with started(*words, environment=data(tmp_path)) as demo:
        told = json.loads(line_of(demo.stdout))
        assert list(told) == TOLD
        assert told["admin_url"] == f"{told['url']}/admin"
        account = got(f"{told['url']}/integrated-account/{told['integrated_account_id']}", told["api_token"])
        assert (account["status"], account["tenant_id"]) == ("active", told["tenant_id"])
        proxied = f"{told['url']}/proxy/projects?integrated_account_id={told['integrated_account_id']}"
        assert "Data-Science" in {each["name"] for each in got(proxied, told["api_token"])["result"]}
        assert got(f"{told['sandbox_url']}/v1/models", "sk-proj-demo")["object"] == "list"
        assert tools_at(told["mcp_url"])
        assert_story(told)
        demo.send_signal(signal.SIGINT)
        out, _ = demo.communicate(timeout=SECONDS)
        assert out == ""
        assert demo.returncode in {0, 130}
    with started(*words, environment=data(tmp_path)) as demo:
        again = json.loads(line_of(demo.stdout))
    assert again["integrated_account_id"] == told["integrated_account_id"]
    assert again["api_token"] != told["api_token"]


def tools_at(url: str) -> list[Any]:
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    with urlopen(Request(url, json.dumps(ask).encode(), headers), timeout=10) as answer:
        return json.load(answer)["result"]["tools"]


def test_the_demos_mcp_address_goes_on_working_at_the_next_start(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    words = ["demo", "--json", "--data", str(kept), "--port"]
    with started(*words, "0", environment=data(tmp_path)) as demo:
        first = json.loads(line_of(demo.stdout))
    port = first["url"].rpartition(":")[2]
    secret = first["mcp_url"].rpartition("/")[2].encode()
    assert not [each for each in kept.iterdir() if each.is_file() and secret in each.read_bytes()]
    with started(*words, port, environment=data(tmp_path)) as demo:
        second = json.loads(line_of(demo.stdout))
        assert second["mcp_url"] == first["mcp_url"]
        assert tools_at(first["mcp_url"])
        path = f"{second['url']}/integrated-account/{second['integrated_account_id']}/mcp"
        (server,) = [each for each in got(path, second["api_token"])["result"] if each["name"] == "Everything"]
        headers = {"authorization": f"Bearer {second['api_token']}"}
        with urlopen(Request(f"{path}/{server['id']}/rotate", b"", headers, method="POST"), timeout=10) as answer:
            rotated = json.load(answer)["url"]
    with started(*words, port, environment=data(tmp_path)) as demo:
        third = json.loads(line_of(demo.stdout))
        assert third["mcp_url"] not in {first["mcp_url"], rotated}
        assert tools_at(third["mcp_url"])
        assert tools_at(rotated)
        with pytest.raises(HTTPError) as refused:
            tools_at(first["mcp_url"])
        refused.value.close()
        assert refused.value.code == 404


def assert_story(told: dict[str, str]) -> None:
    """Two servers, a log with good calls and failed ones, and a call that waits for a yes: in a moment, if not yet."""

    def of(path: str) -> list[Any]:
        return got(f"{told['url']}{path}", told["api_token"])["result"]

    ends = time.monotonic() + SECONDS
    while not (pending := of("/approval?state=pending")) and time.monotonic() < ends:
        time.sleep(0.1)
    assert [each["tool"] for each in pending] == ["update_a_openai_spend_limit"]
    assert len(of(f"/integrated-account/{told['integrated_account_id']}/mcp")) == 2
    codes = [each["http_status_code"] for each in of("/log?limit=100")]
    assert min(sum(code < 400 for code in codes), sum(code >= 400 for code in codes)) >= 2


@pytest.mark.parametrize("command", ["demo", "serve", "sandbox"])
def test_a_taken_port_is_told_before_anything_is_made(tmp_path: Path, command: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        started(command, "--port", str(taken.getsockname()[1]), environment=data(tmp_path / "data")) as refused,
    ):
        out, err = refused.communicate(timeout=SECONDS)
    assert (refused.returncode, out) == (1, "")
    assert err == f"Port {taken_port(err)} is taken; choose another with --host and --port.\n"
    assert not (tmp_path / "data").exists()


def taken_port(err: str) -> str:
    return err.split()[1]


def test_serving_begins_with_a_token_that_is_shown_once_and_ends_when_told(tmp_path: Path) -> None:
    token = ""
    for is_first in (True, False):
        with started("serve", "--port", "0", environment=data(tmp_path)) as served:
            url = line_of(served.stderr).split()[3]
            if is_first:
                token = line_of(served.stdout).rpartition(" ")[2].strip()
                assert token.startswith("ptc_api_")
            assert got(f"{url}/readyz") == {"status": "ready"}
            assert got(f"{url}/integrated-account", token)["result"] == []
            served.terminate()
            out, err = served.communicate(timeout=SECONDS)
            assert (served.returncode, err) == (0, "")
            assert "API token" not in out


@pytest.mark.parametrize(("token", "is_told"), [("of-nineteen-letters", True), ("of-twenty-letters-20", False)])
def test_a_bootstrap_token_that_can_be_guessed_is_told_and_not_repeated(
    tmp_path: Path, token: str, *, is_told: bool
) -> None:
    environment = data(tmp_path) | {"PORTICO_BOOTSTRAP_TOKEN": token}
    with started("serve", "--port", "0", environment=environment) as served:
        url = line_of(served.stderr).split()[3]
        told = line_of(served.stderr) if is_told else ""
        assert got(f"{url}/integrated-account", token)["result"] == []
        served.terminate()
        assert served.communicate(timeout=SECONDS)[1] == ""
    assert ("PORTICO_BOOTSTRAP_TOKEN has fewer than 20 characters" in told) is is_told
    assert token not in told


def test_several_workers_serve_one_address(tmp_path: Path) -> None:
    token = "ptc_bootstrap_for_tests_0123456789abcdef"
    environment = data(tmp_path) | {"PORTICO_BOOTSTRAP_TOKEN": token}
    with started("serve", "--port", "0", "--workers", "2", environment=environment) as served:
        url = line_of(served.stderr).split()[3]
        assert [got(f"{url}/integrated-account", token)["result_count"] for _ in range(10)] == [0] * 10
        served.terminate()
        served.communicate(timeout=SECONDS)
        assert served.returncode == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["serve", "--host", "0.0.0.0", "--port", "0"], "--public-url"),
        (["serve", "--workers", "0", "--port", "0"], "--workers must be at least 1."),
        (
            ["serve", "--host", "256.1.1.1", "--port", "0", "--public-url", "https://x.example"],
            "256.1.1.1 port 0 cannot be listened on",
        ),
        (["serve", "--port", "99999"], "99999"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_sentence(tmp_path: Path, words: list[str], told: str) -> None:
    with started(*words, environment=data(tmp_path)) as refused:
        out, err = refused.communicate(timeout=SECONDS)
    assert (refused.returncode, out) == (1, "")
    assert told in err
    assert err.count("\n") == 1


def test_the_sandbox_says_where_it_is(tmp_path: Path) -> None:
    with started("sandbox", "--port", "0", environment=data(tmp_path)) as sandbox:
        url = line_of(sandbox.stderr).split()[4].rstrip(";")
        assert got(f"{url}/models", "sk-proj-demo")["object"] == "list"


def test_whoever_waits_at_a_terminal_is_told_that_it_goes_on(tmp_path: Path) -> None:
    """A gateway that says nothing for a while, and a terminal of its own for standard error."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ours, theirs = pty.openpty()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        waiting = subprocess.Popen(
            [sys.executable, "-m", "portico", "logs", "--url", url, "--token", "x"],
            stdout=subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        said = os.read(ours, 1000).decode()
        waiting.kill()
        waiting.communicate()
        os.close(ours)
    assert f"Waiting for {url} … 1 s" in said
