"""The unmodified official SDK through passthrough: the organization's administration, with the account's other key."""

from urllib.parse import unquote

import pytest
from openai import OpenAI

from tests.outside.sdk import Sdk, every, settled
from tests.served import Served

pytestmark = pytest.mark.outside


async def test_projects_are_made_changed_and_archived(both: Sdk) -> None:
    projects = both.ask.admin.organization.projects
    made = await settled(projects.create(name="Alpha"))
    changed = await settled(projects.update(made.id, name="Beta"))
    assert changed.name == "Beta"
    assert made.id in {each.id for each in await every(projects.list())}
    assert (await settled(projects.archive(made.id))).status == "archived"


async def test_users_are_listed_and_changed(both: Sdk) -> None:
    users = both.ask.admin.organization.users
    found = await every(users.list())
    assert [each.email for each in found] == ["owner@stage.example"]
    changed = await settled(users.update(found[0].id, technical_level="expert"))
    assert (changed.id, changed.technical_level) == (found[0].id, "expert")


async def test_a_service_account_comes_with_a_key_that_works(both: Sdk, house: Served) -> None:
    projects = both.ask.admin.organization.projects
    project = await settled(projects.create(name="Alpha"))
    made = await settled(projects.service_accounts.create(project.id, name="bot"))
    assert made.api_key
    with OpenAI(base_url=house.direct, api_key=made.api_key.value) as client:
        assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    assert [each.id for each in await every(projects.service_accounts.list(project.id))] == [made.id]
    await settled(projects.service_accounts.delete(made.id, project_id=project.id))


async def test_usage_tells_of_the_calls_made_through_the_same_door(both: Sdk, house: Served) -> None:
    await settled(both.ask.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Say: one"}]))
    day = house.world.now() - 86_400
    report = await settled(
        both.ask.admin.organization.usage.completions(start_time=day, group_by=["model", "project_id"], limit=2)
    )
    rows = [row for bucket in report.data for row in bucket.results]
    assert sum(row.num_model_requests for row in rows if row.object == "organization.usage.completions.result") == 1


async def test_costs_come_in_buckets(both: Sdk, house: Served) -> None:
    report = await settled(both.ask.admin.organization.usage.costs(start_time=house.world.now() - 7 * 86_400, limit=7))
    assert report.data
    assert all(bucket.end_time > bucket.start_time for bucket in report.data)


async def test_audit_logs_are_filtered_by_brackets(both: Sdk, house: Served) -> None:
    projects = both.ask.admin.organization.projects
    project = await settled(projects.create(name="Alpha"))
    await settled(projects.update(project.id, name="Beta"))
    since = house.world.now() - 60
    found = await every(
        both.ask.admin.organization.audit_logs.list(
            event_types=["project.updated", "project.archived"], effective_at={"gt": since}, limit=5
        )
    )
    assert [each.type for each in found] == ["project.updated"]
    asked = unquote(house.world.requests[-1].query)
    assert f"effective_at[gt]={since}" in asked
    assert asked.count("event_types[]=") == 2


async def test_the_address_decides_which_of_the_accounts_keys_goes_out(both: Sdk, house: Served) -> None:
    await settled(both.ask.models.list())
    await settled(both.ask.admin.organization.projects.list())
    sent = [dict(entry.headers)["authorization"].partition(" ")[2] for entry in house.world.requests]
    keys = [house.world.keys.with_id(key_id) for key_id in sent]
    assert [key.kind for key in keys if key] == ["project", "admin"]
