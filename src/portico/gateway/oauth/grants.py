"""Grants from consent to revocation: codes traded once, tokens that rotate, and who holds a token now.

A refresh token works once. Used a second time, somebody has stolen one of the two, and the whole grant ends; likewise a
code. What is remembered here is dropped at once when it changes, in other processes within half a second.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from portico.clock import Clock, in_seconds
from portico.errors import Refusal
from portico.gateway.oauth.asked import Asking
from portico.gateway.remembered import Remembered
from portico.log import logger
from portico.model.account import EnvironmentId
from portico.model.caller import FULL_SCOPES, Caller
from portico.model.grant import READ, WRITE, Grant, GrantScope, call_scopes, written
from portico.model.person import Person
from portico.model.server import McpServer, ServerId
from portico.store.audit import Audit
from portico.store.changes import Changes
from portico.store.database import Database, Session
from portico.store.grants import Code, GrantsOfServers, HeldToken, NewToken, TokenUse
from portico.store.ids import new_id
from portico.store.operators import Operators
from portico.vault import tokens

CODE_SECONDS = 60
ACCESS_SECONDS = 3600
REFRESH_LIFE = timedelta(days=30)
_REMEMBER_SECONDS = 30.0
_MOST_REMEMBERED = 50_000
_ACTS_AS = "grant"
_log = logger("oauth")


class GrantRefused(Refusal):
    """The code or token is not valid: unknown, used, expired, or another program's."""

    status = 400
    code = "invalid_grant"


class TargetRefused(GrantRefused):
    """The code or token was not given for that server."""

    code = "invalid_target"


class ScopeRefused(GrantRefused):
    """More was asked for than the person had allowed."""

    code = "invalid_scope"


class Issued(Struct, frozen=True, kw_only=True):
    """Tokens to be handed over, this once."""

    access: str
    refresh: str
    expires_in: int
    scope: str


class Presented(Struct, frozen=True, kw_only=True):
    """What a program says with a code or a refresh token."""

    client_id: str
    resource: str = ""
    redirect_uri: str | None = None
    verifier: str = ""
    scope: str = ""


class Grants:
    def __init__(
        self,
        database: Database,
        operators: Operators,
        changes: Changes,
        audit: Audit,
        pepper: bytes,
        clock: Clock,
    ) -> None:
        self._database, self._operators, self._changes, self._audit = database, operators, changes, audit
        self._store = GrantsOfServers(database)
        self._pepper, self._clock = pepper, clock
        self._held: Remembered[bytes, HeldToken | None] = Remembered(_MOST_REMEMBERED, _REMEMBER_SECONDS)
        for topic in ("tokens", "servers"):
            changes.listen(topic, self._held.forget)

    async def page(self, server: McpServer, before: str, count: int) -> Sequence[tuple[Grant, str]]:
        """Who has access to a server, with which program: grants and people's names, newest first."""
        return await self._store.page(server.environment_id, server.id, before, count, self._clock())

    async def consent(self, session: Session, person: Person, asking: Asking, scopes: frozenset[GrantScope]) -> str:
        """The code that the program trades for tokens."""
        text = tokens.make("code")
        moment = self._clock()
        code = Code(
            environment_id=asking.server.environment_id,
            account_id=asking.server.account_id,
            server_id=asking.server.id,
            address=asking.address,
            person_id=person.id,
            client_id=asking.client.id,
            client_name=asking.client.name,
            redirect_uri=asking.redirect.uri,
            redirect_host=asking.redirect.host,
            resource=asking.resource,
            challenge=asking.challenge,
            scopes=scopes,
            created_at=moment,
            expires_at=in_seconds(moment, CODE_SECONDS),
        )
        await self._store.add_code(session, code, tokens.digest(text, self._pepper))
        await self._audit.add(
            session, person.caller(code.environment_id), "mcp_grant.consented", asking.server.id, moment,
            client=code.client_id, client_name=code.client_name, scopes=sorted(scopes), redirect=code.redirect_host,
        )  # fmt: skip
        return text

    async def trade(self, text: str, presented: Presented) -> Issued:
        """Tokens for a code. GrantRefused for a code that is unknown, used, expired or another's."""
        digest = tokens.digest(text, self._pepper)
        code = await self._operators.code_by_digest(digest) if tokens.is_well_formed(text) else None
        if code is None or code.client_id != presented.client_id:
            raise GrantRefused
        if code.is_used:
            await self._end_reused(code.environment_id, code.server_id, code.grant_id, "code")
            raise GrantRefused
        if code.expires_at <= self._clock() or not _proves(presented.verifier, code.challenge):
            raise GrantRefused
        if presented.redirect_uri is not None and presented.redirect_uri != code.redirect_uri:
            raise GrantRefused
        if presented.resource and presented.resource != code.resource:
            raise TargetRefused
        return await self._start(digest, code)

    async def refresh(self, text: str, presented: Presented, issuer: str) -> Issued:
        """New tokens for a refresh token, which is used up by this."""
        digest = tokens.digest(text, self._pepper)
        held = await self._operators.held_token(digest) if tokens.is_well_formed(text) else None
        if held is None or held.use != "refresh" or held.grant.client_id != presented.client_id:
            raise GrantRefused
        if held.is_used:
            await self._end_reused(held.grant.environment_id, held.grant.server_id, held.grant.id, "refresh token")
            raise GrantRefused
        if held.expires_at <= self._clock() or not held.person.sees(held.grant.environment_id):
            raise GrantRefused
        if presented.resource and not self._is_address(presented.resource, issuer, held.grant):
            raise TargetRefused
        scopes = _narrowed(held.scopes, presented.scope)
        async with self._database.transaction() as session:
            is_mine = await self._store.use_token(session, held.grant.environment_id, digest, self._clock())
            issued = await self._issue(session, held.grant, scopes) if is_mine else None
        if issued is None:
            await self._end_reused(held.grant.environment_id, held.grant.server_id, held.grant.id, "refresh token")
            raise GrantRefused
        return issued

    async def caller(self, server: McpServer, address: bytes, text: str) -> Caller | None:
        """Who calls this server with this access token; None for anything that is not valid here and now."""
        held = await self._hold(text)
        if held is None or held.use != "access" or held.expires_at <= self._clock():
            return None
        if held.grant.server_id != server.id or not hmac.compare_digest(held.grant.address, address):
            return None
        if not held.person.sees(server.environment_id):
            return None
        scopes = held.scopes if held.person.may_write() else held.scopes - {WRITE}
        return Caller(
            environment_id=server.environment_id,
            token_id=f"{_ACTS_AS}:{held.grant.id}",
            name=f"{held.person.name} through {held.grant.client_name}",
            scopes=call_scopes(scopes),
            account_id=server.account_id,
        )

    async def person_of(self, environment_id: EnvironmentId, token_id: str) -> str:
        """Who let the program in that calls as this; empty where it is no grant, or over."""
        kind, _, grant_id = token_id.partition(":")
        return await self._store.person(environment_id, grant_id) if kind == _ACTS_AS else ""

    async def revoke(self, caller: Caller, server_id: ServerId, grant_id: str) -> bool:
        """End a grant of the caller's environment with all its tokens, at once. Whether there was one."""
        ended = await self._end(caller, caller.environment_id, server_id, grant_id, "mcp_grant.revoked")
        self._changes.apply("tokens")
        return ended

    async def hand_back(self, text: str, client_id: str) -> None:
        """RFC 7009: whoever holds a token may end it; a refresh token takes its grant with it."""
        digest = tokens.digest(text, self._pepper)
        held = await self._operators.held_token(digest) if tokens.is_well_formed(text) else None
        if held is None or (client_id and client_id != held.grant.client_id):
            return
        if held.use == "refresh":
            caller = held.person.caller(held.grant.environment_id)
            await self.revoke(caller, held.grant.server_id, held.grant.id)
            return
        async with self._database.transaction() as session:
            await self._store.delete_token(session, held.grant.environment_id, digest)
            await self._changes.tell(session, "tokens")
        self._changes.apply("tokens")

    async def _hold(self, text: str) -> HeldToken | None:
        if not text.startswith("ptc_oat_") or not tokens.is_well_formed(text):
            return None
        digest = tokens.digest(text, self._pepper)
        return await self._held.get(digest, lambda: self._operators.held_token(digest))

    async def _start(self, digest: bytes, code: Code) -> Issued:
        moment = self._clock()
        grant = Grant(
            id=new_id(),
            environment_id=code.environment_id,
            account_id=code.account_id,
            server_id=code.server_id,
            address=code.address,
            person_id=code.person_id,
            client_id=code.client_id,
            client_name=code.client_name,
            redirect_host=code.redirect_host,
            scopes=code.scopes,
            created_at=moment,
            used_at=moment,
            expires_at=moment + REFRESH_LIFE,
        )
        async with self._database.transaction() as session:
            if await self._store.use_code(session, code.environment_id, digest, grant.id, moment):
                await self._store.add(session, grant)
                return await self._issue(session, grant, code.scopes)
        if (used := await self._operators.code_by_digest(digest)) is not None:
            await self._end_reused(used.environment_id, used.server_id, used.grant_id, "code")
        raise GrantRefused

    async def _issue(self, session: Session, grant: Grant, scopes: frozenset[GrantScope]) -> Issued:
        moment = self._clock()
        access, refresh = tokens.make("oat"), tokens.make("ort")
        await self._add(session, grant, access, "access", scopes, in_seconds(moment, ACCESS_SECONDS))
        await self._add(session, grant, refresh, "refresh", scopes, moment + REFRESH_LIFE)
        await self._store.touch(session, grant, moment, moment + REFRESH_LIFE)
        return Issued(access=access, refresh=refresh, expires_in=ACCESS_SECONDS, scope=written(scopes))

    async def _add(
        self, session: Session, grant: Grant, text: str, use: TokenUse, scopes: frozenset[GrantScope], until: datetime
    ) -> None:
        digest = tokens.digest(text, self._pepper)
        token = NewToken(digest=digest, use=use, scopes=scopes, created_at=self._clock(), expires_at=until)
        await self._store.add_token(session, grant, token)

    async def _end_reused(self, environment_id: EnvironmentId, server_id: ServerId, grant_id: str, what: str) -> None:
        system = Caller(environment_id=environment_id, token_id="system", name="system", scopes=FULL_SCOPES)  # noqa: S106 -- an actor's id
        if await self._end(system, environment_id, server_id, grant_id, "mcp_grant.reuse_detected"):
            _log.warning("grant ended, because something of it was used twice", grant=grant_id, what=what)
        self._changes.apply("tokens")

    async def _end(
        self, caller: Caller, environment_id: EnvironmentId, server_id: ServerId, grant_id: str, act: str
    ) -> bool:
        async with self._database.transaction() as session:
            if not await self._store.delete(session, environment_id, server_id, grant_id):
                return False
            await self._audit.add(session, caller, act, grant_id, self._clock(), server=server_id)
            await self._changes.tell(session, "tokens")
        return True

    def _is_address(self, resource: str, issuer: str, grant: Grant) -> bool:
        text = resource.removeprefix(f"{issuer}/mcp/")
        return hmac.compare_digest(tokens.digest(text, self._pepper), grant.address)


def _proves(verifier: str, challenge: str) -> bool:
    """Whether this is what the challenge was made of (RFC 7636, S256)."""
    if not 43 <= len(verifier) <= 128 or not verifier.isascii():
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge)


def _narrowed(scopes: frozenset[GrantScope], wanted: str) -> frozenset[GrantScope]:
    """A refresh may ask for less than before, never for more."""
    names = set(wanted.split()) - {"offline_access"}
    if not names:
        return scopes
    if names - {READ, WRITE} or (WRITE in names and WRITE not in scopes):
        raise ScopeRefused
    return scopes if WRITE in names else frozenset({READ})
