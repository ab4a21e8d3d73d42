"""`portico unified`: reading and changing what is the same for every vendor."""

import json

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
