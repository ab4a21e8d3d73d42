"""The agents of docs/examples/agents as their readers run them, against an OpenAI that really limits."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portico.sandbox.ledger import Entry
from portico.sandbox.limits import Bucket, Limit
from tests.outside.client_envs import NotInstallable, python_env
from tests.outside.mcp_house import House
from tests.outside.mcp_jobs import run

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "agents"
MODEL, JUDGE = "gpt-4o-mini", "omni-moderation-latest"
# One every two seconds.
LIMIT = Limit(requests_per_minute=30)
COMMENTS = {"What a lovely garden!": "shown", "Shut up, you idiot": "hidden", "Do you deliver on Sundays?": "shown"}
PAUSE = re.compile(r"^429: a pause of (\d+) seconds$", re.MULTILINE)


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return python_env("adapters")
    except NotInstallable as problem:
        pytest.skip(str(problem))


@contextmanager
def exhausted(house: House, *models: str) -> Generator[None]:
    """The project has just used up what these models give in a minute, however long it takes until it asks again."""
    project = house.world.organization("demo").default_project
    later = house.world.time() + 3600  # nothing is refilled before the first request
    for model in models:
        project.limits.set(model, LIMIT)
        full = Bucket(float(LIMIT.tokens_per_minute), later)
        project.limits.buckets[model] = (Bucket(0.0, later), full)
    try:
        yield
    finally:
        for model in models:
            project.limits.by_model.pop(model)
            project.limits.buckets.pop(model)


def made(house: House, path: str) -> list[int]:
    """The statuses of the requests to this path."""
    entries: list[Entry] = [each for each in house.world.requests if each.raw_path.partition("?")[0] == path]
    return [each.status for each in entries]


@pytest.mark.parametrize(
    ("program", "model_path"),
    [("langgraph_agent.py", "/v1/chat/completions"), ("openai_agents_sdk.py", "/v1/responses")],
)
def test_an_agent_pauses_and_goes_on_from_the_same_state(
    mcp_house: House, python: Path, program: str, model_path: str, tmp_path: Path
) -> None:
    """Model and tool are refused for a while; no call that worked is made again, and nothing is said twice."""
    known = {
        "PORTICO_URL": mcp_house.url,
        "PORTICO_TOKEN": mcp_house.token,
        "PORTICO_ACCOUNT": mcp_house.account_id,
        "PYTHONPATH": str(ROOT / "client" / "src"),
        "HOME": str(tmp_path),
    }
    mcp_house.world.requests.clear()
    with exhausted(mcp_house, MODEL, JUDGE):
        said = run([str(python), str(EXAMPLES / program)], tmp_path, **known)
    pauses = [int(seconds) for seconds in PAUSE.findall(said)]
    assert pauses
    assert set(pauses) <= {1, 2}
    for comment, verdict in COMMENTS.items():
        assert f"{verdict}: {comment}" in said.splitlines()
    assert said.splitlines()[-1].startswith(f"{4 * len(COMMENTS)} ")
    statuses = made(mcp_house, "/v1/moderations")
    assert statuses.count(200) == len(COMMENTS)
    asked = made(mcp_house, model_path)
    assert asked.count(429) + statuses.count(429) == len(pauses)
    assert 429 in asked
    assert 429 in statuses
