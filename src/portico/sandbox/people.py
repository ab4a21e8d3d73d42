"""Who belongs to an organization and its projects: users, members, service accounts and keys.

All of it can be listed although people and keys are made elsewhere too (an unknown key brings its organization along),
so collections follow `Organization.users`, `Organization.projects` and the keyring whenever they are asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portico.sandbox.groups import comes_through_group
from portico.sandbox.keys import EVERYTHING, READ_ONLY, Key
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind, T
from portico.sandbox.state import Organization, Project, User, World
from portico.sandbox.wire import Ask


@dataclass(slots=True)
class Member:
    """A user's place in one project; the role is owner or member."""

    user_id: str
    role: str
    added_at: int


@dataclass(slots=True)
class ServiceAccount:
    """An account of a project that no person stands behind; the role is owner, member or none."""

    id: str
    name: str
    role: str
    created_at: int


# Each belongs to the shelf of what it is about: `project.shelf.of(MEMBERS)`, `organization.held(USERS)`.
USERS = Kind[User]("user", "user-", organization_wide=True)
PROJECTS = Kind[Project]("project", "proj_", organization_wide=True)
ADMIN_KEYS = Kind[Key]("admin API key", "key_", organization_wide=True)
MEMBERS = Kind[Member]("project user", "user-")
ACCOUNTS = Kind[ServiceAccount]("service account", "svc_acct_")
PROJECT_KEYS = Kind[Key]("project API key", "key_")

SCOPE_WORDS: Mapping[str, tuple[str, ...]] = {
    "api.all": EVERYTHING,
    "api.all.write": EVERYTHING,
    "api.all.read": READ_ONLY,
}


def users(organization: Organization) -> Collection[User]:
    return _follow(organization.held(USERS), organization.users)


def projects(organization: Organization) -> Collection[Project]:
    return _follow(organization.held(PROJECTS), organization.projects)


def project_of(ask: Ask) -> Project:
    """The project that the path names, or OpenAI's 404."""
    return projects(ask.organization).get(ask["project_id"])


def active_project_of(ask: Ask) -> Project:
    """The same, refused when it is archived: what is archived can be read but not changed."""
    project = project_of(ask)
    if project.status == "archived":
        raise invalid(f"The project '{project.name}' is archived.", "project_id", "project_archived")
    return project


def members(organization: Organization, project: Project) -> Collection[Member]:
    """Those who were put into the project. The default project begins with the organization's owner."""
    held = project.shelf.of(MEMBERS)
    if project is organization.default_project and not held.rows().born:
        join(project, organization.owner.id, "owner", project.created_at)
    for member in held:
        if member.user_id not in organization.users:
            held.remove(member.user_id)
    return held


def join(project: Project, user_id: str, role: str, at: int) -> Member:
    """Put a user into a project, or change the role of one who is there."""
    held = project.shelf.of(MEMBERS)
    known = held.look(user_id)
    return held.add(user_id, Member(user_id, role, known.added_at if known else at))


def accounts(project: Project) -> Collection[ServiceAccount]:
    return project.shelf.of(ACCOUNTS)


def project_keys(world: World, project: Project) -> Collection[Key]:
    """All keys of a project, of people and of service accounts, in the order in which they came."""
    ring = (key for key in world.keys.by_secret.values() if key.kind != "ephemeral")
    mine = (key for key in ring if key.project_id == project.id)
    return _follow(project.shelf.of(PROJECT_KEYS), _by_id(mine))


def admin_keys(world: World, organization: Organization) -> Collection[Key]:
    ring = world.keys.by_secret.values()
    mine = (key for key in ring if key.kind == "admin" and key.organization_id == organization.id)
    return _follow(organization.held(ADMIN_KEYS), _by_id(mine))


def has_access(organization: Organization, project: Project, key: Key) -> bool:
    """May the owner of the key still work in the project? Owners of the organization may everywhere."""
    account = accounts(project).look(key.owner_id)
    if account is not None:
        return account.role != "none"
    user = organization.users.get(key.owner_id)
    return user is not None and (user.role == "owner" or is_in(organization, project, user.id))


def is_in(organization: Organization, project: Project, user_id: str) -> bool:
    """Was the user put into the project, alone or with a group?"""
    return user_id in members(organization, project) or comes_through_group(organization, project, user_id)


def remove_user(world: World, organization: Organization, user: User) -> None:
    """Take a user out of the organization, with all memberships and keys."""
    # Asked for now, so that the default project doesn't begin later with another owner.
    members(organization, organization.default_project)
    del organization.users[user.id]
    world.keys.withdraw_owner(user.id)


def is_last_owner(organization: Organization, user: User) -> bool:
    return user.role == "owner" and sum(held.role == "owner" for held in organization.users.values()) == 1


def user_with_email(organization: Organization, email: str) -> User | None:
    return next((user for user in organization.users.values() if user.email.lower() == email.lower()), None)


def last_use(world: World, user: User) -> int | None:
    """When one of the user's keys was last used, if ever."""
    moments = (key.last_used_at for key in world.keys.by_secret.values() if key.owner_id == user.id)
    return max((moment for moment in moments if moment is not None), default=None)


def show_user(ask: Ask, user: User) -> Json:
    return {
        "id": user.id,
        "object": "organization.user",
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "added_at": user.added_at,
        "created": user.added_at,
        "is_default": user is ask.organization.owner,
        "is_service_account": False,
        "is_scim_managed": user.is_scim_managed,
        "is_scale_tier_authorized_purchaser": False,
        "api_key_last_used_at": last_use(ask.world, user),
        "technical_level": user.technical_level,
        "developer_persona": user.developer_persona,
        "user": {
            "object": "user",
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "picture": None,
            "enabled": True,
            "banned": False,
            "banned_at": None,
        },
    }


def patterns(scopes: Iterable[str]) -> tuple[str, ...]:
    """A key's scopes as the keyring reads them: none at all means everything, and who may write may read."""
    read: list[str] = []
    for scope in scopes:
        read.extend(SCOPE_WORDS.get(scope, (scope,)))
        if scope.endswith(".write"):
            read.append(scope.removesuffix(".write") + ".read")
    return tuple(read) or EVERYTHING


def last_owner() -> Refusal:
    return invalid("An organization must keep at least one owner.", "role", "last_owner")


def _by_id(keys: Iterable[Key]) -> dict[str, Key]:
    return {key.id: key for key in keys}


def _follow(held: Collection[T], source: Mapping[str, T]) -> Collection[T]:
    """Bring a collection up to what its source has now; it remembers the places of what is gone."""
    for identity in [identity for identity in held.rows().held if identity not in source]:
        held.remove(identity)
    for identity, thing in source.items():
        held.add(identity, thing)
    return held
