"""Keys that a vendor shows once: behind a link for one person, or kept under a name. Neither holds the key's text."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.model.account import EnvironmentId

SecretWay = Literal["reveal", "link", "store"]
# Empty while nobody has seen it and nobody has said that they do not want to.
HandedState = Literal["", "seen", "declined", "gone"]


class SecretRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How keys are handed over. `tools`: a tool (or one of its fields, `tool.field`) for which another way holds;
    `sign_in` and `minutes`: who may open a link, and for how long."""

    way: SecretWay = "link"
    tools: dict[str, SecretWay] = {}
    sign_in: bool = False
    minutes: int = 60

    def way_for(self, tool: str, field: str) -> SecretWay:
        return self.tools.get(f"{tool}.{field}") or self.tools.get(tool) or self.way


class HandedSecret(Struct, frozen=True, kw_only=True):
    """One behind a link. `sealed` is empty once it was seen."""

    id: str
    environment_id: EnvironmentId
    account_id: str
    sealed: bytes
    hint: str
    about: str
    needs_sign_in: bool
    created_at: datetime
    expires_at: datetime
    seen_at: datetime | None = None


class StoredSecret(Struct, frozen=True, kw_only=True):
    """One under a name. `mark` is a keyed hash: the same key again is the same secret. `account_id`: its source."""

    id: str
    environment_id: EnvironmentId
    account_id: str
    name: str
    sealed: bytes
    mark: bytes
    hint: str
    about: str
    created_by: str
    created_at: datetime
    updated_at: datetime
