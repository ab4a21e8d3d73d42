"""Where a request came from, as far as that can be known behind reverse proxies."""

from portico.faces.http import Incoming
from portico.settings import Settings


def address_of(incoming: Incoming, settings: Settings) -> str:
    """The client's address. Each trusted proxy has added one to the end of X-Forwarded-For; before them anybody can
    have written anything."""
    peer = incoming.scope.get("client")
    hops = [str(peer[0])] if peer else [""]
    if settings.trusted_proxies:
        said = [part.strip() for part in incoming.header("x-forwarded-for").split(",") if part.strip()]
        hops = [*said, *hops]
    return hops[max(len(hops) - 1 - settings.trusted_proxies, 0)][:64]
