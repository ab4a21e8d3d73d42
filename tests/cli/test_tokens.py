"""`portico tokens`, `environments` and `logs`."""

import time
from datetime import UTC, datetime, timedelta

from tests.cli.conftest import Command
from tests.served import Served, asked


def test_a_token_is_made_used_listed_and_revoked(portico: Command, done: Command, house: Served) -> None:
    token = done("tokens", "create", "reader", "--scope", "accounts:read", "--scope", "logs").out.strip()
    assert done("accounts", "list", "--token", token).rows
    row = next(row for row in done("tokens", "list").rows if row[1] == "reader")
    assert done("tokens", "list", "--name", "reader").rows == [row]
    assert portico("tokens", "list", "--name", "nobody").out == ""
    assert row[2:] == [f"…{token[-4:]}", "accounts:read, logs", "never"]
    listed = next(each for each in done("tokens", "list", "--json").json if each["name"] == "reader")
    assert listed["id"] == row[0]
    assert token not in str(listed)
    assert done("tokens", "revoke", row[0]).out == f"Revoked {row[0]}.\n"
    assert portico("accounts", "list", "--token", token).err.endswith("(401)\n")


def test_a_token_can_end_and_be_made_for_another_environment(portico: Command, done: Command) -> None:
    environment = done("environments", "create", "elsewhere").out.strip()
    assert environment in {row[0] for row in done("environments", "list").rows}
    assert [row[1] for row in done("environments", "list", "--name", "elsewhere").rows] == ["elsewhere"]
    made = done(
        "tokens", "create", "x", "--environment", environment, "--expires-at", "2099-01-31T00:00:00Z", "--json"
    ).json
    assert (made["environment_id"], made["expires_at"]) == (environment, "2099-01-31T00:00:00.000Z")
    assert portico("accounts", "list", "--token", made["token"]).out == ""
    assert "elsewhere" in {each["name"] for each in done("environments", "list", "--json").json}


def test_an_end_may_be_said_as_people_say_it(portico: Command, done: Command) -> None:
    made = done("tokens", "create", "x", "--expires-at", "in 2 days", "--json").json
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=47) < left <= timedelta(days=2)
    assert "'soon' is not a time" in portico("tokens", "create", "x", "--expires-at", "soon").err


def test_an_unknown_scope_is_refused_with_those_there_are(portico: Command) -> None:
    ran = portico("tokens", "create", "x", "--scope", "everything")
    assert (ran.code, ran.out) == (1, "")
    assert "accounts:read" in ran.err


def test_the_log_may_be_listed_like_everything_else(done: Command) -> None:
    done("call", "models", "list")
    assert [each["resource"] for each in done("logs", "list", "--limit", "1", "--json").json] == ["models"]


def test_the_log_tells_of_calls_and_is_filtered(portico: Command, done: Command, house: Served) -> None:
    done("call", "models", "list")
    assert portico("call", "models", "get", "id=gpt-unheard-of").code == 1
    wait_for_rows(house, 2)
    rows = done("logs", "--limit", "2").rows
    assert [(row[1], row[2], row[3]) for row in rows] == [
        ("404", "proxy", "models.get"),
        ("200", "proxy", "models.list"),
    ]
    failed = done("logs", "--status", "404", "--account", house.account_id, "--json").json
    assert {each["http_status_code"] for each in failed} == {404}
    assert portico("logs", "--account", "nobody").err == "No calls that fit.\n"


def test_a_call_is_shown_with_what_was_asked_and_answered(portico: Command, done: Command, house: Served) -> None:
    assert portico("environments", "update", "x").err.startswith("Say what to change")
    environment = done("environments", "list").rows[-1][0]
    shown = done("environments", "update", environment, "--log-bodies").rows
    assert ["log_bodies", "yes"] in shown
    done("accounts", "update", house.account_id, "--log-bodies", "off")
    assert done("accounts", "show", house.account_id, "--json").json["log_bodies"] is False
    done("accounts", "update", house.account_id, "--log-bodies", "as-environment")
    done("call", "embeddings", "create", "model=text-embedding-3-small", "input=capybaras")
    wait_for_rows(house, 1)
    (row,) = done("logs", "--with-bodies", "--json").json
    told = done("logs", row["id"]).out
    assert "request\t\n" in told
    assert '"input": "capybaras"' in told
    assert '"object": "list"' in told
    assert done("logs", row["id"], "--json").json["request"]["body"]["input"] == "capybaras"
    done("environments", "update", environment, "--no-log-bodies")


def test_what_was_used_is_told_by_day_and_by_model(done: Command, house: Served) -> None:
    done("call", "embeddings", "create", "model=text-embedding-3-small", "input=capybaras")
    found = done("usage", "compare", house.account_id, "--json").json
    assert found[0]["metered"]["requests"] >= 1
    day, model, what, requests, *_ = done("usage", "compare", house.account_id).rows[0]
    assert (day, model, what, requests) == (found[0]["day"], "", "metered", str(found[0]["metered"]["requests"]))
    models = [row[1] for row in done("usage", "compare", house.account_id, "--models").rows]
    assert "text-embedding-3-small" in models


def wait_for_rows(house: Served, count: int) -> None:
    """Rows are written every half second."""
    deadline = time.monotonic() + 5
    while len(asked(house, "GET", f"/log?limit={count}").json["result"]) < count:
        assert time.monotonic() < deadline, "the log stayed empty"
