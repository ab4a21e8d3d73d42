"""Vaults: credentials that agents may use and nobody can read. Secrets are checked, and then forgotten."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portico.sandbox.agents.tools import STRINGS, variant
from portico.sandbox.agents.vaults import CREDENTIALS, VAULTS
from portico.sandbox.checks import Check, fields, metadata, one_of, record, text
from portico.sandbox.pages import Cursor, with_metadata
from portico.sandbox.refusals import invalid, no_such
from portico.sandbox.shapes import Json
from portico.sandbox.shapes import record as record_of
from portico.sandbox.shelves import Rows
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(default=20, maximum=100, ends=False)
LONGEST_NAME_BYTES = 256
MOST_HOSTS = 16
STATUSES = ("active", "archived")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = re.compile(r"CODEX_.*|(?:HTTPS?|ALL|NO|FTP)_PROXY|SSL_CERT_(?:FILE|DIR)|.*_CA_(?:BUNDLE|CERTS)", re.I)
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")


def _name(value: Any, path: str) -> str:
    name = text()(value, path).strip()
    if not 1 <= len(name.encode()) <= LONGEST_NAME_BYTES:
        raise invalid(f"'{path}' must have 1 to {LONGEST_NAME_BYTES} bytes.", path, "invalid_length")
    return name


def _https(value: Any, path: str) -> str:
    if not re.match(r"https://[^/\s]+", text()(value, path)):
        raise invalid(f"'{path}' must be an https address.", path, "invalid_url")
    return str(value)


def _secret(value: Any, path: str) -> str:
    if not text()(value, path) or re.search(r"[\r\n\0]", value):
        raise invalid(f"'{path}' must be one line that is not empty.", path, "invalid_secret")
    return str(value)


def _moment(value: Any, path: str) -> str:
    try:
        read = datetime.fromisoformat(text()(value, path))
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise invalid(f"'{path}' must be a time with its zone, such as 2030-01-31T12:00:00Z.", path)
    return str(value)


def _variable(value: Any, path: str) -> str:
    if not VARIABLE.fullmatch(text()(value, path)):
        raise invalid(f"'{path}' must be the name of an environment variable.", path)
    if RESERVED.fullmatch(value):
        raise invalid(f"'{path}' is a name that the environment needs for itself.", path, "reserved_name")
    return str(value)


def _hosts(value: Any, path: str) -> list[str]:
    hosts = [host.lower() for host in STRINGS(value, path)]
    if not 1 <= len(hosts) <= MOST_HOSTS or len(set(hosts)) != len(hosts):
        raise invalid(f"'{path}' takes 1 to {MOST_HOSTS} different hosts.", path)
    for place, host in enumerate(hosts):
        if not HOST.fullmatch(host):
            raise invalid(f"'{path}[{place}]' is neither the name of a host nor an IPv4 address.", f"{path}[{place}]")
    return hosts


SECRETS = frozenset({"access_token", "client_secret", "refresh_token", "secret_value", "token"})
CLIENT_SECRET = record({"type": str, "client_secret": _secret})
REFRESH = record(
    {
        "client_id": text(shortest=1),
        "refresh_token": _secret,
        "token_endpoint": _https,
        "token_endpoint_auth": variant(
            {
                "none": record({"type": str}),
                "client_secret_basic": CLIENT_SECRET,
                "client_secret_post": CLIENT_SECRET,
            }
        ),
    },
    {"resource": str, "scope": str},
)
NETWORKING = variant(
    {"unrestricted": record({"type": str}), "limited": record({"type": str, "allowed_hosts": _hosts})},
)
AUTH = variant(
    {
        "mcp_oauth": record(
            {"type": str, "access_token": _secret, "mcp_server_url": _https},
            {"expires_at": _moment, "refresh": REFRESH},
        ),
        "static_bearer": record({"type": str, "token": _secret, "mcp_server_url": _https}),
        "environment_variable": record(
            {"type": str, "networking": NETWORKING, "secret_name": _variable, "secret_value": _secret}
        ),
    }
)
ROTATED_SECRET = record({"type": str}, {"client_secret": _secret})
ROTATED_REFRESH = record(
    {},
    {
        "refresh_token": _secret,
        "scope": str,
        "token_endpoint_auth": variant({"client_secret_basic": ROTATED_SECRET, "client_secret_post": ROTATED_SECRET}),
    },
)
ROTATION: Mapping[str, Check] = {
    "mcp_oauth": record({"type": str}, {"access_token": _secret, "expires_at": _moment, "refresh": ROTATED_REFRESH}),
    "static_bearer": record({"type": str, "token": _secret}),
    "environment_variable": record({"type": str, "secret_value": _secret}),
}


def create_vault(ask: Ask) -> Answer:
    body = fields(ask.body, {}, {"name": _name, "metadata": metadata})
    vault: Json = {
        "id": ask.new_id(VAULTS),
        "object": "vault",
        "created_at": ask.now,
        "name": body.get("name"),
        "metadata": body.get("metadata", {}),
    }
    return ask.held(VAULTS).add(vault["id"], vault)


def list_vaults(ask: Ask) -> Answer:
    return _listed(ask, ask.held(VAULTS).rows())


def get_vault(ask: Ask) -> Answer:
    return ask.held(VAULTS).get(ask["vault_id"])


def update_vault(ask: Ask) -> Answer:
    vault = ask.held(VAULTS).get(ask["vault_id"])
    body = fields(ask.body, {}, {"name": _name, "metadata": metadata})
    changes = {name: body.get(name, {} if name == "metadata" else None) for name in ask.body}
    return ask.held(VAULTS).add(vault["id"], {**vault, **changes})


def delete_vault(ask: Ask) -> Answer:
    """A vault goes with all its credentials. Sessions that have it attached go on."""
    vault = ask.held(VAULTS).remove(ask["vault_id"])
    for credential in ask.held(CREDENTIALS):
        if credential["vault_id"] == vault["id"]:
            ask.held(CREDENTIALS).remove(credential["id"])
    return gone(vault["id"], "vault.deleted")


def create_credential(ask: Ask) -> Answer:
    vault = ask.held(VAULTS).get(ask["vault_id"])
    body = fields(ask.body, {"auth": AUTH, "name": _name}, {"metadata": metadata})
    credential: Json = {
        "id": ask.new_id(CREDENTIALS),
        "object": "vault.credential",
        "vault_id": vault["id"],
        "name": body["name"],
        "auth": _shown(body["auth"]),
        "metadata": body.get("metadata", {}),
        "created_at": ask.now,
        "updated_at": ask.now,
    }
    return ask.held(CREDENTIALS).add(credential["id"], credential)


def list_credentials(ask: Ask) -> Answer:
    vault = ask.held(VAULTS).get(ask["vault_id"])
    return _listed(ask, ask.held(CREDENTIALS).rows(lambda held: held["vault_id"] == vault["id"]))


def get_credential(ask: Ask) -> Answer:
    return _credential(ask)


def update_credential(ask: Ask) -> Answer:
    credential = _credential(ask)
    body = fields(ask.body, {}, {"auth": dict, "metadata": metadata})
    changed = {**credential, "metadata": body.get("metadata", credential["metadata"]), "updated_at": ask.now}
    if "auth" in body:
        changed["auth"] = _rotated(credential["auth"], body["auth"])
    return ask.held(CREDENTIALS).add(credential["id"], changed)


def delete_credential(ask: Ask) -> Answer:
    credential = ask.held(CREDENTIALS).remove(_credential(ask)["id"])
    return gone(credential["id"], "vault.credential.deleted")


def _listed(ask: Ask, rows: Rows[Json]) -> Json:
    """Nothing archives a vault or a credential here, so a filter that leaves out the active ones leaves out all."""
    wanted = ask.query.many("status")
    for status in wanted:
        one_of(*STATUSES)(status, "status")
    held = {name: one for name, one in rows.held.items() if with_metadata(ask, one["metadata"])}
    return LIST.answer(ask, Rows({} if wanted and "active" not in wanted else held, rows.born), lambda one: one)


def _credential(ask: Ask) -> Json:
    vault = ask.held(VAULTS).get(ask["vault_id"])
    credential = ask.held(CREDENTIALS).get(ask["credential_id"])
    if credential["vault_id"] != vault["id"]:
        raise no_such(CREDENTIALS.noun, credential["id"])
    return credential


def _shown(auth: Json) -> Json:
    """What may be told of a way to authenticate."""
    told = {name: value for name, value in auth.items() if name not in SECRETS}
    if auth["type"] == "mcp_oauth":
        told = {"expires_at": None, "refresh": None, **told}
    given = record_of(told.get("refresh"))
    if given:
        refresh = {name: value for name, value in given.items() if name not in SECRETS}
        method = {"type": refresh["token_endpoint_auth"]["type"]}
        told["refresh"] = {"resource": None, "scope": None, **refresh, "token_endpoint_auth": method}
    return told


def _rotated(auth: Json, given: Json) -> Json:
    """What is told after new secrets came: only expiry and scopes can be another than before."""
    kind = auth["type"]
    if given.get("type") != kind:
        raise invalid(f"'auth.type' must stay {kind}.", "auth.type", "auth_type_changed")
    checked = ROTATION[kind](given, "auth")
    if kind != "mcp_oauth":
        return auth
    changed = dict(auth)
    # A new token without an expiry has none, whatever the old one had.
    if "expires_at" in given or "access_token" in checked:
        changed["expires_at"] = checked.get("expires_at")
    if "refresh" in checked:
        changed["refresh"] = _refreshed(auth["refresh"], given["refresh"], checked["refresh"])
    return changed


def _refreshed(refresh: Json | None, given: Json, checked: Json) -> Json:
    if refresh is None:
        raise invalid("This credential has no refresh to change.", "auth.refresh", "no_refresh")
    method = checked.get("token_endpoint_auth", refresh["token_endpoint_auth"])
    if method["type"] != refresh["token_endpoint_auth"]["type"]:
        path = "auth.refresh.token_endpoint_auth.type"
        raise invalid(f"'{path}' must stay {refresh['token_endpoint_auth']['type']}.", path, "auth_type_changed")
    return {**refresh, "scope": checked.get("scope")} if "scope" in given else refresh


BETA = "agents=v1"
VAULT = "/vaults/{vault_id}"
CREDENTIAL = f"{VAULT}/credentials/{{credential_id}}"
ROUTES = (
    Route("GET", "/vaults", list_vaults, beta=BETA),
    Route("POST", "/vaults", create_vault, beta=BETA),
    Route("GET", VAULT, get_vault, beta=BETA),
    Route("POST", VAULT, update_vault, beta=BETA),
    Route("DELETE", VAULT, delete_vault, beta=BETA),
    Route("GET", f"{VAULT}/credentials", list_credentials, beta=BETA),
    Route("POST", f"{VAULT}/credentials", create_credential, beta=BETA),
    Route("GET", CREDENTIAL, get_credential, beta=BETA),
    Route("POST", CREDENTIAL, update_credential, beta=BETA),
    Route("DELETE", CREDENTIAL, delete_credential, beta=BETA),
)
