"""Real clients at a real server: each lists, reads, changes something, is refused, and gets an answer that was cut."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.outside.client_envs import NodeEnv, NotInstallable, node_env, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import CLIENTS, NAMES, Job, Json, job_in, run, run_json
from tests.outside.pipes import Pipes

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
T = TypeVar("T")
PYTHON = {
    "mcp-2": "mcp_2.py",
    "mcp-1": "mcp_1.py",
    "fastmcp": "fastmcp_client.py",
    "openai-agents": "agents_sdk.py",
    "pydantic-ai": "pydantic_toolset.py",
    "langchain": "langchain_tools.py",
}
START_SECONDS = 30.0
VERSIONS = {"mcp-2": "2026-07-28", "mcp-1": "2025-11-25"}


@pytest.fixture(scope="module")
def job(mcp_house: House) -> Job:
    return job_in(mcp_house)


def installed(make: Callable[[str], T], name: str) -> T:
    try:
        return make(name)
    except NotInstallable as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize("client", PYTHON)
def test_python_client_lists_and_calls(job: Job, client: str, tmp_path: Path) -> None:
    python = installed(python_env, client)
    found = run_json([str(python), str(CLIENTS / PYTHON[client]), json.dumps(job.asked(client))], tmp_path)
    job.check(client, found)
    assert found.get("version") == VERSIONS.get(client)
    if "says" in found:
        assert found["says"].startswith("OpenAI account of larkfield")


@pytest.mark.parametrize("client", ["sdk-1", "client-2"])
def test_typescript_client_lists_and_calls(job: Job, client: str, tmp_path: Path) -> None:
    env = installed(node_env, client)
    # Node looks for packages beside the program, so the program goes where they are.
    program = env.folder / "program.mjs"
    shutil.copyfile(CLIENTS / f"{client.replace('-', '_')}.mjs", program)
    job.check(client, run_json([str(env.node), str(program), json.dumps(job.asked(client))], tmp_path))


def inspect(env: NodeEnv, url: str, folder: Path, *words: str) -> list[str]:
    return [*env.program("mcp-inspector"), "--cli", url, "--transport", "http", *words]


def test_inspector_lists_and_calls(job: Job, tmp_path: Path) -> None:
    env = installed(node_env, "inspector")
    listed = run_json(inspect(env, job.url, tmp_path, "--method", "tools/list"), tmp_path, HOME=str(tmp_path))
    assert {tool["name"] for tool in listed["tools"]} == NAMES
    name, arguments = job.asked("inspector")["write"]
    words = ["--method", "tools/call", "--tool-name", name, "--tool-arg", f"name={arguments['name']}"]
    assert "made by inspector" in run(inspect(env, job.url, tmp_path, *words), tmp_path, HOME=str(tmp_path))
    job.check_written("inspector")


def test_mcp_remote_bridges_without_starting_to_sign_in(job: Job, tmp_path: Path) -> None:
    """It looks for an authorization server first; a server whose address is the secret must not show one."""
    env = installed(node_env, "mcp-remote")
    known = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [*env.program("mcp-remote"), job.url, "--allow-http", "--transport", "http-only"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=known,
    ) as process:  # fmt: skip
        pipes = Pipes(process)
        assert pipes.hello(START_SECONDS)["serverInfo"]["name"] == "portico"
        asked = job.asked("mcp-remote")
        pipes.ask("tools/list", "list")
        found: Json = {"tools": [tool["name"] for tool in pipes.answer("list")["result"]["tools"]], "results": []}
        for step in ("read", "write", "error", "large"):
            name, arguments = asked[step]
            result = pipes.call(name, arguments, step)["result"]
            found["results"].append([result["isError"], result["content"][0]["text"]])
        process.kill()
        assert process.stderr is not None
        assert b"authoriz" not in process.stderr.read().lower()
    job.check("mcp-remote", found)
