"""Fills the demo organization from the tables of the cast, with ninety days behind it."""

from itertools import chain
from pathlib import Path

from portico.sandbox import ids
from portico.sandbox.certificate_store import CERTIFICATES, Certificate
from portico.sandbox.demo import cast
from portico.sandbox.demo.events import tell
from portico.sandbox.demo.stage import Stage
from portico.sandbox.demo.traffic import Source, history, storage
from portico.sandbox.invitations import INVITES, Invite
from portico.sandbox.keys import Key, KeyKind
from portico.sandbox.limits import Limit
from portico.sandbox.pem import validity
from portico.sandbox.people import ServiceAccount, accounts, join
from portico.sandbox.state import Organization, Project, User, World

# What the vector stores of a project hold now, in mebibytes.
STORED = {"Customer-Support-Bot": 1_840.0, "Data-Science": 730.0, "Internal-Tools": 96.0}


def fill(world: World, organization: Organization) -> None:
    stage = Stage(organization, world.now())
    _people(stage)
    _projects(stage)
    sources = _keys(world, stage)
    _invites(stage)
    _certificates(stage)
    tell(stage)
    stored = [(stage.projects[name].id, size) for name, size in STORED.items()]
    organization.history = lambda: chain(
        history(tuple(sources.items()), stage.now),
        *(storage(project_id, size, stage.now) for project_id, size in stored),
    )


def _people(stage: Stage) -> None:
    organization = stage.organization
    organization.name, organization.created_at = cast.TITLE, stage.ago(cast.PEOPLE[0].age)
    owner = organization.owner
    organization.users.clear()
    for person in cast.PEOPLE:
        # The first is the owner whom every organization has, so that its id stays.
        identity = ids.named("user-", person.handle) if organization.users else owner.id
        user = User(identity, person.name, person.email, stage.ago(person.age), person.role)
        stage.people[person.handle] = organization.users[identity] = user
    left = cast.LEFT
    stage.people[left.handle] = User(
        ids.named("user-", left.handle), left.name, left.email, stage.ago(left.age), left.role
    )


def _projects(stage: Stage) -> None:
    default = stage.organization.default_project
    default.created_at = stage.organization.created_at
    stage.projects[default.name] = default
    for user in stage.organization.users.values():
        join(default, user.id, "owner" if user.role == "owner" else "member", user.added_at)
    for place in cast.PLACES:
        project = Project(ids.named("proj_", place.name), place.name, stage.ago(place.age), residency=place.residency)
        stage.projects[place.name] = stage.organization.projects[project.id] = project
        if place.archived_age is not None:
            project.status, project.archived_at = "archived", stage.ago(place.archived_age)
        for entry in place.members.split():
            handle, _, role = entry.partition(":")
            user = stage.people[handle]
            join(project, user.id, role, max(user.added_at, project.created_at))
        for model, (requests, tokens) in place.limits.items():
            project.limits.set(model, Limit(requests, tokens))


def _keys(world: World, stage: Stage) -> dict[str, Source]:
    """Make the accounts and the keys; the answer says for each key which usage is its own."""
    for account in cast.ACCOUNTS:
        identity = ids.named("svc_acct_", f"{account.project} {account.name}")
        made = ServiceAccount(identity, account.name, "member", stage.ago(account.age))
        stage.accounts[account.name] = made
        if account.deleted_age is None:
            accounts(stage.projects[account.project]).add(identity, made)
    sources: dict[str, Source] = {}
    for entry in sorted(cast.PASSES, key=lambda entry: -entry.age):
        key = _key(stage, entry)
        stage.keys[entry.label] = key
        if not stage.is_gone(entry.owner):
            world.keys.add(key)
        if key.project_id is not None and key.last_used_at is not None:
            sources[entry.label] = Source(key.project_id, key.owner_id, key.id, key.created_at, key.last_used_at)
    return sources


def _key(stage: Stage, entry: cast.Pass) -> Key:
    account = stage.accounts.get(entry.owner)
    kind: KeyKind = "admin" if entry.project is None else "project" if account is None else "service_account"
    prefix = {"admin": "sk-admin-", "service_account": "sk-svcacct-"}.get(kind, "sk-proj-")
    secret = entry.given or ids.named(prefix, f"Larkfield {entry.label}")
    return Key(
        ids.named("key_", secret),
        kind,
        secret,
        stage.organization.id,
        stage.projects[entry.project].id if entry.project else None,
        account.id if account else stage.people[entry.owner].id,
        entry.name,
        stage.ago(entry.age),
        expires_at=None if entry.expires_in is None else stage.ago(-entry.expires_in),
        last_used_at=None if entry.used_age is None else stage.ago(entry.used_age),
    )


def _invites(stage: Stage) -> None:
    held = stage.organization.held(INVITES)
    for email, role, age, project, accepted_age in cast.INVITED:
        places = [{"id": stage.projects[project].id, "role": "member"}]
        invite = Invite(ids.named("invite-", email), email, role, stage.ago(age), places)
        invite.accepted_at = None if accepted_age is None else stage.ago(accepted_age)
        held.add(invite.id, invite)


def _certificates(stage: Stage) -> None:
    held = stage.organization.held(CERTIFICATES)
    for file, name, age, place in cast.CERTIFICATES:
        content = Path(__file__).with_name(file).read_text(encoding="ascii")
        made = Certificate(ids.named("cert_", name), name, content, validity(content), stage.ago(age))
        made.active_in = {stage.organization.id if place is None else stage.projects[place].id}
        held.add(made.id, made)
