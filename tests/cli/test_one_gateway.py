"""One data folder has one gateway; commands beside it go on, and one that was killed blocks nobody."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from portico.errors import Unavailable
from portico.store.claim import Taken, claimed
from tests.programs import SECONDS, environment_of, gateway, line_of, started


def ran(environment: dict[str, str], *words: str) -> tuple[int, str]:
    """Its exit code and what it said on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "portico", *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env=environment_of(environment),
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_gateway_on_a_folder_is_refused_until_the_first_is_gone(tmp_path: Path, workers: str) -> None:
    folder = tmp_path / "data"
    environment = {"PORTICO_DATA_DIR": str(folder), "PORTICO_LOG_LEVEL": "error"}
    with gateway(environment, "--workers", workers) as (process, _):
        told = f"Another gateway (process {process.pid}) is already serving from {folder}: stop that one, name"
        code, said = ran(environment, "serve", "--port", "0")
        assert (code, said.startswith(told), said.count("\n")) == (1, True, 1), said
        if workers == "1":
            code, said = ran(environment, "demo", "--port", "0", "--data", str(folder))
            assert (code, said.startswith(told), said.count("\n")) == (1, True, 1), said
            other_commands_go_on(environment, process.pid, tmp_path / "file")
        process.kill()
        process.wait()
        with gateway(environment) as (again, _):
            assert again.poll() is None


def other_commands_go_on(environment: dict[str, str], serving: int, file: Path) -> None:
    """All but the one that would take the database away from under it."""
    assert ran(environment, "users", "create", "ada", "--role", "owner") == (0, "")
    assert ran(environment, "backup", str(file))[0] == 0
    code, said = ran(environment, "restore", str(file), "--replace")
    told = f"(process {serving}) is already serving from {environment['PORTICO_DATA_DIR']}: stop that first."
    assert (code, told in said, said.count("\n")) == (1, True, 1)


@pytest.mark.parametrize("shared", [{}, {"PORTICO_DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"}])
def test_a_restore_without_any_key_says_which_one_it_needs(tmp_path: Path, shared: dict[str, str]) -> None:
    """Not that this folder's own key is gone, nor that a new one will do."""
    here, there, file = str(tmp_path / "here"), str(tmp_path / "there"), tmp_path / "file"
    with gateway({"PORTICO_DATA_DIR": here, "PORTICO_LOG_LEVEL": "error"}):
        assert ran({"PORTICO_DATA_DIR": here}, "backup", str(file))[0] == 0
    code, said = ran({"PORTICO_DATA_DIR": there} | shared, "restore", str(file))
    place = "." if shared else f", or as the file {there}/master.key."
    told = rf"This backup was made under the root key local:\w+, and there is no root key here.*{re.escape(place)}\n"
    assert (code, bool(re.fullmatch(told, said))) == (1, True), said


def test_a_gateway_that_logs_json_says_nothing_else_there(tmp_path: Path) -> None:
    with started(
        "serve", "--port", "0", environment={"PORTICO_DATA_DIR": str(tmp_path), "PORTICO_LOG_FORMAT": "json"}
    ) as process:
        line = json.loads(line_of(process.stderr))
    assert (line["event"], line["url"].startswith("http://127.0.0.1:")) == ("serving", True)


def refused_with(told: str, url: str, folder: Path) -> None:
    with pytest.raises(Taken, match=re.escape(told)), claimed(url, folder, "serve"):
        pass


def test_a_folder_that_a_backup_is_put_into_is_told_as_that(tmp_path: Path) -> None:
    with claimed("", tmp_path, "restore"):
        refused_with("A backup is being put back into ", "", tmp_path)
    with claimed("", tmp_path, "serve"):
        pass


def test_folders_beside_each_other_and_shared_databases_are_nobody_elses_business(tmp_path: Path) -> None:
    with claimed("", tmp_path / "a", "serve"), claimed("", tmp_path / "b", "serve"):
        pass
    with claimed("postgresql://host/d", tmp_path, "serve"), claimed("postgresql://host/d", tmp_path, "serve"):
        pass
    with claimed(f"sqlite:///{tmp_path}/a/portico.db", tmp_path, "serve"):
        refused_with("Another gateway (process ", "", tmp_path / "a")


def test_a_folder_that_is_not_there_is_told_of_the_database_and_not_of_its_lock(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none/portico.db"
    told = f"The database {tmp_path}/none/portico.db cannot be used: No such file or directory."
    with pytest.raises(Unavailable, match=re.escape(told)), claimed(url, tmp_path, "serve"):
        pass
