"""Roles, who holds them, and what they allow.

A role belongs to the organization or to one project. What everybody has is predefined and follows the plain `role` of
a user or a member; all other roles are assigned, to users or to groups.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from portico.sandbox.audit import audit
from portico.sandbox.groups import Entry, entries, groups_of
from portico.sandbox.keys import EVERYTHING, READ_ONLY, Key
from portico.sandbox.people import has_access, is_last_owner, join, last_owner, members, patterns
from portico.sandbox.places import Place
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.state import Organization, Project, User
from portico.sandbox.wire import Ask

NOTHING: tuple[str, ...] = ()


@dataclass(slots=True)
class Role:
    """`grants` are patterns of scopes; a predefined role's listed permissions only describe them."""

    id: str
    name: str
    description: str | None
    permissions: list[str]
    word: str
    grants: tuple[str, ...]
    is_predefined: bool = False
    created_at: int | None = None
    updated_at: int | None = None
    created_by: str | None = None

    def show(self) -> Json:
        return {"object": "role", **self._facts()}

    def show_assigned(self, organization: Organization, sources: "Sources") -> Json:
        maker = organization.users.get(self.created_by or "")
        return {
            **self._facts(),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "created_by": self.created_by,
            "created_by_user_obj": {"id": maker.id, "name": maker.name, "email": maker.email} if maker else None,
            "metadata": {},
            "assignment_sources": [{"principal_id": source.id, "principal_type": source.kind} for source in sources],
        }

    def _facts(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "permissions": self.permissions,
            "resource_type": f"api.{self.word}",
            "predefined_role": self.is_predefined,
        }


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever can hold a role; the kind is user or group."""

    id: str
    kind: str


Sources = list[Principal]


@dataclass(frozen=True, slots=True)
class Assignment:
    role_id: str
    principal: Principal

    @property
    def id(self) -> str:
        return assignment_id(self.role_id, self.principal)


@dataclass(slots=True)
class Held:
    """A role that somebody holds in a place, and through whom."""

    role: Role
    sources: Sources = field(default_factory=list[Principal])


ROLES = Kind[Role]("role", "role_")
ASSIGNMENTS = Kind[Assignment]("role assignment", "role_assignment_")

_WORK = tuple(f"api.{area}" for area in ("assistants", "batches", "evals", "files", "fine_tuning", "vector_stores"))
_USE = ["api.model.read", "api.model.request"]
_LOOK = ["api.groups.read", "api.roles.read"]
_READ = [f"{area}.read" for area in _WORK]
_WRITE = [f"{area}.write" for area in _WORK]
_KEYS = ["api.organization.projects.api_keys.read", "api.organization.projects.api_keys.write"]
_MANAGE = ["api.groups.write", "api.management.read", "api.management.write", "api.roles.write", "api.usage.read"]

# Name, description, listed permissions, and what keys of those who hold it may do in a project.
PREDEFINED: dict[str, tuple[tuple[str, str, list[str], tuple[str, ...]], ...]] = {
    "organization": (
        ("owner", "Manages everything", [*_USE, *_LOOK, *_MANAGE, *_READ, *_WRITE, *_KEYS], EVERYTHING),
        ("reader", "Belongs to the organization", ["api.model.read", *_LOOK], NOTHING),
    ),
    "project": (
        ("owner", "Manages the project", [*_USE, *_LOOK, *_READ, *_WRITE, *_KEYS], EVERYTHING),
        ("member", "Works in the project", [*_USE, *_LOOK, *_READ, *_WRITE], EVERYTHING),
        ("viewer", "Looks at what is in the project", ["api.model.read", *_LOOK, *_READ], READ_ONLY),
    ),
}


def roles(place: Place) -> Collection[Role]:
    """The roles that can be assigned in a place; the predefined ones are there from the start."""
    held = place.shelf.of(ROLES)
    if not held.rows().born:
        for name, description, permissions, grants in PREDEFINED[place.word]:
            identity = predefined_id(place, name)
            held.add(identity, Role(identity, name, description, list(permissions), place.word, grants, True))
    return held


def predefined_id(place: Place, name: str) -> str:
    return f"role-api-{place.word}-{name}__api-{place.word}__{place.id}"


def assignment_id(role_id: str, principal: Principal) -> str:
    return f"{ASSIGNMENTS.prefix}{role_id}_{principal.id}"


def grant(place: Place, role: Role, principal: Principal, at: int) -> None:
    """Assign a role. A group comes into a project with its first role there."""
    made = Assignment(role.id, principal)
    place.shelf.of(ASSIGNMENTS).add(made.id, made)
    if place.project is not None and principal.kind == "group" and principal.id not in entries(place.project):
        entries(place.project).add(principal.id, Entry(principal.id, at))


def give(ask: Ask, place: Place, role: Role, user: User) -> None:
    """Give a role of the place to a user. A predefined one takes the place of the plain role that the user had."""
    before, principal = plain_role(place, user), Principal(user.id, "user")
    if role.is_predefined and place.project is not None:
        join(place.project, user.id, role.name, ask.now)
    elif role.is_predefined:
        if role.name != "owner" and is_last_owner(place.organization, user):
            raise last_owner()
        user.role = role.name
    else:
        grant(place, role, principal, ask.now)
    if role.is_predefined and before not in (None, role.name):
        tell(ask, place, "deleted", predefined_id(place, str(before)), principal)
    tell(ask, place, "created", role.id, principal)


def withdraw(ask: Ask, place: Place, *, role: Role | None = None, principal: Principal | None = None) -> None:
    """Take back all assignments of a role or a principal (or of both together), and tell the audit log.

    A group without a role in a project has no place in it any more.
    """
    held = place.shelf.of(ASSIGNMENTS)
    for given in held:
        if (role is None or given.role_id == role.id) and principal in (None, given.principal):
            held.remove(given.id)
            tell(ask, place, "deleted", given.role_id, given.principal)
    if place.project is not None:
        there = {given.principal.id for given in held}
        for entry in entries(place.project):
            if entry.group_id not in there:
                entries(place.project).remove(entry.group_id)


def tell(ask: Ask, place: Place, what: str, role_id: str, principal: Principal) -> None:
    """Write an assignment or its end into the audit log."""
    audit(
        ask,
        f"role.assignment.{what}",
        place.project,
        id=assignment_id(role_id, principal),
        principal_id=principal.id,
        principal_type=principal.kind,
        resource_id=place.id,
        resource_type=f"api.{place.word}",
    )


def of_group(place: Place, group_id: str) -> dict[str, Held]:
    """The roles of a group in a place, by id."""
    return _collect(place, [Principal(group_id, "group")])


def of_user(place: Place, user: User) -> dict[str, Held]:
    """The roles of a user in a place, by id: by being there, assigned, and through groups."""
    principals = [Principal(user.id, "user")]
    for group in groups_of(place.organization, user.id):
        if place.project is None or group.id in entries(place.project):
            principals.append(Principal(group.id, "group"))
    name = plain_role(place, user)
    own = {} if name is None else {predefined_id(place, name): principals[0]}
    return _collect(place, principals, own)


def plain_role(place: Place, user: User) -> str | None:
    """The plain role that the user has in the place without any group; None where there is none."""
    if place.project is None:
        return user.role
    member = members(place.organization, place.project).look(user.id)
    return member.role if member else None


def allows(organization: Organization, project: Project, key: Key, scope: str) -> bool:
    """Do the roles of a key's owner cover a scope in the project?

    This asks only about people: what service accounts may do stands in their keys, and admin keys manage everything.
    """
    user = organization.users.get(key.owner_id)
    if user is None or key.kind in ("admin", "service_account") or user.role == "owner":
        return True
    held = [*of_user(Place(organization), user).values()]
    if has_access(organization, project, key):
        held.extend(of_user(Place(organization, project), user).values())
    return any(fnmatchcase(scope, pattern) for one in held for pattern in one.role.grants)


def granted_by(permissions: Iterable[str]) -> tuple[str, ...]:
    listed = tuple(permissions)
    return patterns(listed) if listed else NOTHING


def _collect(place: Place, principals: Sources, own: dict[str, Principal] | None = None) -> dict[str, Held]:
    given = list(place.shelf.of(ASSIGNMENTS))
    found: dict[str, Held] = {}
    for role in roles(place):
        sources = [one for one in principals if any(had == Assignment(role.id, one) for had in given)]
        if own and role.id in own and own[role.id] not in sources:
            sources.insert(0, own[role.id])
        if sources:
            found[role.id] = Held(role, sources)
    return found
