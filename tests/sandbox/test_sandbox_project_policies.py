"""Which models, hosted tools and service tiers a project may use, and what may be retained of its calls."""

from typing import Any

import openai
import pytest
from bare_http import Caller
from colleagues import log
from openai import OpenAI
from openai.resources.admin.organization import Organization

from portico.sandbox.roster import TUNED, Model
from portico.sandbox.state import World

HI: list[Any] = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def project(world: World) -> str:
    """The project of `client` and `call`."""
    return world.organization("test").default_project.id


def test_model_permissions_live_their_life(administration: Organization, project: str) -> None:
    permissions = administration.projects.model_permissions
    with pytest.raises(openai.NotFoundError):
        permissions.retrieve(project)
    made = permissions.update(project, mode="deny_list", model_ids=["o3", "o3"])
    assert (made.mode, made.api_model_ids) == ("deny_list", ["o3"])
    assert permissions.retrieve(project) == made
    assert permissions.delete(project).deleted
    with pytest.raises(openai.NotFoundError):
        permissions.retrieve(project)
    # Deleting them again does no harm and is no event.
    assert permissions.delete(project).deleted
    assert log(administration, 2) == ["project.updated", "project.updated"]


@pytest.mark.parametrize(("mode", "status"), [("allow_list", {"gpt-4o": 200, "gpt-4.1": 403}), ("deny_list", {})])
def test_models_that_are_not_permitted_refuse(
    administration: Organization, call: Caller, project: str, mode: Any, status: dict[str, int]
) -> None:
    administration.projects.model_permissions.update(project, mode=mode, model_ids=["gpt-4o"])
    for model, wanted in (status or {"gpt-4o": 403, "gpt-4.1": 200}).items():
        got = call("POST", "/v1/chat/completions", {"model": model, "messages": HI})
        assert got.status == wanted
        assert call("POST", "/v1/responses", {"model": model, "input": "Hi"}).status == wanted
        assert call("GET", f"/v1/models/{model}").status == wanted
        listed = [each["id"] for each in call("GET", "/v1/models").json["data"]]
        assert (model in listed) == (wanted == 200)
        if wanted == 403:
            assert got.error["code"] == "model_not_found"
            assert project in got.error["message"]


def test_unknown_model_stays_unknown(administration: Organization, call: Caller, project: str) -> None:
    administration.projects.model_permissions.update(project, mode="allow_list", model_ids=["gpt-4o"])
    assert call("POST", "/v1/embeddings", {"model": "gpt-99", "input": "x"}).status == 404
    assert call("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}).status == 403


def test_fine_tuned_model_follows_its_base(
    administration: Organization, client: OpenAI, call: Caller, project: str, world: World
) -> None:
    held = world.organization("test").default_project
    held.shelf.of(TUNED).add("ft:gpt-4o:acme::1", Model("ft:gpt-4o:acme::1", 1, "chat", "acme", base="gpt-4o"))
    administration.projects.model_permissions.update(project, mode="allow_list", model_ids=["gpt-4o"])
    assert client.chat.completions.create(model="ft:gpt-4o:acme::1", messages=HI).choices
    administration.projects.model_permissions.update(project, mode="deny_list", model_ids=["ft:gpt-4o:acme::1"])
    assert call("POST", "/v1/chat/completions", {"model": "ft:gpt-4o:acme::1", "messages": HI}).status == 403
    assert call("POST", "/v1/chat/completions", {"model": "gpt-4o", "messages": HI}).status == 200


def test_hosted_tools_are_switched_one_by_one(administration: Organization, project: str) -> None:
    tools = administration.projects.hosted_tool_permissions
    assert {name: each["enabled"] for name, each in tools.retrieve(project).model_dump().items()} == {
        "file_search": True,
        "web_search": True,
        "image_generation": True,
        "mcp": True,
        "code_interpreter": True,
    }
    changed = tools.update(project, mcp={"enabled": False}, web_search={"enabled": False}, file_search=None)
    assert (changed.mcp.enabled, changed.web_search.enabled, changed.file_search.enabled) == (False, False, True)
    assert tools.update(project, mcp={"enabled": True}).mcp.enabled
    assert not tools.retrieve(project).web_search.enabled


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("web_search", {"type": "web_search_preview"}),
        ("mcp", {"type": "mcp", "server_label": "x", "server_url": "https://x.example"}),
        ("code_interpreter", {"type": "code_interpreter", "container": {"type": "auto"}}),
        ("image_generation", {"type": "image_generation"}),
    ],
)
def test_tool_that_is_switched_off_refuses(
    administration: Organization, call: Caller, project: str, name: str, tool: dict[str, Any]
) -> None:
    function: dict[str, Any] = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
    body: dict[str, Any] = {"model": "gpt-4o", "input": "Hi", "tools": [function, tool]}
    assert call("POST", "/v1/responses", body).status == 200
    off: Any = {name: {"enabled": False}}
    administration.projects.hosted_tool_permissions.update(project, **off)
    got = call("POST", "/v1/responses", body)
    assert (got.status, got.error["param"]) == (403, "tools[1].type")
    assert call("POST", "/v1/responses", {**body, "tools": [function]}).status == 200


def test_search_of_a_chat_and_tools_of_a_run_refuse_too(
    administration: Organization, call: Caller, project: str
) -> None:
    beta: dict[str, str | None] = {"openai-beta": "assistants=v2"}
    body = {"model": "gpt-4o", "tools": [{"type": "code_interpreter"}]}
    assistant = call("POST", "/v1/assistants", body, beta).json["id"]
    administration.projects.hosted_tool_permissions.update(
        project, code_interpreter={"enabled": False}, web_search={"enabled": False}
    )
    chat: dict[str, Any] = {"model": "gpt-4o", "messages": HI, "web_search_options": {}}
    assert call("POST", "/v1/chat/completions", chat).status == 403
    run = {"assistant_id": assistant, "thread": {"messages": HI}}
    assert call("POST", "/v1/threads/runs", run, beta).status == 403
    assert call("POST", "/v1/threads/runs", {**run, "tools": []}, beta).status == 200


def test_service_tiers_are_set_and_served(administration: Organization, client: OpenAI, project: str) -> None:
    tiers = administration.projects.service_tier_settings
    first = tiers.retrieve(project)
    assert (first.default, first.enabled_tiers) == ("standard", "all")
    assert client.chat.completions.create(model="gpt-4o", messages=HI).service_tier == "default"
    changed = tiers.update(project, default="fast", enabled_tiers=["fast"])
    assert (changed.default, changed.enabled_tiers) == ("fast", ["fast"])
    assert tiers.update(project, default="fast").enabled_tiers == ["fast"]
    assert client.chat.completions.create(model="gpt-4o", messages=HI).service_tier == "priority"
    assert client.responses.create(model="gpt-4o", input="Hi", service_tier="auto").service_tier == "priority"
    assert client.responses.create(model="gpt-4o", input="Hi", service_tier="default").service_tier == "default"
    with pytest.raises(openai.BadRequestError, match="service_tier"):
        client.responses.create(model="gpt-4o", input="Hi", service_tier="flex")
    assert log(administration, 2) == ["project.updated", "project.updated"]


def test_tier_shows_in_the_reports_and_the_costs(administration: Organization, client: OpenAI, world: World) -> None:
    start = world.now() - 60
    for tier in ("default", "priority"):
        client.chat.completions.create(model="gpt-4o", messages=HI, service_tier=tier)
    page = administration.usage.completions(start_time=start, group_by=["service_tier"])
    results: list[Any] = page.data[0].results
    assert {result.service_tier: result.num_model_requests for result in results} == {"default": 1, "priority": 1}
    costs: list[Any] = administration.usage.costs(start_time=start, group_by=["line_item"]).data[0].results
    amounts = {cost.line_item: cost.amount.value for cost in costs}
    assert amounts["gpt-4o, output (priority)"] == 2 * amounts["gpt-4o, output"]


def test_zero_retention_makes_store_mean_nothing(
    administration: Organization, client: OpenAI, call: Caller, project: str
) -> None:
    assert administration.data_retention.retrieve().type == "modified_abuse_monitoring"
    assert administration.projects.data_retention.retrieve(project).type == "organization_default"
    kept = client.responses.create(model="gpt-4o", input="Hi")
    assert client.responses.retrieve(kept.id).id == kept.id
    administration.data_retention.update(retention_type="zero_data_retention")
    fleeting = client.responses.create(model="gpt-4o", input="Hi", store=True)
    assert call("GET", f"/v1/responses/{fleeting.id}").status == 404
    client.chat.completions.create(model="gpt-4o", messages=HI, store=True)
    assert list(client.chat.completions.list()) == []
    # The project's own word counts more than the organization's.
    assert administration.projects.data_retention.update(project, retention_type="none").type == "none"
    client.chat.completions.create(model="gpt-4o", messages=HI, store=True)
    assert len(list(client.chat.completions.list())) == 1
    assert log(administration, 2) == ["organization.updated", "project.updated"]


@pytest.mark.parametrize(
    ("name", "body", "param"),
    [
        ("model_permissions", {"mode": "allow_list"}, "model_ids"),
        ("model_permissions", {"mode": "some", "model_ids": []}, "mode"),
        ("model_permissions", {"mode": "allow_list", "model_ids": ["gpt-4o", "gpt-99"]}, "model_ids[1]"),
        ("hosted_tool_permissions", {"mcp": {}}, "mcp.enabled"),
        ("hosted_tool_permissions", {"mcp": {"enabled": "no"}}, "mcp.enabled"),
        ("hosted_tool_permissions", {"computer": {"enabled": True}}, "computer"),
        ("service_tier_settings", {"default": "slow"}, "default"),
        ("service_tier_settings", {"enabled_tiers": ["priority"]}, "enabled_tiers[0]"),
        ("service_tier_settings", {"enabled_tiers": "some"}, "enabled_tiers"),
        ("service_tier_settings", {"default": "fast", "enabled_tiers": []}, "default"),
        ("data_retention", {"retention_type": "forever"}, "retention_type"),
        ("data_retention", {}, "retention_type"),
    ],
)
def test_what_makes_no_sense_is_refused(
    admin_call: Caller, project: str, name: str, body: dict[str, Any], param: str
) -> None:
    got = admin_call("POST", f"/v1/organization/projects/{project}/{name}", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_organization_has_no_default_to_fall_back_to(admin_call: Caller) -> None:
    got = admin_call("POST", "/v1/organization/data_retention", {"retention_type": "organization_default"})
    assert got.error["param"] == "retention_type"
