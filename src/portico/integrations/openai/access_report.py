"""openai_access_report: who can do what in which project: people, directly and through groups, and service accounts."""

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from portico.integrations.openai import directory, filters
from portico.model.operation import ToolName
from portico.shapes import Json
from portico.toolbox.composed import Composed, Context

EVERYWHERE = "(every project)"
DIRECTLY = "directly"
# One question for each person in each project. Beyond this many, only the plain roles are told.
MOST_QUESTIONS = 400
_Row = tuple[str, str, str, str, str]


class Place(Struct, frozen=True, kw_only=True):
    """A project with what is directly in it: members, groups and service accounts, as they are listed."""

    project: Json
    members: list[Json]
    groups: list[Json]
    accounts: list[Json]

    @property
    def id(self) -> str:
        return str(self.project["id"])

    @property
    def name(self) -> str:
        return str(self.project.get("name") or self.id)


class Staff(Struct, frozen=True, kw_only=True):
    """Everybody: people by id, which of them the organization lists, and who is in the groups that matter."""

    users: dict[str, Json]
    listed: frozenset[str]
    groups: dict[str, str]
    in_group: dict[str, list[str]]

    def address(self, user_id: str) -> str:
        user = self.users.get(user_id, {})
        return str(user.get("email") or user.get("name") or user_id)

    def source(self, principal: Json) -> str:
        """`directly`, or the group that brought the role."""
        identity = str(principal.get("principal_id"))
        return (
            f"group {self.groups.get(identity, identity)}" if principal.get("principal_type") == "group" else DIRECTLY
        )


async def run(context: Context, arguments: Json) -> Json:
    projects = await directory.live_projects(context, arguments.get("project_ids") or ())
    users, groups = await asyncio.gather(
        context.attempt("users", context.pages("users.list"), []),
        context.attempt("groups", context.pages("groups.list"), []),
    )
    places = await asyncio.gather(*(_place(context, each) for each in projects))
    entered = {str(each.get("group_id")) for place in places for each in place.groups}
    names = {str(each["id"]): str(each.get("name")) for each in groups}
    names |= {str(each["group_id"]): str(each.get("group_name")) for place in places for each in place.groups}
    staff = Staff(
        users={str(each["id"]): each for each in [*(one for place in places for one in place.members), *users]},
        listed=frozenset(str(each["id"]) for each in users),
        groups=names,
        in_group=await _members_of(context, entered, names),
    )
    everybody = {*staff.users, *(user for members in staff.in_group.values() for user in members)}
    wanted = set(arguments.get("user_ids") or everybody)
    roles: dict[tuple[str, str], Json] = {}
    asked = sum(len(_inside(place, staff) & wanted) for place in places)
    is_plain = asked > MOST_QUESTIONS
    if is_plain:
        context.note("roles beyond owner and member", f"{asked} look-ups would be needed; name fewer projects or users")
    found = await asyncio.gather(*(_rows(context, each, staff, wanted, roles, is_plain) for each in places))
    everywhere = await _organization(context, staff, wanted, roles)
    accounts = [] if arguments.get("user_ids") else [row for place in places for row in _service_accounts(place)]
    rows = sorted({*everywhere, *accounts, *(row for each in found for row in each)})
    return {**_access(rows), **_roles(rows, roles), "total": _total(rows, len(projects))}


async def _place(context: Context, project: Json) -> Place:
    asking = {"project_id": project["id"]}
    name = project.get("name")
    members, groups, accounts = await asyncio.gather(
        context.attempt(f"members of {name}", context.pages("project_users.list", asking), []),
        context.attempt(f"groups of {name}", context.pages("project_groups.list", asking), []),
        context.attempt(f"service accounts of {name}", context.pages("project_service_accounts.list", asking), []),
    )
    return Place(project=project, members=members, groups=groups, accounts=accounts)


async def _members_of(context: Context, group_ids: Iterable[str], names: dict[str, str]) -> dict[str, list[str]]:
    async def members(group_id: str) -> list[str]:
        work = context.pages("group_users.list", {"group_id": group_id})
        found = await context.attempt(f"members of the group {names.get(group_id, group_id)}", work, [])
        return [str(each.get("id") or each.get("user_id")) for each in found]

    ids = sorted(group_ids)
    return dict(zip(ids, await asyncio.gather(*(members(each) for each in ids)), strict=True))


def _inside(place: Place, staff: Staff) -> set[str]:
    """The ids of the people who get into the project, directly or with a group."""
    direct = {str(each["id"]) for each in place.members}
    return direct | {user for each in place.groups for user in staff.in_group.get(str(each["group_id"]), ())}


async def _rows(
    context: Context, place: Place, staff: Staff, wanted: set[str], roles: dict[tuple[str, str], Json], is_plain: bool
) -> list[_Row]:
    async def of(user_id: str) -> list[_Row]:
        address = staff.address(user_id)
        held: list[Json] = []
        if not is_plain:
            asking = {"project_id": place.id, "user_id": user_id}
            work = context.pages("project_user_roles.list", asking)
            held = await context.attempt(f"roles of {address} in {place.name}", work, [])
        rows = _of_roles(place.name, address, held, staff, roles)
        return rows or _plain(place, address, user_id, staff)

    people = sorted(_inside(place, staff) & wanted)
    return [row for rows in await asyncio.gather(*(of(each) for each in people)) for row in rows]


def _of_roles(
    where: str, address: str, held: Iterable[Json], staff: Staff, roles: dict[tuple[str, str], Json]
) -> list[_Row]:
    rows: list[_Row] = []
    for role in held:
        name = str(role.get("name"))
        roles[where, name] = role
        sources = [staff.source(each) for each in role.get("assignment_sources") or ()] or [DIRECTLY]
        rows += [(where, address, "user", name, source) for source in sources]
    return rows


def _plain(place: Place, address: str, user_id: str, staff: Staff) -> list[_Row]:
    """What the lists alone say: the plain role of a member, and the groups that let somebody in."""
    member = next((each for each in place.members if each["id"] == user_id), None)
    rows = [(place.name, address, "user", str(member.get("role")), DIRECTLY)] if member else []
    through = [
        str(each["group_id"]) for each in place.groups if user_id in staff.in_group.get(str(each["group_id"]), ())
    ]
    return rows + [(place.name, address, "user", "?", f"group {staff.groups.get(each, each)}") for each in through]


def _service_accounts(place: Place) -> list[_Row]:
    return [
        (place.name, str(each.get("name")), "service account", str(each.get("role")), DIRECTLY)
        for each in place.accounts
    ]


async def _organization(
    context: Context, staff: Staff, wanted: set[str], roles: dict[tuple[str, str], Json]
) -> list[_Row]:
    """Roles of the whole organization: its owners may do everything in every project."""

    async def of(user_id: str) -> list[_Row]:
        address = staff.address(user_id)
        work = context.pages("user_roles.list", {"user_id": user_id})
        held = await context.attempt(f"organization roles of {address}", work, [])
        rows = _of_roles(EVERYWHERE, address, held, staff, roles)
        return rows or [(EVERYWHERE, address, "user", str(staff.users[user_id].get("role")), DIRECTLY)]

    people = sorted(wanted & staff.listed)
    found = [row for rows in await asyncio.gather(*(of(each) for each in people)) for row in rows]
    # A reader of the organization may do nothing by that alone.
    return [row for row in found if row[3] != "reader"]


def _access(rows: list[_Row]) -> Json:
    """One row for each person or service account in a project: `owner; member through group Support`."""
    held: dict[tuple[str, str, str], list[str]] = {}
    for where, who, kind, role, through in rows:
        held.setdefault((where, who, kind), []).append(role if through == DIRECTLY else f"{role} through {through}")
    shown = [[*key, "; ".join(roles)] for key, roles in held.items()]
    return {"access": {"columns": ["project", "who", "kind", "roles"], "rows": shown}}


def _roles(rows: list[_Row], roles: dict[tuple[str, str], Json]) -> Json:
    used = {(where, name) for where, _, kind, name, _ in rows if kind == "user"}
    told = {_allows(where, name, roles[where, name]) for where, name in used if (where, name) in roles}
    return {"roles": {"columns": ["role", "where", "allows"], "rows": [list(row) for row in sorted(told)]}}


def _total(rows: list[_Row], projects: int) -> Json:
    people = {who for _, who, kind, _, _ in rows if kind == "user"}
    accounts = {(where, who) for where, who, kind, _, _ in rows if kind != "user"}
    return {"projects": projects, "people": len(people), "service_accounts": len(accounts)}


def _allows(where: str, name: str, role: Json) -> tuple[str, str, str]:
    """A predefined role is the same in every project; one that somebody made is told by its permissions."""
    if role.get("predefined_role"):
        return name, "organization" if where == EVERYWHERE else "any project", str(role.get("description") or "")
    permissions = " ".join(str(each) for each in role.get("permissions") or ())
    return name, "organization" if where == EVERYWHERE else where, permissions


REPORT = Composed(
    comfort="reports",
    integration="openai",
    resource="access",
    method="report",
    tool=ToolName(name="openai_access_report"),
    title="Report who has access",
    says=(
        "Who can do what in which project: members, people who come in through groups, service accounts, their roles "
        "and what those allow, and the owners of the organization. For keys: openai_key_audit."
    ),
    alias="permissions overview, access review, rbac matrix, who may use, joiners movers leavers, compliance audit",
    effect="read",
    tags=("users", "projects", "security", "admin"),
    credentials=("admin_key",),
    parameters=(
        filters.PROJECTS,
        filters.several("user_ids", "Only what these people can do, by address or id", names="users.list"),
    ),
    run=run,
)
