"""The few queries that look across environments: first look-ups, what operators see, jobs to be done, clean-up."""

from datetime import datetime
from typing import Any, LiteralString

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import Environment, EnvironmentId
from portico.model.grant import Grant
from portico.model.person import PersonId
from portico.model.secret import HandedSecret
from portico.model.server import McpServer, ServerId
from portico.model.webhook import InboundEndpoint
from portico.store import (
    environments,
    files,
    grants,
    inbound,
    link_pages,
    link_tokens,
    people,
    secrets,
    servers,
    tokens,
)
from portico.store.bodies import Bodies
from portico.store.database import Database, Row, Session
from portico.store.ids import lowest_id
from portico.store.jobs import Job, JobKind
from portico.store.statement import Statement, one_of

_TOKEN_BY_DIGEST = Statement(
    "SELECT id, environment_id, kind, name, hint, scopes, account_id, created_by, created_at, expires_at "
    "FROM api_tokens WHERE digest = :digest"
)
_LINK_BY_DIGEST = Statement(
    "SELECT id, environment_id, integration, tenant_id, account_id, keeps_context, redirect_uri, created_at, "
    "expires_at, used_at, context, region FROM link_tokens WHERE digest = :digest"
)
_LOGO = Statement("SELECT logo, logo_type FROM link_pages WHERE logo_digest = :digest LIMIT 1")
_ENVIRONMENTS = Statement(
    "SELECT id, name, log_bodies, created_at, updated_at FROM environments WHERE id < :before "
    "AND ONE_OF(name, :name) ORDER BY id DESC LIMIT :count"
)
_FIRST_ENVIRONMENT = Statement(
    "SELECT id, name, log_bodies, created_at, updated_at FROM environments ORDER BY id LIMIT 1"
)
_EXPIRED_TOKENS = Statement("DELETE FROM api_tokens WHERE kind = 'acc' AND expires_at < :moment")
_EXPIRED_LINKS = Statement("DELETE FROM link_tokens WHERE expires_at < :moment")
_EXPIRED_REPLAYS = Statement("DELETE FROM replays WHERE expires_at < :moment")
_EXPIRED_PIECES = Statement(
    "DELETE FROM file_pieces WHERE file_id IN (SELECT id FROM files WHERE expires_at < :moment)"
)
# Of an upload that was cut off with its process: what is a day old and still belongs to no file never will.
_LOST_PIECES = Statement(
    "DELETE FROM file_pieces WHERE file_id < :oldest "
    "AND NOT EXISTS (SELECT 1 FROM files WHERE files.id = file_pieces.file_id)"
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
_FILE = Statement(
    "SELECT id, environment_id, account_id, name, content_type, size_bytes, created_at, expires_at FROM files "
    "WHERE id = :id"
)
_HANDED_SECRET = Statement(
    "SELECT id, environment_id, account_id, sealed, hint, about, needs_sign_in, created_at, expires_at, seen_at "
    "FROM handed_secrets WHERE digest = :digest"
)
_EXPIRED_SECRETS = Statement("DELETE FROM handed_secrets WHERE expires_at < :moment")
_CODE_BY_DIGEST = Statement(
    "SELECT c.environment_id, c.account_id, c.server_id, c.address, c.person_id, c.client_id, c.client_name, "
    "c.redirect_uri, c.redirect_host, c.resource, c.challenge, c.scopes, c.created_at, c.expires_at, c.used_at, "
    "c.grant_id FROM oauth_codes c JOIN people p ON p.id = c.person_id AND p.disabled_at IS NULL "
    "JOIN servers s ON s.id = c.server_id AND s.digest = c.address WHERE c.digest = :digest"
)
_HELD_TOKEN = Statement(
    "SELECT g.id, g.environment_id, g.account_id, g.server_id, g.address, g.person_id, g.client_id, g.client_name, "
    "g.redirect_host, g.scopes, g.created_at, g.used_at, g.expires_at, t.kind, t.scopes, t.expires_at, t.used_at, "
    "p.id, p.name, p.role, p.environments, p.created_at, p.updated_at, p.disabled_at FROM oauth_tokens t "
    "JOIN oauth_grants g ON g.id = t.grant_id JOIN people p ON p.id = g.person_id AND p.disabled_at IS NULL "
    "JOIN servers s ON s.id = g.server_id AND s.digest = g.address WHERE t.digest = :digest"
)
_GRANTS_OF_PERSON = Statement(
    "SELECT g.id, g.environment_id, g.account_id, g.server_id, g.address, g.person_id, g.client_id, g.client_name, "
    "g.redirect_host, g.scopes, g.created_at, g.used_at, g.expires_at, s.name FROM oauth_grants g "
    "JOIN servers s ON s.id = g.server_id AND s.digest = g.address "
    "WHERE g.person_id = :person_id AND g.expires_at > :moment ORDER BY g.id DESC LIMIT :count"
)
# Of people who sign in at a provider, and have not for a while.
_LAPSED_GRANTS = Statement(
    "SELECT g.environment_id, g.server_id, g.id FROM oauth_grants g WHERE g.person_id IN (SELECT person_id "
    "FROM identities GROUP BY person_id HAVING MAX(seen_at) < :since) ORDER BY g.id LIMIT :count"
)
_DELETE_CODES_OF_PERSON = Statement("DELETE FROM oauth_codes WHERE person_id = :person_id")
_DELETE_GRANTS_OF_PERSON = Statement("DELETE FROM oauth_grants WHERE person_id = :person_id")
_EXPIRED_CODES = Statement("DELETE FROM oauth_codes WHERE expires_at < :moment")
_EXPIRED_OAUTH_TOKENS = Statement("DELETE FROM oauth_tokens WHERE expires_at < :moment")
_EXPIRED_GRANTS = Statement("DELETE FROM oauth_grants WHERE expires_at < :moment")
_EXPIRED_SESSIONS = Statement("DELETE FROM sessions WHERE expires_at < :moment")
_EXPIRED_SETUP_CODES = Statement("DELETE FROM setup_codes WHERE expires_at < :moment")
_EXPIRED_SIGN_INS = Statement("DELETE FROM begun_sign_ins WHERE expires_at < :moment")
_PAST_ATTEMPTS = Statement("DELETE FROM counted_attempts WHERE began_at < :since AND locked_until < :since")
_UNUSED_CLIENTS = Statement("DELETE FROM oauth_clients WHERE used_at IS NULL AND created_at < :since")
_DAY_MILLISECONDS = 86_400_000
# Rows of calls that ended just before their window did may still come.
_GRACE_MILLISECONDS = 600_000
# Rows that others are deleting at the moment are left to them.
_OLD_REQUESTS = Statement(
    "DELETE FROM requests WHERE environment_id = :environment_id AND id IN (SELECT id FROM requests "
    "WHERE environment_id = :environment_id AND id < :oldest ORDER BY id LIMIT :count)",
    postgres="DELETE FROM requests WHERE environment_id = :environment_id AND id IN (SELECT id FROM requests "
    "WHERE environment_id = :environment_id AND id < :oldest ORDER BY id LIMIT :count FOR UPDATE SKIP LOCKED)",
)
_ENVIRONMENT_IDS = Statement("SELECT id FROM environments ORDER BY id")
DELETED_AT_ONCE = 1_000
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
_OLD_APPROVALS = Statement("DELETE FROM approvals WHERE expires_at < :moment")
_OLD_INBOUND = Statement("DELETE FROM inbound_messages WHERE received_at < :moment")
_INBOUND_OF = Statement(
    "SELECT account_id, environment_id, vendor_id, url, event_types, sealed, created_at, last_received_at "
    "FROM inbound_endpoints WHERE account_id = :account_id"
)
# By what is due alone (`+` hides the lease from a planner): nearly every job that waits for its time is held by nobody.
IS_DUE = Statement("SELECT 1 FROM jobs WHERE run_at <= :moment AND +lease_until <= DATABASE_NOW LIMIT 1")
# A bounded part of what is due, the oldest first, so that a long backlog makes no taking slower. Those under way count
# against the width of their lane.
_RANKED: LiteralString = (
    "WITH under_way AS (SELECT lane, COUNT(*) AS held FROM jobs WHERE lease_until > DATABASE_NOW GROUP BY lane), "
    "head AS (SELECT id, lane, run_at FROM jobs WHERE run_at <= :moment AND +lease_until <= DATABASE_NOW BEYOND"
    "ORDER BY run_at, id LIMIT 1000), "
    "ranked AS (SELECT head.id, head.run_at, ROW_NUMBER() OVER (PARTITION BY head.lane ORDER BY head.run_at, head.id) "
    "+ COALESCE(under_way.held, 0) AS place FROM head LEFT JOIN under_way ON under_way.lane = head.lane)"
)


_TAKING: LiteralString = (
    "RANKED UPDATE jobs SET fence = fence + 1, lease_until = DATABASE_NOW + :lease WHERE id IN ("
    "SELECT id FROM ranked WHERE place <= :width ORDER BY run_at, id LIMIT :count) "
    "RETURNING id, environment_id, kind, subject, run_at, tries, fence"
)
_TAKING_ON_POSTGRES: LiteralString = (
    "RANKED, picked AS MATERIALIZED (SELECT id FROM jobs WHERE id IN (SELECT id FROM ranked WHERE place <= :width) "
    "AND lease_until <= DATABASE_NOW ORDER BY run_at, id LIMIT :count FOR UPDATE SKIP LOCKED) "
    "UPDATE jobs SET fence = fence + 1, lease_until = DATABASE_NOW + :lease FROM picked WHERE jobs.id = picked.id "
    "RETURNING jobs.id, jobs.environment_id, jobs.kind, jobs.subject, jobs.run_at, jobs.tries, jobs.fence"
)


def _take(beyond: LiteralString) -> Statement:
    ranked = _RANKED.replace("BEYOND", beyond)
    on_postgres = _TAKING_ON_POSTGRES.replace("RANKED", ranked)
    return Statement(_TAKING.replace("RANKED", ranked), postgres=on_postgres)


_BEYOND_FULL_LANES: LiteralString = "AND lane NOT IN (SELECT lane FROM under_way WHERE held >= :width) "
_BEYOND_VENDORS: LiteralString = "AND kind NOT IN ('watch', 'recheck', 'report', 'report_day') "
# Where all that part is of lanes that are full: past them.
_TAKES = (_take(""), _take(_BEYOND_FULL_LANES))
_TAKES_OF_OURS = (_take(_BEYOND_VENDORS), _take(_BEYOND_VENDORS + _BEYOND_FULL_LANES))


_TAKE_ONE = Statement(
    "UPDATE jobs SET fence = fence + 1, lease_until = DATABASE_NOW + :lease WHERE kind = :kind AND subject = :subject "
    "AND run_at <= :moment AND lease_until <= DATABASE_NOW "
    "RETURNING id, environment_id, kind, subject, run_at, tries, fence"
)
_PAST_QUOTA_USE = Statement("DELETE FROM quota_use WHERE ends_at < :moment")


class Taking(Struct, frozen=True, kw_only=True):
    """How a worker takes jobs: at most `count`, at most `width` under way in one lane, for so long.

    `with_vendors` False: none of those that ask vendors.
    """

    count: int
    width: int
    lease_seconds: float
    with_vendors: bool = True


class Operators:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def link_by_digest(self, digest: bytes) -> link_tokens.LinkToken | None:
        row = await self._database.one(_LINK_BY_DIGEST, digest=digest)
        return link_tokens.read(row) if row else None

    async def logo(self, digest: str) -> link_pages.Logo | None:
        """Whoever's it is: its address is made of its bytes."""
        row = await self._database.one(_LOGO, digest=digest) if digest else None
        return link_pages.Logo(bytes(row[0]), row[1]) if row else None

    async def token_by_digest(self, digest: bytes) -> tokens.Token | None:
        """Whose token this is: the one look-up that comes before anybody's environment is known."""
        row = await self._database.one(_TOKEN_BY_DIGEST, digest=digest)
        return tokens.read(row) if row else None

    async def server_by_digest(self, digest: bytes) -> McpServer | None:
        """The MCP server at an address, found by the address alone."""
        row = await self._database.one(_SERVER_BY_DIGEST, digest=digest)
        return servers.read(row) if row else None

    async def file(self, file_id: str) -> files.StoredFile | None:
        """The file behind a link: a signature of ours says which one."""
        row = await self._database.one(_FILE, id=file_id)
        return files.read(row) if row else None

    async def handed_secret(self, digest: bytes) -> HandedSecret | None:
        """The key behind a link that opens once, found by the link alone."""
        row = await self._database.one(_HANDED_SECRET, digest=digest)
        return secrets.read_handed(row) if row else None

    async def code_by_digest(self, digest: bytes) -> grants.Code | None:
        """An authorization code; None also where whoever gave it, or the server's address, is gone."""
        row = await self._database.one(_CODE_BY_DIGEST, digest=digest)
        return grants.read_code(row) if row else None

    async def held_token(self, digest: bytes) -> grants.HeldToken | None:
        """An OAuth token with its grant and whoever gave it; None also where that person or the address is gone."""
        row = await self._database.one(_HELD_TOKEN, digest=digest)
        if row is None:
            return None
        return grants.HeldToken(
            grant=grants.read(row),
            use=row[13],
            scopes=grants.read_scopes(row[14]),
            expires_at=from_milliseconds(row[15]),
            is_used=row[16] is not None,
            person=people.read(row[17:]),
        )

    async def grants_of_person(self, person_id: PersonId, moment: datetime, count: int) -> list[tuple[Grant, str]]:
        """What one person let in, wherever, with the names of the servers."""
        rows = await self._database.all(
            _GRANTS_OF_PERSON, person_id=person_id, moment=to_milliseconds(moment), count=count
        )
        return [(grants.read(row), row[13]) for row in rows]

    async def lapsed_grants(self, since: datetime, count: int) -> list[tuple[EnvironmentId, ServerId, str]]:
        """Of people whose provider has not vouched for them since then: environment, server and grant."""
        rows = await self._database.all(_LAPSED_GRANTS, since=to_milliseconds(since), count=count)
        return [(row[0], row[1], row[2]) for row in rows]

    async def delete_grants_of_person(self, session: Session, person_id: PersonId) -> int:
        """With the codes that nobody has traded yet."""
        await session.run(_DELETE_CODES_OF_PERSON, person_id=person_id)
        return await session.run(_DELETE_GRANTS_OF_PERSON, person_id=person_id)

    async def environments(self, before: str, count: int, names: tuple[str, ...] = ()) -> list[Environment]:
        """Everybody's environments, newest first; those of these names, where some are given."""
        rows = await self._database.all(_ENVIRONMENTS, before=before, count=count, name=one_of(names))
        return [environments.read(row) for row in rows]

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
        if await self._database.one(IS_DUE, moment=to_milliseconds(moment)) is None:
            return []  # a look costs nothing, while every write waits for the disk
        async with self._database.transaction() as session:
            asked = {"moment": to_milliseconds(moment), "count": taking.count, "width": taking.width}
            asked["lease"] = int(taking.lease_seconds * 1000)
            first, beyond = _TAKES if taking.with_vendors else _TAKES_OF_OURS
            rows = await session.all(first, **asked) or await session.all(beyond, **asked)
        return [_job(row) for row in rows]

    async def take_job(self, kind: JobKind, subject: str, moment: datetime, lease_seconds: float) -> Job | None:
        """This one job, if it is due and nobody holds it."""
        async with self._database.transaction() as session:
            row = await session.one(
                _TAKE_ONE,
                kind=kind,
                subject=subject,
                moment=to_milliseconds(moment),
                lease=int(lease_seconds * 1000),
            )
        return _job(row) if row else None

    async def has_expired_servers(self, moment: datetime) -> bool:
        return await self._database.one(_HAS_EXPIRED_SERVERS, moment=to_milliseconds(moment)) is not None

    async def drop_expired_servers(self, session: Session, moment: datetime) -> list[McpServer]:
        """The servers whose time is up, gone with this: each is handed to exactly one caller."""
        rows = await session.all(_EXPIRED_SERVERS, moment=to_milliseconds(moment))
        return [servers.read(row) for row in rows]

    async def clean(self, moment: datetime, oldest_request: datetime, oldest_bodies: datetime) -> None:
        """Drop what has expired (account tokens, files, replays) and what is older than the request log goes back."""
        await self._database.run(_EXPIRED_TOKENS, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_LINKS, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_REPLAYS, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_PIECES, moment=to_milliseconds(moment))
        await self._database.run(_EXPIRED_FILES, moment=to_milliseconds(moment))
        await self._database.run(_LOST_PIECES, oldest=lowest_id(to_milliseconds(moment) - _DAY_MILLISECONDS))
        await self._database.run(_PAST_QUOTA_USE, moment=to_milliseconds(moment) - _GRACE_MILLISECONDS)
        await self._database.run(_EXPIRED_SECRETS, moment=to_milliseconds(moment))
        await self._clean_people(to_milliseconds(moment))
        for statement in (
            _OLD_ATTEMPTS, _OLD_DELIVERIES, _OLD_EVENTS, _OLD_WATCHES, _OLD_INBOUND, _OLD_APPROVALS,
        ):  # fmt: skip
            await self._database.run(statement, moment=to_milliseconds(oldest_request))
        for (environment_id,) in await self._database.all(_ENVIRONMENT_IDS):
            await Bodies(self._database).drop_old(environment_id, lowest_id(to_milliseconds(oldest_bodies)))
            oldest = lowest_id(to_milliseconds(oldest_request))
            await self._in_batches(_OLD_REQUESTS, environment_id=environment_id, oldest=oldest)

    async def _in_batches(self, statement: Statement, **values: Any) -> None:
        """However many rows there are: each batch is a short transaction, and everybody else gets a turn between."""
        deleted = DELETED_AT_ONCE
        while deleted == DELETED_AT_ONCE:
            deleted = await self._database.run(statement, **values, count=DELETED_AT_ONCE)

    async def _clean_people(self, now: int) -> None:
        """Sessions, grants and what belongs to them. A used code is kept for a day, so that its reuse is noticed."""
        await self._database.run(_EXPIRED_CODES, moment=now - _DAY_MILLISECONDS)
        await self._database.run(_EXPIRED_OAUTH_TOKENS, moment=now)
        await self._database.run(_EXPIRED_GRANTS, moment=now)
        await self._database.run(_EXPIRED_SESSIONS, moment=now)
        await self._database.run(_EXPIRED_SETUP_CODES, moment=now)
        await self._database.run(_EXPIRED_SIGN_INS, moment=now)
        await self._database.run(_PAST_ATTEMPTS, since=now - _DAY_MILLISECONDS)
        await self._database.run(_UNUSED_CLIENTS, since=now - _DAY_MILLISECONDS)


def _job(row: Row) -> Job:
    return Job(
        id=row[0], environment_id=row[1], kind=row[2], subject=row[3], run_at_ms=row[4], tries=row[5], fence=row[6]
    )
