"""Which test calls which operation, and how: claims in tested_by.json, held against the sandbox's ledger by the tests.

After each test that has claims, the fixtures that lend out a sandbox look whether it did what is claimed of it; so a
claim is true as long as the tests pass. `scripts/tested-by` runs those tests, writes down what they call, and chooses
for every operation a test of each way; a claim that is still true stays.

The ways: `passthrough` is the official SDK through a gateway, `sdk` the official SDK, and `http` bare HTTP, both with
the sandbox itself. Bare HTTP is claimed only where the SDK has no way.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import msgspec
import pytest

from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.sandbox.ledger import Entry
from portico.sandbox.state import World

Way = Literal["passthrough", "sdk", "http"]
Claims = dict[str, dict[Way, str]]
Facts = frozenset[tuple[Way, str]]

ROOT = Path(__file__).parents[2]
FILE = ROOT / "tests" / "catalog" / "tested_by.json"
RECORDING = "PORTICO_TESTED_BY"
_SDK = ("OpenAI/Python", "AsyncOpenAI/Python")
_PREFIX = "/v1/"


@cache
def view() -> View:
    return load_folder(ROOT / "src" / "portico" / "integrations" / "openai" / "catalog")


@cache
def claims() -> Claims:
    return msgspec.json.decode(FILE.read_bytes(), type=Claims)


@cache
def _by_test() -> Mapping[str, Facts]:
    found: dict[str, set[tuple[Way, str]]] = {}
    for operation, tests in claims().items():
        for way, test in tests.items():
            found.setdefault(test, set()).add((way, operation))
    return {test: frozenset(facts) for test, facts in found.items()}


def prove(test: pytest.Item, world: World, *, is_through_gateway: bool = False) -> None:
    """Fails where the test did not call what is claimed of it. Writes down what it called, where that is asked for."""
    if recording := os.environ.get(RECORDING, ""):
        done = called(world.requests, is_through_gateway=is_through_gateway)
        with open(recording, "a", encoding="utf-8") as file:
            file.write(json.dumps([test.nodeid, sorted(done)]) + "\n")
        return
    for name in {test.nodeid, test.nodeid.partition("[")[0]}:
        if claimed := _by_test().get(name):
            check(name, claimed, called(world.requests, is_through_gateway=is_through_gateway))


def check(name: str, claimed: Facts, done: Facts) -> None:
    if lies := sorted(claimed - done):
        told = ", ".join(f"{operation} ({way})" for way, operation in lies)
        pytest.fail(f"tested_by.json claims of {name} what it does not do: {told}; run scripts/tested-by")


def called(entries: Iterable[Entry], *, is_through_gateway: bool) -> Facts:
    """What was called with success."""
    found: set[tuple[Way, str]] = set()
    for each in entries:
        operation = view().by_path(each.verb, each.raw_path.partition("?")[0].removeprefix(_PREFIX))
        if operation is None or not 200 <= each.status < 400:
            continue
        client = next((value for name, value in each.headers if name.lower() == "user-agent"), "")
        is_sdk = client.startswith(_SDK)
        if is_through_gateway and is_sdk:
            found.add(("passthrough", operation.key))
        elif not is_through_gateway:
            found.add(("sdk" if is_sdk else "http", operation.key))
    return frozenset(found)


def choose(lines: Iterable[str], before: Claims) -> Claims:
    """A test for each operation and way: the one before if it still holds, else the one that calls the fewest others.

    What a test with parameters calls is what it calls with each of them; only what nothing else calls is claimed of it
    with some of them.
    """
    runs = {test: frozenset((way, key) for way, key in facts) for test, facts in map(json.loads, lines)}
    whole: dict[str, Facts] = {}
    for test, facts in runs.items():
        name = test.partition("[")[0]
        whole[name] = whole.get(name, facts) & facts
    chosen: Claims = {}
    for key in sorted(each.key for each in view().operations):
        for way in get_args(Way):
            able = _able(whole, way, key) or _able(runs, way, key)
            if not able or (way == "http" and key in chosen):
                continue
            old = before.get(key, {}).get(way, "")
            chosen.setdefault(key, {})[way] = old if old in able else able[0]
    return chosen


def _able(tests: Mapping[str, Facts], way: Way, key: str) -> list[str]:
    """Those that call it, the narrowest first."""
    found = sorted((len(facts), test) for test, facts in tests.items() if (way, key) in facts)
    return [test for _, test in found]


def main(arguments: list[str]) -> int:
    before = claims() if FILE.exists() else {}
    chosen = choose(Path(arguments[0]).read_text("utf-8").splitlines(), before)
    FILE.write_text(json.dumps(chosen, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
