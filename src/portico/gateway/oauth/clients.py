"""The programs that may ask people for access: known by a document at their own https address, or registered here.

A document is looked for in the data folder first, then fetched, through the guard that keeps requests away from private
addresses, without following redirects, small and quickly or not at all.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from portico.clock import Clock, in_seconds
from portico.errors import Refusal
from portico.gateway.oauth import documents, redirects
from portico.gateway.oauth.documents import BadDocument
from portico.log import logger
from portico.model.grant import ClientKind
from portico.settings import Settings
from portico.store.clients import RegisteredClient, RegisteredClients
from portico.store.database import Session
from portico.store.ids import new_id
from portico.upstream.transport import Transport

FOLDER = "oauth-clients"
UNUSED_LIFE = timedelta(days=1)
MOST_UNUSED = 1000
LONGEST_ID = 500
_MOST_REMEMBERED = 1000
_REGISTERED = re.compile(r"[0-9a-f-]{36}")
_log = logger("oauth")


class UnknownClient(Refusal):
    """No program is known under this client_id; it may have to be connected again."""

    status = 400
    code = "invalid_client"


class TooManyClients(Refusal):
    """Too many programs have registered here without anybody letting them in; try again tomorrow."""

    status = 503
    code = "too_many_clients"


class Client(Struct, frozen=True, kw_only=True):
    """A program. `host` is who vouches for its name: empty where nobody does."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    kind: ClientKind
    host: str = ""


class Clients:
    def __init__(self, settings: Settings, registered: RegisteredClients, transport: Transport, clock: Clock) -> None:
        self._settings, self._registered, self._transport, self._clock = settings, registered, transport, clock
        self._fetched: dict[str, tuple[datetime, Client]] = {}

    @property
    def takes_documents(self) -> bool:
        return self._settings.oauth_cimd != "off"

    @property
    def takes_registrations(self) -> bool:
        return self._settings.oauth_registration == "on"

    async def find(self, client_id: str) -> Client:
        """UnknownClient, or BadDocument where there is something at that address which cannot be used."""
        if _REGISTERED.fullmatch(client_id):
            return await self._registered_client(client_id)
        if not documents.is_client_id(client_id) or len(client_id) > LONGEST_ID:
            raise UnknownClient
        if (client := self._from_folder(client_id)) is not None:
            return client
        if self._settings.oauth_cimd != "on":
            raise UnknownClient("This Portico fetches no client documents; its operator can put this one in a file.")
        return await self._from_address(client_id)

    async def register(self, document: Any) -> RegisteredClient:
        """Dynamic registration (RFC 7591). BadDocument says what is wrong with it."""
        moment = self._clock()
        checked = documents.read(document, self._settings.oauth_app_schemes)
        if await self._registered.count_unused(moment - UNUSED_LIFE) >= MOST_UNUSED:
            raise TooManyClients(headers={"retry-after": "3600"})
        client = RegisteredClient(
            id=new_id(), name=checked.name, redirect_uris=checked.redirect_uris, created_at=moment
        )
        await self._registered.add(client)
        return client

    async def was_let_in(self, session: Session, client: Client) -> None:
        """From now on it is not forgotten."""
        if client.kind == "registered":
            await self._registered.used(session, client.id, self._clock())

    async def _registered_client(self, client_id: str) -> Client:
        found = await self._registered.get(client_id)
        if found is None or (found.used_at is None and found.created_at + UNUSED_LIFE <= self._clock()):
            raise UnknownClient
        return Client(id=found.id, name=found.name, redirect_uris=found.redirect_uris, kind="registered")

    def _from_folder(self, client_id: str) -> Client | None:
        """A document that whoever runs this Portico put there, whatever its file is called."""
        for path in sorted(Path(self._settings.data_dir, FOLDER).glob("*.json")):
            try:
                checked = documents.parse(path.read_bytes(), client_id, self._settings.oauth_app_schemes)
            except (OSError, BadDocument) as problem:
                if not isinstance(problem, documents.OtherClient):
                    _log.warning("client document not usable", file=path.name, reason=str(problem))
                continue
            return _documented(client_id, checked, "file")
        return None

    async def _from_address(self, client_id: str) -> Client:
        remembered = self._fetched.get(client_id)
        if remembered is not None and remembered[0] > self._clock():
            return remembered[1]
        content, life_seconds = await documents.fetch(client_id, self._transport)
        client = _documented(
            client_id, documents.parse(content, client_id, self._settings.oauth_app_schemes), "document"
        )
        if len(self._fetched) >= _MOST_REMEMBERED:
            self._fetched.clear()
        self._fetched[client_id] = (in_seconds(self._clock(), life_seconds), client)
        return client


def _documented(client_id: str, checked: documents.Checked, kind: ClientKind) -> Client:
    address = redirects.read(client_id)
    host = address.host if address else ""
    return Client(id=client_id, name=checked.name or host, redirect_uris=checked.redirect_uris, kind=kind, host=host)
