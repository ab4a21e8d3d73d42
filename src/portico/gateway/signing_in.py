"""Signing in and out. A session is a random cookie kept as a keyed hash; guessing is slowed down in all processes.

Ends after twelve idle hours, after seven days in any case, and at once when the person signs out or is disabled.
"""

from datetime import timedelta

from msgspec import Struct, structs

from portico.clock import in_seconds
from portico.errors import NotAllowed, Refusal
from portico.gateway.parts import Parts
from portico.gateway.people import LONGEST_PASSWORD, NewPerson, add_person, audit, checked_name, set_password
from portico.model.caller import Caller
from portico.model.person import Person, folded
from portico.store.attempts import Allowance
from portico.store.identities import ProviderSession
from portico.store.sessions import Begun, begun
from portico.vault import id_tokens, tokens

IDLE = timedelta(hours=12)
LIFE = timedelta(days=7)
SETUP_CODE_LIFE = timedelta(days=1)
# A page may ask for its stylesheet and three more things at once; one note a minute is enough.
_NOTED_EVERY = timedelta(minutes=1)
# For one name from one address; and for one address, where many people may share one, whatever the name.
SIGN_IN = Allowance(most=10, window_seconds=60, lock_seconds=60)
KNOCK = Allowance(most=60, window_seconds=60, lock_seconds=60)


class TooManyAttempts(Refusal):
    """Too many attempts; wait a minute."""

    status = 429
    code = "too_many_attempts"


class WrongPassword(Refusal):
    """That name and password do not belong together, or the user was disabled."""

    status = 403
    code = "wrong_password"


class PasswordsOff(Refusal):
    """Nobody signs in here with a password; use the provider's button."""

    status = 403
    code = "passwords_off"


class WrongSetupCode(Refusal):
    """That is not the setup code, or it is older than a day; the start of `portico serve` prints a new one."""

    status = 403
    code = "wrong_setup_code"


class Visitor(Struct, frozen=True, kw_only=True):
    """Who comes to the door: from where, the cookie that they had, and the program they came with."""

    address: str
    token: str = ""
    client: str = ""


async def sign_in(parts: Parts, visitor: Visitor, name: str, password: str) -> tuple[str, Person]:
    """The text of a new session and whose it is. The visitor's old one ends with it."""
    _check_passwords(parts)
    await check_knocks(parts, visitor)
    place = await _count(parts, f"sign-in\x1f{visitor.address}\x1f{folded(name[:1000])}")
    try:
        found = await parts.people.called(checked_name(name))
    except Refusal:
        found = None
    hashed = found[1] if found else None
    is_right = await parts.passwords.is_right(hashed, password[: LONGEST_PASSWORD + 1])
    if not is_right or found is None or found[0].disabled_at is not None:
        raise WrongPassword
    person = found[0]
    await parts.attempts.forget(place)
    if parts.passwords.is_outdated(found[1]):
        renewed = await parts.passwords.hash(password)
        async with parts.database.transaction() as session:
            await parts.people.set_password(session, person.id, renewed, parts.clock())
    return await begin_session(parts, visitor, person), person


async def set_up(parts: Parts, visitor: Visitor, code: str, name: str, password: str) -> tuple[str, Person]:
    """Make the first owner, who then is signed in. The code works once, and only while there are no users."""
    _check_passwords(parts)
    place = await _count(parts, f"set-up\x1f{visitor.address}")
    digest = tokens.digest(code.strip(), parts.keyring.pepper)
    async with parts.database.transaction() as session:
        if not await parts.sessions.use_setup_code(session, digest, parts.clock()):
            raise WrongSetupCode
        if await parts.people.any(session):
            raise NotAllowed("There are users already; an owner can add others with `portico users create`.")
        person = await add_person(parts, NewPerson(name=name, password=password, role="owner"), session)
    await parts.attempts.forget(place)
    return await begin_session(parts, visitor, person), person


async def make_setup_code(parts: Parts) -> str:
    """A code for the first visit of /sign-in. A newer one replaces it."""
    code = tokens.make("setup")
    digest = tokens.digest(code, parts.keyring.pepper)
    await parts.sessions.keep_setup_code(digest, parts.clock() + SETUP_CODE_LIFE)
    return code


async def who_is(parts: Parts, token: str) -> Person | None:
    """The person behind a session's cookie, while it lasts."""
    if not tokens.is_well_formed(token):
        return None
    digest = tokens.digest(token, parts.keyring.pepper)
    found = await parts.sessions.get(digest)
    moment = parts.clock()
    if found is None or found.person.disabled_at is not None:
        return None
    if found.expires_at <= moment or found.seen_at + IDLE <= moment:
        return None
    if found.seen_at + _NOTED_EVERY <= moment:
        await parts.sessions.seen(digest, moment)
    return found.person


async def sign_out(parts: Parts, token: str) -> None:
    async with parts.database.transaction() as session:
        await parts.sessions.end(session, tokens.digest(token, parts.keyring.pepper))


async def sign_out_everywhere(parts: Parts, person: Person, by: Caller | None = None) -> int:
    async with parts.database.transaction() as session:
        ended = await parts.sessions.end_all(session, person.id)
        await audit(parts, session, "user.signed_out_everywhere", person, by, sessions=ended)
    return ended


async def sessions_of(parts: Parts, person: Person) -> list[Begun]:
    """Where a person is signed in now, the last used first."""
    moment = parts.clock()
    found = await parts.sessions.of_person(person.id, moment)
    return [each for each in found if each.seen_at + IDLE > moment]


async def everybodys_sessions(parts: Parts, count: int) -> list[tuple[Person, Begun]]:
    """Where people are signed in now, the last used first."""
    moment = parts.clock()
    return await parts.sessions.everybodys(moment, moment - IDLE, count)


async def end_session(parts: Parts, person: Person, session_id: str, by: Caller | None = None) -> int:
    """1, or 0 where it had ended already."""
    for each in await parts.sessions.of_person(person.id, parts.clock()):
        if each.id == session_id:
            async with parts.database.transaction() as session:
                await parts.sessions.end(session, each.digest)
                await audit(parts, session, "user.session_ended", person, by)
            return 1
    return 0


async def change_own_password(parts: Parts, visitor: Visitor, person: Person, old: str, new: str) -> str:
    """Whoever sits at somebody's open screen does not know their password. Every session ends; the text of a new one
    for this visitor."""
    _check_passwords(parts)
    place = await _count(parts, f"password\x1f{visitor.address}\x1f{person.id}")
    found = await parts.people.called(person.name)
    if found is not None and not found[1]:
        raise WrongPassword("You sign in at your provider and have no password here.")
    if found is None or not await parts.passwords.is_right(found[1], old[: LONGEST_PASSWORD + 1]):
        raise WrongPassword("That is not your present password.")
    await set_password(parts, person, new)
    await parts.attempts.forget(place)
    return await begin_session(parts, visitor, person)


async def has_password(parts: Parts, person: Person) -> bool:
    """Whether they could sign in with one."""
    if parts.settings.passwords == "off":
        return False
    found = await parts.people.called(person.name)
    return found is not None and bool(found[1])


async def begin_session(parts: Parts, visitor: Visitor, person: Person, provided: ProviderSession | None = None) -> str:
    """Always a new text: a cookie that somebody else put there gains nothing by the person's signing in. `provided`:
    what it began with at a provider; its ID token is sealed here."""
    text = tokens.make("ses")
    moment = parts.clock()
    async with parts.database.transaction() as session:
        if visitor.token:
            await parts.sessions.end(session, tokens.digest(visitor.token, parts.keyring.pepper))
        digest = tokens.digest(text, parts.keyring.pepper)
        ends = in_seconds(moment, LIFE.total_seconds())
        await parts.sessions.add(session, person.id, begun(digest, moment, ends, visitor.client))
        facts: dict[str, str] = {}
        if provided is not None:
            sealed = id_tokens.seal_with(text, provided.id_token)
            await parts.identities.add_session(session, digest, structs.replace(provided, id_token=sealed))
            facts = {"issuer": provided.issuer}
        await audit(parts, session, "user.signed_in", person, None, **facts)
    return text


async def check_knocks(parts: Parts, visitor: Visitor) -> None:
    """TooManyAttempts where this address has come to the door too often."""
    await _count(parts, f"knock\x1f{visitor.address}", KNOCK)


def _check_passwords(parts: Parts) -> None:
    if parts.settings.passwords == "off":
        raise PasswordsOff


async def _count(parts: Parts, place: str, allowance: Allowance = SIGN_IN) -> bytes:
    """Counted before the password is looked at, so that guesses made at the same time count too."""
    mark = tokens.mark("attempts", place, parts.keyring.pepper)
    if wait := await parts.attempts.count(mark, allowance, parts.clock()):
        raise TooManyAttempts(f"Too many attempts; wait {wait} seconds.", headers={"retry-after": str(wait)})
    return mark
