"""Looks at the provider where people sign in: is what is set enough, is it there, does it sign as it should, and does
it have the same time."""

from portico.cli.looks.finding import Finding, well, wrong
from portico.cli.looks.surroundings import DEADLINES, clock
from portico.clock import now
from portico.errors import Refusal
from portico.settings import BadSetting, Settings
from portico.upstream.transport import AiohttpTransport, Transport, UpstreamRequest, UpstreamResponse
from portico.version import VERSION

WHAT = "sign-in provider"


def settings_look(settings: Settings) -> list[Finding]:
    """What can be told without asking anybody; nothing where people sign in with passwords alone."""
    from portico.gateway.oidc import configured

    try:
        found = configured.read(settings)
        if found is None:
            return []
        found.client_secret()
    except BadSetting as problem:
        return [wrong(WHAT, "cannot be used as it is set", problem.sentence)]
    if settings.oidc_issuer == "https://accounts.google.com" and found.new_people and not found.email_domains:
        mend = "Everybody on earth has an account there: set PORTICO_OIDC_EMAIL_DOMAINS."
        return [wrong(WHAT, f"{found.issuer} lets anybody in as {found.new_people}", mend)]
    doors = found.new_people or found.links_by_email or found.role_claim
    advice = "" if doors else "Nobody new comes in: set PORTICO_OIDC_NEW_PEOPLE or PORTICO_OIDC_LINK_BY_EMAIL."
    return [well(WHAT, found.issuer, advice)]


async def look(settings: Settings) -> list[Finding]:
    transport = _Watched(AiohttpTransport(DEADLINES, f"portico/{VERSION}"))
    try:
        return await _ask(settings, transport)
    finally:
        await transport.close()


async def _ask(settings: Settings, transport: "_Watched") -> list[Finding]:
    from portico.gateway.oidc import configured
    from portico.gateway.oidc.provider import Provider

    try:
        found = configured.read(settings)
    except BadSetting:
        return []  # told already
    if found is None:
        return []
    provider = Provider(found, transport, now)
    what = f"{WHAT} answers"
    try:
        keys = await provider.published_keys()
    except Refusal as problem:
        mend = "PORTICO_OIDC_ISSUER must be the provider's own word for itself, and this machine let out to it."
        return [wrong(what, problem.sentence, mend)]
    if not keys:
        mend = "It has to publish an RSA key of 2048 bits or a P-256 key for signing with RS256 or ES256."
        return [wrong(what, "it publishes no key that can be used", mend)]
    names = sorted({each.algorithm for each in keys})
    told = well(what, f"with {len(keys)} {'key' if len(keys) == 1 else 'keys'} for {' and '.join(names)}")
    return [told, *(clock(transport.last, "sign-in provider's clock") if transport.last else [])]


class _Watched:
    """Remembers the last answer, for the time that it tells."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.last: UpstreamResponse | None = None

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        self.last = await self._transport.send(request)
        return self.last

    async def close(self) -> None:
        await self._transport.close()
