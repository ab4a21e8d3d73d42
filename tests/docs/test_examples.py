"""Every block that is marked `run` is run, as it stands, against a demo with its sandbox."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks
from tests.programs import line_of, started
from tests.served import exchanged

pytestmark = pytest.mark.outside
RUN = [block for block in blocks() if block.is_run]
SECONDS = 60


def needs_curl(text: str) -> None:
    if "curl " in text and not shutil.which("curl"):
        pytest.skip("curl is not installed: examples that call it are not run (Debian: apt-get install curl)")


@pytest.fixture(scope="module")
def demo() -> Generator[dict[str, str]]:
    """What a reader would have exported after `make demo`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "portico", "demo", "--port", str(port), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield {
            "PORTICO_URL": told["url"],
            "PORTICO_TOKEN": told["api_token"],
            "PORTICO_ACCOUNT": told["integrated_account_id"],
            "MCP_URL": told["mcp_url"],
        }
        process.terminate()
        process.wait(10)


def test_what_the_demo_says_to_try_works_as_it_is_printed(tmp_path: Path) -> None:
    with started("demo", "--port", "0", environment={"HOME": str(tmp_path)}) as process:
        said: list[str] = []
        while not said or said[-1].strip() != "Ctrl-C ends it.":
            said.append(line_of(process.stdout))
        tries = [
            line.strip() for line in said[said.index("Try, in another terminal:\n") + 1 :] if line.startswith("  ")
        ]
        *tries, sdk = tries
        needs_curl("\n".join(tries))
        # A new terminal, in which nothing of ours is on the path.
        done = subprocess.run(
            ["sh", "-euc", "\n".join(tries)],
            env={"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert len(tries) == 4
    assert "Customer-Support-Bot" in done.stdout
    assert sdk.startswith("OPENAI_BASE_URL=")


def test_the_demo_tells_receivers_on_this_computer_and_no_others_nearby(demo: dict[str, str]) -> None:
    """As the example of a night's batch needs it."""
    for target, status in (("http://127.0.0.1:9/events", 201), ("http://10.0.0.1/events", 400)):
        body = json.dumps({"target_url": target, "event_types": ["test"]}).encode()
        headers = {"authorization": f"Bearer {demo['PORTICO_TOKEN']}", "content-type": "application/json"}
        assert exchanged(demo["PORTICO_URL"], "POST", "/webhook", headers, body).status == status


@pytest.mark.parametrize("block", RUN, ids=[block.id for block in RUN])
def test_example_runs(block: Block, demo: dict[str, str], tmp_path: Path) -> None:
    needs_curl(block.text)
    program = ["bash", "-euo", "pipefail", "-c"] if block.language in {"sh", "bash"} else [sys.executable, "-c"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])  # as in the folder in which it was made
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    packages = os.pathsep.join(filter(None, [str(ROOT / "client" / "src"), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [*program, block.text],
        cwd=tmp_path,
        env={**os.environ, **demo, "PATH": path, "PYTHONPATH": packages},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
