"""Programs pinned to a core, and what the operating system says about their time and memory (Linux's /proc)."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CPUS = sorted(os.sched_getaffinity(0))
# The program under test has the last core to itself; load and vendor share what is left.
PROGRAM_CPUS = {CPUS[-1]}
LOAD_CPUS = set(CPUS[:-1] or CPUS)
START_SECONDS = 120
STOP_SECONDS = 15


_started: list["Running"] = []


class DidNotStart(Exception):
    """A program that should be measured does not run here, with its own last words."""


@dataclass(frozen=True)
class Running:
    """A program and everything that it started."""

    process: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """Time on a core since the start, all threads and children together, exact to microseconds."""
        return sum(_nanoseconds(each) for each in self._family()) / 1e9

    def memory_bytes(self) -> int:
        return sum(_status(each, "RssAnon") for each in self._family()) * 1024

    def last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return " | ".join(lines[-3:]) or "it said nothing"

    def stop(self) -> None:
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _family(self) -> list[int]:
        found = [self.process.pid]
        parents = _parents()
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found


def _parents() -> dict[int, int]:
    """Every process's parent."""
    stats = {path.parent.name: _text(path) for path in Path("/proc").glob("[0-9]*/stat")}
    return {int(pid): int(stat.rpartition(")")[2].split()[1]) for pid, stat in stats.items() if stat}


def _nanoseconds(pid: int) -> int:
    return sum(int(_text(path).split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat") if _text(path))


def _status(pid: int, name: str) -> int:
    line = next((each for each in _text(Path(f"/proc/{pid}/status")).splitlines() if each.startswith(name)), "")
    return int(line.split()[1]) if line else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has just ended
        return ""


def start(
    command: Sequence[str | Path],
    folder: Path,
    name: str,
    *,
    cpus: set[int] = PROGRAM_CPUS,
    environment: Mapping[str, str] | None = None,
) -> Running:
    """Start a program on these cores; its words go to a file in the folder."""
    log = folder / f"{name}.log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", ",".join(map(str, sorted(cpus))), *command],
            stdout=words,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    running = Running(process, log)
    _started.append(running)
    return running


def stop_all() -> None:
    """Whatever was started here, the last first."""
    while _started:
        _started.pop().stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(running: Running, url: str, headers: Mapping[str, str] | None = None) -> None:
    """Returns as soon as the address answers anything at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            break
        try:
            urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    words = running.last_words()
    running.stop()
    raise DidNotStart(f"it does not answer at {url}: {words}")
