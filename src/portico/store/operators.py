"""The few queries that look across environments: the first look-up of a token, what operators see, and clean-up."""

from datetime import datetime

from portico.clock import to_milliseconds
from portico.model.account import Environment
from portico.model.server import McpServer
from portico.store import environments, files, servers, tokens
from portico.store.database import Database
from portico.store.statement import Statement

_TOKEN_BY_DIGEST = Statement(
    "SELECT id, environment_id, kind, name, hint, scopes, account_id, created_by, created_at, expires_at "
    "FROM api_tokens WHERE digest = :digest"
)
_ENVIRONMENTS = Statement(
    "SELECT id, name, created_at, updated_at FROM environments WHERE id < :before ORDER BY id DESC LIMIT :count"
)
_FIRST_ENVIRONMENT = Statement("SELECT id, name, created_at, updated_at FROM environments ORDER BY id LIMIT 1")
_EXPIRED_TOKENS = Statement("DELETE FROM api_tokens WHERE kind = 'acc' AND expires_at < :moment")
_EXPIRED_REPLAYS = Statement("DELETE FROM replays WHERE expires_at < :moment")
_EXPIRED_PIECES = Statement(
    "DELETE FROM file_pieces WHERE file_id IN (SELECT id FROM files WHERE expires_at < :moment)"
)
_EXPIRED_FILES = Statement("DELETE FROM files WHERE expires_at < :moment")
_EXPIRED_SERVERS = Statement("DELETE FROM servers WHERE expires_at IS NOT NULL AND expires_at < :moment")
_SERVER_BY_DIGEST = Statement(
    "SELECT id, environment_id, account_id, name, config, hint, revision, created_by, created_at, updated_at, "
    "expires_at FROM servers WHERE digest = :digest"
)
_FILE_BY_DIGEST = Statement(
    "SELECT id, environment_id, account_id, name, content_type, size_bytes, created_at, expires_at FROM files "
    "WHERE digest = :digest"
)
_OLD_REQUESTS = Statement("DELETE FROM requests WHERE at < :moment")


class Operators:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def token_by_digest(self, digest: bytes) -> tokens.Token | None:
        """Whose token this is: the one look-up that comes before anybody's environment is known."""
        row = await self._database.one(_TOKEN_BY_DIGEST, digest=digest)
        return tokens.read(row) if row else None

    async def server_by_digest(self, digest: bytes) -> McpServer | None:
        """The MCP server at an address, found by the address alone."""
        row = await self._database.one(_SERVER_BY_DIGEST, digest=digest)
        return servers.read(row) if row else None

    async def file_by_digest(self, digest: bytes) -> files.StoredFile | None:
        """The file behind a link, found by the link alone."""
        row = await self._database.one(_FILE_BY_DIGEST, digest=digest)
        return files.read(row) if row else None

    async def environments(self, before: str, count: int) -> list[Environment]:
        """Everybody's environments, newest first."""
        return [environments.read(row) for row in await self._database.all(_ENVIRONMENTS, before=before, count=count)]

    async def first_environment(self) -> Environment | None:
        """The oldest one, whatever it is called by now."""
        row = await self._database.one(_FIRST_ENVIRONMENT)
        return environments.read(row) if row else None

    async def clean(self, moment: datetime, oldest_request: datetime) -> None:
        """Drop what has expired: account tokens, servers, files, replays, old rows of the request log."""
        await self._database.run(_EXPIRED_TOKENS, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_REPLAYS, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_PIECES, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_FILES, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_SERVERS, moment=to_milliseconds(moment))
        await self._database.run(_OLD_REQUESTS, moment=to_milliseconds(oldest_request))
