"""`portico catalog`: what can be done, without any gateway."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portico import clock
from portico.cli.main import run
from tests.cli.conftest import Command

FIELDS = ["resource", "method", "verb", "path", "tool", "key", "effect", "lifecycle"]
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Lumen", "version": "1"},
    "servers": [{"url": "https://api.lumen.example/v2"}],
    "paths": {"/lamps": {"get": {"operationId": "listLamps", "responses": {"200": {"description": "Lamps"}}}}},
}


def test_json_is_an_array_of_the_eight_promised_facts(bare: Command) -> None:
    rows = bare("catalog", "list", "--json").json
    assert len(rows) == 382
    assert {tuple(row) for row in rows} == {tuple(FIELDS)}
    assert {row["verb"] for row in rows} == {"GET", "POST", "DELETE", "PATCH", "PUT"} & {row["verb"] for row in rows}
    assert {row["key"] for row in rows} == {"project_key", "admin_key"}
    assert {row["effect"] for row in rows} == {"read", "write", "destroy"}
    assert {row["lifecycle"] for row in rows} <= {"active", "deprecated", "read_only", "removed"}
    assert len({row["tool"] for row in rows}) == 382
    assert all(isinstance(value, str) and value for row in rows for value in row.values())


def test_a_table_is_filtered(bare: Command) -> None:
    rows = bare("catalog", "list", "--resource", "files").rows
    assert {row[0] for row in rows} == {"files"}
    assert ["files", "list", "GET", "/files", "list_all_openai_files", "project_key", "read", "active"] in rows
    deletes = bare("catalog", "list", "--method", "delete", "--tag", "billing").rows
    assert {row[1] for row in deletes} == {"delete"}
    everything = bare("catalog", "list").rows
    active = bare("catalog", "list", "--active").rows
    assert {row[7] for row in everything} - {row[7] for row in active} == {"removed"}
    ran = bare("catalog", "list", "--resource", "nothing")
    assert (ran.code, ran.out, ran.err) == (0, "", "No operation passes these filters.\n")


def test_states_are_todays(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for day, state in ((29, "deprecated"), (30, "removed")):
        monkeypatch.setattr(clock, "now", lambda day=day: datetime(2026, 11, day, 23, 59, tzinfo=UTC))
        assert ["lifecycle", state] in bare("catalog", "show", "evals.list").rows
        assert bool(bare("catalog", "list", "--resource", "evals", "--active").rows) is (state == "deprecated")


@pytest.mark.parametrize("name", ["list_all_openai_costs", "costs.list", "list_all_open_ai_costs"])
def test_an_operation_is_shown_by_any_of_its_names(bare: Command, name: str) -> None:
    rows = bare("catalog", "show", name).rows
    assert ["tool", "list_all_openai_costs"] in rows
    assert ["start_time", "query", "yes"] in [row[:3] for row in rows]
    shown = bare("catalog", "show", name, "--json").json
    assert (shown["resource"], shown["method"]) == ("costs", "list")


def test_a_resource_is_shown_with_all_that_it_can_do(bare: Command) -> None:
    rows = bare("catalog", "show", "projects").rows
    assert {row[0] for row in rows} == {"projects"}
    assert {row[1] for row in rows} >= {"list", "get", "create", "update", "archive"}
    assert (
        bare("catalog", "show", "projects", "--json").json
        == bare("catalog", "list", "--resource", "projects", "--json").json
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["catalog", "show", "list_all_openai_cost"], "list_all_openai_costs"),
        (["catalog", "list", "--integration", "nobody"], "there are: openai"),
        (["catalog", "new", "lumen", "/no/such/file.json"], "There is no file /no/such/file.json."),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(bare: Command, words: list[str], told: str) -> None:
    ran = bare(*words)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err
    assert ran.err.count("\n") == 1


def test_a_new_vendor_is_begun_once(bare: Command, tmp_path: Path) -> None:
    (tmp_path / "lumen.json").write_text(json.dumps(OPENAPI))
    words = ["catalog", "new", "lumen", str(tmp_path / "lumen.json"), "--folder", str(tmp_path / "lumen")]
    ran = bare(*words)
    assert ran.code == 0
    assert all(Path(line).is_file() for line in ran.out.splitlines())
    again = bare(*words)
    assert again.code == 1
    assert again.err.count("\n") == 1
    assert run([*words, "--force"]) == 0
