"""Agents' programs, headless, with a model that does what it is told: what their models see, and what they do here.

No account and no network: each is pointed at a stub of its vendor's API. Their settings are our own snippets.
"""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from portico.toolbox.clients import snippets
from tests.outside.client_envs import NotInstallable, node_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import NAMES, Job, job_in, run
from tests.outside.stub_model import LAST_WORDS, Step, StubModel, model

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
STEPS = ("read", "write", "error", "large")


@pytest.fixture(scope="module")
def job(mcp_house: House) -> Job:
    return job_in(mcp_house)


def program(env: str, name: str) -> list[str]:
    try:
        found = node_env(env)
    except NotInstallable as problem:
        pytest.skip(str(problem))
    if env == "claude-code":  # a program of its own, not one for Node
        return [str((found.folder / "node_modules" / ".bin" / name).resolve())]
    return found.program(name)


def steps_of(job: Job, client: str, prefix: str = "") -> list[Step]:
    asked = job.asked(client)
    return [(prefix + asked[step][0], asked[step][1]) for step in STEPS]


def snippet(job: Job, client: str) -> str:
    """What we tell people to type or paste for this client."""
    return next(each.text for each in snippets(job.url, "portico", ["address"]) if each.client == client)


def own(folder: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(folder), "CI": "1", **more}


def check(job: Job, client: str, stub: StubModel, answers: Sequence[Any]) -> None:
    """The model was offered the tools and told about the server, and was shown each result in the end."""
    read, write, error, large = (json.dumps(each, ensure_ascii=False) for each in answers)
    assert "OpenAI account of larkfield" in stub.text()
    assert "gpt-4o" in read
    assert f"made by {client}" in write
    assert "Take id from list_all_openai_files" in error
    assert "items fit" in large
    job.check_written(client)


def test_claude_code_finds_the_tools_and_calls_them(job: Job, tmp_path: Path) -> None:
    """It keeps definitions back until its model searches for them."""
    claude = program("claude-code", "claude")
    wanted = ",".join(f"mcp__portico__{name}" for name in sorted(NAMES))
    search: Step = ("ToolSearch", {"query": f"select:{wanted}", "max_results": 10})
    with model([search, *steps_of(job, "claude-code", "mcp__portico__")]) as stub:
        environment = own(
            tmp_path, ANTHROPIC_BASE_URL=stub.url, ANTHROPIC_API_KEY="stub", DISABLE_AUTOUPDATER="1",
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        )  # fmt: skip
        run([*claude, *shlex.split(snippet(job, "claude-code"))[1:]], tmp_path, **environment)
        assert "Connected" in run([*claude, "mcp", "list"], tmp_path, **environment)
        said = run([*claude, "-p", "Do all steps.", "--allowedTools", "mcp__portico"], tmp_path, **environment)
    assert LAST_WORDS in said
    check(job, "claude-code", stub, stub.answers()[1:])
    assert [bool(each.get("is_error")) for each in stub.answers()[1:]] == [False, False, True, False]


def test_codex_calls_the_tools(job: Job, tmp_path: Path) -> None:
    codex = program("codex", "codex")
    with model(steps_of(job, "codex")) as stub:
        (tmp_path / ".codex").mkdir()
        settings = f"""
model = "stub"
model_provider = "stub"
[model_providers.stub]
name = "stub"
base_url = "{stub.url}/v1"
wire_api = "responses"
env_key = "STUB_KEY"
{snippet(job, "codex")}
"""
        (tmp_path / ".codex" / "config.toml").write_text(settings)
        words = ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "Do all steps."]
        said = run([*codex, *words], tmp_path, **own(tmp_path, STUB_KEY="stub"))
    assert LAST_WORDS in said
    assert {f"mcp__portico.{name}" for name in NAMES} <= stub.tool_names()
    check(job, "codex", stub, stub.answers())


def test_codex_asks_before_a_tool_that_changes_something(job: Job, tmp_path: Path) -> None:
    """It goes by the tools' annotations: with nobody there to ask, what reads is run and what changes is not."""
    codex = program("codex", "codex")
    with model(steps_of(job, "codex-alone")[:2]) as stub:
        (tmp_path / ".codex").mkdir()
        settings = f"""
model = "stub"
model_provider = "stub"
approval_policy = "never"
[model_providers.stub]
name = "stub"
base_url = "{stub.url}/v1"
wire_api = "responses"
env_key = "STUB_KEY"
{snippet(job, "codex")}
"""
        (tmp_path / ".codex" / "config.toml").write_text(settings)
        run([*codex, "exec", "--skip-git-repo-check", "Do it."], tmp_path, **own(tmp_path, STUB_KEY="stub"))
    read, write = map(json.dumps, stub.answers())
    assert "gpt-4o" in read
    assert "requires approval" in write


def test_gemini_cli_calls_the_tools(job: Job, tmp_path: Path) -> None:
    gemini = program("gemini-cli", "gemini")
    settings = json.loads(snippet(job, "gemini-cli"))
    settings |= {"security": {"auth": {"selectedType": "gemini-api-key"}}, "general": {"enableAutoUpdate": False}}
    (tmp_path / ".gemini").mkdir()
    (tmp_path / ".gemini" / "settings.json").write_text(json.dumps(settings))
    with model(steps_of(job, "gemini-cli")) as stub:
        environment = own(tmp_path, GEMINI_API_KEY="stub", GOOGLE_GEMINI_BASE_URL=stub.url)
        words = ["-p", "Do all steps.", "--yolo", "--skip-trust", "-m", "gemini-2.5-pro"]
        said = run([*gemini, *words], tmp_path, **environment)
    assert LAST_WORDS in said
    assert {f"mcp_portico_{name}" for name in NAMES} <= stub.tool_names()
    check(job, "gemini-cli", stub, stub.answers())
