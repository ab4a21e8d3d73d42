"""Keys that a vendor shows once: sealed behind links that open once, and sealed under names."""

from datetime import datetime

from portico.clock import from_milliseconds, to_milliseconds
from portico.errors import AlreadyExists
from portico.model.account import AccountId, EnvironmentId
from portico.model.secret import HandedSecret, HandedState, StoredSecret
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_HAND = Statement(
    "INSERT INTO handed_secrets (id, environment_id, account_id, digest, sealed, hint, about, needs_sign_in, "
    "created_at, expires_at, seen_at) VALUES (:id, :environment_id, :account_id, :digest, :sealed, :hint, :about, "
    ":needs_sign_in, :created_at, :expires_at, NULL)"
)
_SEEN = Statement(
    "UPDATE handed_secrets SET sealed = :nothing, seen_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id AND seen_at IS NULL"
)
_STATE = Statement(
    "SELECT seen_at, declined_at FROM handed_secrets WHERE environment_id = :environment_id AND id = :id"
)
_DECLINE = Statement(
    "UPDATE handed_secrets SET declined_at = :moment "
    "WHERE environment_id = :environment_id AND account_id = :account_id AND id = :id AND declined_at IS NULL"
)
_FORGET_OF_ACCOUNT = Statement(
    "DELETE FROM handed_secrets WHERE environment_id = :environment_id AND account_id = :account_id"
)
_WITHDRAW = Statement("DELETE FROM handed_secrets WHERE environment_id = :environment_id AND id = :id")
_STORE = Statement(
    "INSERT INTO stored_secrets (id, environment_id, account_id, name, sealed, mark, hint, about, created_by, "
    "created_at, updated_at) VALUES (:id, :environment_id, :account_id, :name, :sealed, :mark, :hint, :about, "
    ":created_by, :created_at, :updated_at) ON CONFLICT (environment_id, name) DO NOTHING"
)
_REPLACE = Statement(
    "UPDATE stored_secrets SET sealed = :sealed, mark = :mark, hint = :hint, about = :about, updated_at = :updated_at "
    "WHERE environment_id = :environment_id AND id = :id AND mark = :present"
)
_GET = Statement(
    "SELECT id, environment_id, account_id, name, sealed, mark, hint, about, created_by, created_at, updated_at "
    "FROM stored_secrets WHERE environment_id = :environment_id AND name = :name"
)
_PAGE = Statement(
    "SELECT id, environment_id, account_id, name, sealed, mark, hint, about, created_by, created_at, updated_at "
    "FROM stored_secrets WHERE environment_id = :environment_id AND id < :before ORDER BY id DESC LIMIT :count"
)
_DELETE = Statement("DELETE FROM stored_secrets WHERE environment_id = :environment_id AND name = :name")


class HandedSecrets:
    """Those behind links. They are found by the link's digest, in operators.py."""

    async def add(self, session: Session, secret: HandedSecret, digest: bytes) -> None:
        await session.run(
            _HAND,
            id=secret.id,
            environment_id=secret.environment_id,
            account_id=secret.account_id,
            digest=digest,
            sealed=secret.sealed,
            hint=secret.hint,
            about=secret.about,
            needs_sign_in=secret.needs_sign_in,
            created_at=to_milliseconds(secret.created_at),
            expires_at=to_milliseconds(secret.expires_at),
        )

    async def was_seen(self, session: Session, secret: HandedSecret, moment: datetime) -> bool:
        """Whether this is the one time that it is seen; its sealed text is gone with that."""
        values = {"environment_id": secret.environment_id, "id": secret.id}
        return await session.run(_SEEN, **values, nothing=b"", moment=to_milliseconds(moment)) > 0

    async def state(self, database: Database, environment_id: EnvironmentId, secret_id: str) -> HandedState:
        """Whether it was seen, or the people who were to see it did not want to."""
        row = await database.one(_STATE, environment_id=environment_id, id=secret_id)
        if row is None or row[0] is not None:
            return "seen" if row else "gone"
        return "declined" if row[1] is not None else ""

    async def decline(
        self, session: Session, environment_id: EnvironmentId, account_id: AccountId, secret_id: str, moment: datetime
    ) -> None:
        values = {"environment_id": environment_id, "account_id": account_id, "id": secret_id}
        await session.run(_DECLINE, **values, moment=to_milliseconds(moment))

    async def withdraw(self, session: Session, environment_id: EnvironmentId, secret_id: str) -> None:
        await session.run(_WITHDRAW, environment_id=environment_id, id=secret_id)

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> None:
        await session.run(_FORGET_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)


class StoredSecrets:
    """Those under names, which are unique in their environment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, secret: StoredSecret) -> None:
        """Raises AlreadyExists where the name is taken."""
        added = await session.run(
            _STORE,
            id=secret.id,
            environment_id=secret.environment_id,
            account_id=secret.account_id,
            name=secret.name,
            sealed=secret.sealed,
            mark=secret.mark,
            hint=secret.hint,
            about=secret.about,
            created_by=secret.created_by,
            created_at=to_milliseconds(secret.created_at),
            updated_at=to_milliseconds(secret.updated_at),
        )
        if added == 0:
            raise AlreadyExists(f"There is a stored secret {secret.name!r} already; choose another name.")

    async def replace(self, session: Session, secret: StoredSecret, present: bytes) -> bool:
        """Whether another key could take the place of the one with the mark `present`."""
        changed = await session.run(
            _REPLACE,
            id=secret.id,
            environment_id=secret.environment_id,
            sealed=secret.sealed,
            mark=secret.mark,
            hint=secret.hint,
            about=secret.about,
            updated_at=to_milliseconds(secret.updated_at),
            present=present,
        )
        return changed > 0

    async def get(self, environment_id: EnvironmentId, name: str) -> StoredSecret | None:
        row = await self._database.one(_GET, environment_id=environment_id, name=name)
        return _stored(row) if row else None

    async def page(self, environment_id: EnvironmentId, before: str, count: int) -> list[StoredSecret]:
        rows = await self._database.all(_PAGE, environment_id=environment_id, before=before, count=count)
        return [_stored(row) for row in rows]

    async def delete(self, session: Session, environment_id: EnvironmentId, name: str) -> bool:
        return await session.run(_DELETE, environment_id=environment_id, name=name) > 0


def read_handed(row: Row) -> HandedSecret:
    return HandedSecret(
        id=row[0],
        environment_id=row[1],
        account_id=row[2],
        sealed=bytes(row[3]),
        hint=row[4],
        about=row[5],
        needs_sign_in=bool(row[6]),
        created_at=from_milliseconds(row[7]),
        expires_at=from_milliseconds(row[8]),
        seen_at=from_milliseconds(row[9]) if row[9] is not None else None,
    )


def _stored(row: Row) -> StoredSecret:
    return StoredSecret(
        id=row[0],
        environment_id=row[1],
        account_id=row[2],
        name=row[3],
        sealed=bytes(row[4]),
        mark=bytes(row[5]),
        hint=row[6],
        about=row[7],
        created_by=row[8],
        created_at=from_milliseconds(row[9]),
        updated_at=from_milliseconds(row[10]),
    )
