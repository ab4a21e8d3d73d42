"""Commands run in this process, against a gateway that is served over a socket."""

import json
import os
from collections.abc import Callable, Generator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from portico.cli.main import run
from tests.served import Served, asked, served


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.out.splitlines()]


Command = Callable[..., Ran]


@pytest.fixture(scope="session")
def _house(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with served(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture
def house(_house: Served) -> Served:
    """The gateway with one account, over a sandbox that has forgotten everything."""
    _house.world.reset()
    for account in asked(_house, "GET", "/integrated-account").json["result"]:
        if account["id"] != _house.account_id:
            asked(_house, "DELETE", f"/integrated-account/{account['id']}")
    return _house


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A command on a machine where nothing has been said to it yet."""
    for name in ("PORTICO_URL", "PORTICO_TOKEN", "PORTICO_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)

    def command(*words: str) -> Ran:
        capsys.readouterr()
        code = run(words)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return command


@pytest.fixture
def portico(bare: Command, house: Served, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A command that knows the gateway and has a token with every scope."""
    monkeypatch.setenv("PORTICO_URL", house.url)
    monkeypatch.setenv("PORTICO_TOKEN", house.token)
    return bare


@pytest.fixture
def done(portico: Command) -> Command:
    """A command that must succeed."""

    def command(*words: str) -> Ran:
        ran = portico(*words)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran

    return command


def set_up(patched: pytest.MonkeyPatch, folder: Path) -> Path:
    """A data folder of its own, and nothing else set."""
    for name in [name for name in os.environ if name.startswith(("PORTICO_", "OTEL_"))]:
        patched.delenv(name)
    patched.setenv("PORTICO_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return set_up(monkeypatch, tmp_path / "data")


@pytest.fixture(scope="module")
def once_used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(StringIO()):
        folder = set_up(patched, tmp_path_factory.mktemp("once") / "data")
        assert run(("users", "create", "ada", "--role", "owner")) == 0
    return folder


@pytest.fixture
def used(computer: Path, once_used: Path) -> Path:
    """One on which Portico has been started before."""
    return copytree(once_used, computer)  # to make one takes longer than to look at it
