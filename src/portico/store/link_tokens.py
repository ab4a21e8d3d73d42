"""Links by which somebody outside connects an account. Whoever uses one first wins; everybody else finds it used."""

from datetime import datetime

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import Account, AccountId, EnvironmentId
from portico.shapes import Json
from portico.store.database import Row, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO link_tokens (id, environment_id, digest, integration, tenant_id, account_id, keeps_context, "
    "redirect_uri, created_at, expires_at, context, region) VALUES (:id, :environment_id, :digest, :integration, "
    ":tenant_id, :account_id, :keeps_context, :redirect_uri, :created_at, :expires_at, :context, :region)"
)
_USE = Statement(
    "UPDATE link_tokens SET used_at = :moment, account_id = :account_id, integration = :integration "
    "WHERE environment_id = :environment_id AND id = :id AND used_at IS NULL AND expires_at > :moment"
)


class LinkToken(Struct, frozen=True, kw_only=True):
    """A link without its text. `account_id`: whom it is to connect again, later also whom it connected; else empty.

    `integration`: empty until it is used, where whoever uses it chooses. `context` and `region`: what the account is
    to have beside what whoever uses it gives.
    """

    id: str
    environment_id: EnvironmentId
    integration: str
    tenant_id: str
    account_id: AccountId
    keeps_context: bool
    redirect_uri: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    context: Json = {}
    region: str = ""


async def add(session: Session, link: LinkToken, digest: bytes) -> None:
    await session.run(
        _ADD,
        id=link.id,
        environment_id=link.environment_id,
        digest=digest,
        integration=link.integration,
        tenant_id=link.tenant_id,
        account_id=link.account_id,
        keeps_context=link.keeps_context,
        redirect_uri=link.redirect_uri,
        created_at=to_milliseconds(link.created_at),
        expires_at=to_milliseconds(link.expires_at),
        context=msgspec.json.encode(link.context).decode(),
        region=link.region,
    )


async def use(session: Session, link: LinkToken, account: Account, moment: datetime) -> bool:
    """Whether this is its one use."""
    changed = await session.run(
        _USE,
        environment_id=link.environment_id,
        id=link.id,
        account_id=account.id,
        integration=account.integration,
        moment=to_milliseconds(moment),
    )
    return changed > 0


def read(row: Row) -> LinkToken:
    return LinkToken(
        id=row[0],
        environment_id=row[1],
        integration=row[2],
        tenant_id=row[3],
        account_id=row[4],
        keeps_context=bool(row[5]),
        redirect_uri=row[6],
        created_at=from_milliseconds(row[7]),
        expires_at=from_milliseconds(row[8]),
        used_at=from_milliseconds(row[9]) if row[9] is not None else None,
        context=msgspec.json.decode(row[10]),
        region=row[11],
    )
