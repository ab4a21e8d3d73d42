"""A double of Vault's Transit engine: encrypt, decrypt, keys, their oldest versions, rotate, rewrap, renew.

It holds real keys and authenticates associated data, so that what was wrapped for one place does not open in another.
tests/outside/test_openbao.py holds it to what a real server answers.
"""

import base64
import json
import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.test-token"


@dataclass
class Vault:
    versions: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    url: str = ""
    token: str = TOKEN
    is_sealed: bool = False
    may_rotate: bool = True
    oldest_to_decrypt: int = 1
    oldest_to_encrypt: int = 0
    asked: list[str] = field(default_factory=list[str])
    namespaces: list[str] = field(default_factory=list[str])

    @property
    def latest(self) -> int:
        return max(self.versions)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        self.namespaces.append(request.headers.get("X-Vault-Namespace", ""))
        if self.is_sealed:
            return _errors(503, "Vault is sealed")
        if request.headers.get("X-Vault-Token") != self.token:
            return _errors(403, "permission denied")
        body: dict[str, Any] = json.loads(await request.read() or b"{}")
        parts = request.path.removeprefix("/v1/").split("/")
        match parts:
            case ["transit", "encrypt", "portico"]:
                return self._encrypt(body)
            case ["transit", ("decrypt" | "rewrap") as what, name]:
                return self._decrypt(name, body, bound=what == "decrypt")
            case ["transit", "keys", *rest]:
                return self._keys(rest, body)
            case ["auth", "token", "renew-self"]:
                return web.json_response({"auth": {"client_token": self.token, "renewable": True}})
            case _:
                return _errors(404, f'no handler for route "{"/".join(parts)}". route entry not found.')

    def _keys(self, parts: list[str], body: dict[str, Any]) -> web.Response:
        match parts:
            case ["portico", "rotate"] if not self.may_rotate:
                return _errors(403, "1 error occurred:\n\t* permission denied\n\n")
            case ["portico", "rotate"]:
                self.versions[self.latest + 1] = os.urandom(32)
            case ["portico", "config"]:
                self.oldest_to_decrypt = body.get("min_decryption_version", self.oldest_to_decrypt)
                self.oldest_to_encrypt = body.get("min_encryption_version", self.oldest_to_encrypt)
            case ["portico"]:
                pass
            case _:
                return _errors(404)
        return _data(
            type="aes256-gcm96",
            name="portico",
            latest_version=self.latest,
            min_decryption_version=self.oldest_to_decrypt,
            min_encryption_version=self.oldest_to_encrypt,
        )

    def _encrypt(self, body: dict[str, Any]) -> web.Response:
        version = body.get("key_version") or self.latest
        if version > self.latest:
            return _errors(400, "requested version for encryption is higher than the latest key version")
        if version < self.oldest_to_encrypt:
            return _errors(400, "requested version for encryption is less than the minimum encryption key version")
        if version < self.oldest_to_decrypt:
            return _errors(400, "no such key version")
        nonce, bound = os.urandom(12), base64.b64decode(body.get("associated_data", ""))
        sealed = nonce + AESGCM(self.versions[version]).encrypt(nonce, base64.b64decode(body["plaintext"]), bound)
        return _data(ciphertext=f"vault:v{version}:{base64.b64encode(sealed).decode()}", key_version=version)

    def _decrypt(self, name: str, body: dict[str, Any], *, bound: bool) -> web.Response:
        """Rewrapping knows no associated data, so that it fails for whatever was bound to a place."""
        try:
            if name != "portico":
                raise _No("encryption key not found")
            key, sealed = self._opened(str(body.get("ciphertext", "")))
            plain = AESGCM(key).decrypt(
                sealed[:12], sealed[12:], base64.b64decode(body["associated_data"]) if bound else b""
            )
        except _No as problem:
            return _errors(400, str(problem))
        except InvalidTag:
            return _errors(400, "cipher: message authentication failed")
        return _data(plaintext=base64.b64encode(plain).decode())

    def _opened(self, ciphertext: str) -> tuple[bytes, bytes]:
        if not ciphertext:
            raise _No("missing ciphertext to decrypt")
        if not ciphertext.startswith("vault:v"):
            raise _No("invalid ciphertext: no prefix")
        version, _, text = ciphertext.removeprefix("vault:v").partition(":")
        if int(version) > self.latest:
            raise _No("invalid ciphertext: version is too new")
        if int(version) < self.oldest_to_decrypt:
            raise _No("ciphertext or signature version is disallowed by policy (too old)")
        try:
            sealed = base64.b64decode(text, validate=True)
        except ValueError:
            raise _No("invalid ciphertext: could not decode base64") from None
        if len(sealed) < 12:
            raise _No("invalid ciphertext length")
        return self.versions[int(version)], sealed


class _No(Exception):
    """Refused with 400 and this reason."""


@asynccontextmanager
async def running_vault(secure: ssl.SSLContext | None = None) -> AsyncGenerator[Vault]:
    vault = Vault()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", vault.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=secure)
    await site.start()
    vault.url = f"{'https://localhost' if secure else 'http://127.0.0.1'}:{runner.addresses[0][1]}"
    try:
        yield vault
    finally:
        await runner.cleanup()


def _data(**data: Any) -> web.Response:
    return web.json_response({"request_id": "r", "lease_id": "", "renewable": False, "data": data})


def _errors(status: int, *sentences: str) -> web.Response:
    return web.json_response({"errors": list(sentences)}, status=status)
