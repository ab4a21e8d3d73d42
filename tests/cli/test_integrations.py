"""`portico integrations` and `portico files`."""

import json
from urllib.request import urlopen

from tests.cli.conftest import Command
from tests.served import Served, asked, exchanged

NOTES = {
    "name": "notes",
    "category": "productivity",
    "config": {
        "label": "Notes",
        "base_url": "https://api.notes.example/v2",
        "context": {"api_key": {"label": "API key", "secret": True}},
        "credentials": {"key": {"label": "API key", "field": "api_key", "headers": {"X-Api-Key": "{api_key}"}}},
        "resources": {"notes": {"list": {"call": "GET /notes", "says": "All notes, newest first."}}},
    },
}


def test_integrations_are_listed_and_shown_wherever_they_are_from(
    portico: Command, done: Command, house: Served
) -> None:
    made = asked(house, "POST", "/integration", NOTES)
    assert made.status == 201, made.content
    try:
        rows = {row[0]: row[1:] for row in done("integrations", "list").rows}
        assert rows["openai"] == ["OpenAI", "ai", "Portico", "1"]
        assert rows["notes"] == ["Notes", "productivity", "environment", "1"]
        shown = dict(row for row in done("integrations", "show", "notes").rows)
        assert (shown["calls"], shown["takes"], shown["can"]) == (
            "https://api.notes.example/v2", "api_key", "1 methods of 1 resources",
        )  # fmt: skip
        assert done("integrations", "show", made.json["id"], "--json").json == made.json
        shown = dict(row for row in done("integrations", "show", "openai").rows)
        assert (shown["from"], shown["calls"]) == ("Portico", "https://api.openai.com/v1")
        assert "admin_key" in shown["takes"]
        assert "user-directory/users" in shown["unified"]
        refused = portico("integrations", "show", "nothing")
        assert (refused.code, refused.out) == (1, "")
        assert "There is no integration 'nothing'; `portico integrations list`" in refused.err
    finally:
        asked(house, "DELETE", f"/integration/{made.json['id']}")


def test_what_is_said_of_methods_is_listed_with_who_says_it(done: Command, house: Served) -> None:
    said = "Make a project. Call it after the team that pays for it."
    body = {"entity_type": "integration", "entity_id": "openai", "type": "description", "content": said}
    made = asked(house, "POST", "/documentation", body | {"resource": "projects", "method": "create"})
    assert made.status == 201, made.content
    try:
        rows = done("integrations", "texts", "openai", "--resource", "projects", "--method", "create").rows
        assert [*rows[0][:2], "description", "environment", said] in rows
        assert {tuple(row[:2]) for row in rows} == {("projects", "create")}
        assert {"definition", "environment"} == {row[3] for row in rows}
        assert made.json in done("integrations", "texts", "openai", "--resource", "projects", "--json").json
    finally:
        asked(house, "DELETE", f"/documentation/{made.json['id']}")


def test_kept_files_are_listed_linked_and_deleted(portico: Command, done: Command, house: Served) -> None:
    headers = {"authorization": f"Bearer {house.token}", "content-type": "text/plain"}
    kept = json.loads(exchanged(house.url, "POST", "/file?filename=a.txt", headers, b"hello").content)
    row = next(row for row in done("files", "list").rows if row[0] == kept["id"])
    assert row[1:4] == ["a.txt", "text/plain", "5"]
    assert done("files", "list", "--account", house.account_id, "--json").json == []
    with urlopen(done("files", "link", kept["id"], "--minutes", "1").out.strip(), timeout=10) as answer:
        assert answer.read() == b"hello"
    assert "seconds: is 0; allowed: 10 to " in portico("files", "link", kept["id"], "--minutes", "0").err
    assert done("files", "delete", kept["id"]).out == f"Deleted {kept['id']}.\n"
    assert kept["id"] not in portico("files", "list").out
