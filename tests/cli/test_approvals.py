"""`portico approvals`: a call that waits is seen, shown and answered from the terminal."""

import json

import pytest

from tests.cli.conftest import Command
from tests.served import Served, asked, exchanged

CALL = "openai_projects_archive"


@pytest.fixture
def waiting(done: Command, house: Served) -> str:
    """The id of an approval that a server's call waits for."""
    project = asked(
        house, "POST", f"/proxy/projects?integrated_account_id={house.account_id}", {"name": "Sunset"}
    ).json["id"]
    config = {"confirm": "destructive", "confirm_wait_seconds": 0}
    made = asked(house, "POST", f"/integrated-account/{house.account_id}/mcp", {"name": "held", "config": config}).json
    params = {"name": CALL, "arguments": {"project_id": project}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    path = "/mcp/" + made["token"]
    headers = {"mcp-protocol-version": "2025-11-25", "accept": "application/json"}
    answer = exchanged(house.url, "POST", path, headers, json.dumps(body).encode()).json
    assert answer["result"]["structuredContent"]["code"] == "approval_pending", answer
    return answer["result"]["structuredContent"]["approval"]["id"]


def test_a_waiting_call_is_listed_shown_and_approved(done: Command, portico: Command, waiting: str) -> None:
    row = next(row for row in done("approvals", "list").rows if row[0] == waiting)
    assert row[1] == "pending"
    assert row[2].startswith("Archive project")
    shown = done("approvals", "show", waiting, "--json").json
    assert shown["request"]["path"].endswith("/archive")
    assert shown["impact"]["target"]["name"] == "Sunset"
    assert done("approvals", "approve", waiting).out == f"Approved: {CALL} ({waiting}).\n"
    assert done("approvals", "list", "--state", "approved").rows[0][0] == waiting
    assert "approved already" in portico("approvals", "deny", waiting).err


def test_a_waiting_call_is_refused_with_a_reason(done: Command, waiting: str) -> None:
    assert done("approvals", "deny", waiting, "--reason", "no").out == f"Denied: {CALL} ({waiting}).\n"
    assert done("approvals", "show", waiting, "--json").json["reason"] == "no"
