"""Looks at what is around: the port, the public address, and the vendors, who also know what time it is."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from portico.cli.listen import listen
from portico.cli.looks.finding import Finding, well, wrong
from portico.cli.say import Unhappy
from portico.clock import now
from portico.errors import Refusal, VendorConnectTimeout, VendorInsecure, VendorUnreachable
from portico.gateway.tracing import endpoint, mistake
from portico.settings import Settings
from portico.upstream.transport import AiohttpTransport, Deadlines, Transport, UpstreamRequest, UpstreamResponse
from portico.version import VERSION

DEADLINES = Deadlines(connect_seconds=4.0, answer_seconds=6.0, idle_seconds=6.0)
MOST_SKEW_SECONDS = 60
_MOST_BYTES = 65_536
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


async def look(settings: Settings, port: int) -> list[Finding]:
    transport = AiohttpTransport(DEADLINES, f"portico/{VERSION}")
    try:
        public = await _public_url(settings, transport)
        collector = await _collector(os.environ, transport)
        return [await _port(port, transport), public, *collector, *await _vendors(settings, transport)]
    finally:
        await transport.close()


def addresses(settings: Settings) -> list[Finding]:
    """What can be told of addresses without asking anybody."""
    from portico.app import SHIPPED

    bases = ", ".join(settings.extra_base_urls()) or "the vendors' own"
    named = [each.partition("=")[0].strip() for each in settings.vendor_base_urls]
    own = ", ".join(name for name in named if name not in SHIPPED)
    advice = f"Right for an integration of your own that is called {own}; Portico's are: {', '.join(SHIPPED)}."
    return [_public_form(settings), _proxies(settings), well("base URLs", bases, advice if own else "")]


def _proxies(settings: Settings) -> Finding:
    """Portico itself speaks plain http, so something stands before an https address."""
    count = settings.trusted_proxies
    if count or not settings.public_url.startswith("https://"):
        return well("reverse proxies", f"{count} believed")
    advice = (
        "All clients seem to come from the proxy's address, and share its limits and lock-outs: "
        "set PORTICO_TRUSTED_PROXIES to the number of proxies."
    )
    return well("reverse proxies", "none is believed, though the public URL is https", advice)


def _public_form(settings: Settings) -> Finding:
    url = settings.public_url
    if not url:
        return well("public URL", "not set: only this machine can reach Portico", "Set PORTICO_PUBLIC_URL.")
    parts = urlsplit(url)
    if parts.path not in {"", "/"}:
        return wrong("public URL", url, "Leave out everything after the host: Portico needs a host of its own.")
    if parts.scheme == "http" and parts.hostname not in _LOCAL:
        return wrong("public URL", url, "Tokens travel readable over http; use https.")
    return well("public URL", url)


async def _port(port: int, transport: Transport) -> Finding:
    """Free for `portico serve`, or Portico's already? Port 0 is always free."""
    try:
        listen("127.0.0.1", port).close()
    except Unhappy as problem:
        found = str(problem).partition(";")[0]
    else:
        return well("port", f"{port} is free" if port else "any free one")
    request = UpstreamRequest(verb="GET", url=f"http://127.0.0.1:{port}/healthz", headers=[], is_trusted=True)
    try:
        response = await transport.send(request)
        content = await response.read(_MOST_BYTES)
    except Refusal:
        content = b""
    if _is_ours(content):
        return well("port", f"Portico serves on {port}")
    return wrong("port", found, "End the program that has it (`ss -ltnp` names it), or serve with another --port.")


async def _public_url(settings: Settings, transport: Transport) -> Finding:
    """Does it lead to a Portico? Certificates, DNS and reverse proxies go wrong here."""
    url = settings.public_url
    if not url or not _public_form(settings).is_well:
        return well("public URL leads here", "not looked at")
    request = UpstreamRequest(verb="GET", url=f"{url.rstrip('/')}/healthz", headers=[], is_trusted=True)
    try:
        response = await transport.send(request)
        content = await response.read(_MOST_BYTES)
    except Refusal as problem:
        return wrong(
            "public URL leads here", f"no: {_why(problem)}", "Is Portico serving, and does the proxy reach it?"
        )
    if response.status != 200 or not _is_ours(content):
        mend = "Something else answers there: let the reverse proxy send every path of this host to Portico."
        return wrong("public URL leads here", f"/healthz answers {response.status}, and not as Portico does", mend)
    return well("public URL leads here", "yes")


async def _collector(environment: Mapping[str, str], transport: Transport) -> list[Finding]:
    """Whether anything listens where spans go; what it says to an empty message is its own affair."""
    url = endpoint(environment)
    if not url or mistake(environment):
        return []
    headers = [("Content-Type", "application/x-protobuf")]
    try:
        response = await transport.send(UpstreamRequest(verb="POST", url=url, headers=headers, is_trusted=True))
        response.release()
    except Refusal as problem:
        mend = "Is the collector running, and does it take OTLP over HTTP there? Calls go on without it."
        return [wrong("traces are taken", f"no: {_why(problem)}", mend)]
    if response.status == 404:
        return [wrong("traces are taken", f"{url} answers 404", "OTLP over HTTP is taken at /v1/traces.")]
    return [well("traces are taken", f"{url} answers")]


def _is_ours(content: bytes) -> bool:
    try:
        return msgspec.json.decode(content) == {"status": "ok"}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


async def _vendors(settings: Settings, transport: Transport) -> list[Finding]:
    from portico.app import INTEGRATIONS, SHIPPED
    from portico.catalog.load import load_folder

    findings: list[Finding] = []
    for name in SHIPPED:
        integration = load_folder(INTEGRATIONS / name / "catalog").integration
        replaced = settings.default_base_url(name)
        url = replaced or integration.base_url
        request = UpstreamRequest(verb="GET", url=url, headers=[("Accept", "*/*")], is_trusted=bool(replaced))
        try:
            response = await transport.send(request)
            response.release()
        except Refusal as problem:
            findings.append(wrong(integration.label, f"{url}: {_why(problem)}", _mend(problem, url)))
            continue
        findings += [well(integration.label, f"{url} answers"), *clock(response, "clock")]
    return findings


def clock(response: UpstreamResponse, what: str) -> list[Finding]:
    """How far ours is from that of whoever answered; nothing where they do not tell."""
    try:
        theirs = parsedate_to_datetime(response.header("date"))
    except (TypeError, ValueError):
        return []
    skew = abs((now() - _aware(theirs)).total_seconds())
    if skew <= MOST_SKEW_SECONDS:
        return [well(what, "right")]
    mend = "Keep time by NTP (timedatectl set-ntp true): expiries, signatures and one-time links depend on it."
    return [wrong(what, f"{skew:.0f} seconds off theirs", mend)]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _why(problem: Refusal) -> str:
    return problem.sentence.rstrip(".")


def _mend(problem: Refusal, url: str) -> str:
    host = urlsplit(url).hostname
    if proxy := next((name for name in _PROXIES if os.environ.get(name)), ""):
        return f"{proxy} is set, but Portico uses no proxy: let this machine itself out to {host}, port 443."
    if isinstance(problem, VendorInsecure):
        return "The certificate is not trusted here: bring the machine's certificates up to date (ca-certificates)."
    if isinstance(problem, VendorUnreachable | VendorConnectTimeout):
        return f"Does `getent hosts {host}` find it, and does the firewall let this machine out to it?"
    return f"Look whether something stands between this machine and {host}."
