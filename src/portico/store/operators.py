"""The few queries that look across environments: first look-ups, what operators see, jobs to be done, clean-up."""

from datetime import datetime

from msgspec import Struct

from portico.clock import to_milliseconds
from portico.model.account import Environment
from portico.model.server import McpServer
from portico.model.webhook import InboundEndpoint
from portico.store import environments, files, inbound, servers, tokens
from portico.store.database import Database, Session
from portico.store.jobs import Job
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
_HAS_EXPIRED_SERVERS = Statement("SELECT 1 FROM servers WHERE expires_at IS NOT NULL AND expires_at <= :moment LIMIT 1")
_EXPIRED_SERVERS = Statement(
    "DELETE FROM servers WHERE expires_at IS NOT NULL AND expires_at <= :moment "
    "RETURNING id, environment_id, account_id, name, config, hint, revision, created_by, created_at, updated_at, "
    "expires_at"
)
_SERVER_BY_DIGEST = Statement(
    "SELECT id, environment_id, account_id, name, config, hint, revision, created_by, created_at, updated_at, "
    "expires_at FROM servers WHERE digest = :digest"
)
_FILE_BY_DIGEST = Statement(
    "SELECT id, environment_id, account_id, name, content_type, size_bytes, created_at, expires_at FROM files "
    "WHERE digest = :digest"
)
_OLD_REQUESTS = Statement("DELETE FROM requests WHERE at < :moment")
_OLD_ATTEMPTS = Statement(
    "DELETE FROM delivery_attempts WHERE delivery_id IN "
    "(SELECT id FROM deliveries WHERE state <> 'waiting' AND updated_at < :moment)"
)
_OLD_DELIVERIES = Statement("DELETE FROM deliveries WHERE state <> 'waiting' AND updated_at < :moment")
_OLD_EVENTS = Statement(
    "DELETE FROM events WHERE created_at < :moment "
    "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.event_id = events.id) "
    "AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.kind = 'fan_out' AND jobs.subject = events.id)"
)
_OLD_WATCHES = Statement("DELETE FROM watches WHERE state <> 'watching' AND updated_at < :moment")
_OLD_INBOUND = Statement("DELETE FROM inbound_messages WHERE received_at < :moment")
_INBOUND_OF = Statement(
    "SELECT account_id, environment_id, vendor_id, url, event_types, sealed, created_at, last_received_at "
    "FROM inbound_endpoints WHERE account_id = :account_id"
)
_IS_DUE = Statement("SELECT 1 FROM jobs WHERE run_at <= :moment AND lease_until <= DATABASE_NOW LIMIT 1")
# Those under way come first in their lane, so that they count against its width.
_TAKE = Statement(
    "UPDATE jobs SET fence = fence + 1, lease_until = DATABASE_NOW + :lease WHERE id IN ("
    "SELECT id FROM (SELECT id, run_at, lease_until, ROW_NUMBER() OVER (PARTITION BY lane "
    "ORDER BY (lease_until > DATABASE_NOW) DESC, run_at, id) AS place FROM jobs "
    "WHERE run_at <= :moment OR lease_until > DATABASE_NOW) AS waiting "
    "WHERE place <= :width AND lease_until <= DATABASE_NOW ORDER BY run_at, id LIMIT :count) "
    "RETURNING id, environment_id, kind, subject, run_at, tries, fence",
    postgres="WITH picked AS MATERIALIZED (SELECT id FROM jobs WHERE id IN ("
    "SELECT id FROM (SELECT id, lease_until, ROW_NUMBER() OVER (PARTITION BY lane "
    "ORDER BY (lease_until > DATABASE_NOW) DESC, run_at, id) AS place FROM jobs "
    "WHERE run_at <= :moment OR lease_until > DATABASE_NOW) AS waiting "
    "WHERE place <= :width AND lease_until <= DATABASE_NOW) "
    "AND lease_until <= DATABASE_NOW ORDER BY run_at, id LIMIT :count FOR UPDATE SKIP LOCKED) "
    "UPDATE jobs SET fence = fence + 1, lease_until = DATABASE_NOW + :lease FROM picked WHERE jobs.id = picked.id "
    "RETURNING jobs.id, jobs.environment_id, jobs.kind, jobs.subject, jobs.run_at, jobs.tries, jobs.fence",
)


class Taking(Struct, frozen=True, kw_only=True):
    """How a worker takes jobs: at most `count`, at most `width` under way in one lane, for so long."""

    count: int
    width: int
    lease_seconds: float


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

    async def inbound_endpoint(self, account_id: str) -> InboundEndpoint | None:
        """What was agreed with a vendor about this account's events, found by the address that they are sent to."""
        row = await self._database.one(_INBOUND_OF, account_id=account_id)
        return inbound.read(row) if row else None

    async def take_jobs(self, moment: datetime, taking: Taking) -> list[Job]:
        """Jobs that are due, now held by the caller alone; none is ever given to two."""
        if await self._database.one(_IS_DUE, moment=to_milliseconds(moment)) is None:
            return []  # a look costs nothing, while every write waits for the disk
        async with self._database.transaction() as session:
            rows = await session.all(
                _TAKE,
                moment=to_milliseconds(moment),
                count=taking.count,
                width=taking.width,
                lease=int(taking.lease_seconds * 1000),
            )
        return [
            Job(
                id=row[0], environment_id=row[1], kind=row[2], subject=row[3], run_at_ms=row[4], tries=row[5],
                fence=row[6],
            )
            for row in rows
        ]  # fmt: skip

    async def has_expired_servers(self, moment: datetime) -> bool:
        return await self._database.one(_HAS_EXPIRED_SERVERS, moment=to_milliseconds(moment)) is not None

    async def drop_expired_servers(self, session: Session, moment: datetime) -> list[McpServer]:
        """The servers whose time is up, gone with this: each is handed to exactly one caller."""
        rows = await session.all(_EXPIRED_SERVERS, moment=to_milliseconds(moment))
        return [servers.read(row) for row in rows]

    async def clean(self, moment: datetime, oldest_request: datetime) -> None:
        """Drop what has expired (account tokens, files, replays) and what is older than the request log goes back."""
        await self._database.run(_EXPIRED_TOKENS, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_REPLAYS, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_PIECES, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_FILES, moment=to_milliseconds(moment))
        for statement in (
            _OLD_REQUESTS, _OLD_ATTEMPTS, _OLD_DELIVERIES, _OLD_EVENTS, _OLD_WATCHES, _OLD_INBOUND,
        ):  # fmt: skip
            await self._database.run(statement, moment=to_milliseconds(oldest_request))
