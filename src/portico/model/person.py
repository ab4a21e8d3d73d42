"""People who sign in to this Portico: what they may do, and where."""

from datetime import datetime
from typing import Literal, NewType

from msgspec import Struct

from portico.model.account import EnvironmentId
from portico.model.caller import Caller, Scope

PersonId = NewType("PersonId", str)
Role = Literal["owner", "operator", "viewer"]

ROLES: dict[Role, str] = {
    "owner": "everything, in every environment, and the other users",
    "operator": "everything in the environments they may see",
    "viewer": "look, and let programs look, in the environments they may see",
}

_SCOPES: dict[Role, frozenset[Scope]] = {
    "owner": frozenset({"operator", "tokens", "accounts", "accounts:read", "call", "call:read", "logs"}),
    "operator": frozenset({"tokens", "accounts", "accounts:read", "call", "call:read", "logs"}),
    "viewer": frozenset({"accounts:read", "call:read", "logs"}),
}


class Person(Struct, frozen=True, kw_only=True):
    """One user. `environments` counts for operators and viewers; an owner sees all."""

    id: PersonId
    name: str
    role: Role
    environments: frozenset[EnvironmentId]
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None = None

    def sees(self, environment_id: EnvironmentId) -> bool:
        return self.role == "owner" or environment_id in self.environments

    def may_write(self) -> bool:
        return self.role != "viewer"

    def caller(self, environment_id: EnvironmentId) -> Caller:
        """The person as whoever asks in one environment."""
        return Caller(
            environment_id=environment_id, token_id=f"person:{self.id}", name=self.name, scopes=_SCOPES[self.role]
        )


def folded(name: str) -> str:
    """A name as names are compared: nobody signs in as `Ada` beside `ada`."""
    return " ".join(name.split()).casefold()
