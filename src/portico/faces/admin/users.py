"""/user: the people who may sign in, their roles and environments, and their sessions. For operators' tokens."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, count_of, missing, page, position
from portico.gateway import people
from portico.gateway.signing_in import end_session, everybodys_sessions, sessions_of, sign_out_everywhere
from portico.model.account import EnvironmentId
from portico.model.person import Person, PersonId, Role
from portico.store.sessions import Begun

TAG = "Users"


class UserBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`environments` are ids and count for operators and viewers. `password` left out: one is made and shown once."""

    name: str
    role: Role = "operator"
    environments: list[str] = []
    password: str = ""


class UserChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays. `is_disabled`: no signing in, no session, and the programs that they let in are out."""

    role: Role | UnsetType = UNSET
    environments: list[str] | UnsetType = UNSET
    is_disabled: bool | UnsetType = UNSET


class PasswordBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Left out, one is made and shown once."""

    password: str = ""


class UserShown(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    role: Role
    environments: list[str]
    is_disabled: bool
    created_at: str
    updated_at: str


class UserMade(UserShown, frozen=True, kw_only=True):
    """`password` is null where it was given."""

    password: str | None


class SessionShown(Struct, frozen=True, kw_only=True):
    """`client` is what the browser calls itself."""

    id: str
    client: str
    created_at: str
    last_seen_at: str
    expires_at: str


class OwnedSession(SessionShown, frozen=True, kw_only=True):
    """With whose it is."""

    user_id: str
    user_name: str


class Ended(Struct, frozen=True, kw_only=True):
    """How many sessions this has ended."""

    ended: int


def show(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "environments": sorted(person.environments),
        "is_disabled": person.disabled_at is not None,
        "created_at": iso(person.created_at),
        "updated_at": iso(person.updated_at),
    }


def show_session(session: Begun) -> dict[str, Any]:
    return {
        "id": session.id,
        "client": session.client,
        "created_at": iso(session.created_at),
        "last_seen_at": iso(session.seen_at),
        "expires_at": iso(session.expires_at),
    }


async def list_users(asked: Asked) -> Any:
    query: Paging = asked.query
    before, count = position(query)
    everybody = sorted(await asked.parts.people.all(), key=lambda each: each.id, reverse=True)
    rows = [each for each in everybody if each.id < before][: count + 1]
    return page(rows, query, show, lambda row: row.id)


async def create_user(asked: Asked) -> Any:
    body: UserBody = asked.body
    made = "" if body.password else people.made_password()
    wanted = people.NewPerson(
        name=body.name,
        role=body.role,
        password=body.password or made,
        environments=await _environments(asked, body.environments),
    )
    person = await people.add_person(asked.parts, wanted, by=asked.caller)
    return show(person) | {"password": made or None}


async def get_user(asked: Asked) -> Any:
    return show(await found_user(asked))


async def change_user(asked: Asked) -> Any:
    body: UserChange = asked.body
    person = await found_user(asked)
    if body.role is not UNSET or body.environments is not UNSET:
        role = None if body.role is UNSET else body.role
        ids = None if body.environments is UNSET else await _environments(asked, body.environments)
        person = await people.change_person(asked.parts, person, role, ids, by=asked.caller)
    if body.is_disabled is True and person.disabled_at is None:
        await people.disable_person(asked.parts, person, by=asked.caller)
    elif body.is_disabled is False and person.disabled_at is not None:
        await people.enable_person(asked.parts, person, by=asked.caller)
    return show(await found_user(asked))


async def set_password(asked: Asked) -> Any:
    body: PasswordBody = asked.body
    person = await found_user(asked)
    made = "" if body.password else people.made_password()
    await people.set_password(asked.parts, person, body.password or made, by=asked.caller)
    return show(person) | {"password": made or None}


async def list_sessions(asked: Asked) -> Any:
    query: Paging = asked.query
    count = count_of(query)
    found = [show_session(each) for each in await sessions_of(asked.parts, await found_user(asked))]
    shown = found[:count]
    return {"result": shown, "next_cursor": None, "prev_cursor": None, "result_count": len(shown), "limit": count}


async def list_everybodys(asked: Asked) -> Any:
    query: Paging = asked.query
    count = count_of(query)
    found = await everybodys_sessions(asked.parts, count)
    shown = [show_session(each) | {"user_id": person.id, "user_name": person.name} for person, each in found]
    return {"result": shown, "next_cursor": None, "prev_cursor": None, "result_count": len(shown), "limit": count}


async def end_sessions(asked: Asked) -> Any:
    return {"ended": await sign_out_everywhere(asked.parts, await found_user(asked), asked.caller)}


async def end_one(asked: Asked) -> Any:
    person = await found_user(asked)
    return {"ended": await end_session(asked.parts, person, asked.path["session_id"], asked.caller)}


async def found_user(asked: Asked) -> Person:
    """The one whose id stands in the address."""
    found = await asked.parts.people.get(PersonId(asked.path["id"]))
    if found is None:
        raise missing("user", asked.path["id"])
    return found


async def _environments(asked: Asked, ids: list[str]) -> frozenset[EnvironmentId]:
    failures = [
        Failure(f"environments[{index}]", f"is {each!r}", "the id of an environment")
        for index, each in enumerate(ids)
        if await asked.parts.environments.get(EnvironmentId(each)) is None
    ]
    if failures:
        raise InvalidArguments(failures)
    return frozenset(EnvironmentId(each) for each in ids)


_ALL, _ONE = "/user", "/user/{id}"
ENDPOINTS = (
    Endpoint(
        verb="GET", path=_ALL, name="listUsers", summary="List users", tag=TAG,
        handler=list_users, query=Paging, returns=list[UserShown], scope="operator",
    ),
    Endpoint(
        verb="POST", path=_ALL, name="createUser", summary="Add a user", tag=TAG,
        handler=create_user, body=UserBody, returns=UserMade, scope="operator", status=201,
    ),
    Endpoint(
        verb="GET", path=_ONE, name="getUser", summary="Get a user", tag=TAG,
        handler=get_user, returns=UserShown, scope="operator",
    ),
    Endpoint(
        verb="PATCH", path=_ONE, name="updateUser", summary="Change a user, keep one out or let them in again", tag=TAG,
        handler=change_user, body=UserChange, returns=UserShown, scope="operator",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/password", name="setUserPassword", summary="Set a user's password", tag=TAG,
        description="Ends every session of theirs.",
        handler=set_password, body=PasswordBody, returns=UserMade, scope="operator",
    ),
    Endpoint(
        verb="GET", path=_ONE + "/session", name="listUserSessions", summary="List a user's sessions", tag=TAG,
        description="The last used first.",
        handler=list_sessions, query=Paging, returns=list[SessionShown], scope="operator",
    ),
    Endpoint(
        verb="DELETE", path=_ONE + "/session", name="endUserSessions", summary="End every session of a user", tag=TAG,
        handler=end_sessions, returns=Ended, scope="operator",
    ),
    Endpoint(
        verb="DELETE", path=_ONE + "/session/{session_id}", name="endUserSession", summary="End a session", tag=TAG,
        handler=end_one, returns=Ended, scope="operator",
    ),
    Endpoint(
        verb="GET", path="/session", name="listAllSessions", summary="List everybody's sessions", tag=TAG,
        description="Where people are signed in now: the last used first, as many as `limit` says.",
        handler=list_everybodys, query=Paging, returns=list[OwnedSession], scope="operator",
    ),
)  # fmt: skip
