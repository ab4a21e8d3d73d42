"""Groups of users, and the projects that groups were let into."""

from dataclasses import dataclass, field

from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.state import Organization, Project


def _no_users() -> Collection[str]:
    return Collection[str]("user of this group")


@dataclass(slots=True)
class Group:
    """`users` holds the ids of those in it. A group that a directory keeps (SCIM) is not changed here."""

    id: str
    name: str
    created_at: int
    is_scim_managed: bool = False
    users: Collection[str] = field(default_factory=_no_users)

    def show(self) -> Json:
        return {
            "object": "group",
            "id": self.id,
            "name": self.name,
            "created_at": self.created_at,
            "is_scim_managed": self.is_scim_managed,
            "group_type": "group",
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """A group's place in a project."""

    group_id: str
    added_at: int


GROUPS = Kind[Group]("group", "group_", organization_wide=True)
ENTRIES = Kind[Entry]("project group", "group_")


def users_in(organization: Organization, group: Group) -> Collection[str]:
    """The ids of the group's users, without those who have left the organization."""
    for user_id in group.users:
        if user_id not in organization.users:
            group.users.remove(user_id)
    return group.users


def groups_of(organization: Organization, user_id: str) -> list[Group]:
    return [group for group in organization.held(GROUPS) if user_id in users_in(organization, group)]


def entries(project: Project) -> Collection[Entry]:
    return project.shelf.of(ENTRIES)


def comes_through_group(organization: Organization, project: Project, user_id: str) -> bool:
    """Is the user in a group that the project was opened to?"""
    return any(group.id in entries(project) for group in groups_of(organization, user_id))
