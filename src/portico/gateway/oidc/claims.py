"""What a token says, believed only after every check that OpenID Connect asks for."""

import hmac
from datetime import datetime
from typing import Any

from msgspec import Struct

from portico.gateway.oidc.configured import Configured
from portico.gateway.oidc.provider import Provider
from portico.gateway.oidc.troubles import BadLogoutToken, TokenRefused
from portico.shapes import Json, is_list, is_record
from portico.vault import id_tokens
from portico.vault.id_tokens import TokenMalformed

LEEWAY_SECONDS = 60
LONGEST_SUBJECT = 255
LONGEST_LOGOUT_SECONDS = 600
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Ended(Struct, frozen=True, kw_only=True):
    """Whose sessions the provider ends: a subject's, those of one session of its own, or both at once."""

    subject: str
    provider_session: str


async def check(provider: Provider, text: str, nonce: str, access_token: str, moment: datetime) -> Json:
    """The claims of an ID token that is for us, for this sign-in, and of now; TokenRefused otherwise."""
    claims = await _signed(provider, text)
    _check_times(claims, moment)
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), nonce.encode()):
        raise TokenRefused("The ID token belongs to another sign-in (its nonce is another's); begin it again.")
    at_hash = claims.get("at_hash")
    if at_hash is not None and access_token and at_hash != id_tokens.half_digest(access_token):
        raise TokenRefused("The ID token and the access token do not belong together (at_hash); begin again.")
    _subject(claims)
    return claims


async def check_logout(provider: Provider, text: str, moment: datetime) -> Ended:
    """Whose sessions a logout token ends (OpenID Connect Back-Channel Logout); BadLogoutToken otherwise."""
    try:
        claims = await _signed(provider, text)
        _check_times(claims, moment)
    except TokenRefused as problem:
        raise BadLogoutToken(problem.sentence) from None
    events = claims.get("events")
    if not is_record(events) or not is_record(events.get(LOGOUT_EVENT)):
        raise BadLogoutToken("The token names no logout in its events.")
    if "nonce" in claims:
        raise BadLogoutToken("A logout token has no nonce; an ID token ends nothing.")
    if _seconds(claims.get("iat")) + LONGEST_LOGOUT_SECONDS < moment.timestamp():
        raise BadLogoutToken("The logout token is older than ten minutes.")
    subject, provider_session = claims.get("sub"), claims.get("sid")
    found = [each if isinstance(each, str) else "" for each in (subject, provider_session)]
    if not any(found):
        raise BadLogoutToken("The logout token says neither sub nor sid.")
    return Ended(subject=found[0], provider_session=found[1])


def roles_in(claims: Json, name: str) -> list[str]:
    """The values of the claim of that name, or at that path; one text counts as a list of one."""
    value: Any = claims.get(name)
    if value is None:
        value = claims
        for part in name.split("."):
            value = value.get(part) if is_record(value) else None
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if is_list(value) else []


def email_of(claims: Json) -> tuple[str, bool]:
    """The e-mail address in small letters, and whether the provider has verified that it is theirs."""
    email = claims.get("email")
    if not isinstance(email, str) or not email.isprintable() or email.count("@") != 1 or len(email) > 254:
        return "", False
    return email.strip().lower(), claims.get("email_verified") is True


async def _signed(provider: Provider, text: str) -> Json:
    """The claims of a token that this issuer has signed for this client."""
    try:
        token = id_tokens.read(text)
    except TokenMalformed as problem:
        raise TokenRefused(f"The token of {provider.configured.label} is refused: {problem}.") from None
    keys = await provider.key_of(token)
    if not keys:
        raise TokenRefused(f"{provider.configured.label} has signed with a key that it does not publish; try later.")
    if not any(each.has_signed(token) for each in keys):
        raise TokenRefused("The token's signature is wrong.")
    _check_parties(token.claims, provider.configured)
    return token.claims


def _check_parties(claims: Json, configured: Configured) -> None:
    if claims.get("iss") != configured.issuer:
        raise TokenRefused("The token is another issuer's.")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience if is_list(audience) else []
    if configured.client_id not in audiences:
        raise TokenRefused("The token is for another program (its audience is not PORTICO_OIDC_CLIENT_ID).")
    party = claims.get("azp")
    if (len(audiences) > 1 or party is not None) and party != configured.client_id:
        raise TokenRefused("The token was made for another program (azp).")


def _check_times(claims: Json, moment: datetime) -> None:
    now = moment.timestamp()
    if _seconds(claims.get("exp")) + LEEWAY_SECONDS <= now:
        raise TokenRefused("The token has expired; are the clocks of this machine and the provider right?")
    not_before = claims.get("nbf", 0)
    if max(_seconds(claims.get("iat")), _seconds(not_before)) - LEEWAY_SECONDS > now:
        raise TokenRefused("The token is from the future; are the clocks of this machine and the provider right?")


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused("The token does not say when it was made and when it ends.")
    return value


def _subject(claims: Json) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused("The token does not say whom it is about.")
    return subject
