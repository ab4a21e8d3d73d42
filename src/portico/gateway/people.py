"""The users of this Portico: who they are and what they may see. Signing in stands in `signing_in`."""

import secrets
from collections.abc import Iterable
from typing import get_args

from msgspec import Struct, structs

from portico.errors import AlreadyExists, Failure, InvalidArguments, NotAllowed, NotFound
from portico.gateway.bootstrap import SYSTEM
from portico.gateway.parts import Parts
from portico.model.account import EnvironmentId
from portico.model.caller import FULL_SCOPES, Caller
from portico.model.person import Person, PersonId, Role
from portico.store.database import Session
from portico.store.ids import new_id

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
LONGEST_NAME = 100
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class NewPerson(Struct, frozen=True, kw_only=True):
    """`environments` are ids; an owner needs none."""

    name: str
    password: str
    role: Role = "operator"
    environments: frozenset[EnvironmentId] = frozenset()


async def add_person(
    parts: Parts, wanted: NewPerson, session: Session | None = None, by: Caller | None = None
) -> Person:
    """AlreadyExists where the name is taken. `session`: the transaction to do it in, where there is one already."""
    name = checked_name(wanted.name)
    check_password(wanted.password)
    check_role(wanted.role)
    hashed = await parts.passwords.hash(wanted.password)
    moment = parts.clock()
    person = Person(
        id=PersonId(new_id()),
        name=name,
        role=wanted.role,
        environments=wanted.environments,
        created_at=moment,
        updated_at=moment,
    )
    if session is not None:
        await _add(parts, session, person, hashed, by)
        return person
    try:
        async with parts.database.transaction() as own:
            await _add(parts, own, person, hashed, by)
    except AlreadyExists:
        raise AlreadyExists(f"There is a user called {name!r} already.") from None
    return person


async def add_known(
    parts: Parts, session: Session, name: str, role: Role, environments: frozenset[EnvironmentId]
) -> Person:
    """Somebody whom a provider vouches for, and who has no password. AlreadyExists where the name is taken."""
    moment = parts.clock()
    person = Person(
        id=PersonId(new_id()), name=name, role=role, environments=environments, created_at=moment, updated_at=moment
    )
    await _add(parts, session, person, "", None)
    return person


async def find_person(parts: Parts, name: str) -> Person:
    found = await parts.people.called(checked_name(name))
    if found is None:
        raise NotFound(f"There is no user called {name!r}.")
    return found[0]


async def set_password(parts: Parts, person: Person, password: str, by: Caller | None = None) -> None:
    """Ends every session of the person. What they let in stays."""
    check_password(password)
    hashed = await parts.passwords.hash(password)
    async with parts.database.transaction() as session:
        await parts.people.set_password(session, person.id, hashed, parts.clock())
        await parts.sessions.end_all(session, person.id)
        await audit(parts, session, "user.password_set", person, by)


async def change_person(
    parts: Parts,
    person: Person,
    role: Role | None = None,
    environments: Iterable[EnvironmentId] | None = None,
    by: Caller | None = None,
) -> Person:
    changed = structs.replace(
        person,
        role=role or person.role,
        environments=person.environments if environments is None else frozenset(environments),
    )
    check_role(changed.role)
    async with parts.database.transaction() as session:
        if person.role == "owner" and changed.role != "owner":
            await _check_not_last(parts, session, person)
        await parts.people.update(session, changed, parts.clock())
        facts = {"role": changed.role, "environments": sorted(changed.environments)}
        await audit(parts, session, "user.updated", changed, by, **facts)
        await parts.changes.tell(session, "tokens")
    parts.changes.apply("tokens")
    return changed


async def disable_person(parts: Parts, person: Person, by: Caller | None = None) -> int:
    """No more signing in, no session, and every program that they let in is out. How many programs that were."""
    async with parts.database.transaction() as session:
        if person.role == "owner":
            await _check_not_last(parts, session, person)
        moment = parts.clock()
        await parts.people.update(session, structs.replace(person, disabled_at=moment), moment)
        await parts.sessions.end_all(session, person.id)
        ended = await parts.operators.delete_grants_of_person(session, person.id)
        await audit(parts, session, "user.disabled", person, by, grants_revoked=ended)
        await parts.changes.tell(session, "tokens")
    parts.changes.apply("tokens")
    return ended


async def withdraw_role(parts: Parts, person: Person) -> None:
    """The provider gives them no role any more: least rights, no session, and the programs that they let in are out.
    NotAllowed for the last owner."""
    async with parts.database.transaction() as session:
        if person.role == "owner":
            await _check_not_last(parts, session, person)
        ended = await parts.sessions.end_all(session, person.id)
        revoked = await parts.operators.delete_grants_of_person(session, person.id)
        if person.role == "viewer" and not ended and not revoked:
            return
        await parts.people.update(session, structs.replace(person, role="viewer"), parts.clock())
        await audit(
            parts, session, "user.role_withdrawn", person, was=person.role, sessions=ended, grants_revoked=revoked
        )
        await parts.changes.tell(session, "tokens")
    parts.changes.apply("tokens")


async def enable_person(parts: Parts, person: Person, by: Caller | None = None) -> None:
    async with parts.database.transaction() as session:
        await parts.people.update(session, structs.replace(person, disabled_at=None), parts.clock())
        await audit(parts, session, "user.enabled", person, by)


async def audit(
    parts: Parts, session: Session, act: str, person: Person, by: Caller | None = None, **facts: object
) -> None:
    """Users belong to no environment; what is done with them stands in the trail of the first one. `by`: who does it,
    where that is somebody who asked from outside."""
    environment = await parts.operators.first_environment()
    if environment is None:
        raise NotFound("There is no environment yet; start the gateway once.")
    system = Caller(environment_id=environment.id, token_id=SYSTEM, name=SYSTEM, scopes=FULL_SCOPES)
    actor = structs.replace(by, environment_id=environment.id) if by else system
    await parts.audit.add(session, actor, act, person.id, parts.clock(), name=person.name, **facts)


def made_password() -> str:
    """Easy to read out, hard to guess: a hundred bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def checked_name(name: str) -> str:
    """The name without blanks around it; what cannot be seen is refused."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise InvalidArguments([Failure("name", f"must have 1 to {LONGEST_NAME} visible characters")])
    return name


def check_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidArguments([Failure("password", f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")])


def check_role(role: str) -> None:
    if role not in get_args(Role):
        raise InvalidArguments([Failure("role", f"is {role!r}", ", ".join(get_args(Role)))])


async def _add(parts: Parts, session: Session, person: Person, hashed: str, by: Caller | None) -> None:
    await parts.people.add(session, person, hashed)
    facts = {"role": person.role, "environments": sorted(person.environments)}
    await audit(parts, session, "user.created", person, by, **facts)


async def _check_not_last(parts: Parts, session: Session, person: Person) -> None:
    if await parts.people.count_other_owners(session, person.id) == 0:
        raise NotAllowed(f"{person.name!r} is the last owner; make another one first.")
