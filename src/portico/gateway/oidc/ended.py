"""The provider says that somebody has left (back-channel logout): the sessions that began there end."""

from portico.gateway.oidc.claims import check_logout
from portico.gateway.oidc.flow import provider_of
from portico.gateway.parts import Parts
from portico.gateway.people import audit


async def end_at_provider(parts: Parts, text: str) -> int:
    """How many sessions that ended; BadLogoutToken where the provider has not said so."""
    provider = provider_of(parts)
    ended = await check_logout(provider, text, parts.clock())
    issuer = provider.configured.issuer
    async with parts.database.transaction() as session:
        digests = await parts.identities.sessions_of(session, issuer, ended.subject, ended.provider_session)
        for digest in digests:
            signed_in = await parts.sessions.get(digest)
            await parts.sessions.end(session, digest)
            if signed_in is not None:
                await audit(parts, session, "user.signed_out_by_provider", signed_in.person, issuer=issuer)
    return len(digests)
