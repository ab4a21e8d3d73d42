"""What people ask an agent to do, call by call with plain tools, over MCP and over the tools endpoint.

The answers are held against the sandbox's own state. The podcast among them stands in test_files.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

import pytest

from portico.sandbox.charges import charges
from portico.sandbox.file_store import FILES
from portico.sandbox.groups import comes_through_group
from portico.sandbox.people import accounts, members, project_keys
from portico.sandbox.state import DEMO, Organization, Project
from tests.faces.mcp.speaker import Json
from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
Ask = Callable[[str, Json], Awaitable[Json]]
NOW = int(datetime(2026, 11, 18, 9, 30, 7, tzinfo=UTC).timestamp())
MONTH, DAY, NANO = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()), 86_400, 10**9
PROJECTS, COSTS = "list_all_openai_projects", "list_all_openai_costs"
numbers = count(1)


@pytest.fixture(params=["mcp", "tools"])
def ask(request: pytest.FixtureRequest, larkfield: Desk) -> Ask:
    return larkfield.mcp.value if request.param == "mcp" else larkfield.value


def organization(desk: Desk) -> Organization:
    return desk.stage.world.organizations[DEMO]


async def everything(ask: Ask, name: str, arguments: Json) -> list[Json]:
    """All pages, as an agent goes through them."""
    found: list[Json] = []
    cursor: Json = {}
    while True:
        page = await ask(name, {**arguments, **cursor})
        found += page["result"]
        if not page.get("next_cursor"):
            return found
        cursor = {"next_cursor": page["next_cursor"]}


async def costs_by_project(ask: Ask, start: str) -> Counter[str]:
    """Nano-dollars; the amounts have nine places at most."""
    buckets = await everything(ask, COSTS, {"start_time": start, "group_by": ["project_id"], "limit": 7})
    spent: Counter[str] = Counter()
    for bucket in buckets:
        for each in bucket["results"]:
            spent[each["project_id"]] += int(Decimal(str(each["amount"]["value"])) * NANO)
    return spent


def ledger(desk: Desk, start: int) -> Counter[str]:
    spent: Counter[str] = Counter()
    for each in organization(desk).all_usage():
        if start <= each.at < NOW:
            spent[each.project_id] += sum(charge.nano_dollars for charge in charges(each))
    return spent


def project_with(desk: Desk, identity: str) -> Project:
    return organization(desk).projects[identity]


async def test_who_may_use_the_project_that_spends_most(larkfield: Desk, ask: Ask) -> None:
    names = {each["id"]: each["name"] for each in await everything(ask, PROJECTS, {"limit": 4})}
    spent = await costs_by_project(ask, "month to date")
    ((dearest, amount),) = spent.most_common(1)
    in_it = await everything(ask, "list_all_openai_project_users", {"project_id": names[dearest], "limit": 2})
    machines = await everything(ask, "list_all_openai_project_service_accounts", {"project_id": names[dearest]})
    groups = await everything(ask, "list_all_openai_project_groups", {"project_id": names[dearest]})
    through = [
        each["email"]
        for group in groups
        for each in await everything(ask, "list_all_openai_group_users", {"group_id": group["group_id"]})
    ]
    right, held, project = ledger(larkfield, MONTH), organization(larkfield), project_with(larkfield, dearest)
    assert [name for name, _ in spent.most_common(3)] == [name for name, _ in right.most_common(3)]
    assert amount == right[dearest]
    direct = {held.users[each.user_id].email for each in members(held, project)}
    assert {each["email"] for each in in_it} == direct
    comes = {each.email for each in held.users.values() if comes_through_group(held, project, each.id)}
    assert set(through) == comes
    assert {each["name"] for each in machines} == {each.name for each in accounts(project)}


async def test_failed_job_older_than_a_day_and_its_validation_file(larkfield: Desk, ask: Ask) -> None:
    jobs = await everything(ask, "list_all_openai_fine_tuning_jobs", {"limit": 5})
    failed = [
        each
        for each in jobs
        if each["status"] == "failed" and each["model"] == "gpt-4o-mini" and each["created_at"] < NOW - DAY
    ]
    (job,) = failed
    told = await ask("get_single_openai_fine_tuning_job_by_id", {"id": job["id"]})
    file = await ask("get_single_openai_file_by_id", {"id": told["validation_file"]})
    # Eight days before, somebody forgot an answer in the training file; the one of today is younger than a day.
    assert file["filename"] == "calendar-validation.jsonl"
    stored = organization(larkfield).default_project.shelf.of(FILES).get(file["id"])
    assert stored.filename == file["filename"]
    assert told["error"]["message"]


async def test_keys_of_the_project_that_used_most_tokens_in_a_week(larkfield: Desk, ask: Ask) -> None:
    asked = {"start_time": "last 7 days", "group_by": ["project_id"], "limit": 3}
    used: Counter[str] = Counter()
    for bucket in await everything(ask, "list_all_openai_usage_completions", asked):
        for each in bucket["results"]:
            used[each["project_id"]] += each["input_tokens"] + each["output_tokens"]
    right: Counter[str] = Counter()
    for each in organization(larkfield).all_usage():
        if each.kind == "completions" and NOW - 7 * DAY <= each.at < NOW:
            right[each.project_id] += each.amounts["input_tokens"] + each.amounts["output_tokens"]
    assert used == right
    ((busiest, _),) = used.most_common(1)
    keys = await everything(ask, "list_all_openai_project_api_keys", {"project_id": busiest, "limit": 2})
    project = project_with(larkfield, busiest)
    assert {each["id"] for each in keys} == {each.id for each in project_keys(larkfield.stage.world, project)}


async def test_week_is_audited_against_a_budget_and_the_main_project_against_its_limits(
    larkfield: Desk, ask: Ask
) -> None:
    spent = await costs_by_project(ask, "last 7 days")
    assert spent == ledger(larkfield, NOW - 7 * DAY)
    assert spent.total() > 500 * NANO
    ((main, _),) = spent.most_common(1)
    limits = await everything(ask, "list_all_openai_project_rate_limits", {"project_id": main, "limit": 100})
    held = project_with(larkfield, main).limits.by_model
    found = {each["model"]: each["max_requests_per_1_minute"] for each in limits if each["model"] in held}
    assert found == {model: limit.requests_per_minute for model, limit in held.items()}


async def test_squad_gets_project_service_account_and_limit(larkfield: Desk, ask: Ask) -> None:
    name = f"Alpha-RAG-Testing-{next(numbers)}"
    made = await ask("create_a_openai_project", {"name": name})
    place = {"project_id": name}
    account = await ask("create_a_openai_project_service_account", {**place, "name": "Alpha-CI-CD"})
    limits = await everything(ask, "list_all_openai_project_rate_limits", {**place, "limit": 100})
    (mine,) = [each["id"] for each in limits if each["model"] == "gpt-4o"]
    asked = {**place, "id": mine, "max_requests_per_1_minute": 500}
    await ask("update_a_openai_project_rate_limit_by_id", asked)
    project = project_with(larkfield, made["id"])
    assert [each.name for each in accounts(project)] == ["Alpha-CI-CD"]
    assert account["api_key"]["value"] in {each.secret for each in project_keys(larkfield.stage.world, project)}
    assert {model: limit.requests_per_minute for model, limit in project.limits.by_model.items()} == {"gpt-4o": 500}
