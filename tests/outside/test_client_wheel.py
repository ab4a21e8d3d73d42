"""The client as others install it: a wheel in an environment that has nothing else."""

import json
import shutil
import subprocess
import tomllib
import venv
from pathlib import Path

import pytest

from tests.outside.client_envs import NotInstallable, fill, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import run

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
CLIENT = Path(__file__).parents[2] / "client"
INSTALL_SECONDS = 240
PROGRAM = """
import importlib, json, os, sys
from portico_client import Portico, ToolManager

told = {}
for name in ("langchain", "openai_agents", "pydantic_ai", "crewai", "llama_index", "google_adk", "smolagents"):
    try:
        importlib.import_module(f"portico_client.adapters.{name}")
    except ImportError as problem:
        told[name] = str(problem)
from portico_client.adapters import anthropic, openai
with Portico() as portico:
    tools = {each.name: each for each in ToolManager(portico).get_tools(methods=["read"])}
    said = tools["list_all_openai_models"].call({})
chat = openai.chat_tools(list(tools.values()))
print(json.dumps({"told": told, "said": said, "tools": len(tools), "chat": len(chat)}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(CLIENT, folder / "client")
    try:
        builder = python_env("hatchling")
    except NotInstallable as problem:
        pytest.skip(str(problem))
    subprocess.run(
        [builder, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=folder / "client", check=True, capture_output=True, timeout=INSTALL_SECONDS,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "empty", with_pip=False)
    needed = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]["dependencies"]
    try:
        fill(folder / "empty", tuple(needed))
    except NotInstallable as problem:
        pytest.skip(f"the client's one dependency is missing: {problem}")
    fill(folder / "empty", (str(wheel),))
    return folder / "empty" / "bin" / "python"


def test_the_wheel_works_alone_and_adapters_say_what_they_lack(
    installed: Path, mcp_house: House, tmp_path: Path
) -> None:
    known = {
        "PORTICO_URL": mcp_house.url,
        "PORTICO_TOKEN": mcp_house.token,
        "PORTICO_ACCOUNT": mcp_house.account_id,
        "HOME": str(tmp_path),
    }
    found = json.loads(run([str(installed), "-c", PROGRAM], tmp_path, **known))
    assert found["tools"] == found["chat"] > 50
    assert "gpt-4o" in found["said"]
    assert len(found["told"]) == 7
    for name, words in found["told"].items():
        assert f"pip install 'portico-client[{name.replace('_', '-')}]'" in words


def test_the_wheel_says_that_it_is_typed(installed: Path) -> None:
    package = next(installed.parents[1].glob("lib/python*/site-packages/portico_client"))
    assert (package / "py.typed").exists()
    assert (package / "adapters" / "langchain.py").exists()
