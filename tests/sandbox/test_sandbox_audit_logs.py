"""The audit log tells of every administrative change, and its filters find it again."""

import pytest
from bare_http import Caller
from certificate_maker import pem
from openai.resources.admin.organization import Organization

from portico.sandbox.state import World


def told(administration: Organization, **filters: object) -> list[str]:
    """The types of the entries that pass, oldest first."""
    return [event.type for event in administration.audit_logs.list(**filters)][::-1]  # pyright: ignore[reportArgumentType] -- the client narrows what the wire takes


def test_every_change_is_told(administration: Organization, world: World) -> None:
    projects = administration.projects
    project = projects.create(name="Alpha").id
    projects.update(project, name="Beta")
    account = projects.service_accounts.create(project, name="bot")
    projects.service_accounts.update(account.id, project_id=project, role="owner")
    assert account.api_key is not None
    projects.api_keys.update(account.api_key.id, project_id=project, scopes=["api.all.read"])
    projects.service_accounts.delete(account.id, project_id=project)
    projects.rate_limits.update_rate_limit("rl-gpt-4o", project_id=project, max_requests_per_1_minute=9)
    owner = world.organization("test").owner.id
    projects.users.update(owner, project_id=project, role="member")
    projects.users.delete(owner, project_id=project)
    projects.users.create(project, user_id=owner, role="owner")
    certificate = administration.certificates.create(certificate=pem(), name="c").id
    projects.certificates.activate(project, certificate_ids=[certificate])
    projects.certificates.deactivate(project, certificate_ids=[certificate])
    administration.certificates.update(certificate, name="d")
    administration.certificates.delete(certificate)
    invite = administration.invites.create(email="x@y.example", role="reader").id
    administration.invites.delete(invite)
    key = administration.admin_api_keys.create(name="robot").id
    administration.admin_api_keys.delete(key)
    administration.users.update(owner, technical_level="expert")
    projects.archive(project)
    assert told(administration) == [
        "project.created",
        "project.updated",
        "service_account.created",
        "api_key.created",
        "service_account.updated",
        "api_key.updated",
        "service_account.deleted",
        "rate_limit.updated",
        "user.updated",
        "user.deleted",
        "user.added",
        "certificate.created",
        "certificates.activated",
        "certificates.deactivated",
        "certificate.updated",
        "certificate.deleted",
        "invite.sent",
        "invite.deleted",
        "api_key.created",
        "api_key.deleted",
        "user.updated",
        "project.archived",
    ]


def test_entry_names_actor_project_and_change(admin_call: Caller, administration: Organization, world: World) -> None:
    project = administration.projects.create(name="Alpha")
    administration.projects.rate_limits.update_rate_limit(
        "rl-gpt-4o", project_id=project.id, max_requests_per_1_minute=9, max_tokens_per_1_minute=99
    )
    owner = world.organization("test").owner
    entry = admin_call("GET", "/v1/organization/audit_logs?event_types[]=rate_limit.updated").json["data"][0]
    assert entry["id"].startswith("audit_log-")
    assert entry["project"] == {"id": project.id, "name": "Alpha"}
    assert entry["actor"]["type"] == "api_key"
    assert entry["actor"]["api_key"]["user"] == {"id": owner.id, "email": owner.email}
    assert entry["rate_limit.updated"] == {
        "id": "rl-gpt-4o",
        "changes_requested": {"max_requests_per_1_minute": 9, "max_tokens_per_1_minute": 99},
    }


def test_entries_are_found_by_what_they_tell(administration: Organization, sandbox_url: str, world: World) -> None:
    first, second = (administration.projects.create(name=name).id for name in ("A", "B"))
    account = administration.projects.service_accounts.create(second, name="bot").id
    robot = administration.admin_api_keys.create(name="robot")
    Caller(sandbox_url, robot.value)("DELETE", f"/v1/organization/projects/{second}/service_accounts/{account}")
    owner = world.organization("test").owner
    assert told(administration, project_ids=[first]) == ["project.created"]
    assert told(administration, project_ids=[first, second]) == [
        "project.created",
        "project.created",
        "service_account.created",
        "api_key.created",
        "service_account.deleted",
    ]
    assert told(administration, resource_ids=[account]) == ["service_account.created", "service_account.deleted"]
    assert told(administration, actor_ids=[robot.id]) == ["service_account.deleted"]
    assert len(told(administration, actor_ids=[owner.id])) == 6
    assert len(told(administration, actor_emails=[owner.email.upper()])) == 6
    assert told(administration, actor_emails=["no@where.example"]) == []
    types = ["service_account.deleted", "api_key.created"]
    assert told(administration, event_types=types) == ["api_key.created", "api_key.created", "service_account.deleted"]


def test_entries_are_found_by_time(administration: Organization, world: World) -> None:
    world.turn_to(1_800_000_000.5)
    for name in ("A", "B", "C"):
        administration.projects.create(name=name)
        world.advance(100)
    first = 1_800_000_000
    assert len(told(administration, effective_at={"gt": first})) == 2
    assert len(told(administration, effective_at={"gte": first})) == 3
    assert len(told(administration, effective_at={"lt": first + 100})) == 1
    assert len(told(administration, effective_at={"lte": first + 100})) == 2
    assert len(told(administration, effective_at={"gt": first, "lt": first + 200})) == 1


def test_log_can_be_paged_both_ways(administration: Organization, admin_call: Caller) -> None:
    for place in range(6):
        administration.projects.create(name=f"P{place}")
    path = "/v1/organization/audit_logs"
    everything = [entry["id"] for entry in admin_call("GET", path).json["data"]]
    first = admin_call("GET", f"{path}?limit=2").json
    assert (first["first_id"], first["last_id"], first["has_more"]) == (everything[0], everything[1], True)
    assert [event.id for event in administration.audit_logs.list(limit=2)] == everything
    back = admin_call("GET", f"{path}?limit=2&before={everything[4]}").json
    assert [entry["id"] for entry in back["data"]] == everything[2:4]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("event_types[]=nothing.happened", "event_types"),
        ("event_types[]=tenant.user.added", "event_types"),
        ("event_types[]=role.bound_to_resource", "event_types"),
        ("event_types[]=project.created&tenant_only=true", "event_types"),
        ("effective_at[gt]=yesterday", "effective_at[gt]"),
        ("effective_at[around]=5", "effective_at[around]"),
        ("tenant_only=maybe", "tenant_only"),
        ("limit=101", "limit"),
    ],
)
def test_bad_filters_are_refused(admin_call: Caller, query: str, param: str) -> None:
    got = admin_call("GET", f"/v1/organization/audit_logs?{query}")
    assert (got.status, got.error["param"]) == (400, param)


def test_events_of_the_tenant_are_told_apart(demo: Organization) -> None:
    assert told(demo, tenant_only=True) == ["tenant.sso_connection.created"]
    assert "tenant.sso_connection.created" not in told(demo, limit=100)
