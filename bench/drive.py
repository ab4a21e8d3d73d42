"""Puts load on a program: with wrk where it is installed and the program fast enough, else with our own generator."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from bench.asked import Order, Outcome, Request, encode, read_outcome
from bench.machine import LOAD_CPUS

WRK = shutil.which("wrk")
_PINNED = ["taskset", "--cpu-list", ",".join(map(str, sorted(LOAD_CPUS)))]
_SCRIPT = """
wrk.method = %(verb)s
wrk.body = %(body)s
%(headers)s
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n@@{"answers": %%d, "failed": %%d, "seconds": %%f, "p50": %%f, "p99": %%f}\\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
"""


class Driver:
    """One generator for the whole run, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        command = [*_PINNED, sys.executable, "-m", "bench.load"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
        )

    def __enter__(self) -> "Driver":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def carry_out(self, order: Order, *, is_slow: bool = False) -> Outcome:
        """`is_slow`: every request is waited for, because those that are cut off at the end would count."""
        if WRK and order.kind == "requests" and order.seconds >= 1 and not is_slow:
            return self._wrk(order)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(encode(order) + b"\n")
        self._process.stdin.flush()
        return read_outcome(self._process.stdout.readline())

    def _wrk(self, order: Order) -> Outcome:
        script = self._folder / "wrk.lua"
        script.write_bytes(_lua(order.request))
        url = f"http://127.0.0.1:{order.request.port}{order.request.path}"
        command = [
            *_PINNED,
            WRK or "wrk",
            "-t1",
            f"-c{order.connections}",
            f"-d{order.seconds:.0f}s",
            "-s",
            script,
            url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout.partition("@@")[2])
        return Outcome(**told)


def _lua(request: Request) -> bytes:
    headers = "\n".join(f"wrk.headers[{_quoted(name)}] = {_quoted(value)}" for name, value in request.headers.items())
    values = {
        "verb": _quoted(request.verb),
        "headers": headers,
        "body": _quoted(request.body.decode()) if request.body else "nil",
    }
    return (_SCRIPT % values).encode()


def _quoted(text: str) -> str:
    """A text in Lua, whose escapes are JSON's for everything that is sent here."""
    return json.dumps(text, ensure_ascii=False)
