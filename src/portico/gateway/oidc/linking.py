"""Which user somebody at the provider is: linked by an owner or at the first sign-in, and unlinked again."""

from portico.errors import AlreadyExists, Failure, InvalidArguments
from portico.gateway.oidc.claims import LONGEST_SUBJECT
from portico.gateway.oidc.troubles import NoProvider
from portico.gateway.parts import Parts
from portico.gateway.people import audit
from portico.model.caller import Caller
from portico.model.person import Person
from portico.store.database import Session
from portico.store.identities import Identity


async def link(parts: Parts, person: Person, subject: str, by: Caller | None = None) -> Identity:
    """By the provider's word for them. AlreadyExists where either has another already."""
    subject = subject.strip()
    if not 1 <= len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise InvalidArguments([Failure("subject", f"must have 1 to {LONGEST_SUBJECT} visible characters")])
    if parts.provider is None:
        raise NoProvider
    moment = parts.clock()
    identity = Identity(
        issuer=parts.provider.configured.issuer,
        subject=subject,
        person_id=person.id,
        email="",
        created_at=moment,
        seen_at=moment,
    )
    try:
        async with parts.database.transaction() as session:
            await link_within(parts, session, person, identity, by)
    except AlreadyExists:
        other = await parts.identities.person(identity.issuer, subject)
        whose = f"that subject is {other.name!r}" if other else f"{person.name!r} is linked with another subject"
        raise AlreadyExists(f"Not linked: {whose}; unlink that first.") from None
    return identity


async def link_within(
    parts: Parts, session: Session, person: Person, identity: Identity, by: Caller | None = None
) -> None:
    """Their password ends, or it would go on opening the door that the provider closes; and so do their sessions."""
    await parts.identities.add(session, identity)
    await parts.people.set_password(session, person.id, "", parts.clock())
    await parts.sessions.end_all(session, person.id)
    await audit(parts, session, "user.linked", person, by, issuer=identity.issuer, subject=identity.subject)


async def unlink(parts: Parts, person: Person, by: Caller | None = None) -> int:
    """From every provider, with every session and the programs that they let in: nobody vouches for them any more. How
    many links that were."""
    async with parts.database.transaction() as session:
        count = await parts.identities.drop(session, person.id)
        if count:
            await parts.sessions.end_all(session, person.id)
            ended = await parts.operators.delete_grants_of_person(session, person.id)
            await audit(parts, session, "user.unlinked", person, by, links=count, grants_revoked=ended)
            await parts.changes.tell(session, "tokens")
    parts.changes.apply("tokens")
    return count
