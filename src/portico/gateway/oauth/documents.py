"""Client documents: what a program says about itself (RFC 7591's fields), checked, and fetched from its own address."""

import asyncio
import re
import unicodedata
from typing import Any

from msgspec import Struct

from portico.errors import Refusal
from portico.gateway.oauth import redirects
from portico.shapes import Json, NotJson, decode, is_list, is_record
from portico.upstream.transport import Transport, UpstreamRequest

MOST_BYTES = 16_384
MOST_SECONDS = 5.0
LONGEST_NAME = 80
SHORTEST_LIFE_SECONDS, USUAL_LIFE_SECONDS, LONGEST_LIFE_SECONDS = 60, 3600, 86_400
_MAX_AGE = re.compile(r"max-age=(\d{1,9})")
# Letters that change how the text around them is read: they could make one name look like another.
_MISLEADING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class BadDocument(Refusal):
    """What the program says about itself cannot be used."""

    status = 400
    code = "invalid_client_metadata"


class BadRedirect(BadDocument):
    """One of the redirect addresses may not be used: only https, this computer, or an app that Portico knows."""

    code = "invalid_redirect_uri"


class OtherClient(BadDocument):
    """The document is another client's: its client_id is not the address that it was asked for under."""


class Checked(Struct, frozen=True, kw_only=True):
    name: str
    redirect_uris: tuple[str, ...]


def is_client_id(text: str) -> bool:
    """Whether it can be the address of a client document: https, with a path, nothing that could be read two ways."""
    address = redirects.read(text)
    if address is None or not text.startswith("https://"):
        return False
    return "/" in text.removeprefix("https://").rstrip("/")


def parse(content: bytes, client_id: str, app_schemes: tuple[str, ...]) -> Checked:
    """The document of this client; OtherClient where it names another."""
    try:
        document = decode(content)
    except NotJson:
        raise BadDocument("The client document is not JSON.") from None
    if not is_record(document) or document.get("client_id") != client_id:
        raise OtherClient
    _check_public(document)
    return read(document, app_schemes)


def read(document: Any, app_schemes: tuple[str, ...]) -> Checked:
    """The name and the redirect addresses; everything else is either right or not our concern."""
    if not is_record(document):
        raise BadDocument("A client is described by a JSON object.")
    for field, needed in (("grant_types", "authorization_code"), ("response_types", "code")):
        listed = document.get(field)
        if listed is not None and (not is_list(listed) or needed not in listed):
            raise BadDocument(f"{field} must contain {needed!r}.")
    return Checked(name=shown_name(document.get("client_name")), redirect_uris=_redirects(document, app_schemes))


def shown_name(given: Any) -> str:
    """A program's name as people may be shown it: short, on one line, without letters that mislead."""
    if not isinstance(given, str):
        return ""
    kept = "".join(each for each in given[:1000] if unicodedata.category(each) not in _MISLEADING or each == "\t")
    return " ".join(kept.split())[:LONGEST_NAME].strip()


async def fetch(client_id: str, transport: Transport) -> tuple[bytes, int]:
    """The document at that address, and for how many seconds it may be remembered."""
    request = UpstreamRequest(verb="GET", url=client_id, headers=[("Accept", "application/json")])
    try:
        async with asyncio.timeout(MOST_SECONDS):
            response = await transport.send(request)
            try:
                if response.status != 200:
                    raise BadDocument(f"The client document's address answered with status {response.status}.")
                content = await response.read(MOST_BYTES)
            finally:
                response.release()
    except TimeoutError:
        raise BadDocument("The client document did not come in time.") from None
    except BadDocument:
        raise
    except Refusal as problem:
        raise BadDocument(f"The client document could not be fetched: {problem.code}.") from problem
    return content, _life(response.header("cache-control"))


def _check_public(document: Json) -> None:
    """A client that can only prove itself with a key or a secret is not taken for one that needs neither."""
    choices = document.get("token_endpoint_auth_methods_supported")
    method = document.get("token_endpoint_auth_method", "none")
    if "client_secret" in document:
        raise BadDocument("A client document that anybody can read must not hold a secret.")
    if method != "none" and not (is_list(choices) and "none" in choices):
        raise BadDocument("The client must be able to do without a secret: token_endpoint_auth_method 'none'.")


def _redirects(document: Json, app_schemes: tuple[str, ...]) -> tuple[str, ...]:
    listed = document.get("redirect_uris")
    if not is_list(listed) or not 1 <= len(listed) <= redirects.MOST:
        raise BadRedirect(f"redirect_uris must list 1 to {redirects.MOST} addresses.")
    for each in listed:
        if not isinstance(each, str) or redirects.read(each, app_schemes) is None:
            raise BadRedirect
    return tuple(listed)


def _life(cache_control: str) -> int:
    if "no-store" in cache_control or "no-cache" in cache_control:
        return SHORTEST_LIFE_SECONDS
    found = _MAX_AGE.search(cache_control)
    wanted = int(found[1]) if found else USUAL_LIFE_SECONDS
    return min(max(wanted, SHORTEST_LIFE_SECONDS), LONGEST_LIFE_SECONDS)
