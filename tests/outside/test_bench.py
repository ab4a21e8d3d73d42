"""The bench runs: what it measures is judged by people, not here."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.outside, pytest.mark.timeout(120)]
ROOT = Path(__file__).parents[2]


def test_a_quick_run_measures_every_face_of_portico() -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--only", "list, 2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "NOT MEASURED" not in done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith("| ")]
    measured = {(row[1].strip(), row[2].strip()) for row in rows if len(row) == 9}
    assert {
        ("GET list, 2 kB", "direct"),
        ("GET list, 2 kB", "Portico, Proxy API"),
        ("GET list, 2 kB", "Portico, passthrough"),
        ("tools/list, 2025-11-25", "Portico, MCP"),
        ("tools/list, 2026-07-28", "Portico, MCP"),
    } <= measured


def test_an_unknown_case_is_refused_with_the_names_of_those_there_are() -> None:
    command = [sys.executable, "-m", "bench", "--only", "nonsense"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "GET list, 2 kB" in done.stderr
