"""The root key in the Transit engine of a Vault or OpenBao server: it wraps and unwraps for us, and shows no key.

Each version of the key counts as a root key of its own, so that a new version is rotated to like any other new key.
"""

import base64
import binascii
import ssl
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from portico.errors import KeysUnavailable, Refusal, VendorInsecure
from portico.gateway.roots import KeyRefused
from portico.settings import Settings
from portico.shapes import is_list, is_record
from portico.upstream.transport import AiohttpTransport, Deadlines, Transport, UpstreamRequest
from portico.vault.envelope import CannotOpen
from portico.version import VERSION

DEADLINES = Deadlines(connect_seconds=2.0, answer_seconds=5.0, idle_seconds=5.0)
RENEW_SECONDS = 300.0
_MOST_BYTES = 1_048_576
_PREFIX = "vault:"
# What the engine says of something that it did not wrap, or not for this place.
_NOT_FROM_HERE = (
    "message authentication failed",
    "ciphertext length",
    "no prefix",
    "could not be decoded",
    "could not decode",
)


class Transit:
    """One key of the engine, in all its versions."""

    def __init__(self, settings: Settings, transport: Transport | None = None) -> None:
        self._url = settings.vault_url.rstrip("/")
        self._mount, self._key = settings.vault_mount.strip("/"), settings.vault_key
        self._namespace, self._token = settings.vault_namespace, settings.vault_token
        self._token_file = settings.vault_token_file
        self._transport = transport or AiohttpTransport(DEADLINES, f"portico/{VERSION}", _trust(settings))
        self._name = f"{_PREFIX}{self._mount}/{self._key}:v"
        self._renewed_at = time.monotonic()

    def owns(self, root_id: str) -> bool:
        return root_id.startswith(self._name) and root_id.removeprefix(self._name).isdigit()

    def of(self, root_id: str) -> "TransitRoot":
        return TransitRoot(self, root_id, int(root_id.removeprefix(self._name)))

    async def newest(self) -> "TransitRoot":
        return self.of(f"{self._name}{await self._latest()}")

    async def rotate(self) -> "TransitRoot":
        """A new version, made by the server."""
        status, answer = await self._ask("POST", f"keys/{quote(self._key, safe='')}/rotate", {})
        if status >= 400:
            raise KeyRefused(
                f"Vault refused to rotate the key {self._key!r} ({status}: {_reason(answer)}); rotate it there with "
                f"`vault write -f {self._mount}/keys/{self._key}/rotate`, then rotate again here."
            )
        return await self.newest()

    async def encrypt(self, version: int, plain: bytes, bound: bytes) -> bytes:
        body = {"plaintext": _text(plain), "associated_data": _text(bound), "key_version": version}
        status, answer = await self._ask("POST", f"encrypt/{quote(self._key, safe='')}", body)
        ciphertext = answer.get("ciphertext")
        if status == 400:
            raise KeysUnavailable(
                f"Vault did not wrap a key ({status}: {_reason(answer)}). If it takes only newer versions of the key "
                f"{self._key!r} now, go over to the newest with `portico keys rotate --what root`."
            )
        if status >= 400 or not isinstance(ciphertext, str):
            raise KeysUnavailable(f"Vault did not wrap a key ({status}: {_reason(answer)}).")
        return ciphertext.encode()

    async def decrypt(self, wrapped: bytes, bound: bytes) -> bytes:
        body = {"ciphertext": wrapped.decode("ascii", "replace"), "associated_data": _text(bound)}
        status, answer = await self._ask("POST", f"decrypt/{quote(self._key, safe='')}", body)
        if status == 400 and any(words in _reason(answer) for words in _NOT_FROM_HERE):
            raise CannotOpen
        if status == 400:
            raise KeysUnavailable(
                f"Vault did not unwrap a key ({status}: {_reason(answer)}). It needs every version of the key "
                f"{self._key!r} that was in use here: lower its min_decryption_version, or restore the key."
            )
        if status >= 400:
            raise KeysUnavailable(f"Vault did not unwrap a key ({status}: {_reason(answer)}).")
        try:
            return base64.b64decode(str(answer.get("plaintext")), validate=True)
        except (ValueError, binascii.Error):
            raise KeysUnavailable("Vault answered something that is no key.") from None

    async def tend(self) -> None:
        """Keep the token alive. One in a file is kept alive by whoever writes the file."""
        if self._token_file or time.monotonic() < self._renewed_at + RENEW_SECONDS:
            return
        self._renewed_at = time.monotonic()
        await self._send("POST", f"{self._url}/v1/auth/token/renew-self", {})

    async def close(self) -> None:
        await self._transport.close()

    async def _latest(self) -> int:
        status, answer = await self._ask("GET", f"keys/{quote(self._key, safe='')}", None)
        if status == 404:
            raise KeyRefused(
                f"Vault has no key {self._key!r} in its engine {self._mount!r}: make it with "
                f"`vault write -f {self._mount}/keys/{self._key}`, or name another in PORTICO_VAULT_KEY."
            )
        if status >= 400:
            raise KeyRefused(
                f"Vault did not show the key {self._key!r} ({status}: {_reason(answer)}); look at PORTICO_VAULT_TOKEN "
                "and what its policy allows: read on the key, update on encrypt and decrypt."
            )
        latest = answer.get("latest_version")
        if not isinstance(latest, int):
            raise KeyRefused(f"What answers at {self._url} is not the Transit engine of a Vault.")
        return latest

    async def _ask(self, verb: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        return await self._send(verb, f"{self._url}/v1/{self._mount}/{path}", body)

    async def _send(self, verb: str, url: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        headers = [("X-Vault-Token", self._current_token()), ("X-Vault-Request", "true")]
        if self._namespace:
            headers.append(("X-Vault-Namespace", self._namespace))
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers.append(("Content-Type", "application/json"))
        request = UpstreamRequest(verb=verb, url=url, headers=headers, content=content, is_trusted=True)
        try:
            response = await self._transport.send(request)
            status, raw = response.status, await response.read(_MOST_BYTES)
        except VendorInsecure as problem:
            raise KeysUnavailable(
                f"Vault cannot be reached at {self._url}: its TLS certificate could not be verified; name the "
                "authority that it comes from in PORTICO_VAULT_CA_FILE."
            ) from problem
        except Refusal as problem:
            raise KeysUnavailable(f"Vault cannot be reached at {self._url}: {problem.sentence}") from problem
        return status, _content(raw)

    def _current_token(self) -> str:
        if not self._token_file:
            return self._token
        try:
            return Path(self._token_file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise KeysUnavailable(f"The file with the token for Vault, {self._token_file}, cannot be read.") from None


class TransitRoot:
    """One version of the key."""

    def __init__(self, transit: Transit, root_id: str, version: int) -> None:
        self.id = root_id
        self._transit, self._version = transit, version

    async def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        return await self._transit.encrypt(self._version, data_key, bound)

    async def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        return await self._transit.decrypt(wrapped, bound)


def open_transit(settings: Settings) -> Transit | None:
    """None where the root key is kept elsewhere."""
    if not settings.vault_url:
        return None
    if not settings.vault_token and not settings.vault_token_file:
        raise KeyRefused("PORTICO_VAULT_URL is set but no token: give PORTICO_VAULT_TOKEN or PORTICO_VAULT_TOKEN_FILE.")
    return Transit(settings)


def _trust(settings: Settings) -> ssl.SSLContext | None:
    if not settings.vault_ca_file:
        return None
    try:
        return ssl.create_default_context(cafile=settings.vault_ca_file)
    except OSError as problem:  # an SSLError is one, too
        raise KeyRefused(
            f"PORTICO_VAULT_CA_FILE, {settings.vault_ca_file}, holds no certificates that can be read ({problem}); "
            "it has to be a PEM file."
        ) from None


def _content(raw: bytes) -> dict[str, Any]:
    """What stands under `data`, or the errors."""
    try:
        answer: Any = msgspec.json.decode(raw) if raw else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    if not is_record(answer):
        return {}
    inner: Any = answer.get("data")
    return inner if is_record(inner) else answer


def _reason(answer: dict[str, Any]) -> str:
    errors: Any = answer.get("errors")
    said = "; ".join(" ".join(str(each).split()) for each in errors) if is_list(errors) else ""
    return said[:300] or "no reason given"


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
