"""Agents of real frameworks with our tools, each with a model that makes the calls that it was told to make."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portico.sandbox.faults import from_body
from tests.outside.client_envs import NotInstallable, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import run

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
CLIENTS = Path(__file__).parent / "clients" / "adapters"
SOURCE = Path(__file__).parents[2] / "client" / "src"
Json = dict[str, Any]

READ, FILE, PICTURE, ERROR, LIMITED, LARGE = (
    "list_all_openai_projects",
    "create_a_openai_file",
    "create_a_openai_image_generation",
    "get_single_openai_file_by_id",
    "list_all_openai_batches",
    "list_all_openai_users",
)
STEPS: list[tuple[str, Json]] = [
    (READ, {"limit": 2}),
    (FILE, {"file": {"text": "hello from an agent"}, "purpose": "user_data"}),
    (PICTURE, {"prompt": "a red boat", "model": "gpt-image-1-mini"}),
    (ERROR, {"id": "file-that-is-not-there"}),
    (LIMITED, {}),
    (LARGE, {"limit": 100}),
]
WAIT_SECONDS = 3


@dataclass(frozen=True)
class Framework:
    """`flags`: its model, or its program, is told apart from the text that something went wrong. `pictures`: it shows
    them. `runs`: with a blocking client and, where it has both, with an awaited one."""

    env: str
    script: str
    flags: bool = True
    pictures: bool = True
    runs: int = 2


FRAMEWORKS = {
    "langchain": Framework("adapters", "langchain_agent.py"),
    "openai-agents": Framework("adapters", "agents_sdk.py", flags=False),
    "pydantic-ai": Framework("adapters", "pydantic_agent.py"),
    "llama-index": Framework("adapters", "llama_agent.py"),
    "smolagents": Framework("adapters", "smol_agent.py", flags=False, pictures=False, runs=1),
    "google-adk": Framework("adapters-google-adk", "adk_agent.py", pictures=False),
    "crewai": Framework("adapters-crewai", "crew_agent.py", flags=False, pictures=False, runs=1),
}


def environment(name: str) -> Path:
    try:
        return python_env(name)
    except NotInstallable as problem:
        pytest.skip(str(problem))


@contextmanager
def limited(house: House, path: str) -> Generator[None]:
    """For as long as this lasts, the vendor refuses this path for now."""
    rule = from_body({"fault": f"status=429;retry-after={WAIT_SECONDS}", "match": {"path": path}})
    house.world.faults.append(rule)
    try:
        yield
    finally:
        house.world.faults.remove(rule)


def told(house: House, python: Path, script: str, folder: Path, **more: Any) -> Any:
    job = {"url": house.url, "token": house.token, "account_id": house.account_id, **more}
    said = run([str(python), str(CLIENTS / script), json.dumps(job)], folder, PYTHONPATH=str(SOURCE), HOME=str(folder))
    return json.loads(said.splitlines()[-1])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_agent_reads_sends_a_file_and_hears_what_went_wrong(mcp_house: House, name: str, tmp_path: Path) -> None:
    framework = FRAMEWORKS[name]
    python = environment(framework.env)
    with limited(mcp_house, "/v1/batches"):
        runs = told(mcp_house, python, framework.script, tmp_path, steps=STEPS)
    assert len(runs) == framework.runs
    for each in runs:
        check(mcp_house, framework, each)


def check(house: House, framework: Framework, found: Json) -> None:
    assert {step for step, _ in STEPS} <= set(found["schemas"])
    schema = found["schemas"][FILE]
    assert {"file", "purpose"} <= set(schema["properties"])
    assert set(schema["required"]) == {"file", "purpose"}
    assert schema["properties"]["purpose"]["enum"][0] == "assistants"
    texts = [each[1] for each in found["results"]]
    assert len(texts) == len(STEPS)
    read, made, _picture, error, wait, large = texts
    assert "organization.project" in read
    assert "Take id from list_all_openai_files" in error
    assert f"Wait {WAIT_SECONDS} seconds, then call again" in wait
    assert '"retry_after_seconds"' in wait
    assert "organization.user" in large
    assert len(large) > 5_000
    file_id = "file-" + made.partition('"file-')[2].partition('"')[0]
    kept = house.ask("GET", f"/proxy/files/{file_id}?integrated_account_id={house.account_id}")
    assert kept["bytes"] == len("hello from an agent")
    if framework.flags:
        assert [each[0] for each in found["results"]] == [False, False, False, True, True, False]
    if framework.pictures:
        assert [each[2] for each in found["results"]] == [0, 0, 1, 0, 0, 0]
