"""`portico unified`: reading and changing what is the same for every vendor."""

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Command


def test_models_are_listed(done: Command) -> None:
    rows = {(row[0], row[1]): row[2] for row in done("unified", "models").rows}
    assert rows["usage-metering", "usage"] == "list"
    assert "assign_role" in rows["user-directory", "users"]
    assert {each["model"] for each in done("unified", "models", "--json").json["result"]} == {key[0] for key in rows}


def test_records_are_listed_and_shown_without_the_vendors_own(portico: Command, done: Command) -> None:
    for number in range(3):
        done("unified", "call", "user-directory", "workspaces", "create", f"name=P{number}")
    ran = portico("unified", "list", "user-directory", "workspaces", "limit=2", "sort_by=-name")
    assert (ran.code, [row[1] for row in ran.rows]) == (0, ["P2", "P1"])
    assert ran.err.startswith("More: add next_cursor=")
    shown = done("unified", "get", "user-directory", "workspaces", ran.rows[0][0]).out
    assert "P2" in shown
    assert "remote_data" not in shown
    alone = json.loads(done("unified", "get", "user-directory", "workspaces", ran.rows[0][0], "--json").out)
    assert alone["remote_data"]["name"] == "P2"


def test_methods_change_things(done: Command) -> None:
    made = done("unified", "call", "user-directory", "groups", "create", "name=Crew", "--json").json
    changed = done("unified", "call", "user-directory", "groups", "update", f"id={made['id']}", "name=Choir", "--json")
    assert changed.json["name"] == "Choir"
    done("unified", "call", "user-directory", "groups", "delete", f"id={made['id']}")
    assert done("unified", "list", "user-directory", "groups", "--json").json["result"] == []


def test_what_cannot_be_asked_says_so(portico: Command) -> None:
    ran = portico("unified", "list", "user-directory", "groups", "colour=blue")
    assert (ran.code, ran.out) == (1, "")
    assert "colour: is not taken here" in ran.err


def test_an_override_is_tried_changed_compared_and_rolled_back(portico: Command, done: Command, tmp_path: Path) -> None:
    def written(**fields: str | None) -> str:
        override = {"user-directory": {"users": {"every": {"response_mapping": fields}}}}
        (tmp_path / "override.json").write_text(json.dumps(override))
        return str(tmp_path / "override.json")

    def owner(field: str) -> Any:
        return done("unified", "list", "user-directory", "users", "limit=1", "--json").json["result"][0].get(field)

    file = written(is_owner='response.role = "owner"', name=None)
    tried = done("unified", "test", "user-directory", "users", file, "limit=1").rows
    assert [(row[1], row[2]) for row in tried] == [("name", "removed"), ("is_owner", "added")]
    assert owner("is_owner") is None
    for level in ((), ("--integration", "openai")):
        before = portico("unified", "versions", *level).rows
        done("unified", "change", file, *level)
        assert (owner("is_owner"), owner("name")) == (True, None)
        assert json.loads(Path(file).read_text()) == done("unified", "override", *level).json
        rows = done("unified", "versions", *level).rows
        assert len(rows) == len(before) + 1
        assert [row[1] for row in done("unified", "difference", *level).rows] == ["added"]
        assert "counts now, put back from version 0." in done("unified", "restore", "0", *level).out
        assert done("unified", "versions", *level).rows[0][-1] == "0"
        assert owner("is_owner") is None
        assert done("unified", "override", "--version", rows[0][0], *level).json == json.loads(Path(file).read_text())


def test_an_override_that_cannot_be_used_or_read_says_so(portico: Command, tmp_path: Path) -> None:
    file = tmp_path / "override.json"
    for content, words in (
        ("{", "is not JSON"), ("[]", "is no JSON object"), ('{"shoes": {}}', "override.shoes: is not a unified model"),
    ):  # fmt: skip
        file.write_text(content)
        ran = portico("unified", "test", "user-directory", "users", str(file))
        assert (ran.code, words in ran.err) == (1, True), ran.err
    file.write_text('{"user-directory": {"users": {"every": {"response_mapping": {"a": "$error(\\"no such\\")"}}}}}')
    ran = portico("unified", "test", "user-directory", "users", str(file))
    assert (ran.code, "no such" in ran.err) == (1, True), ran.err
    assert "cannot be read" in portico("unified", "change", str(tmp_path / "none.json")).err
    ran = portico("unified", "versions", "--integration", "nothing")
    assert "is not installed here; installed: openai" in ran.err
    assert "not both" in portico("unified", "versions", "--integration", "openai", "--account", "a").err
    assert "There is no version 9999" in portico("unified", "restore", "9999").err
