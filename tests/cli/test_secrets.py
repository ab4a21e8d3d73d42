"""`portico secrets`, and keys that are shown once from a terminal."""

import io

import pytest

from tests.cli.conftest import Command
from tests.served import Served, asked

KEY = "sk-proj-typed-" + "k" * 30
SERVICE_ACCOUNT = "create_a_openai_project_service_account"


@pytest.fixture(autouse=True)
def clean(house: Served) -> None:
    for each in asked(house, "GET", "/stored-secret").json["result"]:
        asked(house, "DELETE", "/stored-secret/" + each["name"].replace(" ", "%20"))


def test_a_secret_is_stored_from_standard_input_and_never_told(
    portico: Command, done: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(KEY + "\n"))
    assert done("secrets", "add", "night shift").out == "Stored night shift (…kkkk).\n"
    assert [row[:3] for row in done("secrets", "list").rows] == [["night shift", "…kkkk", "stored by hand"]]
    ran = portico("secrets", "link", "night shift", "--minutes", "5")
    assert (ran.code, "/one-time/ptc_once_" in ran.out, "opens once" in ran.err) == (0, True, True)
    assert KEY not in done("secrets", "list", "--json").out + ran.out
    ran = portico("secrets", "add", "night shift", KEY + "2")
    assert (ran.code, "already" in ran.err) == (1, True)
    assert "Stored" in done("secrets", "add", "night shift", KEY + "2", "--replace").out
    assert done("secrets", "delete", "night shift").out == "Deleted night shift.\n"
    assert "No secret is stored" in portico("secrets", "list").err


def test_nothing_on_standard_input_is_no_secret(portico: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    ran = portico("secrets", "add", "empty")
    assert (ran.code, "no secret" in ran.err) == (1, True)


def test_an_account_is_connected_with_a_stored_key(portico: Command, done: Command, house: Served) -> None:
    done("secrets", "add", "depot", KEY)
    ran = done("accounts", "connect", "depot", "--stored-key", "depot")
    assert ran.out.endswith(" is active with project_key.\n")
    account = ran.out.split()[0]
    assert "is active" in done("accounts", "update", account, "--stored-key", "depot").out
    ran = portico("accounts", "connect", "depot", "--stored-key", "depot", "--key", "x")
    assert (ran.code, "not both" in ran.err) == (1, True)
    ran = portico("accounts", "connect", "depot", "--stored-key", "unknown")
    assert (ran.code, "unknown" in ran.err) == (1, True)


def test_a_tools_key_is_linked_stored_or_told(portico: Command, done: Command, house: Served) -> None:
    project = done("tools", "call", "create_a_openai_project", "name=Keys", "--json").json["structured"]["id"]
    call = ("tools", "call", SERVICE_ACCOUNT, f"project_id={project}", "name=bot")
    assert "/one-time/" in done(*call).out
    assert "sk-" not in done(*call, "--secrets", "store").out
    assert "sk-" in done(*call, "--secrets", "reveal").out
    named = done(*call, "store_as=terminal", "--json").json["structured"]["api_key"]["value"]
    assert named["stored"] == "terminal"
    ran = portico(*call, "--secrets", "whisper")
    assert (ran.code, "reveal, link, store" in ran.err) == (1, True)


def test_a_server_is_made_with_a_policy_for_keys(portico: Command, house: Served) -> None:
    ran = portico("mcp", "create", house.account_id, "keys", "--secrets", "store", "--json")
    assert ran.json["config"]["secrets"] == "store"
    ran = portico("mcp", "update", house.account_id, ran.json["id"], "--secrets", "reveal", "--json")
    assert ran.json["config"]["secrets"] == "reveal"
