"""A sign-in at the provider, from the door and back to it: authorization code flow with PKCE, state and nonce.

The state is a random token that works once, for ten minutes, in the browser that got it. Nonce and verifier follow from
it and from the browser's cookie under a key of ours, so nothing that a thief could use is kept or sent ahead.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from portico.errors import InvalidArguments, Refusal
from portico.gateway.oauth.redirects import with_answer
from portico.gateway.oidc import claims as claimed
from portico.gateway.oidc.admit import admit
from portico.gateway.oidc.provider import Given, Provider
from portico.gateway.oidc.troubles import NoProvider, SignInRefused, SignInStale, TokenRefused
from portico.gateway.parts import Parts
from portico.gateway.signing_in import Visitor, begin_session, check_knocks
from portico.log import logger
from portico.shapes import Json
from portico.store.identities import ProviderSession
from portico.vault import id_tokens, tokens

CALLBACK, AFTER_LOGOUT = "/sign-in/callback", "/sign-in"
LIFE = timedelta(minutes=10)
LONGEST_ANSWER = 8192
_log = logger("sign-in")


def provider_of(parts: Parts) -> Provider:
    if parts.provider is None:
        raise NoProvider
    return parts.provider


async def begin(parts: Parts, visitor: Visitor, after: str) -> str:
    """Where the browser goes now. `after`: a path of ours that it wants to."""
    provider = provider_of(parts)
    await check_knocks(parts, visitor)
    redirect_uri = _own(parts, CALLBACK)
    published = await provider.published()
    state = tokens.make("sso")
    visiting = _visitor_mark(parts, visitor)
    await parts.identities.begin(tokens.digest(state, parts.keyring.pepper), visiting, after, parts.clock() + LIFE)
    asked = {
        "response_type": "code",
        "client_id": provider.configured.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.configured.scopes),
        "state": state,
        "nonce": _secret(parts, "nonce", visitor, state),
        "code_challenge": _challenge(_secret(parts, "verifier", visitor, state)),
        "code_challenge_method": "S256",
    }
    return with_answer(published.authorize, asked)


async def finish(parts: Parts, visitor: Visitor, pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The text of a new session, and where its browser wanted to go. A Refusal says what was wrong."""
    provider = provider_of(parts)
    await check_knocks(parts, visitor)
    answer = _once(pairs)
    state, moment = answer.get("state", ""), parts.clock()
    if not tokens.is_well_formed(state):
        raise SignInStale
    digest = tokens.digest(state, parts.keyring.pepper)
    after = await parts.identities.take(digest, _visitor_mark(parts, visitor), moment)
    if after is None:
        raise SignInStale
    try:
        return await _session(parts, provider, visitor, answer), after
    except Refusal as problem:
        _log.warning("a sign-in at the provider failed", code=problem.code, reason=problem.sentence)
        problem.facts["after"] = after
        raise


async def farewell(parts: Parts, cookie: str) -> str:
    """Where the session of this cookie can be ended at the provider too (RP-initiated logout); empty where it did not
    begin there, or the provider knows no such thing."""
    begun = await parts.identities.session(tokens.digest(cookie, parts.keyring.pepper))
    provider = parts.provider
    if begun is None or provider is None or begun.issuer != provider.configured.issuer:
        return ""
    try:
        end = (await provider.published()).end_session
    except Refusal:
        return ""
    hint = id_tokens.open_with(cookie, begun.id_token).decode()
    told = {"client_id": provider.configured.client_id, "post_logout_redirect_uri": _own(parts, AFTER_LOGOUT)}
    return with_answer(end, told | ({"id_token_hint": hint} if hint else {})) if end else ""


async def _session(parts: Parts, provider: Provider, visitor: Visitor, answer: Mapping[str, str]) -> str:
    await _check_answer(provider, answer)
    state = answer["state"]
    verifier = _secret(parts, "verifier", visitor, state)
    given = await provider.trade(answer["code"], verifier, _own(parts, CALLBACK))
    nonce = _secret(parts, "nonce", visitor, state)
    claims = await claimed.check(provider, given.id_token, nonce, given.access_token, parts.clock())
    person = await admit(parts, provider.configured, await _with_userinfo(provider, claims, given))
    session_of = claims.get("sid")
    begun = ProviderSession(
        issuer=provider.configured.issuer,
        subject=claims["sub"],
        provider_session=session_of if isinstance(session_of, str) else "",
        id_token=given.id_token.encode(),
    )
    return await begin_session(parts, visitor, person, begun)


async def _check_answer(provider: Provider, answer: Mapping[str, str]) -> None:
    """Whose answer it is comes first (RFC 9207): a code of another issuer's is never sent to this one."""
    published, label = await provider.published(), provider.configured.label
    if answer.get("iss", "") != provider.configured.issuer and ("iss" in answer or published.sends_iss):
        raise TokenRefused(f"That answer is not one of {label}'s (iss); begin the sign-in again.")
    if error := answer.get("error"):
        told = error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 60 else "an error"
        hint = ": you or somebody there said no" if told == "access_denied" else ""
        raise SignInRefused(f"{label} has not let you in ({told}){hint}.")
    if not answer.get("code"):
        raise SignInRefused(f"{label} has sent you back without a code; begin the sign-in again.")


async def _with_userinfo(provider: Provider, claims: Json, given: Given) -> Json:
    """With what the provider tells only when asked, where something is missing. An address and the word that it is
    verified always come from the same place."""
    wanted = provider.configured.role_claim
    if "email" in claims and (not wanted or claimed.roles_in(claims, wanted)):
        return claims
    more = await provider.userinfo(given.access_token)
    if not more:
        return claims
    if more.get("sub") != claims["sub"]:
        raise TokenRefused("The provider tells of somebody else than the ID token (userinfo's sub).")
    if "email" in claims:
        more = {name: value for name, value in more.items() if name not in {"email", "email_verified"}}
    else:
        claims = {name: value for name, value in claims.items() if name != "email_verified"}
    return more | claims


def _once(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    answer = dict(pairs)
    if len(answer) != len(pairs) or any(len(text) > LONGEST_ANSWER for text in answer.values()):
        raise SignInRefused("The provider's answer cannot be read: something stands in it twice, or without end.")
    return answer


def _own(parts: Parts, path: str) -> str:
    base = parts.settings.public_url.rstrip("/")
    if not base:
        raise InvalidArguments((), "Signing in at a provider needs PORTICO_PUBLIC_URL, where it sends people back to.")
    return base + path


def _visitor_mark(parts: Parts, visitor: Visitor) -> bytes:
    return tokens.mark("sign-in visitor", visitor.token, parts.keyring.pepper)


def _secret(parts: Parts, purpose: str, visitor: Visitor, state: str) -> str:
    mark = tokens.mark(f"sign-in {purpose}", f"{visitor.token}\x1f{state}", parts.keyring.pepper)
    return base64.urlsafe_b64encode(mark).rstrip(b"=").decode()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
