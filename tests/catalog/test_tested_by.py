"""What is claimed of tests in tested_by.json: complete, of tests that exist, and caught where it is not true."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from portico.sandbox.ledger import Entry
from portico.sandbox.state import World
from tests.catalog import tested_by
from tests.catalog.tested_by import ROOT, Claims, Facts, called, check, choose, claims, prove, view

SDK = ("user-agent", "OpenAI/Python 3.52.0")
# Called by their own examples alone: what the SDK has no method for, and no test has needed yet.
EXAMPLES_ALONE: frozenset[str] = frozenset()


def entry(verb: str, path: str, status: int = 200, agent: tuple[str, str] = SDK) -> Entry:
    made = Entry(verb, path, "", [agent])
    made.status = status
    return made


def test_every_operation_is_tested_beyond_its_example() -> None:
    assert {each.key for each in view().operations} - set(claims()) == EXAMPLES_ALONE


def test_claims_are_of_operations_and_tests_that_there_are() -> None:
    assert set(claims()) <= {each.key for each in view().operations}
    claimed = {test for tests in claims().values() for test in tests.values()}
    sources = {file: (ROOT / file).read_text("utf-8") for file in {test.partition("::")[0] for test in claimed}}
    there = {f"{file}::{name}" for file, source in sources.items() for name in _functions(source)}
    for test in sorted(claimed):
        name, _, parameters = test.partition("[")
        assert name in there
        # Which ones there are only pytest could tell; what they are called must at least stand in the file.
        assert all(part in sources[test.partition("::")[0]] for part in parameters.rstrip("]").split("-")), test


def _functions(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name


def test_what_counts_as_called() -> None:
    http = ("user-agent", "curl/8")
    entries = [
        entry("GET", "/v1/models"),
        entry("GET", "/v1/models/gpt-4o", status=404),
        entry("POST", "/v1/files", agent=http),
        entry("GET", "/v1/nothing/of/ours"),
        entry("GET", "/v1/batches?limit=2", status=0),
    ]
    assert called(entries, is_through_gateway=False) == {("sdk", "models.list"), ("http", "files.create")}
    assert called(entries, is_through_gateway=True) == {("passthrough", "models.list")}


def test_a_claim_that_is_not_true_fails_its_test() -> None:
    claimed: Facts = frozenset({("sdk", "models.list"), ("sdk", "models.get")})
    with pytest.raises(pytest.fail.Exception, match=r"models\.get \(sdk\); run scripts/tested-by"):
        check("a.py::test", claimed, frozenset({("sdk", "models.list"), ("http", "models.get")}))
    more: Facts = frozenset({("sdk", "files.list")})
    check("a.py::test", claimed, claimed | more)


def test_a_recording_writes_down_what_was_called(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(tested_by.RECORDING, str(tmp_path / "lines"))
    world = World()
    world.requests.append(entry("GET", "/v1/models"))
    prove(request.node, world)
    chosen = choose((tmp_path / "lines").read_text("utf-8").splitlines(), {})
    assert chosen == {"models.list": {"sdk": request.node.nodeid}}


def test_the_narrowest_test_is_chosen_and_a_true_claim_stays() -> None:
    lines = [
        '["a.py::wide", [["sdk", "models.list"], ["sdk", "files.list"]]]',
        '["a.py::narrow[one]", [["sdk", "models.list"], ["http", "files.get"]]]',
        '["a.py::narrow[two]", [["sdk", "models.list"], ["http", "files.list"]]]',
        '["a.py::bare", [["http", "models.list"], ["http", "files.get"]]]',
        '["a.py::each[one]", [["sdk", "batches.list"], ["sdk", "models.list"]]]',
        '["a.py::each[two]", [["sdk", "batches.get"], ["sdk", "models.list"]]]',
    ]
    fresh: Claims = {
        "batches.get": {"sdk": "a.py::each[two]"},
        "batches.list": {"sdk": "a.py::each[one]"},
        "files.get": {"http": "a.py::bare"},
        "files.list": {"sdk": "a.py::wide"},
        "models.list": {"sdk": "a.py::each"},
    }
    assert choose(lines, {}) == fresh
    before: Claims = {"models.list": {"sdk": "a.py::wide"}, "files.get": {"http": "a.py::gone"}}
    assert choose(lines, before) == fresh | {"models.list": {"sdk": "a.py::wide"}}
