"""The protocol's own conformance suite over real sockets: our endpoint at both eras, and our authorization server."""

import json
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.outside.client_envs import NodeEnv, NotInstallable, node_env
from tests.outside.mcp_house import House
from tests.outside.visitor import Visitor

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def suite() -> NodeEnv:
    try:
        return node_env("conformance")
    except NotInstallable as problem:
        pytest.skip(f"conformance suite: {problem}")


@pytest.fixture(scope="module")
def fixture_url() -> Generator[str]:
    command = [sys.executable, "-m", "tests.outside.mcp_fixture"]
    with subprocess.Popen(command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
        process.terminate()


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_everything_that_a_server_of_tools_can_be_asked_passes(
    suite: NodeEnv, fixture_url: str, revision: str, tmp_path: Path
) -> None:
    """The baseline names what is not offered; what fails beyond it, and what passes in spite of it, fails the run."""
    command = [
        *suite.program("conformance"), "server", "--url", fixture_url, "--requirements", revision,
        "--expected-failures", str(HERE / f"conformance_{revision}.yaml"), "--output-dir", str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = [check for check in checks_in(tmp_path) if check["status"] == "SUCCESS"]
    assert len(passed) >= {"2025-11-25": 49, "2026-07-28": 114}[revision]


def checks_in(folder: Path) -> list[dict[str, Any]]:
    return [check for path in folder.rglob("checks.json") for check in json.loads(path.read_text())]


def register(house: House, redirect_uri: str) -> str:
    content = json.dumps({"client_name": "Conformance", "redirect_uris": [redirect_uri]}).encode()
    asked = Request(f"{house.url}/oauth/register", content, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=20) as answer:
        return json.load(answer)["client_id"]


@pytest.mark.parametrize("names_server", [True, False])
def test_authorization_server_passes_with_a_person_who_says_yes(
    suite: NodeEnv, mcp_house: House, names_server: bool, tmp_path: Path
) -> None:
    """The suite waits for somebody to open the address that it prints; without `--resource` they choose the server."""
    made = mcp_house.server("conformance", tags=["models"], require_api_token_auth=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    client_id = register(mcp_house, f"http://127.0.0.1:{port}/callback")
    command = [
        *suite.program("conformance"), "authorization", "--url", mcp_house.url, "--client-id", client_id,
        "--port", str(port), "--output-dir", str(tmp_path), *(("--resource", made["url"]) if names_server else ()),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
    ) as suite_run:
        assert suite_run.stdout is not None
        said: list[str] = []
        for line in suite_run.stdout:
            said.append(line)
            if line.startswith(f"{mcp_house.url}/oauth/authorize?"):
                door = line.strip() + ("" if names_server else f"&server={made['id']}")
                with urlopen(Visitor(mcp_house).allow(door), timeout=20) as answer:
                    assert answer.status == 200
        assert suite_run.wait(60) == 0, "".join(said)
    found = {check["id"]: check["status"] for check in checks_in(tmp_path)}
    assert set(found.values()) == {"SUCCESS"}, "".join(said)
    assert set(found) == {
        "authorization-server-metadata",
        "authorization-server-metadata-cimd",
        "authorization-code-grant",
    }
