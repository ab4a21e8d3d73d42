"""Invitations to an organization: pending for seven days, then expired, unless they were accepted.

Nobody reads the mail that is sent, so an address whose local part ends in `+accepts` accepts after a minute.
"""

from dataclasses import dataclass, field

from portico.sandbox.audit import Actor, remember
from portico.sandbox.people import join, user_with_email
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.state import Organization, User, World

LIFE_SECONDS = 7 * 24 * 3600
ACCEPTING_SECONDS = 60
ACCEPTING_MARK = "+accepts@"


@dataclass(slots=True)
class Invite:
    id: str
    email: str
    role: str
    created_at: int
    projects: list[Json] = field(default_factory=list[Json])
    accepted_at: int | None = None

    @property
    def expires_at(self) -> int:
        return self.created_at + LIFE_SECONDS

    def status(self, now: int) -> str:
        if self.accepted_at is not None:
            return "accepted"
        return "expired" if now >= self.expires_at else "pending"

    def show(self, now: int) -> Json:
        return {
            "id": self.id,
            "object": "organization.invite",
            "email": self.email,
            "role": self.role,
            "status": self.status(now),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "accepted_at": self.accepted_at,
            "projects": self.projects,
        }


INVITES = Kind[Invite]("invite", "invite-", organization_wide=True)


def invites(world: World, organization: Organization) -> Collection[Invite]:
    """The invitations as they stand now: those whose time had come were accepted and made their users."""
    held = organization.held(INVITES)
    for invite in held:
        due = invite.created_at + int(ACCEPTING_SECONDS * world.pace)
        waits = invite.status(due) == "pending" and due <= world.now()
        if waits and ACCEPTING_MARK in invite.email:
            _accept(world, organization, invite, due)
    return held


def _accept(world: World, organization: Organization, invite: Invite, at: int) -> None:
    invite.accepted_at = at
    user = user_with_email(organization, invite.email)
    if user is None:
        name = invite.email.split("+")[0].replace(".", " ").title()
        user = User(world.new_id("user-"), name, invite.email, at, invite.role)
        organization.users[user.id] = user
    for place in invite.projects:
        if place["id"] in organization.projects:
            join(organization.projects[place["id"]], user.id, place["role"], at)
    actor = Actor(user.id, user.email, ip_address="198.51.100.7")
    remember(organization, at, actor, "invite.accepted", id=invite.id)
    remember(organization, at, actor, "user.added", id=user.id, data={"role": user.role})
