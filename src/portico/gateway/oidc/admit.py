"""Who somebody from the provider is here: found by issuer and subject, linked or made where the operator has it so, and
in the role that the claim says each time they come. A name or an e-mail address alone is never who somebody is."""

from msgspec import Struct

from portico.errors import AlreadyExists, InvalidArguments, NotAllowed
from portico.gateway.oidc.claims import email_of, roles_in
from portico.gateway.oidc.configured import Configured
from portico.gateway.oidc.linking import link_within
from portico.gateway.oidc.troubles import NotWelcome
from portico.gateway.parts import Parts
from portico.gateway.people import add_known, audit, change_person, checked_name, withdraw_role
from portico.log import logger
from portico.model.account import EnvironmentId
from portico.model.person import Person, Role
from portico.settings import BadSetting
from portico.shapes import Json
from portico.store.identities import Identity

_NAMES = ("preferred_username", "email", "name")
_EVERY = 10_000
_log = logger("sign-in")


class Visiting(Struct, frozen=True, kw_only=True):
    """Somebody whom the provider vouches for. `role` is the claim's, where one is asked."""

    issuer: str
    subject: str
    email: str
    is_verified: bool
    role: Role | None
    name: str


async def admit(parts: Parts, configured: Configured, claims: Json) -> Person:
    """The person, in the role that holds from now on. NotWelcome says why not."""
    visiting = _read(configured, claims)
    person = await parts.identities.person(visiting.issuer, visiting.subject)
    _check_email(configured, visiting)
    if configured.role_claim and visiting.role is None:
        if person is not None:
            await _withdraw(parts, person, visiting)
        raise NotWelcome(
            f"{configured.label} gives you none of the roles that open this Portico (claim {configured.role_claim}); "
            "ask whoever looks after your account there."
        )
    if person is None:
        person = await _linked(parts, configured, visiting) or await _made(parts, configured, visiting)
    if person.disabled_at is not None:
        raise NotWelcome(f"The user {person.name!r} is kept out of this Portico; an owner can let them in again.")
    person = await _in_role(parts, configured, person, visiting)
    async with parts.database.transaction() as session:
        await parts.identities.seen(session, visiting.issuer, visiting.subject, visiting.email, parts.clock())
    return person


def _read(configured: Configured, claims: Json) -> Visiting:
    email, is_verified = email_of(claims)
    role = configured.highest(roles_in(claims, configured.role_claim)) if configured.role_claim else None
    return Visiting(
        issuer=configured.issuer,
        subject=claims["sub"],
        email=email,
        is_verified=is_verified,
        role=role,
        name=email if is_verified else _name(configured, claims),
    )


def _name(configured: Configured, claims: Json) -> str:
    """What to call somebody whose e-mail address nobody vouches for."""
    for each in _NAMES:
        given = claims.get(each)
        try:
            return checked_name(given if isinstance(given, str) else "")
        except InvalidArguments:
            continue
    return checked_name(f"{claims['sub'][:50]} at {configured.label[:40]}")


def _check_email(configured: Configured, visiting: Visiting) -> None:
    if not configured.email_domains:
        return
    domain = visiting.email.rpartition("@")[2]
    if not visiting.is_verified or domain not in configured.email_domains:
        known = ", ".join(sorted(configured.email_domains))
        raise NotWelcome(f"Only e-mail addresses at {known}, verified by {configured.label}, come in here.")


async def _linked(parts: Parts, configured: Configured, visiting: Visiting) -> Person | None:
    """The user of that name, where that is how the operator has it."""
    if not configured.links_by_email or not visiting.is_verified:
        return None
    found = await parts.people.called(visiting.email)
    if found is None:
        return None
    person = found[0]
    if person.disabled_at is not None:
        return person
    try:
        async with parts.database.transaction() as session:
            await link_within(parts, session, person, _identity(parts, person, visiting))
    except AlreadyExists:
        return await _known_or_taken(parts, configured, visiting)
    return person


async def _made(parts: Parts, configured: Configured, visiting: Visiting) -> Person:
    if configured.new_people is None:
        raise NotWelcome(
            f"{configured.label} knows you as {visiting.name!r}, but this Portico has no such user; ask an owner to "
            "add you."
        )
    role = visiting.role or configured.new_people
    if role != "owner" and not await parts.people.any():
        raise NotWelcome("This Portico has no owner yet; the first to come in must be one, or use the setup code.")
    environments = frozenset[EnvironmentId]() if role == "owner" else await _environments(parts, configured)
    try:
        async with parts.database.transaction() as session:
            person = await add_known(parts, session, visiting.name, role, environments)
            await parts.identities.add(session, _identity(parts, person, visiting))
            await audit(parts, session, "user.linked", person, issuer=visiting.issuer, subject=visiting.subject)
    except AlreadyExists:
        return await _known_or_taken(parts, configured, visiting)
    return person


async def _known_or_taken(parts: Parts, configured: Configured, visiting: Visiting) -> Person:
    """Somebody was first: the same person in another tab, or another with that name."""
    person = await parts.identities.person(visiting.issuer, visiting.subject)
    if person is None:
        raise NotWelcome(
            f"There is a user called {visiting.name!r} already who is not linked with your account at "
            f"{configured.label}; ask an owner to link them or to give them another name."
        )
    return person


async def _in_role(parts: Parts, configured: Configured, person: Person, visiting: Visiting) -> Person:
    """The last owner stays one: a claim that was set up wrong must not leave a Portico without."""
    if visiting.role is None or visiting.role == person.role:
        return person
    loses_all = person.role == "owner" and not person.environments
    environments = await _environments(parts, configured) if loses_all else None
    try:
        return await change_person(parts, person, visiting.role, environments)
    except NotAllowed:
        _log.warning("the last owner keeps the role that the claim takes away", person=person.name, role=visiting.role)
        async with parts.database.transaction() as session:
            await audit(parts, session, "user.role_kept", person, role=person.role, claimed=visiting.role)
        return person


async def _withdraw(parts: Parts, person: Person, visiting: Visiting) -> None:
    try:
        await withdraw_role(parts, person)
    except NotAllowed:
        _log.warning("the last owner has no role in the claim and keeps it here", person=person.name)


async def _environments(parts: Parts, configured: Configured) -> frozenset[EnvironmentId]:
    every = {each.name: each.id for each in await parts.operators.environments("~", _EVERY)}
    if configured.environments == ("*",):
        return frozenset(every.values())
    ids = set(every.values())
    unknown = [each for each in configured.environments if each not in every and each not in ids]
    if unknown:
        raise BadSetting(f"PORTICO_OIDC_ENVIRONMENTS names {unknown[0]!r}; there are {', '.join(sorted(every))}.")
    return frozenset(every.get(each, EnvironmentId(each)) for each in configured.environments)


def _identity(parts: Parts, person: Person, visiting: Visiting) -> Identity:
    moment = parts.clock()
    return Identity(
        issuer=visiting.issuer,
        subject=visiting.subject,
        person_id=person.id,
        email=visiting.email,
        created_at=moment,
        seen_at=moment,
    )
