"""Values to put into the store: each with everything set, so that nothing that is lost on the way goes unnoticed."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from portico.clock import to_milliseconds
from portico.model.account import Account, AccountId, Environment, EnvironmentId, Installation
from portico.model.caller import FULL_SCOPES, Caller
from portico.model.request import RequestRow
from portico.model.server import McpServer, ServerConfig, ServerId
from portico.store.accounts import Accounts
from portico.store.database import Database
from portico.store.environments import Environments
from portico.store.files import StoredFile
from portico.store.ids import Sequence, new_id
from portico.store.installations import Definition, Installations, Wish
from portico.store.tokens import Token

MOMENT = datetime(2026, 11, 2, 12, 0, 0, 123_000, tzinfo=UTC)
LATER = MOMENT + timedelta(hours=1)


@dataclass(frozen=True)
class Home:
    """An environment with an integration installed: what most rows belong to."""

    environment: Environment
    installation: Installation

    @property
    def id(self) -> EnvironmentId:
        return self.environment.id

    @property
    def caller(self) -> Caller:
        return Caller(environment_id=self.id, token_id="token-1", name="tester", scopes=FULL_SCOPES)


async def make_home(database: Database, name: str = "home", integration: str = "openai") -> Home:
    async with database.transaction() as session:
        environment = await Environments(database).add(session, name, MOMENT)
        installation, _ = await Installations(database).ensure(session, environment.id, integration, MOMENT, Wish())
    return Home(environment, installation)


def account_of(home: Home, tenant: str = "acme") -> Account:
    return Account(
        id=AccountId(new_id()),
        environment_id=home.id,
        installation_id=home.installation.id,
        integration=home.installation.integration,
        tenant_id=tenant,
        status="active",
        authentication_method="api_key",
        context={"organization": "org-1", "größe": ["ü", 1, None, {"x": 1.5}]},
        sealed=bytes(range(256)),
        held={"api_key": "…cdef"},
        base_url="https://eu.api.openai.com/v1",
        is_sandbox=True,
        override={"resources": {"files": {"list": {"says": "x"}}}},
        unified_override={"user-directory": {}},
        last_error={"message": "no"},
        last_forbidden_error={"resource": "files"},
        last_action_result={"action": "validation"},
        created_at=MOMENT,
        updated_at=MOMENT,
    )


async def add_accounts(database: Database, *accounts: Account) -> None:
    async with database.transaction() as session:
        for account in accounts:
            await Accounts(database).add(session, account)


def token_of(home: Home, name: str = "work", kind: str = "api") -> Token:
    return Token(
        id=new_id(),
        environment_id=home.id,
        kind=kind,
        name=name,
        hint="abcd",
        scopes=frozenset({"accounts", "accounts:read", "call"}),
        account_id=AccountId("account-1") if kind == "acc" else None,
        created_by="token-1",
        created_at=MOMENT,
        expires_at=LATER if kind == "acc" else None,
    )


def server_of(home: Home, account_id: str = "account-1", name: str = "tools") -> McpServer:
    config = ServerConfig(
        methods=("read",), tags=("files",), tool_exposure="discovery", require_api_token_auth=True,
        arguments={"project_id": {"enum": ["a"]}}, include_removed=True, read_only=True, result_limit=5000,
    )  # fmt: skip
    return McpServer(
        id=ServerId(new_id()),
        environment_id=home.id,
        account_id=AccountId(account_id),
        name=name,
        config=config,
        hint="wxyz",
        revision=1,
        created_by="token-1",
        created_at=MOMENT,
        updated_at=MOMENT,
        expires_at=LATER,
    )


def file_of(home: Home, name: str = "bericht.pdf") -> StoredFile:
    return StoredFile(
        id=new_id(),
        environment_id=home.id,
        account_id="account-1",
        name=name,
        content_type="application/pdf",
        size_bytes=3_000_000_000,
        created_at=MOMENT,
        expires_at=LATER,
    )


def definition_of(home: Home, name: str = "notes") -> Definition:
    return Definition(
        id=new_id(),
        environment_id=home.id,
        name=name,
        category="other",
        definition={"name": name, "resources": {"notes": {"list": {"call": "GET /notes"}}}},
        version=1,
        created_at=MOMENT,
        updated_at=MOMENT,
    )


# One for each time, because a sequence never goes back.
_ids: defaultdict[datetime, Sequence] = defaultdict(Sequence)


def request_of(home: Home, at: datetime = MOMENT, account_id: str = "account-1", status: int = 200) -> RequestRow:
    return RequestRow(
        id=_ids[at].at(to_milliseconds(at) * 1_000_000), environment_id=home.id, at=to_milliseconds(at),
        account_id=account_id, tenant_id="acme",
        integration="openai", face="proxy", resource="files", method="list", verb="GET", path="/files", tool="t",
        server_id="s", client="c", token_id="token-1", request_id="r", trace_id="t", status=status, code="",
        vendor_status=status, vendor_request_id="v", bytes_in=3_000_000_000, bytes_out=4_000_000_000,
        duration_us=5_000_000_000, vendor_us=1, status_class=status // 100, problem="It failed.", is_replay=True,
        model="gpt-4o", input_tokens=3_000_000_000, cached_tokens=2_000_000_000, output_tokens=1_000_000_000,
        is_estimated=True, cost_nanos=10**15, has_bodies=True, result_count=2,
    )  # fmt: skip
