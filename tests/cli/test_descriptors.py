"""A shell gives a thousand open files; a server takes what the machine allows, for each call needs two."""

import resource
import subprocess
import sys

import pytest

TOLD = """
import resource
from portico.cli.serve import run

async def tell() -> int:
    print(*resource.getrlimit(resource.RLIMIT_NOFILE))
    return 0

run(tell())
"""


def told(soft: int, hard: int) -> list[int]:
    """What a server ends up with that a shell with these limits starts."""
    script = f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$0" -c "$1"'
    ran = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable, TOLD], capture_output=True, text=True, check=True, timeout=30
    )
    return [int(each) for each in ran.stdout.split()]


@pytest.mark.parametrize("soft", [256, 1000])
def test_a_server_may_open_what_the_machine_allows(soft: int) -> None:
    hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 3000)
    assert told(soft, hard) == [hard, hard]


def test_a_limit_that_is_as_high_as_allowed_stays() -> None:
    assert told(700, 700) == [700, 700]
