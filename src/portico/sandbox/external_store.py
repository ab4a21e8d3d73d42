"""What customers keep in clouds of their own: keys that encrypt (external keys) and buckets that store.

Nothing is reached from here. A check looks at the name that the thing has in its cloud: `unreachable` in it fails.
"""

from dataclasses import dataclass

from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.state import Organization

UNREACHABLE, SLOW = "unreachable", "slow"
# Where each kind of key has its name.
KEY_NAMES = {"aws": "kms_arn", "gcp": "kms_key_name", "azure": "key_name", "oci": "key_ocid"}


@dataclass(frozen=True, slots=True)
class ExternalKey:
    """`where` holds the fields that only its cloud has."""

    id: str
    name: str
    kind: str
    purpose: str
    created_at: int
    where: Json

    def projects(self, organization: Organization) -> list[str]:
        """The ids of the projects that are encrypted with it."""
        return [project.id for project in organization.projects.values() if project.external_key_id == self.id]

    def show(self, organization: Organization) -> Json:
        return {
            "id": self.id,
            "object": "organization.external_key",
            "name": self.name,
            "type": self.kind,
            "purpose": self.purpose,
            "created_at": self.created_at,
            "workspace_id": organization.id,
            "api_project_ids": self.projects(organization),
            **self.where,
        }

    @property
    def status(self) -> str:
        return "invalid" if UNREACHABLE in str(self.where[KEY_NAMES[self.kind]]) else "valid"


@dataclass(slots=True)
class Storage:
    """A bucket that a project's data is stored in; pending until it is first checked."""

    id: str
    project_id: str
    provider: Json
    geography: str
    created_at: int
    status: str = "pending"

    def check(self) -> None:
        name = str(self.provider.get("bucket") or self.provider.get("container"))
        self.status = "unhealthy" if UNREACHABLE in name else "degraded" if SLOW in name else "validated"

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "organization.external_storage",
            "project_id": self.project_id,
            "provider": self.provider,
            "geography": self.geography,
            "status": self.status,
            "created_at": self.created_at,
        }


EXTERNAL_KEYS = Kind[ExternalKey]("external key", "extkey_", organization_wide=True)
STORAGES = Kind[Storage]("external storage configuration", "extstorage_", organization_wide=True)
