"""MCP servers of accounts, found by the keyed hash of their address's secret."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import AccountId, EnvironmentId
from portico.model.server import McpServer, ServerConfig, ServerId
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of

_ADD = Statement(
    "INSERT INTO servers (id, environment_id, account_id, name, config, digest, hint, revision, created_by, "
    "created_at, updated_at, expires_at) VALUES (:id, :environment_id, :account_id, :name, :config, :digest, :hint, 1, "
    ":created_by, :created_at, :created_at, :expires_at)"
)
_GET = Statement(
    "SELECT id, environment_id, account_id, name, config, hint, revision, created_by, created_at, updated_at, "
    "expires_at FROM servers WHERE environment_id = :environment_id AND account_id = :account_id AND id = :id"
)
_EXISTS = Statement("SELECT 1 FROM servers WHERE environment_id = :environment_id AND id = :id")
_PAGE = Statement(
    "SELECT id, environment_id, account_id, name, config, hint, revision, created_by, created_at, updated_at, "
    "expires_at FROM servers WHERE environment_id = :environment_id AND account_id = :account_id AND id < :before "
    "ORDER BY id DESC LIMIT :count"
)
_OF_ENVIRONMENT = Statement(
    "SELECT s.id, s.environment_id, s.account_id, s.name, s.config, s.hint, s.revision, s.created_by, s.created_at, "
    "s.updated_at, s.expires_at, a.tenant_id FROM servers s "
    "JOIN accounts a ON a.id = s.account_id AND a.environment_id = s.environment_id "
    "WHERE s.environment_id = :environment_id AND s.id < :before AND ONE_OF(s.id, :ids) ORDER BY s.id DESC LIMIT :count"
)
_PROTECTED = Statement(
    "SELECT s.id, s.environment_id, s.account_id, s.name, s.config, s.hint, s.revision, s.created_by, s.created_at, "
    "s.updated_at, s.expires_at, s.digest, a.tenant_id FROM servers s "
    "JOIN accounts a ON a.id = s.account_id AND a.environment_id = s.environment_id "
    "WHERE s.environment_id = :environment_id AND s.config LIKE '%require_api_token_auth%' "
    "AND (s.expires_at IS NULL OR s.expires_at > :moment) ORDER BY s.name, s.id LIMIT :count"
)
_UPDATE = Statement(
    "UPDATE servers SET name = :name, config = :config, expires_at = :expires_at, updated_at = :updated_at, "
    "revision = revision + 1 WHERE environment_id = :environment_id AND id = :id"
)
_ROTATE = Statement(
    "UPDATE servers SET digest = :digest, hint = :hint, updated_at = :updated_at, revision = revision + 1 "
    "WHERE environment_id = :environment_id AND id = :id"
)
_DELETE = Statement(
    "DELETE FROM servers WHERE environment_id = :environment_id AND account_id = :account_id AND id = :id"
)
_IDS_OF_ACCOUNT = Statement(
    "SELECT id FROM servers WHERE environment_id = :environment_id AND account_id = :account_id ORDER BY id"
)
_DELETE_OF_ACCOUNT = Statement(
    "DELETE FROM servers WHERE environment_id = :environment_id AND account_id = :account_id"
)


class Protected(Struct, frozen=True, kw_only=True):
    """A server that asks for a token, with the keyed hash of its address and whose account it opens."""

    server: McpServer
    address: bytes
    tenant_id: str


class Servers:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, server: McpServer, digest: bytes) -> None:
        await session.run(
            _ADD,
            id=server.id,
            environment_id=server.environment_id,
            account_id=server.account_id,
            name=server.name,
            config=msgspec.json.encode(server.config).decode(),
            digest=digest,
            hint=server.hint,
            created_by=server.created_by,
            created_at=to_milliseconds(server.created_at),
            expires_at=to_milliseconds(server.expires_at) if server.expires_at else None,
        )

    async def get(self, environment_id: EnvironmentId, account_id: AccountId, server_id: ServerId) -> McpServer | None:
        row = await self._database.one(_GET, environment_id=environment_id, account_id=account_id, id=server_id)
        return read(row) if row else None

    async def exists(self, environment_id: EnvironmentId, server_id: str) -> bool:
        """Whether any account of the environment has it."""
        return await self._database.one(_EXISTS, environment_id=environment_id, id=server_id) is not None

    async def page(
        self, environment_id: EnvironmentId, account_id: AccountId, before: str, count: int
    ) -> list[McpServer]:
        rows = await self._database.all(
            _PAGE, environment_id=environment_id, account_id=account_id, before=before, count=count
        )
        return [read(row) for row in rows]

    async def of_environment(
        self, environment_id: EnvironmentId, before: str, count: int, ids: Sequence[str] = ()
    ) -> list[tuple[McpServer, str]]:
        """Those of all accounts, newest first, each with whose account it opens."""
        rows = await self._database.all(
            _OF_ENVIRONMENT, environment_id=environment_id, before=before, count=count, ids=one_of(ids)
        )
        return [(read(row), row[11]) for row in rows]

    async def protected(self, environment_id: EnvironmentId, moment: datetime, count: int) -> list[Protected]:
        """Those that people may let programs use, by name."""
        rows = await self._database.all(
            _PROTECTED, environment_id=environment_id, moment=to_milliseconds(moment), count=count
        )
        found = [Protected(server=read(row), address=bytes(row[11]), tenant_id=row[12]) for row in rows]
        return [each for each in found if each.server.config.require_api_token_auth]

    async def update(self, session: Session, server: McpServer, moment: datetime) -> None:
        await session.run(
            _UPDATE,
            id=server.id,
            environment_id=server.environment_id,
            name=server.name,
            config=msgspec.json.encode(server.config).decode(),
            expires_at=to_milliseconds(server.expires_at) if server.expires_at else None,
            updated_at=to_milliseconds(moment),
        )

    async def rotate(self, session: Session, server: McpServer, digest: bytes, hint: str, moment: datetime) -> None:
        await session.run(
            _ROTATE,
            id=server.id,
            environment_id=server.environment_id,
            digest=digest,
            hint=hint,
            updated_at=to_milliseconds(moment),
        )

    async def delete(
        self, session: Session, environment_id: EnvironmentId, account_id: AccountId, server_id: ServerId
    ) -> bool:
        changed = await session.run(_DELETE, environment_id=environment_id, account_id=account_id, id=server_id)
        return changed > 0

    async def ids_of_account(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> list[str]:
        rows = await session.all(_IDS_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)
        return [row[0] for row in rows]

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> None:
        await session.run(_DELETE_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)


def read(row: Row) -> McpServer:
    return McpServer(
        id=row[0],
        environment_id=row[1],
        account_id=row[2],
        name=row[3],
        config=msgspec.json.decode(row[4], type=ServerConfig),
        hint=row[5],
        revision=row[6],
        created_by=row[7],
        created_at=from_milliseconds(row[8]),
        updated_at=from_milliseconds(row[9]),
        expires_at=from_milliseconds(row[10]) if row[10] is not None else None,
    )
