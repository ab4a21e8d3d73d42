"""`portico accounts`: connecting, looking, changing, deleting."""

import io

import pytest

from portico.sandbox.faults import from_body
from portico.vault.signatures import make_secret
from tests.cli.conftest import Command
from tests.served import Served, asked


def test_accounts_are_listed_as_a_table_and_as_json(done: Command, house: Served) -> None:
    row = done("accounts", "list").rows[0]
    assert row[:5] == [house.account_id, "stage", "openai", "active", "project_key, admin_key"]
    listed = done("accounts", "list", "--json").json
    assert [each["id"] for each in listed] == [house.account_id]


def test_accounts_are_listed_by_their_states(portico: Command, done: Command, house: Served) -> None:
    assert done("accounts", "list", "--status", "needs_reauth,active").rows[0][0] == house.account_id
    assert portico("accounts", "list", "--status", "needs_reauth,blocked").out == ""
    ran = portico("accounts", "list", "--status", "borked")
    assert (ran.code, "needs_reauth" in ran.err) == (1, True)


def test_a_list_of_nothing_says_why(portico: Command) -> None:
    ran = portico("accounts", "list", "--tenant", "nobody")
    assert (ran.code, ran.out) == (0, "")
    assert "No account is like that" in ran.err
    assert portico("accounts", "list", "--tenant", "nobody", "--json").json == []


def test_an_account_is_connected_with_keys_from_standard_input(
    done: Command, house: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-proj-typed\nsk-admin-typed\n"))
    ran = done("accounts", "connect", "typed", "--key", "-", "--admin-key", "-")
    account_id = ran.out.split()[0]
    assert ran.out == f"{account_id} is active with project_key, admin_key.\n"
    shown = asked(house, "GET", f"/integrated-account/{account_id}").json
    assert (shown["tenant_id"], shown["keys"]["admin_key"]["present"]) == ("typed", True)


def test_a_key_that_is_refused_fails_the_command_and_says_why(portico: Command) -> None:
    ran = portico("accounts", "connect", "bad", "--key", "sk-proj-invalid-bad")
    assert ran.code == 1
    assert " is validation_error. " in ran.out
    assert "sk-proj-invalid-bad" not in ran.out + ran.err
    ran = portico("accounts", "connect", "bad", "--key", "sk-proj-invalid-bad", "--json")
    assert (ran.code, ran.json["status"]) == (1, "validation_error")


def test_an_account_without_a_key_is_told_how_to_give_one(portico: Command) -> None:
    ran = portico("accounts", "connect", "keyless")
    assert (ran.code, "--admin-key, where - reads standard input" in ran.err) == (1, True)


def test_what_an_account_may_not_do_is_shown_in_words(done: Command, house: Served) -> None:
    account_id = done("accounts", "connect", "narrow", "--key", "sk-proj-readonly-acme").out.split()[0]
    fields = dict(done("accounts", "show", account_id).rows)
    assert (fields["last_forbidden_error"], fields["last_error"]) == ("", "")
    assert asked(house, "POST", f"/custom/files?integrated_account_id={account_id}", {}).status == 403
    whole = done("accounts", "show", account_id, "--json").json["last_forbidden_error"]
    told = f"files.create was not allowed; missing scopes: api.files.write ({whole['occurred_at']})"
    assert dict(done("accounts", "show", account_id).rows)["last_forbidden_error"] == told


@pytest.mark.parametrize(
    ("fault", "field", "words"),
    [
        ("status=403", "last_forbidden_error", "files.list was not allowed; the vendor names no missing scopes (20"),
        ("status=401", "last_error", "The vendor refused the account's project_key (401). (20"),
    ],
)
def test_what_went_wrong_last_is_shown_in_words(
    done: Command, house: Served, fault: str, field: str, words: str
) -> None:
    account_id = done("accounts", "connect", "narrow", "--key", "sk-proj-acme").out.split()[0]
    house.world.faults.append(from_body({"fault": fault, "match": {"path": "/v1/files"}}))
    asked(house, "GET", f"/proxy/files?integrated_account_id={account_id}")
    house.world.faults.clear()
    assert dict(done("accounts", "show", account_id).rows)[field].startswith(words)


def test_an_account_is_shown_without_its_keys(done: Command, house: Served) -> None:
    assert ["tenant_id", "stage"] in done("accounts", "show", house.account_id).rows
    ran = done("accounts", "show", house.account_id, "--json")
    assert ran.json["id"] == house.account_id
    assert "sk-proj-stage" not in ran.out


def test_an_account_is_blocked_and_let_go_on(portico: Command, done: Command, house: Served) -> None:
    assert " is blocked." in done("accounts", "update", house.account_id, "--status", "blocked").out
    ran = portico("call", "models", "list")
    assert (ran.code, ran.out) == (1, "")
    assert "(503)" in ran.err
    assert " is active " in done("accounts", "update", house.account_id, "--status", "active").out
    assert done("call", "models", "list").rows


def test_a_change_of_nothing_is_refused(portico: Command, house: Served) -> None:
    ran = portico("accounts", "update", house.account_id)
    assert (ran.code, ran.err) == (
        1,
        "Say what to change: --tenant, --status, --key, --admin-key, --stored-key, --stored-admin-key or "
        "--log-bodies.\n",
    )


def test_keys_are_proved_again(done: Command, house: Served) -> None:
    ran = done("accounts", "check", house.account_id)
    assert " is active with " in ran.out
    assert {entry.raw_path for entry in house.world.requests} == {"/v1/models", "/v1/organization/projects"}


def test_a_token_for_one_account_can_be_used_and_opens_nothing_else(
    portico: Command, done: Command, house: Served
) -> None:
    token = done("accounts", "token", house.account_id).out.strip()
    assert token.startswith("ptc_acc_")
    assert done("call", "models", "list", "--token", token).rows
    assert done("tools", "list", "--tag", "billing", "--token", token).rows
    ran = portico("accounts", "list", "--token", token)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("(403)\n")
    assert done("accounts", "token", house.account_id, "--json").json["integrated_account_token"]


def test_an_account_is_deleted(portico: Command, done: Command) -> None:
    account_id = done("accounts", "connect", "gone", "--key", "sk-proj-gone", "--json").json["id"]
    assert done("accounts", "delete", account_id).out == f"Deleted {account_id}.\n"
    ran = portico("accounts", "delete", account_id)
    assert (ran.code, ran.out) == (1, "")
    assert account_id in ran.err
    assert ran.err.endswith("(404)\n")


def test_what_stays_at_the_vendor_of_a_deleted_account_is_told(portico: Command, done: Command, house: Served) -> None:
    account_id = done("accounts", "connect", "gone", "--key", "sk-proj-gone", "--json").json["id"]
    made = asked(house, "POST", f"/integrated-account/{account_id}/vendor-webhook", {"secret": make_secret()}).json
    ran = portico("accounts", "delete", account_id)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"Deleted {account_id}.")
    assert ran.err.startswith(f"Its webhook endpoint {made['url']} stays at the vendor: The endpoint was made")
