"""What people let programs do (OAuth): codes that are traded once, grants, and the tokens that belong to a grant.

Codes and tokens are found by their keyed hash in `operators`; everything here names the environment.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import AccountId, EnvironmentId
from portico.model.grant import Grant, GrantScope, written
from portico.model.person import Person, PersonId
from portico.model.server import ServerId
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

TokenUse = Literal["access", "refresh"]

_ADD_CODE = Statement(
    "INSERT INTO oauth_codes (digest, environment_id, account_id, server_id, address, person_id, client_id, "
    "client_name, redirect_uri, redirect_host, resource, challenge, scopes, created_at, expires_at) VALUES (:digest, "
    ":environment_id, :account_id, :server_id, :address, :person_id, :client_id, :client_name, :redirect_uri, "
    ":redirect_host, :resource, :challenge, :scopes, :created_at, :expires_at)"
)
_USE_CODE = Statement(
    "UPDATE oauth_codes SET used_at = :moment, grant_id = :grant_id WHERE environment_id = :environment_id "
    "AND digest = :digest AND used_at IS NULL"
)
_ADD = Statement(
    "INSERT INTO oauth_grants (id, environment_id, account_id, server_id, address, person_id, client_id, client_name, "
    "redirect_host, scopes, created_at, used_at, expires_at) VALUES (:id, :environment_id, :account_id, :server_id, "
    ":address, :person_id, :client_id, :client_name, :redirect_host, :scopes, :created_at, :created_at, :expires_at)"
)
_PAGE = Statement(
    "SELECT g.id, g.environment_id, g.account_id, g.server_id, g.address, g.person_id, g.client_id, g.client_name, "
    "g.redirect_host, g.scopes, g.created_at, g.used_at, g.expires_at, p.name FROM oauth_grants g "
    "JOIN people p ON p.id = g.person_id WHERE g.environment_id = :environment_id AND g.server_id = :server_id "
    "AND g.expires_at > :moment AND g.id < :before ORDER BY g.id DESC LIMIT :count"
)
_PERSON = Statement("SELECT person_id FROM oauth_grants WHERE environment_id = :environment_id AND id = :id")
_DELETE = Statement(
    "DELETE FROM oauth_grants WHERE environment_id = :environment_id AND server_id = :server_id AND id = :id"
)
_TOUCH = Statement(
    "UPDATE oauth_grants SET used_at = :moment, expires_at = :expires_at "
    "WHERE environment_id = :environment_id AND id = :id"
)
_ADD_TOKEN = Statement(
    "INSERT INTO oauth_tokens (digest, environment_id, grant_id, kind, scopes, created_at, expires_at) "
    "VALUES (:digest, :environment_id, :grant_id, :kind, :scopes, :created_at, :expires_at)"
)
_USE_TOKEN = Statement(
    "UPDATE oauth_tokens SET used_at = :moment WHERE environment_id = :environment_id AND digest = :digest "
    "AND used_at IS NULL"
)
_DELETE_TOKEN = Statement("DELETE FROM oauth_tokens WHERE environment_id = :environment_id AND digest = :digest")


class Code(Struct, frozen=True, kw_only=True):
    """An authorization code: everything that the token request must agree with."""

    environment_id: EnvironmentId
    account_id: AccountId
    server_id: ServerId
    address: bytes
    person_id: PersonId
    client_id: str
    client_name: str
    redirect_uri: str
    redirect_host: str
    resource: str
    challenge: str
    scopes: frozenset[GrantScope]
    created_at: datetime
    expires_at: datetime
    is_used: bool = False
    grant_id: str = ""


class HeldToken(Struct, frozen=True, kw_only=True):
    """A token of a grant whose server still has the address that it was given for."""

    grant: Grant
    person: Person
    use: TokenUse
    scopes: frozenset[GrantScope]
    expires_at: datetime
    is_used: bool


class NewToken(Struct, frozen=True, kw_only=True):
    digest: bytes
    use: TokenUse
    scopes: frozenset[GrantScope]
    created_at: datetime
    expires_at: datetime


class GrantsOfServers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_code(self, session: Session, code: Code, digest: bytes) -> None:
        await session.run(
            _ADD_CODE,
            digest=digest,
            environment_id=code.environment_id,
            account_id=code.account_id,
            server_id=code.server_id,
            address=code.address,
            person_id=code.person_id,
            client_id=code.client_id,
            client_name=code.client_name,
            redirect_uri=code.redirect_uri,
            redirect_host=code.redirect_host,
            resource=code.resource,
            challenge=code.challenge,
            scopes=written(code.scopes),
            created_at=to_milliseconds(code.created_at),
            expires_at=to_milliseconds(code.expires_at),
        )

    async def use_code(
        self, session: Session, environment_id: EnvironmentId, digest: bytes, grant_id: str, moment: datetime
    ) -> bool:
        """Of many who use it at once, one is told yes."""
        changed = await session.run(
            _USE_CODE, environment_id=environment_id, digest=digest, grant_id=grant_id, moment=to_milliseconds(moment)
        )
        return changed > 0

    async def add(self, session: Session, grant: Grant) -> None:
        await session.run(
            _ADD,
            id=grant.id,
            environment_id=grant.environment_id,
            account_id=grant.account_id,
            server_id=grant.server_id,
            address=grant.address,
            person_id=grant.person_id,
            client_id=grant.client_id,
            client_name=grant.client_name,
            redirect_host=grant.redirect_host,
            scopes=written(grant.scopes),
            created_at=to_milliseconds(grant.created_at),
            expires_at=to_milliseconds(grant.expires_at),
        )

    async def page(
        self, environment_id: EnvironmentId, server_id: ServerId, before: str, count: int, moment: datetime
    ) -> Sequence[tuple[Grant, str]]:
        """Grants with the name of whoever gave them, newest first."""
        rows = await self._database.all(
            _PAGE,
            environment_id=environment_id,
            server_id=server_id,
            before=before,
            count=count,
            moment=to_milliseconds(moment),
        )
        return [(read(row), row[13]) for row in rows]

    async def person(self, environment_id: EnvironmentId, grant_id: str) -> str:
        """Whose grant it is; empty where there is none."""
        row = await self._database.one(_PERSON, environment_id=environment_id, id=grant_id)
        return row[0] if row else ""

    async def delete(self, session: Session, environment_id: EnvironmentId, server_id: ServerId, grant_id: str) -> bool:
        """The grant with all its tokens."""
        return await session.run(_DELETE, environment_id=environment_id, server_id=server_id, id=grant_id) > 0

    async def touch(self, session: Session, grant: Grant, moment: datetime, expires_at: datetime) -> None:
        await session.run(
            _TOUCH,
            environment_id=grant.environment_id,
            id=grant.id,
            moment=to_milliseconds(moment),
            expires_at=to_milliseconds(expires_at),
        )

    async def add_token(self, session: Session, grant: Grant, token: NewToken) -> None:
        await session.run(
            _ADD_TOKEN,
            digest=token.digest,
            environment_id=grant.environment_id,
            grant_id=grant.id,
            kind=token.use,
            scopes=written(token.scopes),
            created_at=to_milliseconds(token.created_at),
            expires_at=to_milliseconds(token.expires_at),
        )

    async def use_token(self, session: Session, environment_id: EnvironmentId, digest: bytes, moment: datetime) -> bool:
        """Of many who use it at once, one is told yes."""
        changed = await session.run(
            _USE_TOKEN, environment_id=environment_id, digest=digest, moment=to_milliseconds(moment)
        )
        return changed > 0

    async def delete_token(self, session: Session, environment_id: EnvironmentId, digest: bytes) -> None:
        await session.run(_DELETE_TOKEN, environment_id=environment_id, digest=digest)


def read(row: Row) -> Grant:
    return Grant(
        id=row[0],
        environment_id=row[1],
        account_id=row[2],
        server_id=row[3],
        address=bytes(row[4]),
        person_id=row[5],
        client_id=row[6],
        client_name=row[7],
        redirect_host=row[8],
        scopes=read_scopes(row[9]),
        created_at=from_milliseconds(row[10]),
        used_at=from_milliseconds(row[11]),
        expires_at=from_milliseconds(row[12]),
    )


def read_code(row: Row) -> Code:
    return Code(
        environment_id=row[0],
        account_id=row[1],
        server_id=row[2],
        address=bytes(row[3]),
        person_id=row[4],
        client_id=row[5],
        client_name=row[6],
        redirect_uri=row[7],
        redirect_host=row[8],
        resource=row[9],
        challenge=row[10],
        scopes=read_scopes(row[11]),
        created_at=from_milliseconds(row[12]),
        expires_at=from_milliseconds(row[13]),
        is_used=row[14] is not None,
        grant_id=row[15] or "",
    )


def read_scopes(text: str) -> frozenset[GrantScope]:
    known: tuple[GrantScope, ...] = ("mcp:read", "mcp:write")
    names = text.split()
    return frozenset(each for each in known if each in names)
