"""The certificates of an organization, and where each is active: in the organization, in single projects."""

from dataclasses import dataclass, field

from portico.sandbox.pem import Validity
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind


@dataclass(slots=True)
class Certificate:
    """`active_in` holds the ids of the organization and of the projects that use it."""

    id: str
    name: str | None
    content: str
    validity: Validity
    created_at: int
    active_in: set[str] = field(default_factory=set[str])

    def show(self, noun: str, *, with_content: bool = False) -> Json:
        details: Json = {"valid_at": self.validity.valid_at, "expires_at": self.validity.expires_at}
        if with_content:
            details["content"] = self.content
        return {
            "id": self.id,
            "object": noun,
            "name": self.name,
            "created_at": self.created_at,
            "certificate_details": details,
        }


CERTIFICATES = Kind[Certificate]("certificate", "cert_", organization_wide=True)
