"""`portico doctor`: the likeliest mistakes, each made here on purpose, found, and told how to mend."""

import os
import resource
import threading
from collections.abc import Callable, Generator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec import structs

from portico.cli.looks import installation, machine
from portico.clock import now
from portico.settings import Settings
from portico.store.claim import claimed
from portico.store.survey import Survey
from tests.cli.conftest import Command, Ran
from tests.served import Served
from tests.stage import MASTER_KEY

KEY = "PORTICO_MASTER_KEY"
Found = tuple[bool, str, str]


def read(ran: Ran) -> dict[str, Found]:
    """What was looked at → whether it is well, what was found, how it is mended."""
    return {each["what"]: (each["is_well"], each["found"], each["mend"]) for each in ran.json}


def sick(ran: Ran) -> dict[str, Found]:
    assert (ran.code == 1) == any(not each["is_well"] for each in ran.json)
    return {what: found for what, found in read(ran).items() if not found[0]}


def change(folder: Path, sql: str, *values: Any) -> None:
    connection: Any = apsw.Connection(str(folder / "portico.db"))
    connection.execute(sql, values)
    connection.close()


def test_a_new_machine_is_well_and_stays_as_it_is(bare: Command, computer: Path) -> None:
    ran = bare("doctor", "--offline")
    assert (ran.code, ran.err) == (0, "")
    assert {row[0] for row in ran.rows} == {"ok"}
    seen = read(bare("doctor", "--offline", "--json"))
    assert seen["database"][1] == "SQLite, will be made on the first start"
    assert not computer.exists()


def test_a_used_one_is_well_and_told_to_keep_a_copy_of_its_key(bare: Command, used: Path) -> None:
    ran = bare("doctor", "--offline", "--json")
    assert sick(ran) == {}
    assert "Keep a copy" in read(ran)["root key"][2]
    assert read(ran)["serving"][2] == "Start it with `portico serve`."


def test_a_misspelt_variable_is_found(bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_DATABSE_URL", "postgresql://u:canary@h/d")
    monkeypatch.setenv("PORTICO_URL", "http://127.0.0.1:1")
    ran = bare("doctor", "--offline", "--json")
    assert sick(ran) == {
        "variables": (
            False, "PORTICO_DATABSE_URL", "PORTICO_DATABSE_URL is no setting: did you mean PORTICO_DATABASE_URL?",
        )
    }  # fmt: skip
    assert "canary" not in ran.out


def test_a_key_that_others_can_read_is_found(bare: Command, used: Path) -> None:
    (used / "master.key").chmod(0o644)
    assert sick(bare("doctor", "--offline", "--json"))["root key"][2] == f"chmod 600 {used / 'master.key'}"


def test_a_lost_key_is_found(bare: Command, used: Path) -> None:
    (used / "master.key").unlink()
    assert "put it back" in sick(bare("doctor", "--offline", "--json"))["database"][2]
    assert not (used / "master.key").exists()


@pytest.mark.parametrize(("given", "what"), [(MASTER_KEY, "database"), ("short", "root key")])
def test_a_key_that_is_another_or_none_is_found(
    bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch, given: str, what: str
) -> None:
    monkeypatch.setenv(KEY, given)
    ran = bare("doctor", "--offline", "--json")
    assert sick(ran)[what][2]
    assert given not in ran.out


@pytest.mark.parametrize(
    ("name", "value", "what", "mend"),
    [
        ("PORTICO_DATA_DIR", "/proc/no-such-place", "data folder", "PORTICO_DATA_DIR"),
        ("PORTICO_PUBLIC_URL", "http://portico.example", "public URL", "https"),
        ("PORTICO_PUBLIC_URL", "https://portico.example/behind", "public URL", "after the host"),
        ("PORTICO_PUBLIC_URL", "portico.example", "settings", "Correct"),
        ("PORTICO_ALLOWED_BASE_URLS", "example.com", "settings", "Correct"),
        ("PORTICO_LOG_LEVEL", "loud", "settings", "Correct"),
        ("PORTICO_VAULT_TOKEN", "canary", "settings without effect", "PORTICO_VAULT_URL"),
        ("PORTICO_OIDC_CLIENT_ID", "portico", "settings without effect", "PORTICO_OIDC_ISSUER"),
        ("PORTICO_BOOTSTRAP_TOKEN", "canary", "bootstrap token", "openssl rand"),
        ("PORTICO_VAULT_URL", "https://vault.example", "root key", "PORTICO_VAULT_TOKEN"),
        ("PORTICO_DATABASE_URL", "postgresql://u:canary@127.0.0.1:9/d", "database", "PORTICO_DATABASE_URL"),
    ],
)
def test_a_setting_that_cannot_work_is_found(
    bare: Command, computer: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str, mend: str
) -> None:
    monkeypatch.setattr("portico.store.postgres.CONNECT_SECONDS", 0.2)
    monkeypatch.setenv(name, value)
    ran = bare("doctor", "--offline", "--json")
    assert mend in sick(ran)[what][2]
    assert "canary" not in ran.out


def test_a_database_of_a_newer_portico_is_found_and_left_alone(bare: Command, used: Path) -> None:
    change(used, "INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 0)")
    is_well, found, mend = read(bare("doctor", "--offline", "--json"))["database"]
    assert not is_well
    assert "9999" in found
    assert "newer" in mend


def test_a_database_of_an_older_portico_is_not_changed_by_looking(bare: Command, used: Path) -> None:
    change(used, "DELETE FROM schema_migrations WHERE number > 9")
    is_well, found, mend = read(bare("doctor", "--offline", "--json"))["database"]
    assert is_well
    assert "schema 9" in found
    assert "backup" in mend


def test_a_database_that_was_deleted_under_a_gateway_is_found(bare: Command, used: Path) -> None:
    (used / "portico.db").unlink()
    assert sick(bare("doctor", "--offline", "--json")) == {}
    with claimed("", used, "serve"):
        is_well, found, mend = read(bare("doctor", "--offline", "--json"))["database"]
    assert (is_well, f"process {os.getpid()}" in found) == (False, True)
    assert "Do not start anew" in mend


def test_damage_inside_the_database_is_found(bare: Command, used: Path) -> None:
    change(used, "PRAGMA wal_checkpoint(TRUNCATE)")
    connection: Any = apsw.Connection(str(used / "portico.db"))
    [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'requests'").fetchall()
    connection.close()
    with (used / "portico.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\x55" * 4096)
    found = sick(bare("doctor", "--offline", "--json"))["database's file"]
    assert "portico restore" in found[2]


def test_refused_accounts_late_jobs_and_ended_webhooks_are_found(bare: Command, used: Path) -> None:
    environment = "SELECT id FROM environments LIMIT 1"
    change(used, f"INSERT INTO jobs VALUES ('j', ({environment}), 'recheck', 's', '', 1, 0, 0, 0)")
    columns = "id, environment_id, target_url, event_types, is_active, sealed, disabled_reason, created_by, created_at"
    values = f"'w', ({environment}), 'https://x', '[]', 0, x'00', 'gone', 'a', 1"
    change(used, f"INSERT INTO webhooks ({columns}, updated_at) VALUES ({values}, 1)")
    seen = sick(bare("doctor", "--offline", "--json"))
    assert seen["jobs"][1:] == (
        "1 should have been taken up five minutes ago",
        "Nobody takes them: start `portico serve`.",
    )
    assert "1 were given up" in seen["webhooks"][1]
    found = installation._accounts({"active": 5, "needs_reauth": 2})  # pyright: ignore[reportPrivateUsage] -- needs no account
    assert (found.is_well, found.found) == (False, "2 needs_reauth of 7")


def test_machines_that_share_an_sqlite_file_are_found(bare: Command, used: Path) -> None:
    for number, host in enumerate(("one:1", "two:1")):
        change(used, "INSERT INTO replicas VALUES (?, ?, '1', '[]', 0, 99999999999999)", str(number), host)
    assert "PostgreSQL" in sick(bare("doctor", "--offline", "--json"))["serving"][2]


def test_more_processes_than_postgresql_has_connections_for_are_found() -> None:
    assert installation.crowd(12, 97).is_well
    found = installation.crowd(13, 97)
    assert (found.is_well, found.found) == (False, "97 for all clients; 13 processes may take 104")


def test_a_network_file_system_is_found_under_sqlite_alone(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    folder = tmp_path / "data"
    assert not machine.folder(Settings(data_dir=folder), mounts).is_well
    assert machine.folder(Settings(data_dir=folder, database_url="postgresql://h/d"), mounts).is_well
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\n")
    assert machine.folder(Settings(data_dir=folder), mounts).is_well


def test_few_open_files_are_found(bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is what a server may raise its limit to."""

    def limited(hard: int) -> None:
        monkeypatch.setattr(resource, "getrlimit", {resource.RLIMIT_NOFILE: (1024, hard)}.__getitem__)

    limited(524288)
    assert read(bare("doctor", "--offline", "--json"))["open files"][:2] == (True, "at most 65536")
    limited(resource.RLIM_INFINITY)
    assert read(bare("doctor", "--offline", "--json"))["open files"][:2] == (True, "at most 10240")
    limited(2048)
    found = sick(bare("doctor", "--offline", "--json"))["open files"]
    assert "at most 2048" in found[1]
    assert "LimitNOFILE" in found[2]


def test_a_full_disk_is_found(bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 1 << 62)
    assert "free space" in sick(bare("doctor", "--offline", "--json"))


def test_traces_that_cannot_be_made_are_found(bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert sick(bare("doctor", "--offline", "--json")) == {}
    monkeypatch.setattr("portico.gateway.tracing.PACKAGES", ("no_such_package.at_all",))
    assert "portico-gateway[tracing]" in sick(bare("doctor", "--offline", "--json"))["traces"][2]


@pytest.mark.parametrize(
    ("name", "value", "what", "mend"),
    [
        ("PORTICO_PORT", "8000", "variables", "serve --port"),
        ("OTEL_EXPORTER_OTLP_ENPOINT", "http://c:4318", "variables", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("PORTICO_LOG_BODY_DAYS", "60", "settings without effect", "PORTICO_LOG_DAYS"),
        ("PORTICO_DATABASE_URL", "sqlite:////none/of/it.db", "database", "Make it"),
    ],
)
def test_what_would_do_nothing_or_never_start_is_found(
    bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str, mend: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://is-some-other-variable:4318")
    monkeypatch.setenv(name, value)
    assert mend in sick(bare("doctor", "--offline", "--json"))[what][2]


def test_a_folder_that_is_not_there_yet_is_left_to_whom_it_will_belong(
    bare: Command, computer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made here, it would be root's where `sudo portico doctor` looks before the first start of a service."""
    monkeypatch.setenv("PORTICO_LOG_DAYS", "3")
    assert sick(bare("doctor", "--offline", "--json")) == {}
    assert not computer.exists()
    (computer.parent / "file").write_text("")
    monkeypatch.setenv("PORTICO_DATA_DIR", str(computer.parent / "file" / "data"))
    assert "Not a directory" in sick(bare("doctor", "--offline", "--json"))["data folder"][1]


def test_two_root_keys_of_which_one_does_nothing_are_found(
    bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, (used / "master.key").read_text().strip())
    monkeypatch.setenv("PORTICO_MASTER_KEY_FILE", str(used / "master.key"))
    assert "goes first" in sick(bare("doctor", "--offline", "--json"))["settings without effect"][2]


def test_what_may_be_meant_is_said_as_advice(bare: Command, used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTICO_PUBLIC_URL", "https://portico.example")
    monkeypatch.setenv("PORTICO_VENDOR_BASE_URLS", "opanai=http://127.0.0.1:1/v1")
    ran = bare("doctor", "--offline", "--json")
    assert sick(ran) == {}
    assert "PORTICO_TRUSTED_PROXIES" in read(ran)["reverse proxies"][2]
    assert "opanai" in read(ran)["base URLs"][2]


def test_traces_that_nobody_would_take_are_found(
    bare: Command, used: Path, house: Served, at_vendor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
    assert "http://" in sick(bare("doctor", "--offline", "--json"))["traces"][2]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert "collector running" in sick(bare("doctor", "--port", "0", "--json"))["traces are taken"][2]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{house.sandbox_url}/nothing-of-the-kind")
    assert "/v1/traces" in sick(bare("doctor", "--port", "0", "--json"))["traces are taken"][2]


@pytest.fixture
def at_vendor(house: Served, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def point(url: str) -> None:
        monkeypatch.setenv("PORTICO_VENDOR_BASE_URLS", f"openai={url}")

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    point(house.direct)
    return point


def test_a_public_address_that_leads_here_and_a_vendor_that_answers_are_well(
    bare: Command, used: Path, house: Served, at_vendor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTICO_PUBLIC_URL", house.url)
    ran = bare("doctor", "--port", "0", "--json")
    assert sick(ran) == {}
    assert read(ran)["public URL leads here"][1] == "yes"
    assert read(ran)["clock"][1] == "right"


def test_a_public_address_that_leads_elsewhere_or_nowhere_is_found(
    bare: Command, used: Path, house: Served, at_vendor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTICO_PUBLIC_URL", house.sandbox_url)
    assert "every path" in sick(bare("doctor", "--json"))["public URL leads here"][2]
    monkeypatch.setenv("PORTICO_PUBLIC_URL", "http://127.0.0.1:9")
    assert "proxy reach it" in sick(bare("doctor", "--json"))["public URL leads here"][2]


def test_a_port_that_another_program_has_is_found_and_ours_is_well(
    bare: Command, used: Path, house: Served, at_vendor: Any
) -> None:
    def port(url: str) -> Found:
        return read(bare("doctor", "--port", url.rpartition(":")[2], "--json"))["port"]

    is_well, found, mend = port(house.sandbox_url)
    assert (is_well, found.endswith("is taken")) == (False, True)
    assert "another --port" in mend
    assert port(house.url)[:2] == (True, f"Portico serves on {house.url.rpartition(':')[2]}")
    assert port("http://127.0.0.1:0")[:2] == (True, "any free one")


def test_a_vendor_that_cannot_be_reached_is_found_and_so_is_the_proxy_that_is_not_used(
    bare: Command, used: Path, at_vendor: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_vendor("http://127.0.0.1:9/v1")
    assert "firewall" in sick(bare("doctor", "--json"))["OpenAI"][2]
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert "HTTPS_PROXY is set, but Portico uses no proxy" in sick(bare("doctor", "--json"))["OpenAI"][2]


class _Late(BaseHTTPRequestHandler):
    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Thu, 01 Jan 2026 00:00:00 GMT"

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def late() -> Generator[str]:
    """Somebody with another idea of the time."""
    server = HTTPServer(("127.0.0.1", 0), _Late)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_clock_that_is_wrong_is_found(bare: Command, used: Path, at_vendor: Callable[[str], None], late: str) -> None:
    at_vendor(late)
    assert "NTP" in sick(bare("doctor", "--json"))["clock"][2]


def test_backup_that_was_never_made_is_said_once_there_is_something_to_lose(
    bare: Command, used: Path, tmp_path: Path
) -> None:
    assert "nothing to lose" in read(bare("doctor", "--offline", "--json"))["backup"][1]
    found = Survey(accounts={"active": 1}, late_jobs=0, ended_webhooks=0, clock=now(), backup_at=None)
    look = installation.backups
    assert (look(found, now()).is_well, "Make one" in look(found, now()).mend) == (True, True)
    assert bare("backup", str(tmp_path / "backup")).code == 0
    assert read(bare("doctor", "--offline", "--json"))["backup"][1:] == ("the last one is of today", "")
    old = look(structs.replace(found, backup_at=now() - timedelta(days=31)), now())
    assert (old.found, "regularly" in old.mend) == ("the last one is 31 days old", True)
