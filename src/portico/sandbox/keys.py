"""API keys: what each kind opens, which scopes it holds, and the ring that knows every key issued or withdrawn.

What an unknown key opens is decided in access.py; here are only facts about keys.
"""

import hashlib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

# An ephemeral key is a client secret of a realtime session: it opens little, for minutes, and no list shows it.
KeyKind = Literal["admin", "project", "service_account", "user", "ephemeral"]

EVERYTHING: tuple[str, ...] = ("*",)
READ_ONLY: tuple[str, ...] = ("*.read",)


@dataclass(slots=True)
class Key:
    """A key and whom it speaks for. Scopes are patterns such as 'api.files.*' or '*.read'."""

    id: str
    kind: KeyKind
    secret: str
    organization_id: str
    project_id: str | None
    owner_id: str
    name: str = ""
    created_at: int = 0
    expires_at: int | None = None
    last_used_at: int | None = None
    scopes: tuple[str, ...] = EVERYTHING

    def allows(self, scope: str) -> bool:
        return any(fnmatchcase(scope, pattern) for pattern in self.scopes)

    @property
    def redacted(self) -> str:
        return f"{self.secret[:8]}{'*' * 12}{self.secret[-4:]}"


@dataclass(slots=True)
class Keyring:
    """Every key that was issued or seen. A withdrawn secret stays known, so that it can't be taken for a new one."""

    by_secret: dict[str, Key] = field(default_factory=dict[str, Key])
    withdrawn: set[str] = field(default_factory=set[str])

    def add(self, key: Key) -> Key:
        self.by_secret[key.secret] = key
        return key

    def find(self, secret: str) -> Key | None:
        return self.by_secret.get(secret)

    def with_id(self, key_id: str) -> Key | None:
        return next((key for key in self.by_secret.values() if key.id == key_id), None)

    def withdraw(self, key_id: str) -> Key | None:
        """From now on the key is refused. Returns it, or None where no such key is known."""
        key = self.with_id(key_id)
        if key is not None:
            del self.by_secret[key.secret]
            self.withdrawn.add(key.secret)
        return key

    def withdraw_owner(self, owner_id: str) -> None:
        for key in [key for key in self.by_secret.values() if key.owner_id == owner_id]:
            self.withdraw(key.id)


def fingerprint(secret: str) -> str:
    return f"sha256:{hashlib.sha256(secret.encode()).hexdigest()[:16]}"
