"""`portico users …`: the people who may sign in. Works on the database itself, for whoever sits at the machine."""

import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from portico.cli.api import JsonOption
from portico.cli.local import opened
from portico.cli.say import Unhappy, say, say_json, say_table
from portico.cli.serve import run
from portico.clock import iso
from portico.model.account import EnvironmentId
from portico.model.person import Person, Role

if TYPE_CHECKING:
    from portico.gateway.parts import Parts

_MOST_SESSIONS = 1000
_SESSION_COLUMNS = ("id", "user", "client", "since", "last_seen")
Name = Annotated[str, Parameter(help="The name to sign in with.")]
RoleOption = Annotated[Role, Parameter(help="owner, operator or viewer.")]
NewRole = Annotated[Role | None, Parameter(help="owner, operator or viewer.")]
Environments = Annotated[
    list[str] | None,
    Parameter(
        name="--environment", negative="", help="An environment they may see, by name or id; repeat for several."
    ),
]
Password = Annotated[
    str,
    Parameter(
        help="- reads it from standard input; without it you are asked, or one is made.", allow_leading_hyphen=True
    ),
]


def list_(*, json: JsonOption = False) -> int:
    """List the users."""

    async def work(parts: "Parts") -> None:
        found = [_shown(each, await _names(parts)) for each in await parts.people.all()]
        if json:
            say_json(found)
            return
        columns = ("name", "role", "environments", "state", "created_at")
        say_table(columns, [[each[name] for name in columns] for each in found], "There are no users yet.")

    return _locally(work)


def create(
    name: Name, *, role: RoleOption = "operator", environment: Environments = None, password: Password = ""
) -> int:
    """Create a user. Without a terminal or a password given, one is made and printed, this once."""
    text, is_made = _password(password)

    async def work(parts: "Parts") -> None:
        from portico.gateway.people import NewPerson, add_person

        ids = await _ids(parts, environment or [])
        if role != "owner" and not ids:
            ids = await _first(parts)
        await add_person(parts, NewPerson(name=name, password=text, role=role, environments=ids))
        say(f"Created {name} ({role})." + (f" Password, shown this once: {text}" if is_made else ""))

    return _locally(work, may_make=True)


def password(name: Name, *, password: Password = "") -> int:
    """Set a user's password. Ends every session of theirs."""
    text, is_made = _password(password)

    async def work(parts: "Parts") -> None:
        from portico.gateway.people import find_person, set_password

        await set_password(parts, await find_person(parts, name), text)
        say(f"Set the password of {name}." + (f" It is, shown this once: {text}" if is_made else ""))

    return _locally(work)


def update(name: Name, *, role: NewRole = None, environment: Environments = None) -> int:
    """Change a user's role, or the environments that they may see (all of them are given anew)."""
    if role is None and environment is None:
        raise Unhappy("Say what to change: --role, --environment or both.")

    async def work(parts: "Parts") -> None:
        from portico.gateway.people import change_person, find_person

        ids = await _ids(parts, environment) if environment is not None else None
        changed = await change_person(parts, await find_person(parts, name), role, ids)
        say(f"{changed.name} is {changed.role} now.")

    return _locally(work)


def disable(name: Name) -> int:
    """Keep a user out: no signing in, no session, and every program that they let in is out."""

    async def work(parts: "Parts") -> None:
        from portico.gateway.people import disable_person, find_person

        ended = await disable_person(parts, await find_person(parts, name))
        say(f"Disabled {name}; ended the access of {ended} {'program' if ended == 1 else 'programs'}.")

    return _locally(work)


def enable(name: Name) -> int:
    """Let a disabled user sign in again. Programs have to be let in anew."""

    async def work(parts: "Parts") -> None:
        from portico.gateway.people import enable_person, find_person

        await enable_person(parts, await find_person(parts, name))
        say(f"Enabled {name}.")

    return _locally(work)


def link(name: Name, subject: Annotated[str, Parameter(help="What the provider calls them: sub.")]) -> int:
    """Have a user sign in at the provider alone. Their password and every session of theirs end."""

    async def work(parts: "Parts") -> None:
        from portico.gateway.oidc.linking import link as link_with
        from portico.gateway.people import find_person

        made = await link_with(parts, await find_person(parts, name), subject)
        say(f"{name} signs in at {made.issuer} now, as {made.subject}.")

    return _locally(work)


def unlink(name: Name) -> int:
    """Unlink a user from the provider. Their sessions end, and the programs that they let in are out."""

    async def work(parts: "Parts") -> None:
        from portico.gateway.oidc.linking import unlink as unlink_from
        from portico.gateway.people import find_person

        count = await unlink_from(parts, await find_person(parts, name))
        say(f"Unlinked {name}." if count else f"{name} was not linked.")

    return _locally(work)


def sessions(name: Annotated[str, Parameter(help="Only this user's.")] = "", /, *, json: JsonOption = False) -> int:
    """List where users are signed in, the last used first."""

    async def work(parts: "Parts") -> None:
        from portico.gateway.people import find_person
        from portico.gateway.signing_in import everybodys_sessions, sessions_of

        if name:
            person = await find_person(parts, name)
            found = [(person, each) for each in await sessions_of(parts, person)]
        else:
            found = await everybodys_sessions(parts, _MOST_SESSIONS)
        rows = [(each.id, person.name, each.client, iso(each.created_at), iso(each.seen_at)) for person, each in found]
        if json:
            say_json([dict(zip(_SESSION_COLUMNS, row, strict=True)) for row in rows])
        else:
            say_table([each.replace("_", " ") for each in _SESSION_COLUMNS], rows, "Nobody is signed in.")

    return _locally(work)


def sign_out(
    name: Name, *, session: Annotated[str, Parameter(help="Only this one, by its id in `portico users sessions`.")] = ""
) -> int:
    """End every session of a user, or one of them. They may sign in again."""

    async def work(parts: "Parts") -> None:
        from portico.gateway.people import find_person
        from portico.gateway.signing_in import end_session, sign_out_everywhere

        person = await find_person(parts, name)
        ended = await end_session(parts, person, session) if session else await sign_out_everywhere(parts, person)
        if session and not ended:
            raise Unhappy(f"{name} has no session {session!r}; `portico users sessions {name}` lists them.")
        say(f"Ended {ended} {'session' if ended == 1 else 'sessions'} of {name}.")

    return _locally(work)


def _locally(work: "Callable[[Parts], Awaitable[None]]", *, may_make: bool = False) -> int:
    async def main() -> int:
        async with opened(may_make=may_make) as portico:
            await work(portico.parts)
        return 0

    return run(main())


def _password(given: str) -> tuple[str, bool]:
    """The password, and whether it was made here and has to be printed."""
    from portico.gateway.people import made_password

    if given == "-":
        return sys.stdin.readline().rstrip("\r\n"), False
    if given:
        raise Unhappy("A password on the command line can be read by others: give - and send it to standard input.")
    if not sys.stdin.isatty():
        return made_password(), True
    text = getpass.getpass("Password (empty: make one): ")
    if not text:
        return made_password(), True
    if getpass.getpass("Once more: ") != text:
        raise Unhappy("The two differ.")
    return text, False


def _shown(person: Person, names: dict[str, str]) -> dict[str, Any]:
    seen = ["all"] if person.role == "owner" else sorted(names.get(each, each) for each in person.environments)
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "environments": ", ".join(seen),
        "state": "disabled" if person.disabled_at else "active",
        "created_at": iso(person.created_at),
    }


async def _names(parts: "Parts") -> dict[str, str]:
    return {each.id: each.name for each in await parts.operators.environments("~", 10_000)}


async def _ids(parts: "Parts", given: list[str]) -> frozenset[EnvironmentId]:
    names = await _names(parts)
    by_name = {name: each for each, name in names.items()}
    unknown = [each for each in given if each not in names and each not in by_name]
    if unknown:
        raise Unhappy(f"There is no environment {unknown[0]!r}; there are {', '.join(sorted(by_name))}.")
    return frozenset(EnvironmentId(by_name.get(each, each)) for each in given)


async def _first(parts: "Parts") -> frozenset[EnvironmentId]:
    found = await parts.operators.first_environment()
    return frozenset([found.id] if found else [])
