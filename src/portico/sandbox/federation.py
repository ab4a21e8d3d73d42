"""Workload identity: whose tokens are trusted (providers), and which service account each may act as (rules)."""

from dataclasses import dataclass

from portico.sandbox.people import accounts
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.state import Organization


@dataclass(slots=True)
class Provider:
    """`facts` are the fields that its administrator sets."""

    id: str
    facts: Json
    created_at: int
    updated_at: int

    def show(self) -> Json:
        times = {"created_at": self.created_at, "updated_at": self.updated_at}
        return {"id": self.id, "object": "organization.workload_identity_provider", **self.facts, **times}


@dataclass(slots=True)
class Rule:
    id: str
    provider_id: str
    facts: Json
    created_at: int
    updated_at: int

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "organization.workload_identity_federation_rule",
            "workload_identity_provider_id": self.provider_id,
            **self.facts,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


PROVIDERS = Kind[Provider]("workload identity provider", "idp_", organization_wide=True)
RULES = Kind[Rule]("federation rule", "idpm_", organization_wide=True)


def rules(organization: Organization) -> Collection[Rule]:
    """All rules whose service account is still there."""
    held = organization.held(RULES)
    for rule in held:
        project = organization.projects.get(rule.facts["project_id"])
        if project is None or rule.facts["service_account_id"] not in accounts(project):
            held.remove(rule.id)
    return held
