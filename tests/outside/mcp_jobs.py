"""What every client is asked to do, and what must come of it, whichever client it is."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.outside.mcp_house import House

CLIENTS = Path(__file__).parent / "clients"
RUN_SECONDS = 60.0
READ, WRITE, ERROR, LARGE = (
    "list_all_openai_models",
    "create_a_openai_vector_store",
    "get_single_openai_file_by_id",
    "list_all_openai_users",
)
NAMES = {READ, WRITE, ERROR, LARGE}
RESULT_LIMIT = 2000
Json = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One server with four tools: one that reads, one that changes, one that will fail, one with too much to tell."""

    house: House
    url: str

    def asked(self, client: str) -> Json:
        return {
            "url": self.url,
            "read": [READ, {"fields": ["id"]}],
            "write": [WRITE, {"name": f"made by {client}"}],
            "error": [ERROR, {"id": "file-that-is-not-there"}],
            "large": [LARGE, {"limit": 100}],
        }

    def check(self, client: str, found: Json) -> None:
        """The tools are all there, and each result says what the model needs."""
        assert set(found["tools"]) == NAMES
        read, write, error, large = found["results"]
        assert (read[0], "gpt-4o" in read[1]) == (False, True), read
        assert (write[0], f"made by {client}" in write[1]) == (False, True), write
        assert (error[0], f"Take id from {'list_all_openai_files'}" in error[1]) == (True, True), error
        assert (large[0], "items fit" in large[1]) == (False, True), large
        assert len(large[1]) < 2 * RESULT_LIMIT + 200
        self.check_written(client)

    def check_written(self, client: str) -> None:
        """What was written is there, and the log names the client's call."""
        path = f"/proxy/vector_stores?integrated_account_id={self.house.account_id}&limit=100"
        assert f"made by {client}" in {each["name"] for each in self.house.ask("GET", path)["result"]}


def job_in(house: House) -> Job:
    made = house.server("clients", methods=sorted(NAMES), tool_exposure="all", result_limit=RESULT_LIMIT)
    return Job(house, made["url"])


def run(command: list[str], folder: Path, **environment: str) -> str:
    """The program's standard output; what it says otherwise where it fails. Nothing of ours leaks into it."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PORTICO_", "PYTHON", "OPENAI"))}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=RUN_SECONDS, check=False,
        stdin=subprocess.DEVNULL, env=known | environment,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def run_json(command: list[str], folder: Path, **environment: str) -> Any:
    return json.loads(run(command, folder, **environment))
