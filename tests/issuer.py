"""An OpenID provider for tests, on a real socket, with keys of its own: well-behaved unless it is told to misbehave.

Written from the specifications and not from Portico's code, so that both cannot be wrong together.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

Json = dict[str, Any]
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
ADA: Json = {"sub": "sub-ada", "email": "ada@corp.example", "email_verified": True}
CLIENT, SECRET = "portico at tests", "s3cret: with/signs+"


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Made once in a process: each takes a while."""
    assert number >= 0
    return rsa.generate_private_key(65537, bits)


@cache
def elliptic_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    assert number >= 0
    return ec.generate_private_key(ec.SECP256R1())


def described(key: Private, key_id: str, **more: Any) -> Json:
    """The public half as a JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        shape = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e), "alg": "RS256"}
    else:
        point = key.public_key().public_numbers()
        shape = {"kty": "EC", "crv": "P-256", "x": _number(point.x, 32), "y": _number(point.y, 32), "alg": "ES256"}
    return {**shape, "kid": key_id, "use": "sig", **more}


def signed(claims: Json, key: Private | bytes | None, header: Json) -> str:
    """A JWS of these claims: by a private key, by a shared one (HS256), or by none."""
    content = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{content}.{b64(_signature(content.encode(), key))}"


def _signature(content: bytes, key: Private | bytes | None) -> bytes:
    if key is None:
        return b""
    if isinstance(key, bytes):
        return hmac.digest(key, content, hashlib.sha256)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), SHA256())
    first, second = decode_dss_signature(key.sign(content, ec.ECDSA(SHA256())))
    return first.to_bytes(32) + second.to_bytes(32)


def _number(value: int, width: int = 0) -> str:
    return b64(value.to_bytes(width or (value.bit_length() + 7) // 8))


@dataclass
class Issuer:
    """The provider. Change `claims` for who comes next, `spoil` for what its tokens say wrongly, `answers` for pages
    that are not as they should be, and `metadata` for what it publishes."""

    url: str
    clock: Callable[[], datetime]
    claims: Json = field(
        default_factory=lambda: {"sub": "sub-ada", "email": "ada@corp.example", "email_verified": True}
    )
    userinfo: Json = field(default_factory=dict[str, Any])
    key: Private = field(default_factory=rsa_key)
    key_id: str = "one"
    keys: list[Json] = field(default_factory=list[Json])
    header: Json = field(default_factory=dict[str, Any])
    spoil: Callable[[Json], Json] = lambda claims: claims
    sign: Callable[[Json, Json], str] | None = None
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict[str, tuple[int, Any]])
    metadata: Json = field(default_factory=dict[str, Any])
    answer: Json = field(default_factory=dict[str, Any])
    secret: str = SECRET
    # What its answers' Date says; None: the time that it is.
    moment: Callable[[], datetime] | None = None
    # What came: (verb, path), the authorization requests, and the codes with what they were given for.
    seen: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    ended: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def reset(self) -> None:
        """Well-behaved again, and without memory."""
        vars(self).update(vars(Issuer(self.url, self.clock)))

    def count(self, path: str) -> int:
        return sum(each == path for _, each in self.seen)

    @property
    def published(self) -> Json:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?from=metadata",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/leave",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    @property
    def shown_keys(self) -> Json:
        return {"keys": self.keys or [described(self.key, self.key_id)]}

    def authorize(self, asked: dict[str, str]) -> str:
        """The person says yes at once; where their browser is sent."""
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        told = {"code": code, "state": asked.get("state", ""), "iss": self.url} | self.answer
        kept = {name: text for name, text in told.items() if text is not None}
        return f"{asked['redirect_uri']}?{urlencode(kept)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Json]:
        asked = self.codes.pop(form.get("code", ""), None)
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client"}
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest()) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant", "error_description": "PKCE"}
        access = secrets.token_urlsafe(16)
        half = b64(hashlib.sha256(access.encode()).digest()[:16])
        claims = self.made({"nonce": asked["nonce"], "at_hash": half, **self.claims})
        return 200, {"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": self.signed(claims)}

    def made(self, claims: Json) -> Json:
        """With what every token says."""
        now = int(self.clock().timestamp())
        return {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, **claims}

    def signed(self, claims: Json) -> str:
        algorithm = "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"
        header = {"alg": algorithm, "kid": self.key_id, "typ": "JWT"} | self.header
        claims = self.spoil(claims)
        return self.sign(claims, header) if self.sign else signed(claims, self.key, header)

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if not self.secret:
            return form.get("client_id") == CLIENT and not authorization
        if authorization.startswith("Basic "):
            name, _, given = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
            return (unquote_plus(name), unquote_plus(given)) == (CLIENT, self.secret)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, self.secret)


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        query = dict(parse_qsl(place.query))
        issuer = self.issuer
        issuer.seen.append(("GET", place.path))
        if place.path in issuer.answers:
            self._say(*issuer.answers[place.path])
        elif place.path == "/.well-known/openid-configuration":
            self._say(200, issuer.published)
        elif place.path == "/keys":
            self._say(200, issuer.shown_keys)
        elif place.path == "/userinfo":
            self._say(200, issuer.userinfo or {"sub": issuer.claims["sub"]})
        elif place.path == "/authorize":
            self._go(issuer.authorize(query))
        elif place.path == "/leave":
            issuer.ended.append(query)
            self._go(query["post_logout_redirect_uri"])
        else:
            self._say(404, {"error": "not_found"})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        place = urlsplit(self.path).path
        self.issuer.seen.append(("POST", place))
        if place in self.issuer.answers:
            self._say(*self.issuer.answers[place])
            return
        form = {name: values[0] for name, values in parse_qs(content).items()}
        self._say(*self.issuer.token(form, self.headers.get("authorization", "")))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is said."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        moment = self.issuer.moment
        return super().date_time_string(moment().timestamp() if moment else timestamp)

    def _go(self, place: str) -> None:
        self.send_response(302)
        self.send_header("location", place)
        self.send_header("content-length", "0")
        self.end_headers()

    def _say(self, status: int, answer: Any) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("location", f"{self.issuer.url}/elsewhere")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is not worth a line."""


@contextmanager
def issuing(clock: Callable[[], datetime]) -> Generator[Issuer]:
    """A provider that listens on a port of its own."""
    server = _Server(("127.0.0.1", 0), _Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}", clock)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"issuer": issuer})
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
