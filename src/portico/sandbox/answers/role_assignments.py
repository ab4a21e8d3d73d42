"""Which roles users and groups have, in the organization and in each project, and through whom."""

from portico.sandbox.checks import fields, text
from portico.sandbox.groups import GROUPS, Group, entries
from portico.sandbox.pages import Next
from portico.sandbox.people import is_in, is_last_owner, join, last_owner, show_user, users
from portico.sandbox.places import Place, open_place_of, place_of
from portico.sandbox.refusals import invalid, no_such
from portico.sandbox.roles import (
    Held,
    Principal,
    Role,
    give,
    grant,
    of_group,
    of_user,
    predefined_id,
    roles,
    tell,
    withdraw,
)
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import rows_of
from portico.sandbox.state import User
from portico.sandbox.wire import Answer, Ask, Route

LIST = Next(default=1000)
# What is left to whom the owner's role is taken.
LESS = {"organization": "reader", "project": "member"}


def list_of_user(ask: Ask) -> Answer:
    place = place_of(ask)
    return _list(ask, of_user(place, _user(ask, place)))


def list_of_group(ask: Ask) -> Answer:
    place = place_of(ask)
    return _list(ask, of_group(place, _group(ask, place).id))


def get_of_user(ask: Ask) -> Answer:
    place = place_of(ask)
    return _get(ask, of_user(place, _user(ask, place)))


def get_of_group(ask: Ask) -> Answer:
    place = place_of(ask)
    return _get(ask, of_group(place, _group(ask, place).id))


def give_to_user(ask: Ask) -> Answer:
    place = open_place_of(ask)
    user = _user(ask, place)
    role = _wanted(ask, place)
    _refuse_twice(of_user(place, user), role, Principal(user.id, "user"))
    give(ask, place, role, user)
    return {"object": "user.role", "user": show_user(ask, user), "role": role.show()}


def give_to_group(ask: Ask) -> Answer:
    place = open_place_of(ask)
    # A group that is new to a project comes in with the role.
    group = ask.held(GROUPS).get(ask["group_id"])
    role, principal = _wanted(ask, place), Principal(group.id, "group")
    _refuse_twice(of_group(place, group.id), role, principal)
    grant(place, role, principal, ask.now)
    tell(ask, place, "created", role.id, principal)
    facts = {"id": group.id, "name": group.name, "created_at": group.created_at, "scim_managed": group.is_scim_managed}
    return {"object": "group.role", "group": {"object": "group", **facts}, "role": role.show()}


def take_from_user(ask: Ask) -> Answer:
    """Take a role back. An owner stays as a reader or a member; less than that is not to be in the place at all."""
    place = open_place_of(ask)
    user = _user(ask, place)
    principal = Principal(user.id, "user")
    held = _find(ask, of_user(place, user))
    if principal not in held.sources:
        message = f"{user.email} has the role '{held.role.name}' through a group; take it from the group."
        raise invalid(message, "role_id", "role_inherited")
    if held.role.is_predefined:
        _step_down(ask, place, user, held.role)
    else:
        withdraw(ask, place, role=held.role, principal=principal)
    return {"object": "user.role.deleted", "deleted": True}


def take_from_group(ask: Ask) -> Answer:
    place = open_place_of(ask)
    group = _group(ask, place)
    held = _find(ask, of_group(place, group.id))
    withdraw(ask, place, role=held.role, principal=Principal(group.id, "group"))
    return {"object": "group.role.deleted", "deleted": True}


def _step_down(ask: Ask, place: Place, user: User, role: Role) -> None:
    if role.name != "owner":
        message = f"Everybody in the {place.word} has a predefined role; remove the user to take the last one."
        raise invalid(message, "role_id", "predefined_role")
    if place.project is None:
        if is_last_owner(place.organization, user):
            raise last_owner()
        user.role = LESS[place.word]
    else:
        join(place.project, user.id, LESS[place.word], ask.now)
    principal = Principal(user.id, "user")
    tell(ask, place, "deleted", role.id, principal)
    tell(ask, place, "created", predefined_id(place, LESS[place.word]), principal)


def _user(ask: Ask, place: Place) -> User:
    user = users(place.organization).get(ask["user_id"])
    if place.project is not None and not is_in(place.organization, place.project, user.id):
        raise no_such("project user", user.id)
    return user


def _group(ask: Ask, place: Place) -> Group:
    group = ask.held(GROUPS).get(ask["group_id"])
    if place.project is not None and group.id not in entries(place.project):
        raise no_such("project group", group.id)
    return group


def _wanted(ask: Ask, place: Place) -> Role:
    return roles(place).get(fields(ask.body, {"role_id": text()})["role_id"])


def _refuse_twice(held: dict[str, Held], role: Role, principal: Principal) -> None:
    if role.id in held and principal in held[role.id].sources:
        raise invalid(f"The role '{role.name}' is assigned already.", "role_id", "role_already_assigned")


def _find(ask: Ask, held: dict[str, Held]) -> Held:
    if ask["role_id"] not in held:
        raise no_such("role assignment", ask["role_id"])
    return held[ask["role_id"]]


def _list(ask: Ask, held: dict[str, Held]) -> Json:
    return LIST.answer(ask, rows_of(held), lambda one: one.role.show_assigned(ask.organization, one.sources))


def _get(ask: Ask, held: dict[str, Held]) -> Json:
    found = _find(ask, held)
    return found.role.show_assigned(ask.organization, found.sources)


ROUTES = tuple(
    Route(verb, f"{base}/{whose}/roles{rest}", handler)
    for base in ("/organization", "/projects/{project_id}")
    for whose, handlers in (
        ("users/{user_id}", (list_of_user, give_to_user, get_of_user, take_from_user)),
        ("groups/{group_id}", (list_of_group, give_to_group, get_of_group, take_from_group)),
    )
    for (verb, rest), handler in zip(
        (("GET", ""), ("POST", ""), ("GET", "/{role_id}"), ("DELETE", "/{role_id}")), handlers, strict=True
    )
)
