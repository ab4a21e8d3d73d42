"""Invitations to an organization."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import array, fields, one_of, record, text
from portico.sandbox.invitations import INVITES, Invite, invites
from portico.sandbox.pages import Cursor
from portico.sandbox.people import projects, user_with_email
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor()
PLACE = record({"id": str, "role": one_of("member", "owner")})


def create_invite(ask: Ask) -> Answer:
    required = {"email": text(longest=254), "role": one_of("reader", "owner")}
    body = fields(ask.body, required, {"projects": array(PLACE)})
    email = body["email"]
    name, _, domain = email.partition("@")
    if not name or "." not in domain or " " in email:
        raise invalid(f"'{email}' is not an e-mail address.", "email")
    if user_with_email(ask.organization, email) is not None:
        raise invalid(f"{email} is already a member of this organization.", "email", "user_already_in_organization")
    held = invites(ask.world, ask.organization)
    if any(known.email.lower() == email.lower() and known.status(ask.now) == "pending" for known in held):
        raise invalid(f"{email} has been invited already.", "email", "invite_already_pending")
    places: list[Json] | None = body.get("projects")
    if places is None:
        places = [{"id": ask.organization.default_project.id, "role": "member"}]
    for place in places:
        if projects(ask.organization).get(place["id"]).status == "archived":
            raise invalid(f"The project '{place['id']}' is archived.", "projects", "project_archived")
    invite = held.add(identity := ask.new_id(INVITES), Invite(identity, email, body["role"], ask.now, places))
    audit(ask, "invite.sent", id=invite.id, data={"email": email, "role": invite.role})
    return invite.show(ask.now)


def list_invites(ask: Ask) -> Answer:
    rows = invites(ask.world, ask.organization).rows()
    return LIST.answer(ask, rows, lambda invite: invite.show(ask.now))


def get_invite(ask: Ask) -> Answer:
    return invites(ask.world, ask.organization).get(ask["invite_id"]).show(ask.now)


def delete_invite(ask: Ask) -> Answer:
    held = invites(ask.world, ask.organization)
    invite = held.get(ask["invite_id"])
    if invite.accepted_at is not None:
        raise invalid("This invite has been accepted; remove the user instead.", "invite_id", "invite_accepted")
    held.remove(invite.id)
    audit(ask, "invite.deleted", id=invite.id)
    return gone(invite.id, "organization.invite.deleted")


ROUTES = (
    Route("GET", "/organization/invites", list_invites),
    Route("POST", "/organization/invites", create_invite),
    Route("GET", "/organization/invites/{invite_id}", get_invite),
    Route("DELETE", "/organization/invites/{invite_id}", delete_invite),
)
