"""The demo organization while it is being filled: its people, projects, accounts and keys by the names in the cast."""

from dataclasses import dataclass, field

from portico.sandbox.demo import cast
from portico.sandbox.keys import Key
from portico.sandbox.people import ServiceAccount
from portico.sandbox.state import Organization, Project, User

DAY = 86_400


@dataclass(slots=True)
class Stage:
    """`now` is the moment at which everything that follows begins; ages count back from it, in days."""

    organization: Organization
    now: int
    people: dict[str, User] = field(default_factory=dict[str, User])
    projects: dict[str, Project] = field(default_factory=dict[str, Project])
    accounts: dict[str, ServiceAccount] = field(default_factory=dict[str, ServiceAccount])
    keys: dict[str, Key] = field(default_factory=dict[str, Key])

    def ago(self, days: float) -> int:
        return self.now - round(days * DAY)

    def is_gone(self, owner: str) -> bool:
        """Has the person or the account of that name left since?"""
        deleted = {account.name for account in cast.ACCOUNTS if account.deleted_age is not None}
        return owner == cast.LEFT.handle or owner in deleted
