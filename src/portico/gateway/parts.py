"""Everything a call may need, built once and never changed. Functions take this or, better, a piece of it."""

from dataclasses import dataclass

from portico.clock import Clock, Pause
from portico.gateway.approvals import Approvals
from portico.gateway.arrivals import Arrivals
from portico.gateway.bodies import Reader
from portico.gateway.files import FileShelf
from portico.gateway.handover import Handover
from portico.gateway.idempotency import Idempotency
from portico.gateway.keyring import Keyring
from portico.gateway.later import Later
from portico.gateway.limits import Limits
from portico.gateway.lookup import Lookup
from portico.gateway.mappings import Mappings
from portico.gateway.metrics import Metrics
from portico.gateway.oauth.clients import Clients
from portico.gateway.oauth.grants import Grants
from portico.gateway.oidc.provider import Provider
from portico.gateway.record import Recorder
from portico.gateway.secrets import Secrets
from portico.gateway.seen import Seen
from portico.gateway.states import States
from portico.gateway.stored import Stored
from portico.gateway.tracing import Tracing
from portico.gateway.views import Views
from portico.gateway.written import Written
from portico.settings import Settings
from portico.store.accounts import Accounts
from portico.store.attempts import Attempts
from portico.store.audit import Audit
from portico.store.changes import Changes
from portico.store.database import Database
from portico.store.documentation import Documentation
from portico.store.environments import Environments
from portico.store.identities import Identities
from portico.store.installations import Definitions, Installations
from portico.store.operators import Operators
from portico.store.override_versions import OverrideVersions
from portico.store.people import People
from portico.store.requests import Requests
from portico.store.servers import Servers
from portico.store.sessions import Sessions
from portico.store.tokens import Tokens
from portico.upstream.transport import Transport
from portico.vault.passwords import Passwords


@dataclass(frozen=True, kw_only=True)
class Parts:
    settings: Settings
    clock: Clock
    pause: Pause
    database: Database
    changes: Changes
    environments: Environments
    tokens: Tokens
    accounts: Accounts
    servers: Servers
    installations: Installations
    definitions: Definitions
    documentation: Documentation
    requests: Requests
    operators: Operators
    audit: Audit
    override_versions: OverrideVersions
    keyring: Keyring
    secrets: Secrets
    views: Views
    lookup: Lookup
    mappings: Mappings
    seen: Seen
    written: Written
    states: States
    later: Later
    shelf: FileShelf
    handover: Handover
    stored: Stored
    arrivals: Arrivals
    approvals: Approvals
    idempotency: Idempotency
    limits: Limits
    recorder: Recorder
    bodies: Reader
    metrics: Metrics
    transport: Transport
    people: People
    sessions: Sessions
    attempts: Attempts
    identities: Identities
    passwords: Passwords
    clients: Clients
    grants: Grants
    tracing: Tracing | None = None
    provider: Provider | None = None
