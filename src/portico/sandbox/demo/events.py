"""What happened in the demo organization in its last ninety days, as its audit log tells it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from portico.sandbox.audit import Actor, in_browser, remember
from portico.sandbox.certificate_store import CERTIFICATES
from portico.sandbox.demo import cast
from portico.sandbox.demo.stage import DAY, Stage
from portico.sandbox.demo.traffic import FIRST_WEEKDAY, HISTORY_DAYS, SATURDAY
from portico.sandbox.invitations import INVITES
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project

# Addresses that stand for nobody (RFC 5737).
OFFICE, ELSEWHERE = "203.0.113.{}", "192.0.2.44"
MOMENT = 0.0002
HOUR = 1 / 24
OWNER, SECURITY = "ingrid.solheim", "hannah.brandt"


@dataclass(frozen=True, slots=True)
class Happening:
    age: float
    actor: Actor
    kind: str
    project: Project | None
    details: Json


def tell(stage: Stage) -> None:
    """Write the log, oldest first."""
    happenings = (
        *_made(stage),
        *_ended(stage),
        *_invited(stage),
        *_changed(stage),
        *_certified(stage),
        *_logins(stage),
    )
    for what in sorted(happenings, key=lambda what: -what.age):
        if 0 < what.age < HISTORY_DAYS:
            moment = stage.ago(what.age)
            remember(stage.organization, moment, what.actor, what.kind, what.project, **what.details)


def _made(stage: Stage) -> Iterator[Happening]:
    for place in cast.PLACES:
        project, maker = stage.projects[place.name], place.members.split(":")[0]
        data = {"name": place.name, "title": place.name}
        yield Happening(place.age, _by(stage, maker), "project.created", project, {"id": project.id, "data": data})
    makers = {place.name: place.members.split(":")[0] for place in cast.PLACES}
    for account in cast.ACCOUNTS:
        details = {"id": stage.accounts[account.name].id, "data": {"role": "member"}}
        actor, project = _by(stage, makers[account.project]), stage.projects[account.project]
        yield Happening(account.age, actor, "service_account.created", project, details)
    for entry in cast.PASSES:
        key, owner = stage.keys[entry.label], makers.get(entry.project or "", OWNER)
        maker = entry.owner if entry.owner in stage.people else owner
        details = {"id": key.id, "data": {"scopes": list[str]()}}
        place = stage.projects[entry.project] if entry.project else None
        yield Happening(entry.age - MOMENT, _by(stage, maker), "api_key.created", place, details)
        if entry.expires_in is not None and place is not None:
            seconds = round((entry.expires_in + entry.age) * DAY)
            details = {"id": key.id, "changes_requested": {"expires_in_seconds": seconds}}
            yield Happening(entry.age - 2 * MOMENT, _by(stage, maker), "api_key.updated", place, details)


def _ended(stage: Stage) -> Iterator[Happening]:
    for account in cast.ACCOUNTS:
        if account.deleted_age is not None:
            details = {"id": stage.accounts[account.name].id}
            actor, project = _by(stage, account.deleted_by), stage.projects[account.project]
            yield Happening(account.deleted_age, actor, "service_account.deleted", project, details)
    for place in cast.PLACES:
        if place.archived_age is not None:
            project, actor = stage.projects[place.name], _by(stage, SECURITY)
            yield Happening(place.archived_age, actor, "project.archived", project, {"id": project.id})
    left = stage.people[cast.LEFT.handle]
    yield Happening(cast.LEFT_AGE, _by(stage, SECURITY), "user.deleted", None, {"id": left.id})
    for entry in cast.PASSES:
        if entry.owner == cast.LEFT.handle and entry.project is not None:
            project, details = stage.projects[entry.project], {"id": stage.keys[entry.label].id}
            yield Happening(cast.LEFT_AGE - MOMENT, _by(stage, SECURITY), "api_key.deleted", project, details)


def _invited(stage: Stage) -> Iterator[Happening]:
    makers = {place.name: place.members.split(":")[0] for place in cast.PLACES}
    for (email, role, age, project, accepted_age), invite in zip(
        cast.INVITED, stage.organization.held(INVITES), strict=True
    ):
        details = {"id": invite.id, "data": {"email": email, "role": role}}
        yield Happening(age, _by(stage, makers[project]), "invite.sent", None, details)
        if accepted_age is not None:
            user = stage.people[email.partition("@")[0]]
            actor = _by(stage, email.partition("@")[0])
            yield Happening(accepted_age, actor, "invite.accepted", None, {"id": invite.id})
            for place, part in ((None, role), (stage.projects[project], "member")):
                details = {"id": user.id, "data": {"role": part}}
                yield Happening(accepted_age - MOMENT, actor, "user.added", place, details)


def _changed(stage: Stage) -> Iterator[Happening]:
    for age, who, name, model, requests, tokens in cast.LIMITS_CHANGED:
        changes = {"max_requests_per_1_minute": requests, "max_tokens_per_1_minute": tokens}
        actor = _by_key(stage, who) if who in stage.keys else _by(stage, who)
        details = {"id": f"rl-{model}", "changes_requested": changes}
        yield Happening(age, actor, "rate_limit.updated", stage.projects[name], details)
    security = stage.people[SECURITY]
    details = {"id": security.id, "changes_requested": {"role": "owner"}}
    yield Happening(74.4, _by(stage, OWNER), "user.updated", None, details)
    details = {"id": stage.organization.id, "changes_requested": {"usage_dashboard_visibility": "OWNERS"}}
    yield Happening(73.9, _by(stage, SECURITY), "organization.updated", None, details)
    yield Happening(80.2, _by(stage, SECURITY), "tenant.sso_connection.created", None, {"id": "conn_larkfield"})
    lucas, bot = stage.people["lucas.moreau"], stage.projects["Customer-Support-Bot"]
    details = {"id": lucas.id, "changes_requested": {"role": "member"}}
    yield Happening(48.3, _by(stage, "aisha.karimi"), "user.updated", bot, details)


def _certified(stage: Stage) -> Iterator[Happening]:
    held = stage.organization.held(CERTIFICATES)
    for (_, name, age, place), certificate in zip(cast.CERTIFICATES, held, strict=True):
        actor, details = _by(stage, SECURITY), {"id": certificate.id, "name": name}
        yield Happening(age, actor, "certificate.created", None, details)
        project = stage.projects[place] if place is not None else None
        yield Happening(age - MOMENT, actor, "certificates.activated", project, {"certificates": [details]})


def _logins(stage: Stage) -> Iterator[Happening]:
    today = stage.now // DAY
    for handle, user in stage.people.items():
        last = today - int(cast.LEFT_AGE) - 1 if handle == cast.LEFT.handle else today
        for day in range(max(today - HISTORY_DAYS, user.added_at // DAY + 1), last + 1):
            comes, hour, slip, leaves, stay = _chances(handle, day)
            if (day + FIRST_WEEKDAY) % 7 >= SATURDAY or comes < 0.6:
                continue
            age = (stage.now - day * DAY) / DAY - (7 + 9 * hour) * HOUR
            if slip < 0.05:
                failed = Actor(user.id, user.email, ip_address=ELSEWHERE)
                details = {"error_code": "invalid_credentials", "error_message": "The password was wrong."}
                yield Happening(age + MOMENT, failed, "login.failed", None, details)
            yield Happening(age, _by(stage, handle), "login.succeeded", None, {})
            if leaves < 0.3:
                yield Happening(age - 3 * HOUR * stay, _by(stage, handle), "logout.succeeded", None, {})


@lru_cache(16_384)
def _chances(handle: str, day: int) -> tuple[float, ...]:
    """The same for the same person and day, from run to run and for every organization."""
    chance = random.Random(f"{handle} {day}")  # noqa: S311 -- invented data, and no secret
    return tuple(chance.random() for _ in range(5))


def _by(stage: Stage, handle: str) -> Actor:
    """The person in a browser, at an address that is always the same for the same person."""
    return in_browser(stage.people[handle], OFFICE.format(10 + list(stage.people).index(handle)))


def _by_key(stage: Stage, label: str) -> Actor:
    key = stage.keys[label]
    user = next(user for user in stage.people.values() if user.id == key.owner_id)
    return Actor(user.id, user.email, key_id=key.id)
