"""Workload identity providers and their federation rules."""

from typing import Any

import openai
import pytest
from bare_http import Caller
from colleagues import log, varied
from openai.resources.admin.organization import Organization
from openai.types.admin.organization import WorkloadIdentityProvider

GITHUB: dict[str, Any] = {
    "type": "oidc",
    "name": "GitHub",
    "issuer": "https://token.actions.githubusercontent.com",
    "audience": "https://api.test.example",
}
PATH = "/v1/organization/workload_identity_providers"


@pytest.fixture
def provider(administration: Organization) -> WorkloadIdentityProvider:
    return administration.workload_identity_providers.create(**GITHUB)


def account(administration: Organization, name: str = "ci") -> tuple[str, str]:
    """A project with a service account."""
    project = administration.projects.create(name="Alpha").id
    return project, administration.projects.service_accounts.create(project, name=name).id


def test_provider_lives_its_life(administration: Organization, provider: WorkloadIdentityProvider) -> None:
    providers = administration.workload_identity_providers
    assert (provider.enabled, provider.description, provider.attribute_transformations) == (True, None, [])
    assert provider.verification.type == "discovery"
    assert providers.retrieve(provider.id) == provider
    changed = providers.update(
        provider.id,
        enabled=False,
        description="Builds",
        attribute_transformations=[{"attribute": "repository", "expression": "claims.repository"}],
        verification={"type": "uploaded_jwks", "jwks": {"keys": []}},
    )
    assert (changed.enabled, changed.description, changed.name) == (False, "Builds", "GitHub")
    assert changed.attribute_transformations[0].attribute == "repository"
    assert changed.verification.type == "uploaded_jwks"
    assert providers.update(provider.id, description=None).description is None
    assert providers.delete(provider.id).deleted
    with pytest.raises(openai.NotFoundError):
        providers.retrieve(provider.id)
    kind = "workload_identity_provider"
    assert log(administration, 4) == [f"{kind}.created", f"{kind}.updated", f"{kind}.updated", f"{kind}.deleted"]


def test_providers_are_paged(administration: Organization) -> None:
    providers = administration.workload_identity_providers
    made = [providers.create(**varied(GITHUB, name=f"P{place}")).id for place in range(3)]
    assert [held.id for held in providers.list(limit=2)] == made[::-1]
    assert [held.id for held in providers.list(limit=1, order="asc")] == made


def test_rule_lives_its_life(administration: Organization, provider: WorkloadIdentityProvider) -> None:
    project, account_id = account(administration)
    rules = administration.workload_identity_providers.federation_rules
    rule = rules.create(
        provider.id,
        project_id=project,
        service_account_id=account_id,
        attribute_matchers={"repository": "acme/app", "run_attempt": 1, "protected": True},
    )
    assert (rule.workload_identity_provider_id, rule.enabled, rule.name) == (provider.id, True, None)
    assert rule.attribute_matchers == {"repository": "acme/app", "run_attempt": 1, "protected": True}
    assert rule.permissions.type == "service_account_default"
    assert rules.retrieve(rule.id, workload_identity_provider_id=provider.id) == rule
    changed = rules.update(
        rule.id,
        workload_identity_provider_id=provider.id,
        name="Builds",
        permissions={"type": "restricted", "scopes": ["api.files.read"]},
    )
    assert (changed.name, changed.permissions.type) == ("Builds", "restricted")
    assert rules.update(rule.id, workload_identity_provider_id=provider.id, name=None).name is None
    assert rules.delete(rule.id, workload_identity_provider_id=provider.id).deleted
    assert list(rules.list(provider.id)) == []
    (event,) = administration.audit_logs.list(limit=1).data
    assert event.type == "workload_identity_provider_mapping.deleted"
    assert event.workload_identity_provider_mapping_deleted is not None
    assert event.workload_identity_provider_mapping_deleted.service_account_id == account_id
    assert event.project is not None
    assert event.project.id == project


def test_rules_are_paged_and_found_by_account(administration: Organization, provider: WorkloadIdentityProvider) -> None:
    rules = administration.workload_identity_providers.federation_rules
    places = [account(administration) for _ in range(3)]
    made = [
        rules.create(provider.id, project_id=project, service_account_id=held, attribute_matchers={"sub": held}).id
        for project, held in places
    ]
    assert [rule.id for rule in rules.list(provider.id, limit=2)] == made[::-1]
    assert [rule.id for rule in rules.list(provider.id, service_account_id=places[1][1])] == [made[1]]
    other = administration.workload_identity_providers.create(**varied(GITHUB, name="Other"))
    assert list(rules.list(other.id)) == []
    with pytest.raises(openai.NotFoundError):
        rules.retrieve(made[0], workload_identity_provider_id=other.id)


def test_rule_goes_with_its_account_and_its_provider(
    administration: Organization, provider: WorkloadIdentityProvider
) -> None:
    rules = administration.workload_identity_providers.federation_rules
    (project, held), (beta, kept) = account(administration), account(administration)
    for place, owner in ((project, held), (beta, kept)):
        rules.create(provider.id, project_id=place, service_account_id=owner, attribute_matchers={"sub": "x"})
    administration.projects.service_accounts.delete(held, project_id=project)
    assert [rule.service_account_id for rule in rules.list(provider.id)] == [kept]
    administration.workload_identity_providers.delete(provider.id)
    with pytest.raises(openai.NotFoundError):
        rules.list(provider.id)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"type": "saml"}, "type"),
        ({"name": None}, "name"),
        ({"issuer": "http://plain.example"}, "issuer"),
        ({"audience": ""}, "audience"),
        ({"verification": {"type": "guess"}}, "verification.type"),
        ({"verification": {"type": "uploaded_jwks", "jwks": {}}}, "verification.jwks.keys"),
        ({"attribute_transformations": [{"attribute": "x"}]}, "attribute_transformations[0].expression"),
    ],
)
def test_provider_that_makes_no_sense_is_refused(admin_call: Caller, change: dict[str, Any], param: str) -> None:
    got = admin_call("POST", PATH, {**GITHUB, **change})
    assert (got.status, got.error["param"]) == (400, param)


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"attribute_matchers": {}}, 400, "attribute_matchers"),
        ({"attribute_matchers": {"sub": ["x"]}}, 400, "attribute_matchers.sub"),
        ({"service_account_id": "svc_acct_none"}, 404, "id"),
        ({"project_id": "proj_none"}, 404, "id"),
        ({"permissions": {"type": "restricted", "scopes": []}}, 400, "permissions.scopes"),
        ({"permissions": {"type": "all"}}, 400, "permissions.type"),
    ],
)
def test_rule_that_makes_no_sense_is_refused(
    administration: Organization,
    admin_call: Caller,
    provider: WorkloadIdentityProvider,
    change: dict[str, Any],
    status: int,
    param: str,
) -> None:
    project, held = account(administration)
    body = {"project_id": project, "service_account_id": held, "attribute_matchers": {"sub": "x"}, **change}
    got = admin_call("POST", f"{PATH}/{provider.id}/federation_rules", body)
    assert (got.status, got.error["param"]) == (status, param)
