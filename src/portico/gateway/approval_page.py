"""The page where people at a program say whether one call of theirs may happen. Its address proves itself, and nothing
of it is kept: it opens this one approval, as long as that can be decided.

Who signed in at Portico to let the program in is the one who decides for it. Where nobody did, whoever the program sent
here decides, unless its server asks for somebody who is signed in.
"""

from msgspec import Struct

from portico.errors import NotAllowed, NotFound
from portico.gateway.parts import Parts
from portico.model.account import EnvironmentId
from portico.model.approval import Approval
from portico.model.caller import Caller
from portico.model.person import Person
from portico.vault import tokens

PATH = "/approve/"
_KIND = "approve"
_TELLS_STATE, _NEEDS_PERSON = "s", "p"
_UNKNOWN = "This link is unknown, or its time is up. Make the call again, and you are asked anew."


class Bounds(Struct, frozen=True, kw_only=True):
    """What a page may show, and to whom. `tells_state`: also how things are at present."""

    tells_state: bool
    needs_person: bool


class Opened(Struct, frozen=True, kw_only=True):
    """An approval behind a link. `person_id` is set where it is that one person's to decide."""

    approval: Approval
    bounds: Bounds
    person_id: str


def address(parts: Parts, approval: Approval, bounds: Bounds) -> str:
    """Where the page is."""
    flags = (_TELLS_STATE if bounds.tells_state else "") + (_NEEDS_PERSON if bounds.needs_person else "")
    subject = f"{approval.environment_id}.{approval.id}.{flags}"
    until = int(approval.expires_at.timestamp())
    proof = tokens.signed(_KIND, subject, until, parts.keyring.pepper)
    return f"{parts.settings.public_url.rstrip('/')}{PATH}{subject}.{proof}"


async def opened(parts: Parts, text: str) -> Opened:
    """What a link leads to. One and the same NotFound for all that leads nowhere."""
    subject, _, proof = text.rpartition(".")
    now = int(parts.clock().timestamp())
    if not tokens.is_signed(proof, _KIND, subject, now, parts.keyring.pepper):
        raise NotFound(_UNKNOWN)
    environment_id, approval_id, flags = subject.split(".")
    try:
        approval = await parts.approvals.find(EnvironmentId(environment_id), approval_id)
    except NotFound:
        raise NotFound(_UNKNOWN) from None
    is_granted = approval.asked_by.startswith("grant:")
    person_id = await parts.grants.person_of(approval.environment_id, approval.asked_by) if is_granted else ""
    if is_granted and not person_id:
        raise NotFound(_UNKNOWN)
    bounds = Bounds(tells_state=_TELLS_STATE in flags, needs_person=_NEEDS_PERSON in flags or is_granted)
    return Opened(approval=approval, bounds=bounds, person_id=person_id)


def decider(found: Opened, person: Person | None) -> Caller:
    """In whose name it is decided. For somebody of elsewhere there is nothing here."""
    approval = found.approval
    if person is None or not person.sees(approval.environment_id):
        if found.bounds.needs_person:
            raise NotFound(_UNKNOWN)
        return Caller(
            environment_id=approval.environment_id,
            token_id=approval.asked_by,
            name=f"somebody at {approval.client or 'the program'}, on its page",
            scopes=frozenset(),
        )
    if found.person_id and person.id != found.person_id:
        raise NotAllowed("Somebody else has let this program in, and decides here; you can decide among the approvals.")
    if found.bounds.needs_person and not found.person_id and not person.may_write():
        raise NotAllowed("You may only look here, and a yes changes something; ask an operator or owner.")
    return person.caller(approval.environment_id)
