"""Names in place of ids: found exactly, then without case, and told apart where there are several."""

from typing import Any

import pytest

from tests.demo import Demo
from tests.gateways import connect_account

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROJECTS = "/v1/organization/projects"


def sentence(refusal: dict[str, Any]) -> str:
    """All that is said of what is wrong."""
    told = [f"{each['argument']}: {each['problem']} [{each.get('allowed', '')}]" for each in refusal["failures"]]
    return "\n".join(told)


async def test_name_serves_as_the_id(demo: Demo) -> None:
    value = await demo.value("get_single_openai_project_by_id", {"id": "Data-Science"})
    project = demo.project("Data-Science")
    assert value["id"] == project.id
    assert value["understood"] == {"project_id": f"Data-Science = {project.id}"}


async def test_name_is_found_without_case(demo: Demo) -> None:
    value = await demo.value("get_single_openai_project_by_id", {"id": "customer-SUPPORT-bot"})
    assert value["id"] == demo.project("Customer-Support-Bot").id


async def test_exact_name_wins_over_one_of_other_case(demo: Demo) -> None:
    for name in ("Atlas", "ATLAS"):
        await demo.value("create_a_openai_project", {"name": name})
    assert (await demo.value("get_single_openai_project_by_id", {"id": "ATLAS"}))["name"] == "ATLAS"


async def test_two_of_one_name_are_both_told(demo: Demo) -> None:
    for name in ("Atlas", "ATLAS"):
        await demo.value("create_a_openai_project", {"name": name})
    told = sentence(await demo.refusal("get_single_openai_project_by_id", {"id": "atlas"}))
    assert "'atlas' is the name of 2; give the id" in told
    assert demo.project("Atlas").id in told
    assert demo.project("ATLAS").id in told


async def test_miss_tells_what_is_near_and_which_tool_lists_all(demo: Demo) -> None:
    told = sentence(await demo.refusal("get_single_openai_project_by_id", {"id": "Data Sciense"}))
    assert told.startswith("id: 'Data Sciense' is neither an id nor a name")
    assert f"nearest: {demo.project('Data-Science').id} (Data-Science" in told
    assert "list_all_openai_projects" in told


async def test_name_of_a_child_is_looked_for_in_its_named_parent(demo: Demo) -> None:
    value = await demo.value(
        "get_single_openai_project_service_account_by_id",
        {"project_id": "Marketing-Gen", "id": "campaign-writer"},
    )
    assert value["name"] == "campaign-writer"


async def test_namesakes_are_told_apart_by_more_than_their_name(demo: Demo) -> None:
    asked = {"project_id": "Data-Science", "id": "Secret Key"}
    told = sentence(await demo.refusal("get_single_openai_project_api_key_by_id", asked))
    keys = await demo.value("list_all_openai_project_api_keys", {"project_id": "Data-Science"})
    meant = [each for each in keys["result"] if each["name"] == "Secret Key"]
    assert len(meant) == 2
    assert all(f"{each['id']} (Secret Key, {each['redacted_value']})" in told for each in meant)


async def test_thing_without_a_said_parent_is_looked_for_in_all(demo: Demo) -> None:
    asked = {"start_time": "last 7 days", "group_by": ["api_key_id"], "extra": {"api_key_ids": ["priya-notebook"]}}
    value = await demo.value("list_all_openai_completions", asked)
    assert {row["api_key_id"] for bucket in value["result"] for row in bucket["results"]} == {
        demo.key("priya-notebook").id
    }


async def test_thing_is_looked_for_only_in_the_parents_that_are_said(demo: Demo) -> None:
    asked = {
        "start_time": "last 7 days",
        "project_ids": ["Marketing-Gen"],
        "extra": {"api_key_ids": ["priya-notebook"]},
    }
    told = sentence(await demo.refusal("list_all_openai_completions", asked))
    assert "'priya-notebook' is neither an id nor a name" in told
    assert "figma-plugin" in told
    assert "zendesk-import" not in told


async def test_every_name_of_a_list_is_looked_up(demo: Demo) -> None:
    asked = {"start_time": "last 7 days", "group_by": ["project_id"], "project_ids": ["data-science", "Marketing-Gen"]}
    value = await demo.value("list_all_openai_costs", asked)
    meant = [demo.project("Data-Science").id, demo.project("Marketing-Gen").id]
    assert value["understood"]["project_ids"] == f"data-science = {meant[0]}; Marketing-Gen = {meant[1]}"
    assert {row["project_id"] for bucket in value["result"] for row in bucket["results"]} == set(meant)


async def test_rate_limit_is_called_by_its_model(demo: Demo) -> None:
    asked = {"project_id": "Data-Science", "id": "gpt-4o", "max_requests_per_1_minute": 1234}
    value = await demo.value("update_a_openai_project_rate_limit_by_id", asked)
    assert (value["model"], value["max_requests_per_1_minute"]) == ("gpt-4o", 1234)


async def test_batch_is_called_by_its_metadata(demo: Demo) -> None:
    line = (
        '{"custom_id":"1","method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":"a"}}'
    )
    file = await demo.value("create_a_openai_file", {"purpose": "batch", "file": {"text": line, "filename": "b.jsonl"}})
    asked = {"input_file_id": "b.jsonl", "endpoint": "/v1/embeddings", "completion_window": "24h"}
    made = await demo.value("create_a_openai_batch", asked | {"metadata": {"title": "Nightly labels"}})
    assert made["input_file_id"] == file["id"]
    assert (await demo.value("get_single_openai_batch_by_id", {"id": "nightly labels"}))["id"] == made["id"]


async def test_file_is_called_by_its_name_and_namesakes_by_their_time(demo: Demo) -> None:
    for _ in range(2):
        await demo.value("create_a_openai_file", {"purpose": "user_data", "file": {"text": "x", "filename": "plan.md"}})
    told = sentence(await demo.refusal("get_single_openai_file_by_id", {"id": "plan.md"}))
    assert "'plan.md' is the name of 2" in told
    assert str(demo.world.now())[:7] in told


async def test_list_is_fetched_once_for_a_minute(demo: Demo) -> None:
    for _ in range(3):
        await demo.value("get_single_openai_project_by_id", {"id": "Data-Science"})
    assert demo.listed(PROJECTS) == 1
    demo.clock.advance(seconds=61)
    await demo.value("get_single_openai_project_by_id", {"id": "Data-Science"})
    assert demo.listed(PROJECTS) == 2


@pytest.mark.parametrize("way", ["tool", "proxy", "custom"])
async def test_list_is_forgotten_when_something_is_written(demo: Demo, way: str) -> None:
    await demo.refusal("get_single_openai_project_by_id", {"id": "Fresh"})
    if way == "tool":
        await demo.value("create_a_openai_project", {"name": "Fresh"})
    elif way == "proxy":
        await demo.proxy("POST", "projects", json={"name": "Fresh"})
    else:
        await demo.custom("POST", "organization/projects", json={"name": "Fresh"})
    assert (await demo.value("get_single_openai_project_by_id", {"id": "Fresh"}))["name"] == "Fresh"


async def test_one_account_does_not_know_the_names_of_another(demo: Demo) -> None:
    other = await connect_account(demo.client, "elsewhere")
    await demo.value("get_single_openai_project_by_id", {"id": "Data-Science"})
    result = await demo.tool("get_single_openai_project_by_id", {"id": "Data-Science"}, account_id=other["id"])
    assert result["is_error"]
    assert "Customer-Support-Bot" not in str(result)
    assert "Default project" in str(result)


async def test_name_that_looks_like_an_id_is_found(demo: Demo) -> None:
    await demo.value("create_a_openai_project", {"name": "prod-vectorpipelinealpha01"})
    value = await demo.value("get_single_openai_project_by_id", {"id": "prod-vectorpipelinealpha01"})
    assert value["name"] == "prod-vectorpipelinealpha01"


async def test_id_of_an_unknown_form_is_left_to_the_vendor(demo: Demo) -> None:
    refusal = await demo.refusal("get_single_openai_project_by_id", {"id": "project_0123456789abcdefABCDEF"})
    assert refusal["status"] == 404
    assert demo.seen(f"{PROJECTS}/project_0123456789abcdefABCDEF")


async def test_id_costs_no_look_up(demo: Demo) -> None:
    await demo.value("get_single_openai_project_by_id", {"id": demo.project("Data-Science").id})
    assert demo.listed(PROJECTS) == 0


async def test_missing_parent_is_told_as_missing(demo: Demo) -> None:
    told = sentence(await demo.refusal("get_single_openai_project_service_account_by_id", {"id": "campaign-writer"}))
    assert "project_id: is required" in told


async def test_refused_look_up_says_why(demo: Demo) -> None:
    demo.fault("status=500", path=PROJECTS)
    told = sentence(await demo.refusal("list_all_openai_project_users", {"project_id": "Data-Science"}))
    assert "'Data-Science' is not an id, and names cannot be looked up" in told
