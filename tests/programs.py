"""Commands as real programs: started, listened to, stopped or killed."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 40


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """This machine's, with these of our own settings and no others."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTICO_")} | dict(settings)


@contextmanager
def started(*words: str, environment: Mapping[str, str]) -> Generator[subprocess.Popen[str]]:
    """`portico …`, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "portico", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment_of(environment),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(stream: Any) -> str:
    """The next line, waited for with patience."""
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(SECONDS)
    assert lines, "nothing was said in time"
    return lines[0]


@contextmanager
def gateway(environment: Mapping[str, str], *words: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """`portico serve` on a free port, and its address once it is told."""
    with started("serve", "--port", "0", *words, environment=environment) as process:
        said = line_of(process.stderr)
        assert said.startswith("Portico serves at "), said + (process.stderr.read() if process.stderr else "")
        yield process, said.split()[3]


@contextmanager
def speaking(environment: Mapping[str, str], folder: Path) -> Generator[tuple["subprocess.Popen[bytes]", str]]:
    """`portico serve`, its words in files, and its address."""
    command = [sys.executable, "-m", "portico", "serve", "--port", "0"]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
    try:
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r"Portico serves at (\S+)", (folder / "stderr").read_text("utf-8"))):
            said = (folder / "stderr").read_text("utf-8")
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.02)
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
