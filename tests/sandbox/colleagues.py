"""People and keys for tests of what an organization's administrators set."""

from typing import Any

from bare_http import Caller
from openai.resources.admin.organization import Organization

from portico.sandbox.state import User, World


def hire(world: World, name: str, role: str = "reader") -> User:
    """A new user of the organization `test`."""
    held = world.organization("test")
    user = User(world.new_id("user-"), name, f"{name.lower()}@test.example", world.now(), role)
    held.users[user.id] = user
    return user


def with_key(world: World, url: str, project_id: str, owner_id: str | None = None) -> Caller:
    """Bare HTTP with a project key of a user, or of the organization's owner."""
    held = world.organization("test")
    key = world.issue_key(held, "project", owner_id or held.owner.id, project_id)
    return Caller(url, key.secret)


def varied(whole: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The same arguments with some of them changed."""
    return {**whole, **changes}


def log(administration: Organization, count: int) -> list[str]:
    """The types of the newest entries of the audit log, oldest of them first."""
    return [str(event.type) for event in administration.audit_logs.list(limit=count).data][::-1]
