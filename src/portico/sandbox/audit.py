"""The audit log of an organization: what happened, when, in which project, and who did it.

Every administrative change calls `audit(ask, type, project, id=…, …)`. Seeds, which have no request, call `remember`.
"""

from dataclasses import dataclass

from portico.sandbox import ids
from portico.sandbox.shapes import Json, records
from portico.sandbox.shelves import Kind
from portico.sandbox.state import Organization, Project, User
from portico.sandbox.wire import Ask

# Types of the whole tenant that don't begin with `tenant.`.
TENANT_TYPES = ("role.bound_to_resource", "role.unbound_from_resource")
# Where an entry's details name what it happened to.
TARGETS = ("id", "principal_id", "resource_id", "role_id", "service_account_id")


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever did it: a person in a browser (`ip_address`), or a key with the person or service behind it."""

    user_id: str
    email: str | None = None
    key_id: str | None = None
    ip_address: str | None = None
    is_service_account: bool = False

    @property
    def ids(self) -> set[str]:
        return {self.user_id} if self.key_id is None else {self.user_id, self.key_id}

    def show(self) -> Json:
        if self.key_id is None:
            user = {"id": self.user_id, "email": self.email}
            return {"type": "session", "session": {"user": user, "ip_address": self.ip_address}}
        shown: Json = {"id": self.key_id}
        if self.is_service_account:
            shown |= {"type": "service_account", "service_account": {"id": self.user_id}}
        else:
            shown |= {"type": "user", "user": {"id": self.user_id, "email": self.email}}
        return {"type": "api_key", "api_key": shown}


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    type: str
    effective_at: int
    actor: Actor
    project: Project | None
    details: Json

    @property
    def is_tenant_wide(self) -> bool:
        return is_tenant_type(self.type)

    @property
    def targets(self) -> set[str]:
        """The ids of everything that it happened to."""
        things = [self.details, *records(self.details.get("certificates")), *records(self.details.get("configs"))]
        return {str(thing[name]) for thing in things for name in TARGETS if thing.get(name)}

    def show(self) -> Json:
        shown: Json = {"id": self.id, "type": self.type, "effective_at": self.effective_at, "actor": self.actor.show()}
        if self.project is not None:
            shown["project"] = {"id": self.project.id, "name": self.project.name}
        return {**shown, self.type: self.details}


EVENTS = Kind[Event]("audit log", "audit_log-", organization_wide=True)


def audit(ask: Ask, kind: str, project: Project | None = None, **details: object) -> None:
    """Write down what this request has just done; the actor is the owner of its key.

    `kind` is OpenAI's event type; `details` are the fields of the object that stands under it in the entry, such as
    `id`, `data` and `changes_requested`. `project` is the one that the change concerns, if it concerns one.
    """
    owner = ask.organization.users.get(ask.key.owner_id)
    # Whoever is no user of the organization is a service account of one of its projects.
    actor = Actor(ask.key.owner_id, owner.email if owner else None, ask.key.id, None, owner is None)
    event = Event(ask.new_id(EVENTS), kind, ask.now, actor, project, dict(details))
    ask.organization.held(EVENTS).add(event.id, event)


def remember(
    organization: Organization, at: int, actor: Actor, kind: str, project: Project | None = None, **details: object
) -> None:
    """Write down something that happened earlier; its id depends on what it was, so it is always the same."""
    tale = f"{kind} {actor.user_id} {project.id if project else ''} {details}"
    held = organization.held(EVENTS)
    event = Event(ids.named(EVENTS.prefix, f"{len(held)} {tale}"), kind, at, actor, project, dict(details))
    held.add(event.id, event)


def in_browser(user: User, ip_address: str) -> Actor:
    return Actor(user.id, user.email, ip_address=ip_address)


def is_tenant_type(kind: str) -> bool:
    return kind.startswith("tenant.") or kind in TENANT_TYPES
