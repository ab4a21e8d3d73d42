"""MCP servers of other makers, each in an environment of its own."""

import subprocess
from pathlib import Path

from tests.outside.client_envs import python_env

from bench.contestant import Contestant, Place
from bench.facts import write_facts
from bench.machine import free_port, start, wait_until_it_answers
from bench.scenarios import mcp_requests

_PEERS = Path(__file__).parents[1] / "peers"
SDK = "MCP SDK, low-level server"
SDK_AIOHTTP = "MCP SDK, with aiohttp"


def start_sdk(place: Place) -> Contestant:
    """With the HTTP client that comes with the SDK."""
    return _start(place, SDK, "bench-sdk", "sdk.py", "mcp", "httpx2")


def start_sdk_with_aiohttp(place: Place) -> Contestant:
    return _start(place, SDK_AIOHTTP, "bench-sdk", "sdk.py", "mcp", "aiohttp")


def start_fastmcp(place: Place) -> Contestant:
    return _start(place, "FastMCP, from_openapi", "bench-fastmcp", "fastmcp_openapi.py", "fastmcp")


def _start(place: Place, name: str, environment: str, program: str, package: str, *words: str) -> Contestant:
    python = python_env(environment)
    facts, port = write_facts(place), free_port()
    running = start([python, _PEERS / program, facts, str(port), *words], place.folder, package)
    wait_until_it_answers(running, f"http://127.0.0.1:{port}/")
    return Contestant(name, version_of(python, package), running, mcp_requests(port, "/mcp"), is_slow=True)


def version_of(python: Path, package: str) -> str:
    code = f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
