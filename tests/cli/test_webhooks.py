"""The commands for webhooks, for what a vendor is asked to send, and for watched jobs."""

import json

import pytest

from tests.cli.conftest import Command
from tests.served import Served, asked

ADDRESS = "https://hooks.example/portico"


@pytest.fixture
def webhook(portico: Command, house: Served) -> str:
    """The id of the only webhook there is."""
    for each in asked(house, "GET", "/webhook").json["result"]:
        asked(house, "DELETE", f"/webhook/{each['id']}")
    ran = portico("webhooks", "create", ADDRESS, "--event", "job:*", "--json")
    assert ran.code == 0, ran
    return ran.json["id"]


def test_a_webhook_is_made_listed_and_shown(portico: Command, done: Command, webhook: str) -> None:
    ran = portico("webhooks", "create", ADDRESS)
    assert (ran.code, ran.out.splitlines()[0].split(" ", 1)[1]) == (0, "hears of *.")
    assert ran.out.splitlines()[-1].startswith("whsec_")
    listed = done("webhooks", "list")
    assert [row[2] for row in listed.rows[-2:]][::-1] == ["job:*", "*"]
    shown = done("webhooks", "show", webhook, "--json").json
    assert (shown["target_url"], shown["event_types"]) == (ADDRESS, ["job:*"])
    assert "secret" not in shown


def test_a_webhook_is_changed_and_deleted(portico: Command, done: Command, webhook: str) -> None:
    ran = portico("webhooks", "update", webhook)
    assert (ran.code, ran.err) == (1, "Say what to change: --target, --event, --on or --off.\n")
    changed = done("webhooks", "update", webhook, "--off", "--event", "mcp_server:*", "--json").json
    assert (changed["is_active"], changed["event_types"]) == (False, ["mcp_server:*"])
    assert done("webhooks", "update", webhook, "--on", "--json").json["is_active"] is True
    assert done("webhooks", "delete", webhook).out == f"Deleted {webhook}.\n"
    assert portico("webhooks", "show", webhook).code == 1


def test_a_new_secret_is_shown_once_with_the_end_of_the_old_one(portico: Command, webhook: str) -> None:
    ran = portico("webhooks", "rotate", webhook)
    assert (ran.code, ran.out.startswith("whsec_")) == (0, True)
    assert "both signatures until" in ran.err
    assert "The old secret has ended." in portico("webhooks", "rotate", webhook, "--keep-old-hours", "0").err


def test_a_test_that_does_not_arrive_fails_and_says_why(portico: Command, done: Command, webhook: str) -> None:
    ran = portico("webhooks", "test", webhook)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Not delivered. ")
    (sent,) = done("webhooks", "deliveries", webhook, "--json").json
    assert (sent["event"], sent["state"]) == ("test", "failed")
    assert done("webhooks", "deliveries", webhook, "--state", "delivered", "--json").json == []
    again = done("webhooks", "replay", webhook, sent["id"])
    assert again.out == "test is on its way again.\n"


def test_what_was_missed_is_sent_again_by_time(portico: Command, done: Command, webhook: str) -> None:
    ran = portico("webhooks", "replay", webhook)
    assert (ran.code, ran.err) == (1, "Say what to send again: the id of a delivery, or --since (and --until).\n")
    assert done("webhooks", "replay", webhook, "--since", "1 hour ago").out.endswith("messages are on their way.\n")


def test_the_events_are_listed(done: Command) -> None:
    rows = done("webhooks", "events").rows
    assert {"integrated_account:created", "job:completed", "test"} <= {row[0] for row in rows}


def test_a_vendor_is_asked_to_send_an_accounts_events(portico: Command, done: Command, house: Served) -> None:
    account = house.account_id
    assert portico("webhooks", "registered", account).code == 1
    made = done("webhooks", "register", account, "--event", "batch.completed")
    assert made.out.startswith("The vendor sends batch.completed to http")
    assert done("webhooks", "registered", account, "--json").json["event_types"] == ["batch.completed"]
    assert "new secret" in done("webhooks", "renew", account).out
    assert done("webhooks", "sample", account, "--json").json["vendor_answer"]
    assert done("webhooks", "unregister", account).out.startswith("The vendor sends nothing more")


def test_a_job_is_watched_to_its_end(portico: Command, done: Command, house: Served) -> None:
    line = {"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": {"model": "gpt-5-mini", "input": "hi"}}
    path = f"/integrated-account/{house.account_id}/tools/"
    uploaded = asked(
        house, "POST", f"{path}create_a_openai_file", {"purpose": "batch", "file": {"text": json.dumps(line)}}
    )
    wanted = {
        "input_file_id": uploaded.json["structured"]["id"],
        "endpoint": "/v1/responses",
        "completion_window": "24h",
    }
    batch = asked(house, "POST", f"{path}create_a_openai_batch", wanted).json["structured"]["id"]
    ran = done("watches", "start", house.account_id, batch, "--resource", "batches", "--wait")
    assert ran.out == f"{batch}: completed.\n"
    listed = done("watches", "list", "--account", house.account_id, "--state", "completed", "--json").json
    assert batch in {each["object_id"] for each in listed}


def test_a_watch_is_shown_and_stopped(portico: Command, done: Command, house: Served) -> None:
    ran = portico("watches", "start", house.account_id, "run_1", "thread_1")
    assert (ran.code, ran.err) == (
        1,
        "'thread_1' is not name=value; a job's parents are given so: thread_id=thread_1.\n",
    )
    watch = done("watches", "start", house.account_id, "batch_unknown", "--resource", "batches").out.strip()
    assert done("watches", "show", house.account_id, watch, "--json").json["object_id"] == "batch_unknown"
    # The gateway, which is in this process, may say beside it that it was just looking.
    assert "batch_unknown is no longer watched.\n" in done("watches", "stop", house.account_id, watch).out
    assert asked(house, "GET", f"/integrated-account/{house.account_id}/watch/{watch}").json["state"] == "canceled"
