"""The provider over the wire: where its addresses are, which keys it signs with, and what it gives for a code.

What it publishes is kept for an hour, and on while it cannot be reached, for a day at most. A key that is not known is
looked for at most once a minute, however many tokens name one. Nothing follows a redirect; an address outside the
issuer's own origin must be on the open internet unless the operator vouches for it.
"""

import asyncio
import base64
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from msgspec import Struct

from portico.clock import Clock, in_seconds
from portico.errors import Refusal
from portico.gateway.oidc.configured import Configured
from portico.gateway.oidc.troubles import ProviderTrouble, SignInRefused
from portico.log import logger
from portico.shapes import Json, NotJson, decode, is_list, is_record
from portico.upstream.transport import Transport, UpstreamRequest
from portico.vault import id_tokens
from portico.vault.id_tokens import ALGORITHMS, PublicKey, TokenMalformed

WELL_KNOWN = "/.well-known/openid-configuration"
FRESH_SECONDS, STALE_SECONDS = 3600, 86_400
LOOK_AGAIN_SECONDS = 60
FAILED_SECONDS = 5
MOST_SECONDS = 8.0
MOST_BYTES = 1_048_576
_FORM: tuple[str, str] = ("Content-Type", "application/x-www-form-urlencoded")
_JSON: tuple[str, str] = ("Accept", "application/json")
_log = logger("sign-in")


class Published(Struct, frozen=True, kw_only=True):
    """What the provider publishes of itself, as far as it is used. `end_session` is empty where there is no such
    address."""

    authorize: str
    token: str
    keys: str
    userinfo: str
    end_session: str
    sends_iss: bool
    posts_secret: bool


class Given(Struct, frozen=True, kw_only=True):
    """What came for a code."""

    id_token: str
    access_token: str


class Provider:
    def __init__(self, configured: Configured, transport: Transport, clock: Clock) -> None:
        self.configured = configured
        self._transport, self._clock = transport, clock
        self._published: tuple[datetime, Published] | None = None
        self._keys: tuple[datetime, list[PublicKey]] | None = None
        self._looked_at: datetime | None = None
        self._lost: tuple[datetime, ProviderTrouble] | None = None
        self._failed: tuple[datetime, ProviderTrouble] | None = None
        self._lock = asyncio.Lock()

    async def published(self) -> Published:
        """ProviderTrouble where it was never reached, or says something that cannot be used."""
        async with self._lock:
            return await self._current()

    async def published_keys(self) -> list[PublicKey]:
        """All that can be used here."""
        async with self._lock:
            return await self._known_keys()

    async def key_of(self, token: id_tokens.Signed) -> list[PublicKey]:
        """The keys that may have signed it: that of its name, or the only one where it names none. None of them at all
        where there is no such key, also not after a look at what is published now."""
        async with self._lock:
            known = await self._known_keys()
            if not (found := _fitting(known, token)) and self._may_look():
                found = _fitting(await self._fetch_keys(), token)
            return found

    async def trade(self, code: str, verifier: str, redirect_uri: str) -> Given:
        """The tokens for a code. SignInRefused says how the provider refused it."""
        published = await self.published()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = [_FORM, _JSON]
        secret = self.configured.client_secret()
        if secret and not published.posts_secret:
            headers.append(("Authorization", _basic(self.configured.client_id, secret)))
        else:
            fields |= {"client_id": self.configured.client_id} | ({"client_secret": secret} if secret else {})
        status, answer = await self._ask("POST", published.token, headers, urlencode(fields).encode())
        if status != 200:
            raise SignInRefused(f"{self._name} has refused the sign-in ({_reason(status, answer)}); begin it again.")
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str):
            raise ProviderTrouble(f"{self._name} has sent no ID token; is this client one of OpenID Connect there?")
        return Given(id_token=id_token, access_token=access_token if isinstance(access_token, str) else "")

    async def userinfo(self, access_token: str) -> Json:
        """What the provider says of whoever this token is for; nothing where it does not tell."""
        published = await self.published()
        if not published.userinfo or not access_token or not access_token.isascii() or not access_token.isprintable():
            return {}
        headers = [_JSON, ("Authorization", f"Bearer {access_token}")]
        status, answer = await self._ask("GET", published.userinfo, headers)
        return answer if status == 200 else {}

    @property
    def _name(self) -> str:
        return self.configured.label

    async def _current(self) -> Published:
        now = self._clock()
        if self._published and in_seconds(self._published[0], FRESH_SECONDS) > now:
            return self._published[1]
        if self._failed and in_seconds(self._failed[0], FAILED_SECONDS) > now:
            return self._kept(self._failed[1])
        try:
            fresh = await self._discover()
        except ProviderTrouble as problem:
            self._failed = (now, problem)
            return self._kept(problem)
        self._published, self._failed = (now, fresh), None
        return fresh

    def _kept(self, problem: ProviderTrouble) -> Published:
        if self._published and in_seconds(self._published[0], STALE_SECONDS) > self._clock():
            return self._published[1]
        raise problem

    async def _discover(self) -> Published:
        status, document = await self._ask("GET", self.configured.issuer.rstrip("/") + WELL_KNOWN, [_JSON])
        if status != 200:
            raise ProviderTrouble(
                f"{self._name} answers {status} at {WELL_KNOWN}; is PORTICO_OIDC_ISSUER an OpenID provider's address?"
            )
        if document.get("issuer") != self.configured.issuer:
            raise ProviderTrouble(
                f"The provider calls itself {str(document.get('issuer'))[:200]!r}, and PORTICO_OIDC_ISSUER says "
                f"{self.configured.issuer!r}; they must be the same to the letter."
            )
        return self._checked(document)

    def _checked(self, document: Json) -> Published:
        algorithms = document.get("id_token_signing_alg_values_supported")
        if is_list(algorithms) and not set(ALGORITHMS) & {each for each in algorithms if isinstance(each, str)}:
            raise ProviderTrouble(f"{self._name} signs with neither RS256 nor ES256, and nothing else is taken.")
        methods = document.get("token_endpoint_auth_methods_supported")
        posts = is_list(methods) and "client_secret_post" in methods and "client_secret_basic" not in methods
        return Published(
            authorize=self._address(document, "authorization_endpoint"),
            token=self._address(document, "token_endpoint"),
            keys=self._address(document, "jwks_uri"),
            userinfo=self._address(document, "userinfo_endpoint", is_needed=False),
            end_session=self._address(document, "end_session_endpoint", is_needed=False),
            sends_iss=document.get("authorization_response_iss_parameter_supported") is True,
            posts_secret=posts,
        )

    def _address(self, document: Json, name: str, *, is_needed: bool = True) -> str:
        url = document.get(name)
        if isinstance(url, str) and url.isascii() and url.isprintable() and self.configured.may_fetch(url):
            return url
        if url is None and not is_needed:
            return ""
        raise ProviderTrouble(
            f"{self._name} names no {name} that can be used; it must be an https address"
            f"{', or an origin in PORTICO_OIDC_ALLOWED_URLS' if isinstance(url, str) else ''}."
        )

    async def _known_keys(self) -> list[PublicKey]:
        now = self._clock()
        if self._keys and in_seconds(self._keys[0], FRESH_SECONDS) > now:
            return self._keys[1]
        if self._keys and not self._may_look():
            return self._keys[1]
        if not self._keys and self._lost and in_seconds(self._lost[0], FAILED_SECONDS) > now:
            raise self._lost[1]
        try:
            return await self._fetch_keys()
        except ProviderTrouble as problem:
            self._lost = (now, problem)
            if self._keys and in_seconds(self._keys[0], STALE_SECONDS) > now:
                return self._keys[1]
            raise

    def _may_look(self) -> bool:
        return self._looked_at is None or in_seconds(self._looked_at, LOOK_AGAIN_SECONDS) <= self._clock()

    async def _fetch_keys(self) -> list[PublicKey]:
        published = await self._current()
        self._looked_at = now = self._clock()
        status, document = await self._ask("GET", published.keys, [_JSON])
        if status != 200:
            raise ProviderTrouble(f"{self._name} answers {status} where its keys should be.")
        try:
            keys = id_tokens.keys_of(document)
        except TokenMalformed as problem:
            raise ProviderTrouble(f"The keys of {self._name} cannot be read: {problem}.") from None
        self._keys = (now, keys)
        return keys

    async def _ask(
        self, verb: str, url: str, headers: list[tuple[str, str]], content: bytes | None = None
    ) -> tuple[int, Json]:
        """Status and JSON; an answer that is no JSON object counts as an empty one, unless all was well with it."""
        request = UpstreamRequest(
            verb=verb, url=url, headers=headers, content=content, is_trusted=self.configured.is_trusted(url)
        )
        try:
            async with asyncio.timeout(MOST_SECONDS):
                response = await self._transport.send(request)
                try:
                    content = await response.read(MOST_BYTES)
                finally:
                    response.release()
        except TimeoutError:
            raise ProviderTrouble(f"{self._name} did not answer in time; try again in a moment.") from None
        except Refusal as problem:
            _log.warning("the provider cannot be asked", host=urlsplit(url).netloc, reason=problem.code)
            raise ProviderTrouble(
                f"{self._name} cannot be reached ({problem.sentence.rstrip('.')}); try again in a moment."
            ) from problem
        try:
            answer = decode(content)
        except NotJson:
            answer = None
        if not is_record(answer) and response.status == 200:
            raise ProviderTrouble(f"{self._name} answers at {urlsplit(url).path[:100]} with something that is no JSON.")
        return response.status, answer if is_record(answer) else {}


def _fitting(keys: list[PublicKey], token: id_tokens.Signed) -> list[PublicKey]:
    found = [each for each in keys if each.algorithm == token.algorithm]
    if token.key_id:
        return [each for each in found if each.key_id == token.key_id]
    return found if len(found) == 1 else []


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749, 2.3.1: both are written as form fields first."""
    return "Basic " + base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def _reason(status: int, answer: Any) -> str:
    error = answer.get("error")
    told = error if isinstance(error, str) and error.replace("_", "").isalnum() and len(error) <= 60 else ""
    _log.warning("the provider refused a code", status=status, error=told)
    return told or f"status {status}"
