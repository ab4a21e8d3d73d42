"""One visit of a browser: who it is, what the form said, and proof that the form was ours.

Everybody has a cookie: a random one before signing in, the session's afterwards. Every form carries a token that was
made from the cookie, so a form that another site made up fails, whoever is signed in.
"""

import hmac
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from portico.errors import Refusal
from portico.faces.http import Incoming
from portico.gateway.signing_in import LIFE
from portico.model.person import Person
from portico.settings import Settings
from portico.vault import tokens

MOST_FORM_BYTES = 262_144
MOST_FIELDS = 500
FORM_TOKEN = "form_token"  # noqa: S105 -- a field's name
_FORM = "application/x-www-form-urlencoded"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class FormRefused(Refusal):
    """This form did not come from Portico's own page, or the page is too old; load it again and repeat."""

    status = 403
    code = "form_refused"


class SignInFirst(Refusal):
    """This page needs somebody who is signed in."""

    status = 401
    code = "sign_in_first"


class Visit:
    """What a page's handler gets. `token` is the visitor's cookie, `person` whoever is signed in with it."""

    def __init__(self, incoming: Incoming, path: dict[str, str], token: str, person: Person | None) -> None:
        self.incoming, self.path = incoming, path
        self.token, self.person = token, person
        self.fields: list[tuple[str, str]] = []

    @property
    def here(self) -> str:
        """The path and query of this page."""
        query = self.incoming.query
        return self.incoming.path + (f"?{query}" if query else "")

    @property
    def form(self) -> dict[str, str]:
        """The form's fields by name; where one came several times, the last."""
        return dict(self.fields)

    def every(self, name: str) -> list[str]:
        """All values of a field that may come several times, such as a group of boxes."""
        return [text for each, text in self.fields if each == name]

    def needed(self) -> Person:
        if self.person is None:
            raise SignInFirst
        return self.person


class Cookie:
    """The one cookie: its name, its flags, its text."""

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.public_url)
        self._is_secure = not (public.scheme == "http" and (public.hostname or "") in _LOOPBACK)
        self.name = "__Host-portico" if self._is_secure else "portico"

    def read(self, incoming: Incoming) -> str:
        """Its text; empty where there is none that could be ours."""
        for part in incoming.header("cookie").split(";"):
            name, _, value = part.strip().partition("=")
            if name == self.name and value.startswith("ptc_ses_") and tokens.is_well_formed(value):
                return value
        return ""

    def write(self, token: str) -> str:
        flags = "; Secure" if self._is_secure else ""
        seconds = round(LIFE.total_seconds()) if token else 0
        return f"{self.name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{flags}"


def form_token(token: str, pepper: bytes) -> str:
    return tokens.mark("form", token, pepper).hex()


async def read_form(visit: Visit, settings: Settings, pepper: bytes) -> list[tuple[str, str]]:
    """The fields of a form of ours; FormRefused for anything else."""
    incoming = visit.incoming
    if incoming.header("content-type").partition(";")[0].strip().lower() != _FORM:
        raise FormRefused("A form is sent as application/x-www-form-urlencoded.")
    if incoming.header("origin") not in _origins(incoming, settings):
        raise FormRefused
    content = await incoming.body(MOST_FORM_BYTES)
    try:
        pairs = parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:
        raise FormRefused("The form cannot be read.") from None
    given = dict(pairs).get(FORM_TOKEN, "")
    if not hmac.compare_digest(given.encode(), form_token(visit.token, pepper).encode()):
        raise FormRefused
    return [(name, text) for name, text in pairs if name != FORM_TOKEN]


def sign_in_path(after: str) -> str:
    return f"/sign-in?next={quote(after, safe='')}"


def own_path(text: str, otherwise: str) -> str:
    """A path of ours that a visitor wants to go on to; never an address elsewhere."""
    is_ours = text.startswith("/") and not text.startswith("//") and text.isascii() and text.isprintable()
    return text if is_ours and "\\" not in text and len(text) <= 16_384 else otherwise


def _origins(incoming: Incoming, settings: Settings) -> set[str]:
    """As the browser names us: the public address, and on this computer whatever it called us."""
    public = urlsplit(settings.public_url)
    origins = {f"{public.scheme}://{public.netloc}"} if public.netloc else set[str]()
    host = incoming.header("host")
    if urlsplit(f"//{host}").hostname in _LOOPBACK:
        origins.add(f"http://{host}")
    return origins


def shared(visit: Visit, pepper: bytes) -> dict[str, Any]:
    """What every template may name."""
    return {"person": visit.person, FORM_TOKEN: form_token(visit.token, pepper), "here": visit.here}
