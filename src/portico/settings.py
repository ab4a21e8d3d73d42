"""Every setting: its name, its default and what it means. Read once at the start, then frozen."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from portico.errors import Refusal

LEAST_TOKEN_LETTERS = 20
_DATABASES = ("postgresql://", "postgres://", "sqlite:///")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# Answers that are sent there would be readable on the way, or be run by a browser.
_NO_APPS = frozenset({"http", "https", "javascript", "data", "file", "blob", "about", "ftp"})
# The end of a number's name says what it counts; more than this was hardly meant, and no date could hold it.
_MOST = {"seconds": 31_536_000, "hours": 87_600, "days": 36_500, "bytes": 2**50, "proxies": 100}


class BadSetting(Refusal):
    """A setting has a value that cannot be used."""

    code = "bad_setting"


def _default_data_dir() -> Path:
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "portico"


def _setting(
    meaning: str, default: Any, *, words: tuple[str, ...] = (), secret: bool = False, check: "Check | None" = None
) -> Any:
    return field(default=default, repr=not secret, metadata={"meaning": meaning, "words": words, "check": check})


# Given what was read: what is wrong with it and how it is written; empty where nothing is.
Check = Callable[[Any], str]


def is_address(text: str) -> bool:
    """Whether this is an http address with a host and perhaps a path, and nothing after it."""
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_whole and not parts.query and not parts.fragment and "@" not in parts.netloc and " " not in text


def _database(url: str) -> str:
    # Its value may hold a password, so it is not repeated.
    return "" if url.startswith(_DATABASES) else "must begin with postgresql://, or sqlite:/// and a path"


def _address(url: str) -> str:
    return "" if is_address(url) else f"is {url!r}; write it as https://host"


def _addresses(urls: tuple[str, ...]) -> str:
    wrong = next((url for url in urls if not is_address(url)), None)
    return "" if wrong is None else f"holds {wrong!r}; write each as https://host, or https://host:port/path"


def _vendors(values: tuple[str, ...]) -> str:
    for value in values:
        name, _, url = value.partition("=")
        if not name or not is_address(url):
            return f"holds {value!r}; write integration=URL, as openai=https://host/v1"
    return ""


def _schemes(names: tuple[str, ...]) -> str:
    wrong = next((name for name in names if name in _NO_APPS or not _SCHEME.fullmatch(name)), None)
    return "" if wrong is None else f"holds {wrong!r}; write the schemes of desktop programs alone, as cursor"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One field per environment variable: `data_dir` is `PORTICO_DATA_DIR` and so on."""

    database_url: str = _setting(
        "A postgresql:// address. Empty: SQLite in the data folder.", "", secret=True, check=_database
    )
    data_dir: Path = field(
        default_factory=_default_data_dir,
        metadata={
            "meaning": "Folder for the database, the key file and stored files.",
            "shown": "the user's data folder",
        },
    )
    master_key: str = _setting(
        "Root key that wraps all data keys: 32 bytes as base64 or hex. Several, separated by commas, spaces or lines "
        "as in a key file: the first is to be used, the others can still open what they wrapped.",
        "",
        secret=True,
    )
    master_key_file: str = _setting(
        "File that holds the root key, when it is not given in PORTICO_MASTER_KEY; one key on each line.", ""
    )
    vault_url: str = _setting(
        "Address of a Vault or OpenBao server whose Transit engine keeps the root key, instead of PORTICO_MASTER_KEY.",
        "",
        check=_address,
    )
    vault_key: str = _setting("Name of the key in Vault's Transit engine.", "portico")
    vault_mount: str = _setting("Where in Vault the Transit engine is mounted.", "transit")
    vault_namespace: str = _setting("Vault namespace, where the server has them.", "")
    vault_token: str = _setting("Token for Vault.", "", secret=True)
    vault_token_file: str = _setting(
        "File with the token for Vault, read anew for each request, as Vault's agent keeps it.", ""
    )
    vault_ca_file: str = _setting(
        "File (PEM) with the authorities that Vault's certificate may come from, instead of the system's.", ""
    )
    public_url: str = _setting("Address under which people and clients reach Portico.", "", check=_address)
    bootstrap_token: str = _setting("An API token with all scopes, accepted from the first start on.", "", secret=True)
    log_level: str = _setting("The least that is logged.", "info", words=("debug", "info", "warning", "error"))
    log_format: str = _setting("text for people, json for programs.", "text", words=("text", "json"))
    allowed_base_urls: tuple[str, ...] = _setting(
        "More vendor base URLs that accounts may use, comma-separated; these may also be private addresses.",
        (),
        check=_addresses,
    )
    vendor_base_urls: tuple[str, ...] = _setting(
        "Replaces a vendor's default base URL, as integration=URL, comma-separated; implies that it is allowed.",
        (),
        check=_vendors,
    )
    allowed_webhook_urls: tuple[str, ...] = _setting(
        "Origins that webhooks may go to although they are private or plain http (http://127.0.0.1), comma-separated.",
        (),
        check=_addresses,
    )
    job_lease_seconds: float = _setting(
        "How soon another worker takes up the jobs of one that died; a worker that lives renews in time.", 15.0
    )
    drain_seconds: float = _setting(
        "After SIGTERM, how long /readyz says draining while everything is still served, so that a balancer can look "
        "elsewhere first; 0 stops at once.",
        0.0,
    )
    grace_seconds: float = _setting(
        "After that, how long what is under way may take to end. Streams that would go on for longer get a last event "
        "that says so; other calls get a 503.",
        20.0,
    )
    recheck_hours: float = _setting(
        "How long it may take, without any call, until it is noticed that a key of a working account was taken away at "
        "the vendor: each key is tried once in that time with a harmless call.",
        24.0,
    )
    oauth_cimd: str = _setting(
        "Whether programs that sign in (OAuth) may be known by a document at their own address: on fetches it, files "
        "takes only those in the folder oauth-clients of the data folder, off wants every program to register.",
        "on",
        words=("on", "files", "off"),
    )
    oauth_registration: str = _setting(
        "Whether programs may register themselves (OAuth dynamic client registration).", "on", words=("on", "off")
    )
    oauth_app_schemes: tuple[str, ...] = _setting(
        "URL schemes of desktop programs that may be sent an OAuth answer besides https and this computer, "
        "comma-separated; none for none.",
        ("cursor", "vscode", "vscode-insiders", "windsurf"),
        check=_schemes,
    )
    passwords: str = _setting(
        "Whether people may sign in with a password. Off leaves only the provider at PORTICO_OIDC_ISSUER.",
        "on",
        words=("on", "off"),
    )
    oidc_issuer: str = _setting(
        "Address of an OpenID Connect provider where people may sign in, exactly as it calls itself (its issuer). Its "
        "host may be a private address.",
        "",
    )
    oidc_client_id: str = _setting("The client id under which Portico is registered at that provider.", "")
    oidc_client_secret: str = _setting(
        "The client's secret. Without one the client is a public one, with PKCE alone.", "", secret=True
    )
    oidc_client_secret_file: str = _setting(
        "File with the client's secret, read anew for each sign-in, when it is not in PORTICO_OIDC_CLIENT_SECRET.", ""
    )
    oidc_label: str = _setting("What the provider is called on the sign-in page. Empty: its host.", "")
    oidc_scopes: tuple[str, ...] = _setting(
        "Scopes that are asked for, comma-separated; openid always is.", ("openid", "profile", "email")
    )
    oidc_allowed_urls: tuple[str, ...] = _setting(
        "Origins of the provider, besides its issuer's, that may be private or plain http (http://keycloak:8080), "
        "comma-separated.",
        (),
    )
    oidc_email_domains: tuple[str, ...] = _setting(
        "Domains of which people's e-mail addresses must be, comma-separated; the provider must have verified the "
        "address. Empty: any, or none.",
        (),
    )
    oidc_link_by_email: str = _setting(
        "Whether a user here who is called like the e-mail address that the provider has verified is taken for the "
        "same person at their first sign-in there. Their password ends then.",
        "off",
        words=("on", "off"),
    )
    oidc_new_people: str = _setting(
        "Whether people of the provider who are no users here become users by signing in, and in which role; with "
        "PORTICO_OIDC_ROLE_CLAIM their role is the claim's instead.",
        "off",
        words=("off", "viewer", "operator", "owner"),
    )
    oidc_environments: tuple[str, ...] = _setting(
        "Environments that such new people may see, by name or id, comma-separated; * for all that there are then. An "
        "owner sees all.",
        (),
    )
    oidc_again_days: float = _setting(
        "After how many days without a sign-in at the provider the programs that somebody let in are out, because they "
        "may have left since.",
        30.0,
    )
    oidc_role_claim: str = _setting(
        "Claim that says people's role at every sign-in: its name, or a path with dots (realm_access.roles). Whoever "
        "has no role in it does not come in. Empty: roles are given here.",
        "",
    )
    oidc_roles: tuple[str, ...] = _setting(
        "What the claim's values mean, as value=role, comma-separated; the highest role counts.",
        ("owner=owner", "operator=operator", "viewer=viewer"),
    )
    trusted_proxies: int = _setting(
        "How many reverse proxies stand in front: that many last addresses of X-Forwarded-For are believed.", 0
    )
    connect_timeout_seconds: float = _setting("Longest wait for a connection to a vendor.", 5.0)
    answer_timeout_seconds: float = _setting("Longest wait for a vendor's answer to begin.", 600.0)
    idle_timeout_seconds: float = _setting("Longest silence in the middle of a vendor's answer.", 300.0)
    reshape_limit_bytes: int = _setting("Largest vendor answer that is read whole in order to reshape it.", 33_554_432)
    file_limit_bytes: int = _setting(
        "Largest file that is kept for tools: an upload, or a vendor's answer.", 536_870_912
    )
    fetch: str = _setting(
        "Whether file arguments may be addresses ({url}) that the gateway fetches, from the open internet only.",
        "on",
        words=("on", "off"),
    )
    fetch_limit_bytes: int = _setting("Largest file that is fetched from an address.", 104_857_600)
    fetch_types: tuple[str, ...] = _setting(
        "How the content types of fetched files may begin, comma-separated. Web pages (text/html) are left out because "
        "they are hardly ever the file that was meant.",
        (
            "audio/",
            "image/",
            "video/",
            "application/",
            "binary/",
            "text/plain",
            "text/csv",
            "text/markdown",
            "text/xml",
        ),
    )
    replay_hours: int = _setting("How long the first answer to an Idempotency-Key is kept.", 24)
    log_days: int = _setting("How long rows of the request log are kept.", 30)
    log_body_days: int = _setting(
        "How long bodies are kept beside those rows, where that is switched on; at most as long as the rows.", 7
    )
    log_body_bytes: int = _setting(
        "How much of one body is kept, where that is switched on; the rest is cut, and said so.", 16_384
    )

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """The settings of this process; a value that cannot be read names its variable and what is allowed."""
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for each in fields(cls):
            name = variable(each.name)
            if text := environment.get(name, "").strip():
                words = each.metadata.get("words", ())
                value = _chosen(name, text, words) if words else _convert(name, text, each.type, each.default)
                values[each.name] = checked(each.name, value)
        return cls(**values)

    def default_base_url(self, integration: str) -> str:
        return dict(_pairs(self.vendor_base_urls)).get(integration, "")

    @property
    def has_weak_token(self) -> bool:
        """Whether the token with all scopes is one that can be guessed."""
        return 0 < len(self.bootstrap_token) < LEAST_TOKEN_LETTERS

    def extra_base_urls(self) -> tuple[str, ...]:
        """Base URLs that the operator vouches for, private addresses included."""
        return (*self.allowed_base_urls, *(url for _, url in _pairs(self.vendor_base_urls)))


class SettingTold(NamedTuple):
    """A setting as people may see it. `value` of a secret says only whether there is one; `source` is where it is from:
    its variable, its default, or the program that started Portico."""

    name: str
    value: str
    source: str
    meaning: str
    is_secret: bool


def told(settings: Settings, environment: Mapping[str, str] | None = None) -> list[SettingTold]:
    """What holds, without any secret."""
    environment = os.environ if environment is None else environment
    usual = Settings()
    found: list[SettingTold] = []
    for each in fields(settings):
        value = getattr(settings, each.name)
        text = ", ".join(value) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] -- a tuple of texts
        if not each.repr:
            text = "set" if value else "not set"
        is_given = bool(environment.get(variable(each.name), "").strip())
        source = "environment" if is_given else "default" if value == getattr(usual, each.name) else "program"
        found.append(SettingTold(variable(each.name), text, source, each.metadata["meaning"], not each.repr))
    return found


def variable(field_name: str) -> str:
    return f"PORTICO_{field_name.upper()}"


def checked(field_name: str, value: Any) -> Any:
    """The value of a setting, as it is kept. Raises BadSetting where it cannot be meant."""
    check: Check | None = next(each.metadata.get("check") for each in fields(Settings) if each.name == field_name)
    if check is not None and (problem := check(value)):
        raise BadSetting(f"{variable(field_name)} {problem}.")
    return value.rstrip("/") if check is _address else value


def _pairs(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, url) for name, _, url in (value.partition("=") for value in values)]


def _convert(name: str, text: str, kind: Any, usual: Any) -> Any:
    if kind in {int, float}:
        return _number(name, text, kind, least=0 if usual == 0 else None)
    if kind is Path:
        return Path(text).expanduser()
    if kind is str:
        return text
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    return tuple(part.rstrip("/") for part in parts) if name.endswith("_URLS") else parts


def _number(name: str, text: str, kind: Any, *, least: int | None) -> Any:
    """Above 0, or from `least` on."""
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    most = _MOST[name.rpartition("_")[2].lower()]
    if not (value > 0 or value == least) or value > most:
        bounds = "above 0" if least is None else f"of {least} or more"
        bounds += f", at most {most}" if value > most else ""
        raise BadSetting(f"{name} is {text!r}; it must be {'a whole' if kind is int else 'a'} number {bounds}.")
    return value


def _chosen(name: str, text: str, words: tuple[str, ...]) -> str:
    if text.lower() not in words:
        raise BadSetting(f"{name} is {text!r}; it must be {', '.join(words[:-1])} or {words[-1]}.")
    return text.lower()
