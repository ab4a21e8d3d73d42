"""A double of Vault's Transit engine, as its API's documentation describes it: encrypt, decrypt, keys, rotate, renew.

It holds real keys and authenticates associated data, so that what was wrapped for one place does not open in another.
"""

import base64
import json
import os
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
            case ["transit", "keys", "portico"]:
                return _data(type="aes256-gcm96", name="portico", latest_version=self.latest, min_decryption_version=1)
            case ["transit", "keys", "portico", "rotate"]:
                return self._rotate()
            case ["transit", "encrypt", "portico"]:
                return self._encrypt(body)
            case ["transit", "decrypt", "portico"]:
                return self._decrypt(body)
            case ["auth", "token", "renew-self"]:
                return web.json_response({"auth": {"client_token": self.token, "renewable": True}})
            case _:
                return _errors(404)

    def _rotate(self) -> web.Response:
        if not self.may_rotate:
            return _errors(403, "permission denied")
        self.versions[self.latest + 1] = os.urandom(32)
        return web.Response(status=204)

    def _encrypt(self, body: dict[str, Any]) -> web.Response:
        version = body.get("key_version") or self.latest
        if version not in self.versions:
            return _errors(400, "requested version for encryption is higher than the latest key version")
        nonce, bound = os.urandom(12), base64.b64decode(body.get("associated_data", ""))
        sealed = nonce + AESGCM(self.versions[version]).encrypt(nonce, base64.b64decode(body["plaintext"]), bound)
        return _data(ciphertext=f"vault:v{version}:{base64.b64encode(sealed).decode()}", key_version=version)

    def _decrypt(self, body: dict[str, Any]) -> web.Response:
        try:
            _, version, text = str(body["ciphertext"]).split(":")
            sealed, bound = base64.b64decode(text), base64.b64decode(body.get("associated_data", ""))
            plain = AESGCM(self.versions[int(version[1:])]).decrypt(sealed[:12], sealed[12:], bound)
        except (InvalidTag, ValueError, KeyError):
            return _errors(400, "cipher: message authentication failed")
        return _data(plaintext=base64.b64encode(plain).decode())


@asynccontextmanager
async def running_vault() -> AsyncGenerator[Vault]:
    vault = Vault()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", vault.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    vault.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield vault
    finally:
        await runner.cleanup()


def _data(**data: Any) -> web.Response:
    return web.json_response({"request_id": "r", "lease_id": "", "renewable": False, "data": data})


def _errors(status: int, *sentences: str) -> web.Response:
    return web.json_response({"errors": list(sentences)}, status=status)
