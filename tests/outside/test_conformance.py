"""The protocol's own conformance suite, at both eras, against the real endpoint over real sockets."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.outside.client_envs import NodeEnv, NotInstallable, node_env

pytestmark = [pytest.mark.outside, pytest.mark.timeout(600)]
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
    checks = [check for path in tmp_path.rglob("checks.json") for check in json.loads(path.read_text())]
    passed = [check for check in checks if check["status"] == "SUCCESS"]
    assert len(passed) >= {"2025-11-25": 49, "2026-07-28": 114}[revision]
