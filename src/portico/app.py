"""The composition root: builds every part once, wires the faces. The only file that knows all parts."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from portico import clock as clocks
from portico.catalog.find import View
from portico.catalog.load import load_folder, load_mappings
from portico.clock import Clock, Pause
from portico.faces import custom, docs, health, inbound, openapi, openapi_hot, proxy
from portico.faces.acts import Acts
from portico.faces.admin import unified
from portico.faces.admin.every import ENDPOINTS
from portico.faces.endpoint import routes
from portico.faces.files import FileFace
from portico.faces.front import Front, HotFace
from portico.faces.http import Receive, Scope, Send
from portico.faces.mcp.endpoint import McpFace
from portico.faces.oauth.metadata import MetadataFace
from portico.faces.oauth.tokens import TokenFace
from portico.faces.tools import ToolsFace
from portico.faces.unified import UnifiedFace
from portico.faces.web import access, api_page, approve, connect, consent, embed, look, one_time, provider, sign_in
from portico.faces.web.admin import pages as admin_pages
from portico.faces.web.admin.frame import Frame
from portico.faces.web.page import static_routes
from portico.faces.web.site import Site
from portico.gateway.approvals import Approvals
from portico.gateway.arrivals import Arrivals
from portico.gateway.bodies import Keeper, Reader
from portico.gateway.bootstrap import ensure_first_environment
from portico.gateway.files import FileShelf
from portico.gateway.handover import Handover
from portico.gateway.heartbeat import Heartbeat
from portico.gateway.idempotency import Idempotency
from portico.gateway.keyring import Keyring, open_keyring
from portico.gateway.later import Later
from portico.gateway.limits import Limits
from portico.gateway.lookup import Lookup
from portico.gateway.mappings import Mappings
from portico.gateway.metrics import Metrics
from portico.gateway.oauth.clients import Clients
from portico.gateway.oauth.grants import Grants
from portico.gateway.oidc import configured
from portico.gateway.oidc.provider import Provider
from portico.gateway.parts import Parts
from portico.gateway.record import Recorder
from portico.gateway.secrets import Secrets
from portico.gateway.seen import Seen
from portico.gateway.states import States
from portico.gateway.stored import Stored
from portico.gateway.tracing import Tracing, open_tracing
from portico.gateway.transit import open_transit
from portico.gateway.views import Views
from portico.gateway.written import Written
from portico.integrations.openai import recipes, reports
from portico.jobs.worker import Worker
from portico.log import configure as configure_log
from portico.settings import Settings
from portico.store.accounts import Accounts
from portico.store.attempts import Attempts
from portico.store.audit import Audit
from portico.store.changes import Changes
from portico.store.clients import RegisteredClients
from portico.store.database import Database
from portico.store.documentation import Documentation
from portico.store.engines import open_database
from portico.store.environments import Environments
from portico.store.identities import Identities
from portico.store.installations import Definitions, Installations
from portico.store.migrate import migrate
from portico.store.operators import Operators
from portico.store.override_versions import OverrideVersions
from portico.store.people import People
from portico.store.replays import Replays
from portico.store.requests import Requests
from portico.store.servers import Servers
from portico.store.sessions import Sessions
from portico.store.tokens import Tokens
from portico.toolbox.composed import Composed
from portico.toolbox.run import Toolbox
from portico.toolbox.waiting import with_waiting
from portico.unified.fence import Fence
from portico.unified.run import Unified
from portico.upstream.transport import AiohttpTransport, Deadlines, Transport
from portico.vault.passwords import Passwords
from portico.version import VERSION

INTEGRATIONS = Path(__file__).parent / "integrations"
SHIPPED = ("openai",)
COMPOSED: dict[str, tuple[Composed, ...]] = {"openai": (*reports.REPORTS, *recipes.RECIPES)}

PAGES = (sign_in, provider, access, consent, connect, one_time, approve)


class Portico:
    """One gateway: an ASGI application that owns its parts."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.is_draining = False
        self.worker = Worker(parts)
        self.heartbeat = Heartbeat(parts.database, parts.keyring, parts.metrics)
        parts.metrics.watch("portico_draining", "1 while no new calls are wanted.", lambda: self.is_draining)
        parts.metrics.watch(
            "portico_keys_available", "0 while keys cannot be opened.", lambda: not parts.keyring.trouble
        )
        toolbox = Toolbox(parts)
        site = Site(parts)
        self.unified = Unified(parts.mappings)
        hot: dict[str, HotFace] = {
            "proxy": proxy.serve,
            "custom": custom.serve_custom,
            "passthrough": custom.serve_passthrough,
            "mcp": McpFace(parts, toolbox).face,
            "unified": UnifiedFace(self.unified).face,
            "integrated-account-webhook": inbound.serve,
        }
        frame = Frame(site, Acts(ENDPOINTS, parts), toolbox)
        self._lately = frame.lately
        document = cache(
            lambda: openapi.document(ENDPOINTS, openapi_hot.hot_paths(), VERSION, parts.settings.public_url)
        )
        # Everything that is served at addresses that are not hot: what tests walk, so that nothing new is forgotten.
        self.routes: list[BaseRoute] = [
            *routes(ENDPOINTS, parts),
            ToolsFace(parts, toolbox).route(),
            *FileFace(parts).routes(),
            *health.routes(parts, lambda: self.is_draining),
            *docs.routes(document),
            *api_page.routes(site, document),
            *MetadataFace(parts).routes(),
            *TokenFace(parts).routes(),
            *static_routes(),
            *embed.routes(parts),
            *look.routes(parts),
            *(route for pages in PAGES for route in pages.routes(site)),
            *admin_pages.routes(frame),
        ]
        self._front = Front(parts, hot, self.routes, self._lifespan, cold=unified.ADDRESSES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)

    async def start(self) -> None:
        self.parts.lookup.listen(self.parts.changes)
        await self.parts.changes.start()
        await self.heartbeat.start()
        await self.parts.limits.start()
        await self.parts.recorder.start()
        await self.worker.start()

    def drain(self) -> None:
        """Say that no new calls are wanted; all that come are still served."""
        self.is_draining = True

    async def stop(self) -> None:
        self.drain()
        await self.worker.stop()
        await self._lately.close()
        await self.unified.close()
        await self.parts.changes.stop()
        await self.parts.recorder.stop()
        await self.heartbeat.stop()
        await self.parts.limits.stop()
        self.parts.passwords.close()
        await self.parts.transport.close()
        if self.parts.tracing is not None:
            await self.parts.tracing.close()
        await self.parts.keyring.close()
        await self.parts.database.close()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await send({"type": "websocket.close", "code": 1003})
            return
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


async def build(
    settings: Settings,
    *,
    clock: Clock = clocks.now,
    transport: Transport | None = None,
    pause: Pause = clocks.pause,
    passwords: Passwords | None = None,
    tracing: Tracing | None = None,
) -> Portico:
    """A gateway on its database, migrated and with its keys checked. Raises a Refusal that says what to mend."""
    service = open_transit(settings)
    database = await open_database(settings.database_url, settings.data_dir)
    try:
        await migrate(database)
        keyring = await open_keyring(settings, database, clock, service)
        made = _parts(settings, database, keyring, clock, transport)
        made.changes.listen("keys", keyring.forget)
        made.recorder.tracing = tracing or open_tracing(made.metrics)
        provider = _provider(settings, made.transport, clock)
        parts = replace(made, pause=pause, passwords=passwords or made.passwords, tracing=made.recorder.tracing)
        parts = replace(parts, provider=provider)
        await ensure_first_environment(parts)
    except BaseException:
        await database.close()
        if service is not None:
            await service.close()
        raise
    return Portico(parts)


@cache
def _shipped() -> dict[str, View]:
    """Read once in a process, however many gateways it makes: views never change."""
    return {
        name: with_waiting(load_folder(INTEGRATIONS / name / "catalog", COMPOSED.get(name, ()))) for name in SHIPPED
    }


@cache
def _shipped_mappings() -> dict[str, dict[str, dict[str, Any]]]:
    return {name: load_mappings(INTEGRATIONS / name / "catalog") for name in SHIPPED}


def _mappings() -> Mappings:
    return Mappings(shipped=_shipped_mappings(), fence=Fence())


def _views(database: Database, definitions: Definitions, clock: Clock) -> Views:
    return Views(_shipped(), definitions, Documentation(database), with_waiting, clock)


def _parts(
    settings: Settings, database: Database, keyring: Keyring, clock: Clock, transport: Transport | None
) -> Parts:
    accounts_store, operators, audit = Accounts(database), Operators(database), Audit(database)
    changes, definitions, metrics = Changes(database), Definitions(database), Metrics(SHIPPED)
    later, views = Later(database, clock, settings.recheck_hours), _views(database, definitions, clock)
    carrier, limits = transport or _transport(settings, metrics), Limits(database, changes, later, clock)
    return Parts(
        settings=settings,
        clock=clock,
        pause=clocks.pause,
        database=database,
        changes=changes,
        environments=Environments(database),
        tokens=Tokens(database),
        accounts=accounts_store,
        servers=Servers(database),
        installations=Installations(database),
        definitions=definitions,
        documentation=Documentation(database),
        requests=Requests(database),
        operators=operators,
        audit=audit,
        override_versions=OverrideVersions(database),
        keyring=keyring,
        secrets=Secrets(keyring),
        views=views,
        lookup=_lookup(settings, keyring, operators, accounts_store, views, clock),
        mappings=_mappings(),
        seen=Seen(clock),
        written=Written(),
        states=States(database, accounts_store, changes, clock, later),
        later=later,
        handover=Handover(database, operators, keyring, audit, clock, settings.public_url),
        stored=Stored(database, keyring, audit, clock),
        shelf=FileShelf(database, operators, keyring, clock, settings.public_url, settings.file_limit_bytes),
        arrivals=Arrivals(changes, later.inbound),
        approvals=Approvals(database, keyring, audit, later, clock),
        idempotency=_idempotency(settings, database, keyring, clock),
        limits=limits,
        recorder=_recorder(settings, database, keyring, metrics, limits, clock),
        bodies=Reader(database, accounts_store, keyring, audit, clock),
        metrics=metrics,
        transport=carrier,
        people=People(database), sessions=Sessions(database), attempts=Attempts(database),
        identities=Identities(database),
        passwords=Passwords(),
        clients=Clients(settings, RegisteredClients(database), carrier, clock),
        grants=Grants(database, operators, changes, audit, keyring.pepper, clock),
    )  # fmt: skip


def _provider(settings: Settings, transport: Transport, clock: Clock) -> Provider | None:
    """Where people may sign in besides here. Raises BadSetting."""
    return Provider(found, transport, clock) if (found := configured.read(settings)) else None


def _lookup(
    settings: Settings, keyring: Keyring, operators: Operators, accounts_store: Accounts, views: Views, clock: Clock
) -> Lookup:
    return Lookup(
        pepper=keyring.pepper, operators=operators, accounts=accounts_store, views=views, settings=settings, clock=clock
    )


def _recorder(
    settings: Settings, database: Database, keyring: Keyring, metrics: Metrics, limits: Limits, clock: Clock
) -> Recorder:
    return Recorder(Requests(database), metrics, clock, limits, Keeper(keyring, metrics, settings.log_body_bytes))


def _idempotency(settings: Settings, database: Database, keyring: Keyring, clock: Clock) -> Idempotency:
    lease_seconds = settings.answer_timeout_seconds + settings.idle_timeout_seconds
    return Idempotency(Replays(database), keyring, clock, lease_seconds=lease_seconds, keep_hours=settings.replay_hours)


def _transport(settings: Settings, metrics: Metrics) -> Transport:
    deadlines = Deadlines(
        connect_seconds=settings.connect_timeout_seconds,
        answer_seconds=settings.answer_timeout_seconds,
        idle_seconds=settings.idle_timeout_seconds,
    )
    made = AiohttpTransport(deadlines, f"portico/{VERSION}")
    metrics.watch("portico_vendor_connections", "Open connections to vendors.", lambda: made.connections)
    metrics.watch("portico_vendor_connections_idle", "Those that wait for a call.", lambda: made.idle_connections)
    return made


def from_environment() -> Any:
    """For servers that make the application themselves, in each of their workers."""
    settings = Settings.read(os.environ)
    configure_log(settings.log_level, settings.log_format)
    return _Later(settings)


class _Later:
    """An application whose parts are built inside the running event loop, when the server says it starts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._portico: Portico | None = None

    def drain(self) -> None:
        if self._portico is not None:
            self._portico.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._portico is None:
            self._portico = await build(self.settings)
        await self._portico(scope, receive, send)
