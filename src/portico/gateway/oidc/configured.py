"""What the operator says of the provider, checked at the start; a mistake names its setting and what is allowed."""

from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from portico.model.person import Role
from portico.settings import BadSetting, Settings, is_address

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# From the least to the highest.
_ROLES: dict[str, Role] = {"viewer": "viewer", "operator": "operator", "owner": "owner"}


class Configured(Struct, frozen=True, kw_only=True):
    """`role_of` maps the claim's values; empty where roles are given here. `new_people`: the role of those who come for
    the first time; empty where they are turned away."""

    issuer: str
    client_id: str
    label: str
    scopes: tuple[str, ...]
    trusted: frozenset[str]
    plain: frozenset[str]
    email_domains: frozenset[str]
    links_by_email: bool
    new_people: Role | None
    environments: tuple[str, ...]
    role_claim: str
    role_of: dict[str, Role]
    secret: str = ""
    secret_file: str = ""

    def __repr__(self) -> str:
        return f"Configured({self.issuer!r})"

    def client_secret(self) -> str:
        """Raises BadSetting where its file cannot be read."""
        if self.secret or not self.secret_file:
            return self.secret
        try:
            text = Path(self.secret_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "not text"
            raise BadSetting(f"PORTICO_OIDC_CLIENT_SECRET_FILE {self.secret_file!r} cannot be read: {why}.") from None
        if not text:
            raise BadSetting(f"PORTICO_OIDC_CLIENT_SECRET_FILE {self.secret_file!r} is empty.")
        return text

    def highest(self, values: list[str]) -> Role | None:
        """The highest role among the claim's values; None where none of them means one."""
        roles = [self.role_of[each] for each in values if each in self.role_of]
        return next((role for role in reversed(_ROLES.values()) if role in roles), None)

    def may_fetch(self, url: str) -> bool:
        """https, or plain http where the operator says so."""
        return is_address(url.partition("?")[0]) and (url.startswith("https://") or origin_of(url) in self.plain)

    def is_trusted(self, url: str) -> bool:
        """Whether this may be a private address: the issuer's own origin, and those that the operator names."""
        return origin_of(url) in self.trusted


def read(settings: Settings) -> Configured | None:
    """None where people sign in with passwords alone. Raises BadSetting."""
    if not settings.oidc_issuer:
        if settings.passwords == "off":
            raise BadSetting("PORTICO_PASSWORDS is off and PORTICO_OIDC_ISSUER is empty: nobody could sign in.")
        return None
    allowed = _origins(settings)
    issuer = _issuer(settings, allowed)
    if not settings.oidc_client_id:
        raise BadSetting("PORTICO_OIDC_ISSUER is set, so PORTICO_OIDC_CLIENT_ID is needed: the provider gives it out.")
    own = origin_of(issuer)
    return Configured(
        issuer=issuer,
        client_id=settings.oidc_client_id,
        label=settings.oidc_label or urlsplit(issuer).netloc,
        scopes=tuple(dict.fromkeys(["openid", *settings.oidc_scopes])),
        trusted=allowed | {own},
        plain=allowed | {own} if issuer.startswith("http://") else allowed,
        email_domains=frozenset(each.lstrip("@").lower() for each in settings.oidc_email_domains),
        links_by_email=settings.oidc_link_by_email == "on",
        new_people=_new_people(settings),
        environments=settings.oidc_environments,
        role_claim=settings.oidc_role_claim,
        role_of=_roles(settings) if settings.oidc_role_claim else {},
        secret=settings.oidc_client_secret,
        secret_file=settings.oidc_client_secret_file,
    )


def origin_of(url: str) -> str:
    """Scheme, host and port, the port always named."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        port = 0
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _issuer(settings: Settings, allowed: frozenset[str]) -> str:
    issuer = settings.oidc_issuer
    if not is_address(issuer):
        raise BadSetting(f"PORTICO_OIDC_ISSUER is {issuer!r}; write it as https://host/path, without query.")
    if issuer.startswith("http://") and urlsplit(issuer).hostname not in LOOPBACK and origin_of(issuer) not in allowed:
        raise BadSetting(
            f"PORTICO_OIDC_ISSUER is {issuer!r}, and over plain http anybody on the way could sign in as anybody; use "
            "https, or name its origin in PORTICO_OIDC_ALLOWED_URLS where the way is safe."
        )
    return issuer


def _origins(settings: Settings) -> frozenset[str]:
    for each in settings.oidc_allowed_urls:
        if not is_address(each) or urlsplit(each).path:
            raise BadSetting(f"PORTICO_OIDC_ALLOWED_URLS holds {each!r}; write origins, as http://keycloak:8080.")
    return frozenset(origin_of(each) for each in settings.oidc_allowed_urls)


def _new_people(settings: Settings) -> Role | None:
    return _ROLES.get(settings.oidc_new_people)


def _roles(settings: Settings) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for each in settings.oidc_roles:
        value, _, named = each.rpartition("=")
        role = _ROLES.get(named.strip().lower())
        if not value.strip() or role is None:
            listed = ", ".join(_ROLES)
            raise BadSetting(f"PORTICO_OIDC_ROLES holds {each!r}; write value=role, and a role is one of {listed}.")
        found[value.strip()] = role
    return found
