"""`portico doctor`: what is wrong on this machine, and how to mend it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command, Ran
from tests.stage import MASTER_KEY

KEY = "PORTICO_MASTER_KEY"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of its own, and nothing set."""
    for name in (KEY, "PORTICO_MASTER_KEY_FILE", "PORTICO_DATABASE_URL", "PORTICO_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "data"
    monkeypatch.setenv("PORTICO_DATA_DIR", str(folder))
    return folder


def found(ran: Ran) -> dict[str, tuple[bool, str]]:
    """What was looked at → whether it is well, and how it is mended."""
    return {each["what"]: (each["is_well"], each["mend"]) for each in ran.json}


def test_a_new_machine_is_well(bare: Command, machine: Path) -> None:
    ran = bare("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert {row[0] for row in ran.rows} == {"ok"}
    seen = found(bare("doctor", "--json"))
    assert set(seen) >= {"Python", "SQLite library", "data folder", "free space", "root key", "database", "public URL"}
    assert all(is_well for is_well, _ in seen.values())


def test_a_key_that_others_can_read_is_found(bare: Command, machine: Path) -> None:
    assert bare("doctor").code == 0
    (machine / "master.key").chmod(0o644)
    ran = bare("doctor", "--json")
    assert ran.code == 1
    assert found(ran)["root key"] == (False, f"chmod 600 {machine / 'master.key'}")


def test_a_lost_key_is_found(bare: Command, machine: Path) -> None:
    assert bare("doctor").code == 0
    (machine / "master.key").unlink()
    ran = bare("doctor")
    assert ran.code == 1
    assert next(row for row in ran.rows if row[1] == "database")[0] == "WRONG"


def test_another_key_is_found(bare: Command, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bare("doctor").code == 0
    monkeypatch.setenv(KEY, MASTER_KEY)
    is_well, mend = found(bare("doctor", "--json"))["database"]
    assert not is_well
    assert mend
    assert MASTER_KEY not in mend


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("PORTICO_DATA_DIR", "/proc/no-such-place", "data folder"),
        ("PORTICO_PUBLIC_URL", "http://portico.example", "public URL"),
        ("PORTICO_ALLOWED_BASE_URLS", "example.com", "base URLs"),
        ("PORTICO_LOG_LEVEL", "loud", "settings"),
    ],
)
def test_a_setting_that_cannot_work_is_found(
    bare: Command, machine: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    monkeypatch.setenv(name, value)
    ran = bare("doctor", "--json")
    assert ran.code == 1
    is_well, mend = found(ran)[what]
    assert not is_well
    assert mend
