"""The composition root: builds every part once, wires the faces. The only file that knows all parts."""

import asyncio
import os
from pathlib import Path
from typing import Any

from portico import clock as clocks
from portico.catalog.load import load_folder
from portico.clock import Clock, in_seconds
from portico.errors import Refusal
from portico.faces import custom, docs, health, openapi, openapi_hot, proxy
from portico.faces.admin import accounts, environments, history, installations, integrations, servers, tokens
from portico.faces.admin import tools as admin_tools
from portico.faces.endpoint import Endpoint, routes
from portico.faces.files import FileFace
from portico.faces.front import Front, HotFace
from portico.faces.http import Receive, Scope, Send
from portico.faces.mcp.endpoint import McpFace
from portico.faces.tools import ToolsFace
from portico.gateway.bootstrap import ensure_first_environment
from portico.gateway.files import FileShelf
from portico.gateway.idempotency import Idempotency
from portico.gateway.keyring import Keyring, open_keyring
from portico.gateway.lookup import Lookup
from portico.gateway.metrics import Metrics
from portico.gateway.parts import Parts
from portico.gateway.record import Recorder
from portico.gateway.secrets import Secrets
from portico.gateway.states import States
from portico.gateway.views import Views
from portico.log import configure as configure_log
from portico.log import logger
from portico.settings import Settings
from portico.store.accounts import Accounts
from portico.store.audit import Audit
from portico.store.changes import Changes
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.environments import Environments
from portico.store.files import Files
from portico.store.installations import Definitions, Installations
from portico.store.migrate import migrate
from portico.store.operators import Operators
from portico.store.replays import Replays
from portico.store.requests import Requests
from portico.store.servers import Servers
from portico.store.tokens import Tokens
from portico.toolbox.run import Toolbox
from portico.upstream.transport import AiohttpTransport, Deadlines, Transport
from portico.version import VERSION

INTEGRATIONS = Path(__file__).parent / "integrations"
SHIPPED = ("openai",)
CLEAN_SECONDS = 3600.0
_log = logger("app")

ENDPOINTS: tuple[Endpoint, ...] = (
    *environments.ENDPOINTS,
    *tokens.ENDPOINTS,
    *integrations.ENDPOINTS,
    *installations.ENDPOINTS,
    *accounts.ENDPOINTS,
    *admin_tools.ENDPOINTS,
    *servers.ENDPOINTS,
    *history.ENDPOINTS,
)


class Portico:
    """One gateway: an ASGI application that owns its parts."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.is_draining = False
        self._cleaner: asyncio.Task[None] | None = None
        document = openapi.document(ENDPOINTS, openapi_hot.hot_paths(), VERSION, parts.settings.public_url)
        shelf = FileShelf(
            parts.database,
            Files(parts.database),
            parts.operators,
            parts.keyring,
            parts.clock,
            parts.settings.public_url,
        )
        toolbox = Toolbox(parts, shelf)
        hot: dict[str, HotFace] = {
            "proxy": proxy.serve,
            "custom": custom.serve_custom,
            "passthrough": custom.serve_passthrough,
            "mcp": McpFace(parts, toolbox).face,
            "file": FileFace(shelf).face,
        }
        served = [
            *routes(ENDPOINTS, parts),
            ToolsFace(parts, toolbox).route(),
            *health.routes(parts, lambda: self.is_draining),
            *docs.routes(document),
        ]
        self._front = Front(parts, hot, served, self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._front(scope, receive, send)

    async def start(self) -> None:
        self.parts.lookup.listen(self.parts.changes)
        await self.parts.changes.start()
        await self.parts.recorder.start()
        self._cleaner = asyncio.create_task(self._clean())

    async def stop(self) -> None:
        self.is_draining = True
        if self._cleaner:
            self._cleaner.cancel()
            await asyncio.gather(self._cleaner, return_exceptions=True)
        await self.parts.changes.stop()
        await self.parts.recorder.stop()
        await self.parts.transport.close()
        await self.parts.database.close()

    async def _clean(self) -> None:
        while True:
            moment = self.parts.clock()
            try:
                await self.parts.operators.clean(moment, in_seconds(moment, -86_400 * self.parts.settings.log_days))
            except Refusal as problem:
                _log.warning("clean-up put off", reason=problem.sentence)
            await asyncio.sleep(CLEAN_SECONDS)

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


async def build(settings: Settings, *, clock: Clock = clocks.now, transport: Transport | None = None) -> Portico:
    """A gateway on its database, migrated and with its keys checked. Raises a Refusal that says what to mend."""
    database = await open_database(settings.database_url, settings.data_dir)
    try:
        await migrate(database)
        keyring = await open_keyring(settings, database, clock)
        parts = _parts(settings, database, keyring, clock, transport)
        await ensure_first_environment(parts)
    except BaseException:
        await database.close()
        raise
    return Portico(parts)


def _parts(
    settings: Settings, database: Database, keyring: Keyring, clock: Clock, transport: Transport | None
) -> Parts:
    accounts_store, operators = Accounts(database), Operators(database)
    changes, definitions, metrics = Changes(database), Definitions(database), Metrics()
    views = Views({name: load_folder(INTEGRATIONS / name / "catalog") for name in SHIPPED}, definitions)
    requests = Requests(database)
    deadlines = Deadlines(
        connect_seconds=settings.connect_timeout_seconds,
        answer_seconds=settings.answer_timeout_seconds,
        idle_seconds=settings.idle_timeout_seconds,
    )
    lease_seconds = settings.answer_timeout_seconds + settings.idle_timeout_seconds
    return Parts(
        settings=settings,
        clock=clock,
        database=database,
        changes=changes,
        environments=Environments(database),
        tokens=Tokens(database),
        accounts=accounts_store,
        servers=Servers(database),
        installations=Installations(database),
        definitions=definitions,
        requests=requests,
        operators=operators,
        audit=Audit(database),
        keyring=keyring,
        secrets=Secrets(keyring),
        views=views,
        lookup=Lookup(
            pepper=keyring.pepper,
            operators=operators,
            accounts=accounts_store,
            views=views,
            settings=settings,
            clock=clock,
        ),
        states=States(database, accounts_store, changes, clock),
        idempotency=Idempotency(
            Replays(database), keyring, clock, lease_seconds=lease_seconds, keep_hours=settings.replay_hours
        ),
        recorder=Recorder(requests, metrics, clock),
        metrics=metrics,
        transport=transport or AiohttpTransport(deadlines, f"portico/{VERSION}"),
    )


def from_environment() -> Any:
    """For servers that make the application themselves, in each of their workers."""
    settings = Settings.read(os.environ)
    configure_log(settings.log_level, settings.log_format)
    return _Later(settings)


class _Later:
    """An application whose parts are built inside the running event loop, when the server says it starts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._portico: Portico | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._portico is None:
            self._portico = await build(self._settings)
        await self._portico(scope, receive, send)
