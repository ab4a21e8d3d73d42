"""Integrated accounts. Every read and write names the environment first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import Account, AccountId, AccountState, EnvironmentId
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of

_ADD = Statement(
    "INSERT INTO accounts (id, environment_id, installation_id, integration, tenant_id, status, authentication_method, "
    "context, sealed, held, base_url, is_sandbox, override, unified_override, last_error, last_forbidden_error, "
    "last_action_result, log_bodies, region, revision, created_at, updated_at) "
    "VALUES (:id, :environment_id, :installation_id, "
    ":integration, :tenant_id, :status, :authentication_method, :context, :sealed, :held, :base_url, :is_sandbox, "
    ":override, :unified_override, :last_error, :last_forbidden_error, :last_action_result, :log_bodies, :region, "
    ":revision, :created_at, :updated_at)"
)
_GET = Statement(
    "SELECT a.id, a.environment_id, a.installation_id, a.integration, a.tenant_id, a.status, a.authentication_method, "
    "a.context, a.sealed, a.held, a.base_url, a.is_sandbox, a.override, a.unified_override, a.last_error, "
    "a.last_forbidden_error, a.last_action_result, a.created_at, a.updated_at, i.override, i.is_enabled, a.revision, "
    "a.log_bodies, e.log_bodies, i.unified_override, a.region "
    "FROM accounts a JOIN environments e ON e.id = a.environment_id "
    "JOIN installations i ON i.environment_id = a.environment_id AND i.id = a.installation_id "
    "WHERE a.environment_id = :environment_id AND a.id = :id"
)
_PAGE = Statement(
    "SELECT a.id, a.environment_id, a.installation_id, a.integration, a.tenant_id, a.status, a.authentication_method, "
    "a.context, a.sealed, a.held, a.base_url, a.is_sandbox, a.override, a.unified_override, a.last_error, "
    "a.last_forbidden_error, a.last_action_result, a.created_at, a.updated_at, i.override, i.is_enabled, a.revision, "
    "a.log_bodies, e.log_bodies, i.unified_override, a.region "
    "FROM accounts a JOIN environments e ON e.id = a.environment_id "
    "JOIN installations i ON i.environment_id = a.environment_id AND i.id = a.installation_id "
    "WHERE a.environment_id = :environment_id AND a.id < :before "
    "AND ONE_OF(a.id, :ids) AND ONE_OF(a.tenant_id, :tenant_id) AND ONE_OF(a.status, :status) "
    "AND ONE_OF(a.integration, :integration) AND ONE_OF(a.installation_id, :installation_id) "
    "AND (:is_sandbox < 0 OR a.is_sandbox = (:is_sandbox > 0)) "
    "AND a.created_at > :created_after AND a.created_at < :created_before "
    "AND a.updated_at > :updated_after AND a.updated_at < :updated_before "
    "ORDER BY a.id DESC LIMIT :count"
)
_UPDATE = Statement(
    "UPDATE accounts SET tenant_id = :tenant_id, status = :status, context = :context, sealed = :sealed, held = :held, "
    "base_url = :base_url, is_sandbox = :is_sandbox, override = :override, unified_override = :unified_override, "
    "last_error = :last_error, last_forbidden_error = :last_forbidden_error, last_action_result = :last_action_result, "
    "log_bodies = :log_bodies, updated_at = :updated_at, revision = revision + 1 "
    "WHERE environment_id = :environment_id AND id = :id AND revision = :revision"
)
_SET_STATUS = Statement(
    "UPDATE accounts SET status = :status, last_error = :last_error, updated_at = :updated_at, revision = revision + 1 "
    "WHERE environment_id = :environment_id AND id = :id AND status = :expected"
)
_SET_FORBIDDEN = Statement(
    "UPDATE accounts SET last_forbidden_error = :last_forbidden_error, updated_at = :updated_at, "
    "revision = revision + 1 "
    "WHERE environment_id = :environment_id AND id = :id"
)
_DELETE = Statement("DELETE FROM accounts WHERE environment_id = :environment_id AND id = :id")
_IDS_OF_TENANT = Statement(
    "SELECT id FROM accounts WHERE environment_id = :environment_id AND tenant_id = :tenant_id ORDER BY id"
)
_IDS_OF_INSTALLATION = Statement(
    "SELECT id FROM accounts WHERE environment_id = :environment_id AND installation_id = :installation_id ORDER BY id"
)
LAST_MILLISECOND = 1 << 62


class AccountFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of accounts is narrowed to; the empty value of each field means: any."""

    ids: Sequence[str] = ()
    tenant_id: Sequence[str] = ()
    status: Sequence[str] = ()
    integration: Sequence[str] = ()
    installation_id: Sequence[str] = ()
    is_sandbox: bool | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


class Accounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, account: Account) -> None:
        await session.run(_ADD, **_values(account))

    async def get(self, environment_id: EnvironmentId, account_id: AccountId) -> Account | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=account_id)
        return _read(row) if row else None

    async def get_within(
        self, session: Session, environment_id: EnvironmentId, account_id: AccountId
    ) -> Account | None:
        """As the open transaction sees it."""
        row = await session.one(_GET, environment_id=environment_id, id=account_id)
        return _read(row) if row else None

    async def page(self, environment_id: EnvironmentId, before: str, count: int, where: AccountFilter) -> list[Account]:
        rows = await self._database.all(
            _PAGE,
            environment_id=environment_id,
            before=before,
            count=count,
            ids=one_of(where.ids),
            tenant_id=one_of(where.tenant_id),
            status=one_of(where.status),
            integration=one_of(where.integration),
            installation_id=one_of(where.installation_id),
            is_sandbox=-1 if where.is_sandbox is None else int(where.is_sandbox),
            created_after=_bound(where.created_after, -1),
            created_before=_bound(where.created_before, LAST_MILLISECOND),
            updated_after=_bound(where.updated_after, -1),
            updated_before=_bound(where.updated_before, LAST_MILLISECOND),
        )
        return [_read(row) for row in rows]

    async def update(self, session: Session, account: Account) -> bool:
        """False when somebody else has changed or deleted it since it was read; then nothing is written."""
        values = {name: value for name, value in _values(account).items() if name not in _FIXED}
        return await session.run(_UPDATE, **values) > 0

    async def move(
        self,
        session: Session,
        account: Account,
        status: AccountState,
        moment: datetime,
        last_error: dict[str, Any] | None,
    ) -> bool:
        """To another state, unless it has left the one we saw; whether this call was the one that moved it."""
        return (
            await session.run(
                _SET_STATUS,
                environment_id=account.environment_id,
                id=account.id,
                expected=account.status,
                status=status,
                last_error=_json(last_error),
                updated_at=to_milliseconds(moment),
            )
            > 0
        )

    async def note_forbidden(self, session: Session, account: Account, facts: dict[str, Any], moment: datetime) -> None:
        await session.run(
            _SET_FORBIDDEN,
            environment_id=account.environment_id,
            id=account.id,
            last_forbidden_error=_json(facts),
            updated_at=to_milliseconds(moment),
        )

    async def delete(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> bool:
        return await session.run(_DELETE, environment_id=environment_id, id=account_id) > 0

    async def ids_of_tenant(self, environment_id: EnvironmentId, tenant_id: str) -> Sequence[AccountId]:
        rows = await self._database.all(_IDS_OF_TENANT, environment_id=environment_id, tenant_id=tenant_id)
        return [AccountId(row[0]) for row in rows]

    async def ids_of_installation(
        self, session: Session, environment_id: EnvironmentId, installation_id: str
    ) -> Sequence[AccountId]:
        rows = await session.all(_IDS_OF_INSTALLATION, environment_id=environment_id, installation_id=installation_id)
        return [AccountId(row[0]) for row in rows]


_FIXED = frozenset({"installation_id", "integration", "authentication_method", "region", "created_at"})


def _values(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "environment_id": account.environment_id,
        "installation_id": account.installation_id,
        "integration": account.integration,
        "tenant_id": account.tenant_id,
        "status": account.status,
        "authentication_method": account.authentication_method,
        "context": _json(account.context),
        "sealed": account.sealed,
        "held": _json(account.held),
        "base_url": account.base_url,
        "is_sandbox": account.is_sandbox,
        "override": _json(account.override),
        "unified_override": _json(account.unified_override),
        "last_error": _json(account.last_error),
        "last_forbidden_error": _json(account.last_forbidden_error),
        "last_action_result": _json(account.last_action_result),
        "log_bodies": account.log_bodies,
        "region": account.region,
        "revision": account.revision,
        "created_at": to_milliseconds(account.created_at),
        "updated_at": to_milliseconds(account.updated_at),
    }


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _load(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _bound(moment: datetime | None, otherwise: int) -> int:
    return otherwise if moment is None else to_milliseconds(moment)


def _read(row: Row) -> Account:
    return Account(
        id=row[0],
        environment_id=row[1],
        installation_id=row[2],
        integration=row[3],
        tenant_id=row[4],
        status=row[5],
        authentication_method=row[6],
        context=_load(row[7]),
        sealed=bytes(row[8]),
        held=_load(row[9]),
        base_url=row[10],
        is_sandbox=bool(row[11]),
        override=_load(row[12]),
        unified_override=_load(row[13]),
        last_error=_load(row[14]),
        last_forbidden_error=_load(row[15]),
        last_action_result=_load(row[16]),
        created_at=from_milliseconds(row[17]),
        updated_at=from_milliseconds(row[18]),
        installation_override=_load(row[19]),
        is_enabled=bool(row[20]),
        revision=row[21],
        log_bodies=None if row[22] is None else bool(row[22]),
        environment_log_bodies=bool(row[23]),
        installation_unified_override=_load(row[24]),
        region=row[25],
    )
