"""A gateway that is killed in the middle of its work: what it said yes to is there, and nothing is there by half."""

import asyncio
import random
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from portico.model.account import EnvironmentId
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.store.audit import Audit
from portico.store.engines import open_database
from portico.store.operators import Operators
from tests.conftest import MASTER_KEY
from tests.outside.writers import HOOK, Said, Writer
from tests.programs import gateway
from tests.size import IS_FULL, dice

pytestmark = [pytest.mark.outside, pytest.mark.chaos, pytest.mark.timeout(600)]

KILLS = 25 if IS_FULL else 1
TOKEN = "ptc_bootstrap_for_tests_0123456789abcdef"
WRITERS = 4
LONGEST_SECONDS = 2.0
TABLES = ("accounts", "api_tokens", "webhooks", "servers")


def test_what_was_acknowledged_survives_a_kill(url: str, tmp_path: Path) -> None:
    chance, said, world = dice(), Said(), World()
    with running(world) as sandbox_url:
        environment = {
            "PORTICO_DATA_DIR": str(tmp_path),
            "PORTICO_DATABASE_URL": url if url.startswith("postgres") else "",
            "PORTICO_MASTER_KEY": MASTER_KEY,
            "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
            "PORTICO_VENDOR_BASE_URLS": f"openai={sandbox_url}/v1",
            "PORTICO_ALLOWED_WEBHOOK_URLS": HOOK.rpartition("/")[0],
            "PORTICO_LOG_LEVEL": "error",
        }
        account_id = ""
        for turn in range(KILLS + 1):
            with gateway(environment) as (process, address):
                account_id = account_id or _connected(address)
                found = Writer(address, TOKEN, account_id, f"look{turn}", said)
                _all_is_there(found, said, world)
                found.make_room()
                if turn < KILLS:
                    _kill_while_writing(process, address, account_id, chance, said, turn)
    assert said.made
    asyncio.run(_is_whole(url, tmp_path, said))


def _kill_while_writing(
    process: "subprocess.Popen[str]", address: str, account_id: str, chance: random.Random, said: Said, turn: int
) -> None:
    before = len(said.made)
    threads = [Writer(address, TOKEN, account_id, f"w{turn}-{n}", said).start() for n in range(WRITERS)]
    while len(said.made) < before + WRITERS:  # they are at it
        assert not said.problems, said.problems
        time.sleep(0.01)
    time.sleep(chance.uniform(0, LONGEST_SECONDS))
    process.kill()
    for thread in threads:
        thread.join(10)
    assert said.problems == []


def _connected(address: str) -> str:
    """An account, connected over the wire."""
    writer = Writer(address, TOKEN, "", "", Said())
    body = {
        "tenant_id": "acme",
        "integration": "openai",
        "context": {"api_key": "sk-proj-acme", "admin_key": "sk-admin-acme"},
    }
    return writer.ask("POST", "/integrated-account", body, 201)["id"]


def _all_is_there(look: Writer, said: Said, world: World) -> None:
    for path, fields in said.made.items():
        got = look.look(path)
        assert got.status == 200, f"{path} was acknowledged and is gone: {got.content!r}"
        assert {name: got.json[name] for name in fields} == fields, path
    for path in said.gone:
        assert look.look(path).status == 404, f"{path} was deleted and is back"
    for token in said.tokens:
        assert Writer(look.url, token, look.account_id, "", said).look("/integrated-account").status == 200
    for key, answer in said.calls.items():
        assert look.once(key, key).content == answer, f"{key} is answered differently"
    names = Counter(project.name for project in world.organization("acme").projects.values())
    assert all(names[key] == 1 for key in said.calls), "a call acted twice"


async def _is_whole(url: str, folder: Path, said: Said) -> None:
    """Each thing with the entry that was written in its transaction, and the chain of entries unbroken."""
    database = await open_database(url, folder)
    try:
        environment = await Operators(database).first_environment()
        assert environment is not None
        audit = Audit(database)
        assert await audit.first_broken(EnvironmentId(environment.id)) is None
        entries = await audit.page(EnvironmentId(environment.id), 1 << 62, 1_000_000)
    finally:
        await database.close()
    created = {entry.target for entry in entries if entry.act.endswith(".created")}
    assert {path.rpartition("/")[2] for path in said.made} <= created
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as opened:
            assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            kept = {row[0] for table in TABLES for row in opened.execute(f"SELECT id FROM {table}")}
        deleted = {entry.target for entry in entries if entry.act.endswith(".deleted")}
        assert created - deleted >= kept, "something is there without its entry"
