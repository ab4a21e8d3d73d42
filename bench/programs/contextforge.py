"""ContextForge: the same tools registered one by one over its REST API, behind one virtual server."""

import base64
import hashlib
import hmac
import json
import secrets
import time
import urllib.error
import urllib.request
from typing import Any

from tests.outside.client_envs import python_env

from bench.contestant import Contestant, Place
from bench.facts import write_facts
from bench.machine import DidNotStart, free_port, start, wait_until_it_answers
from bench.programs.mcp_servers import version_of
from bench.scenarios import MCP_TOOL, mcp_requests

_ADMIN = "admin@example.com"  # made at its first start, with its default settings


def start_contextforge(place: Place) -> Contestant:
    python = python_env("bench-contextforge")
    folder = place.folder / "contextforge"
    folder.mkdir()
    port, secret = free_port(), secrets.token_hex(32)
    environment = {
        "DATABASE_URL": f"sqlite:///{folder}/contextforge.db",
        "JWT_SECRET_KEY": secret,
        "AUTH_ENCRYPTION_SECRET": secrets.token_hex(32),
        "SSRF_ALLOW_LOCALHOST": "true",
        "RATE_LIMITING_ENABLED": "false",
        "LOG_LEVEL": "ERROR",
        # They take "Delete an artifact" for an attack.
        "CONTENT_PATTERN_DETECTION_ENABLED": "false",
        "TOOL_DESCRIPTION_FORBIDDEN_PATTERNS_ENABLED": "false",
    }
    command = [python, "-m", "uvicorn", "mcpgateway.main:app", "--host", "127.0.0.1", "--port", str(port)]
    running = start([*command, "--log-level", "error"], folder, "contextforge", environment=environment)
    wait_until_it_answers(running, f"http://127.0.0.1:{port}/health")
    token = _token(secret)
    facts = json.loads(write_facts(place).read_text())
    made = {name: _register(port, token, facts, name) for name in facts["operations"]}
    body = {
        "server": {"name": "bench", "description": "bench", "associated_tools": [each["id"] for each in made.values()]}
    }
    server = _ask(port, token, "/servers", body | {"visibility": "public"})
    requests = mcp_requests(
        port, f"/servers/{server['id']}/mcp/", {"Authorization": f"Bearer {token}"}, made[MCP_TOOL]["name"]
    )
    return Contestant("ContextForge", version_of(python, "mcp-contextforge-gateway"), running, requests, is_slow=True)


def _register(port: int, token: str, facts: dict[str, Any], name: str) -> Any:
    operation = facts["operations"][name]
    listed = next(each for each in facts["tools"] if each["name"] == name)
    tool = {
        "name": name,
        "url": facts["vendor"] + operation["path"],
        "integration_type": "REST",
        "request_type": operation["verb"],
        "description": listed["description"],
        "input_schema": listed["inputSchema"],
        "headers": {"Authorization": f"Bearer {facts['key']}"},
    }
    return _ask(port, token, "/tools", {"tool": tool, "team_id": None, "visibility": "public"})


def _ask(port: int, token: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as problem:
        raise DidNotStart(f"ContextForge refuses {path}: {problem.read()[:300].decode()}") from problem


def _token(secret: str) -> str:
    """A token as its own command-line tool would sign it."""
    now = int(time.time())
    claims = {
        "sub": _ADMIN, "iat": now, "exp": now + 86_400, "jti": secrets.token_hex(16), "iss": "mcpgateway",
        "aud": "mcpgateway-api", "is_admin": True, "teams": None,
        "user": {"email": _ADMIN, "is_admin": True, "full_name": "bench", "auth_provider": "cli"},
    }  # fmt: skip
    stem = b".".join(_base64(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (stem + b"." + _base64(hmac.digest(secret.encode(), stem, hashlib.sha256))).decode()


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
