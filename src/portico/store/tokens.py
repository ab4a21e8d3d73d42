"""API tokens and account tokens, found by their keyed hash alone."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import AccountId, EnvironmentId
from portico.model.caller import Caller, Scope
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of

_ADD = Statement(
    "INSERT INTO api_tokens (id, environment_id, kind, name, digest, hint, scopes, account_id, created_by, created_at, "
    "updated_at, expires_at) VALUES (:id, :environment_id, :kind, :name, :digest, :hint, :scopes, :account_id, "
    ":created_by, :created_at, :created_at, :expires_at)"
)
_GET = Statement(
    "SELECT id, environment_id, kind, name, hint, scopes, account_id, created_by, created_at, expires_at "
    "FROM api_tokens WHERE environment_id = :environment_id AND kind = 'api' AND id = :id"
)
_PAGE = Statement(
    "SELECT id, environment_id, kind, name, hint, scopes, account_id, created_by, created_at, expires_at "
    "FROM api_tokens WHERE environment_id = :environment_id AND kind = 'api' AND id < :before "
    "AND ONE_OF(id, :ids) AND ONE_OF(name, :name) ORDER BY id DESC LIMIT :count"
)
_DELETE = Statement("DELETE FROM api_tokens WHERE environment_id = :environment_id AND kind = 'api' AND id = :id")
_DELETE_OF_ACCOUNT = Statement(
    "DELETE FROM api_tokens WHERE environment_id = :environment_id AND account_id = :account_id"
)


class Token(Struct, frozen=True, kw_only=True):
    """A token without its text, which nobody keeps. `hint` is its last four characters."""

    id: str
    environment_id: EnvironmentId
    kind: str
    name: str
    hint: str
    scopes: frozenset[Scope]
    account_id: AccountId | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None

    def caller(self) -> Caller:
        return Caller(
            environment_id=self.environment_id,
            token_id=self.id,
            name=self.name,
            scopes=self.scopes,
            account_id=self.account_id,
            expires_at=self.expires_at,
        )


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, token: Token, digest: bytes) -> None:
        await session.run(
            _ADD,
            id=token.id,
            environment_id=token.environment_id,
            kind=token.kind,
            name=token.name,
            digest=digest,
            hint=token.hint,
            scopes=msgspec.json.encode(sorted(token.scopes)).decode(),
            account_id=token.account_id,
            created_by=token.created_by,
            created_at=to_milliseconds(token.created_at),
            expires_at=to_milliseconds(token.expires_at) if token.expires_at else None,
        )

    async def get(self, environment_id: EnvironmentId, token_id: str) -> Token | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=token_id)
        return read(row) if row else None

    async def page(
        self,
        environment_id: EnvironmentId,
        before: str,
        count: int,
        names: Sequence[str] = (),
        ids: Sequence[str] = (),
    ) -> list[Token]:
        rows = await self._database.all(
            _PAGE, environment_id=environment_id, before=before, count=count, name=one_of(names), ids=one_of(ids)
        )
        return [read(row) for row in rows]

    async def delete(self, session: Session, environment_id: EnvironmentId, token_id: str) -> bool:
        return await session.run(_DELETE, environment_id=environment_id, id=token_id) > 0

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> None:
        await session.run(_DELETE_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)


def read(row: Row) -> Token:
    return Token(
        id=row[0],
        environment_id=row[1],
        kind=row[2],
        name=row[3],
        hint=row[4],
        scopes=frozenset(msgspec.json.decode(row[5], type=list[Scope])),
        account_id=row[6],
        created_by=row[7],
        created_at=from_milliseconds(row[8]),
        expires_at=from_milliseconds(row[9]) if row[9] is not None else None,
    )
