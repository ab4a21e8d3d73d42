"""The users of this Portico: who they are and what they may see. Signing in stands in `signing_in`."""

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


class NewPerson(Struct, frozen=True, kw_only=True):
    """`environments` are ids; an owner needs none."""

    name: str
    password: str
    role: Role = "operator"
    environments: frozenset[EnvironmentId] = frozenset()


async def add_person(parts: Parts, wanted: NewPerson, session: Session | None = None) -> Person:
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
        await _add(parts, session, person, hashed)
        return person
    try:
        async with parts.database.transaction() as own:
            await _add(parts, own, person, hashed)
    except AlreadyExists:
        raise AlreadyExists(f"There is a user called {name!r} already.") from None
    return person


async def find_person(parts: Parts, name: str) -> Person:
    found = await parts.people.called(checked_name(name))
    if found is None:
        raise NotFound(f"There is no user called {name!r}.")
    return found[0]


async def set_password(parts: Parts, person: Person, password: str) -> None:
    """Ends every session of the person. What they let in stays."""
    check_password(password)
    hashed = await parts.passwords.hash(password)
    async with parts.database.transaction() as session:
        await parts.people.set_password(session, person.id, hashed, parts.clock())
        await parts.sessions.end_all(session, person.id)
        await audit(parts, session, "user.password_set", person)


async def change_person(
    parts: Parts, person: Person, role: Role | None = None, environments: Iterable[EnvironmentId] | None = None
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
        await audit(
            parts, session, "user.updated", changed, role=changed.role, environments=sorted(changed.environments)
        )
        await parts.changes.tell(session, "tokens")
    parts.changes.apply("tokens")
    return changed


async def disable_person(parts: Parts, person: Person) -> int:
    """No more signing in, no session, and every program that they let in is out. How many programs that were."""
    async with parts.database.transaction() as session:
        if person.role == "owner":
            await _check_not_last(parts, session, person)
        moment = parts.clock()
        await parts.people.update(session, structs.replace(person, disabled_at=moment), moment)
        await parts.sessions.end_all(session, person.id)
        ended = await parts.operators.delete_grants_of_person(session, person.id)
        await audit(parts, session, "user.disabled", person, grants_revoked=ended)
        await parts.changes.tell(session, "tokens")
    parts.changes.apply("tokens")
    return ended


async def enable_person(parts: Parts, person: Person) -> None:
    async with parts.database.transaction() as session:
        await parts.people.update(session, structs.replace(person, disabled_at=None), parts.clock())
        await audit(parts, session, "user.enabled", person)


async def audit(parts: Parts, session: Session, act: str, person: Person, **facts: object) -> None:
    """Users belong to no environment; what is done with them stands in the trail of the first one."""
    environment = await parts.operators.first_environment()
    if environment is None:
        raise NotFound("There is no environment yet; start the gateway once.")
    system = Caller(environment_id=environment.id, token_id=SYSTEM, name=SYSTEM, scopes=FULL_SCOPES)
    await parts.audit.add(session, system, act, person.id, parts.clock(), name=person.name, **facts)


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


async def _add(parts: Parts, session: Session, person: Person, hashed: str) -> None:
    await parts.people.add(session, person, hashed)
    await audit(parts, session, "user.created", person, role=person.role, environments=sorted(person.environments))


async def _check_not_last(parts: Parts, session: Session, person: Person) -> None:
    if await parts.people.count_other_owners(session, person.id) == 0:
        raise NotAllowed(f"{person.name!r} is the last owner; make another one first.")
